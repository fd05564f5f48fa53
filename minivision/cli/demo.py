"""Train a system for two minutes and look at what it learned.

Draws scenes, trains the system on them, and writes a page with pictures: input, truth and prediction. Without
--system that is Mask R-CNN: boxes, masks and the joints of people.
"""

import contextlib
import io
import pathlib
import time

from minivision.cli.options import UsageError, positive, seed

SYSTEM, LEVEL = "mask-rcnn", "easy"
CLASSES = ("disc", "star", "person")  # what two minutes are enough for
TRAIN_SCENES, VAL_SCENES, SHOWN = 2000, 200, 5
FEWER_SCENES = {"rcnn": 600, "fast-rcnn": 600}  # where selective search takes its time for each
OPTIONS = {"rcnn": {"svm_images": 200}}  # where a system's own would take too long
COMPILED_WITH = 16  # scenes
EVALUATION = 0.08  # of the time; on a slow machine fewer scenes are evaluated
PICTURES_TIME = 8.0  # seconds that are kept for the figures and the page
SHORTEST = 5.0  # seconds of training, however long compiling took

EPILOG = """\
examples:
  minivision demo
  minivision demo --system encoder-decoder --seconds 90
  minivision demo --seconds 300 --out longer
"""


def add_arguments(parser, system):
    from minivision.models import systems

    parser.add_argument(
        "--system", choices=systems(), default=SYSTEM, metavar="NAME",
        help=f"what to train, one of {', '.join(systems())} (default: {SYSTEM})",
    )  # fmt: skip
    parser.add_argument(
        "--seconds", type=positive, default=165.0, metavar="S",
        help="how long all of it may take, compiling and pictures included (default: 165)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=pathlib.Path, default=pathlib.Path("minivision-demo"), metavar="DIR",
        help="where the pictures go (default: minivision-demo)",
    )  # fmt: skip
    parser.add_argument("--seed", type=seed, default=0, metavar="S", help="another seed, other weights (default: 0)")


def run(args):
    import numpy as np

    from minivision.cli.demo_pictures import in_words
    from minivision.data import Scenes
    from minivision.metrics import evaluate
    from minivision.models import make_model, system_class
    from minivision.training import train

    start = time.perf_counter()
    _make_room(args.out)
    wanted = {"classes": CLASSES, **system_class(args.system).scene_options}
    count = min(TRAIN_SCENES, FEWER_SCENES.get(args.system, TRAIN_SCENES))
    print(f"Drawing {count} scenes", flush=True)
    scenes = Scenes(LEVEL, "train", **wanted).cached(count, progress=True)
    options = OPTIONS.get(args.system, {})
    model = make_model(args.system, scenes.classes, rng=np.random.default_rng(args.seed), **options)
    prediction_time, closing_time = _compile(model, scenes)
    validated = min(VAL_SCENES, max(4 * SHOWN, int(EVALUATION * args.seconds / prediction_time)))
    left = args.seconds * (1 - EVALUATION) - (time.perf_counter() - start) - PICTURES_TIME - closing_time
    data = {"data": "scenes", "level": LEVEL, "split": "train", "size": None, "skip_broken": False, **wanted}
    result = train(model, scenes, out=args.out, minutes=max(left, SHORTEST) / 60, seed=args.seed, data=data)
    validation = Scenes(LEVEL, "val", **wanted).draw(validated)
    figures = evaluate(model, validation, progress=True)
    page = _write(args, model, scenes, validation, result, figures)
    words = ", ".join(f"{value} {name}" for name, value in in_words(model.task, figures).items())
    print(f"On {validated} scenes it has never seen: {words}; all of it took {time.perf_counter() - start:.0f} s")
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
    """Compile what training and prediction need, on a copy.

    Returns
    -------
    seconds : float
        That the prediction of an image takes.
    closing : float
        Seconds that the model needs after the last step.
    """
    import copy

    from minivision.data import collate

    print("Compiling", end="", flush=True)
    start = time.perf_counter()
    trial = copy.deepcopy(model)
    with contextlib.redirect_stdout(io.StringIO()):  # all of this will be said again
        prepared = trial.prepare(scenes) or scenes  # proposals are kept: the training finds them ready
        samples = [prepared[i] for i in range(COMPILED_WITH)]
        trial.step(collate(samples))
        trial.finish(samples)
        images = [sample.image for sample in samples]
        trial.predict(images)
        compiled = time.perf_counter()
        trial.predict(images)
        predicted = time.perf_counter()
        trial.finish(samples)
    closing = (time.perf_counter() - predicted) * trial.options.get("svm_images", 0) / COMPILED_WITH
    print(f": {compiled - start:.1f} s", flush=True)
    return (predicted - compiled) / len(images), closing


def _write(args, model, scenes, validation, result, figures):
    """Write the pictures and the page; return the path of the page."""
    from minivision import __version__
    from minivision.cli.demo_page import write_page
    from minivision.cli.demo_pictures import save_pictures
    from minivision.viz import save_loss_curve

    (args.out / "index.html").touch()  # marks the folder as the demo's even if the rest fails
    most = max(len(sample.instances) for sample in validation)
    samples = [sample for sample in validation if len(sample.instances) >= min(3, most)][:SHOWN]
    pictures = save_pictures(args.out, model, samples)
    curves = args.out / "loss.png", args.out / "loss-dark.png"
    for path, dark in zip(curves, (False, True), strict=True):
        save_loss_curve(result.log, path, dark=dark)
    minutes, seconds = divmod(round(result.seconds), 60)
    facts = {
        "duration": f"{minutes} min {seconds} s" if minutes else f"{seconds} seconds",
        "images": f"{min(len(scenes), result.step * model.recipe['batch_size']):,}",
        "steps": f"{result.step:,}",
        "parameters": f"{sum(parameter.value.size for parameter in model.parameters()):,}",
        "system": model.name,
        "level": LEVEL,
        "seed": args.seed,
        "version": __version__,
    }
    page = args.out / "index.html"
    write_page(page, model=model, pictures=pictures, curves=curves, figures=figures, facts=facts)
    return page
