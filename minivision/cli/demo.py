"""Train a small network for a minute and look at what it learned.

Draws scenes, trains the encoder-decoder on them, and writes a page with pictures: input, truth and
prediction.
"""

import pathlib
import time

from minivision.cli.arguments import UsageError, positive, seed

SYSTEM, LEVEL = "encoder-decoder", "easy"
CLASSES = ("disc", "star", "person")  # what half a minute is enough for
TRAIN_SCENES, VAL_SCENES, SHOWN = 2000, 200, 5
EVALUATION = 0.08  # of the time; on a slow machine fewer scenes are evaluated
PICTURES_TIME = 4.0  # seconds that are kept for the figures and the page
SHORTEST = 5.0  # seconds of training, however long compiling took

EPILOG = """\
examples:
  minivision demo
  minivision demo --seconds 300 --out longer
"""


def add_arguments(parser, system):
    parser.add_argument(
        "--seconds", type=positive, default=84.0, metavar="S",
        help="how long all of it may take, compiling and pictures included (default: 84)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=pathlib.Path, default=pathlib.Path("minivision-demo"), metavar="DIR",
        help="where the pictures go (default: minivision-demo)",
    )  # fmt: skip
    parser.add_argument("--seed", type=seed, default=0, metavar="S", help="another seed, other weights (default: 0)")


def run(args):
    import numpy as np

    from minivision.data import Scenes
    from minivision.metrics import evaluate
    from minivision.models import make_model
    from minivision.training import train

    start = time.perf_counter()
    _make_room(args.out)
    print(f"Drawing {TRAIN_SCENES} scenes", flush=True)
    scenes = Scenes(LEVEL, "train", classes=CLASSES).cached(TRAIN_SCENES, progress=True)
    model = make_model(SYSTEM, scenes.classes, rng=np.random.default_rng(args.seed))
    validated = min(VAL_SCENES, max(4 * SHOWN, int(EVALUATION * args.seconds / _compile(model, scenes))))
    left = args.seconds * (1 - EVALUATION) - (time.perf_counter() - start) - PICTURES_TIME
    data = {"data": "scenes", "level": LEVEL, "classes": CLASSES, "split": "train", "size": None, "skip_broken": False}
    result = train(model, scenes, out=args.out, minutes=max(left, SHORTEST) / 60, seed=args.seed, data=data)
    validation = Scenes(LEVEL, "val", classes=CLASSES).draw(validated)
    figures = evaluate(model, validation, progress=True)
    page = _write(args, model, validation, result, figures)
    print(f"Mean IoU {figures['miou']:.2f} on scenes it has never seen; all of it took "
          f"{time.perf_counter() - start:.0f} s")  # fmt: skip
    print(f"Open {page.resolve().as_uri()}")
    return 1 if result.interrupted else 0


def _make_room(out):
    """Make the folder; remove what an earlier demo left, but never a run of someone's own."""
    from minivision.training.trainer import CHECKPOINT, LOG

    run_files = [out / name for name in (CHECKPOINT, LOG) if (out / name).exists()]
    if run_files and not (out / "index.html").exists():
        raise UsageError(f"{out} holds a run that is not of the demo; choose another folder with --out")
    for file in run_files:
        file.unlink()
    out.mkdir(parents=True, exist_ok=True)


def _compile(model, scenes):
    """Compile what training and prediction need, on a copy; return the seconds that a prediction takes."""
    import copy

    from minivision.data import collate

    print("Compiling", end="", flush=True)
    start = time.perf_counter()
    trial = copy.deepcopy(model)
    samples = [scenes[i] for i in range(16)]
    trial.step(collate(samples))
    images = [sample.image for sample in samples]
    trial.predict(images)
    print(f": {time.perf_counter() - start:.1f} s", flush=True)
    again = time.perf_counter()
    trial.predict(images)
    return (time.perf_counter() - again) / len(images)


def _write(args, model, validation, result, figures):
    """Write the pictures and the page; return the path of the page."""
    from minivision import __version__
    from minivision.cli.page import write_page
    from minivision.viz import draw_comparison, save_loss_curve

    (args.out / "index.html").touch()  # marks the folder as the demo's even if the rest fails
    samples = [sample for sample in validation if len(sample.instances) >= 3][:SHOWN]
    predictions = model.predict([sample.image for sample in samples])
    pictures = [
        _save_pictures(args.out, number, sample, prediction)
        for number, (sample, prediction) in enumerate(zip(samples, predictions, strict=True), start=1)
    ]
    images, truths = [sample.image for sample in samples], [sample.label_map for sample in samples]
    draw_comparison(images, truths, predictions, model.classes).savefig(args.out / "comparison.png")
    curves = args.out / "loss.png", args.out / "loss-dark.png"
    for path, dark in zip(curves, (False, True), strict=True):
        save_loss_curve(result.log, path, dark=dark)
    minutes, seconds = divmod(round(result.seconds), 60)
    facts = {
        "duration": f"{minutes} min {seconds} s" if minutes else f"{seconds} seconds",
        "images": f"{min(TRAIN_SCENES, result.step * model.recipe['batch_size']):,}",
        "steps": f"{result.step:,}",
        "parameters": f"{sum(parameter.value.size for parameter in model.parameters()):,}",
        "level": LEVEL,
        "seed": args.seed,
        "version": __version__,
    }
    page = args.out / "index.html"
    write_page(page, pictures=pictures, curves=curves, figures=figures, facts=facts)
    return page


def _save_pictures(out, number, sample, prediction):
    from PIL import Image

    from minivision.viz import overlay

    pictures = {
        "input": sample.image,
        "truth": overlay(sample.image, sample.label_map),
        "prediction": overlay(sample.image, prediction),
    }
    files = []
    for name, picture in pictures.items():
        files.append(out / f"scene-{number}-{name}.png")
        Image.fromarray(picture).save(files[-1])
    return tuple(files)
