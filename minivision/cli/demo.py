"""Train a system for two minutes and look at its predictions.

Draws scenes, trains the system on them, and writes a page with pictures: input, ground truth and prediction. The
default system is Mask R-CNN: boxes, masks and the joints of people.
"""

import pathlib
import time

from minivision.cli.messages import messages_hidden
from minivision.cli.options import UsageError, positive, seed

SYSTEM, LEVEL = "mask-rcnn", "easy"
CLASSES = ("disc", "star", "person")  # two minutes are enough to learn them
TRAIN_SCENES, VAL_SCENES, SHOWN_SCENES = 2000, 200, 5
FEWER_SCENES = {"rcnn": 600, "fast-rcnn": 600}  # selective search takes time for each scene
OPTIONS = {"rcnn": {"svm_images": 200}}  # where the default would take too long
COMPILATION_SCENES = 16  # scenes that compiling runs on
EVALUATION_SHARE = 0.08  # of the time; on a slow machine fewer scenes are evaluated
PICTURES_SECONDS = 8.0  # reserved for the pictures and the page
MIN_TRAINING_SECONDS = 5.0  # however long compiling took

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
        help="time for everything, with compiling and pictures (default: 165)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=pathlib.Path, default=pathlib.Path("minivision-demo"), metavar="DIR",
        help="folder for the page and the run (default: minivision-demo)",
    )  # fmt: skip
    parser.add_argument("--seed", type=seed, default=0, metavar="S", help="of the weights and batches (default: 0)")


def run(args):
    import numpy as np

    from minivision.data import Scenes
    from minivision.models import make_model, system_class
    from minivision.tasks import evaluate, get_task
    from minivision.training import Settings, train

    start = time.perf_counter()
    _make_room(args.out)
    scene_options = {"classes": CLASSES, **system_class(args.system).scene_options}
    count = min(TRAIN_SCENES, FEWER_SCENES.get(args.system, TRAIN_SCENES))
    print(f"Drawing {count} scenes", flush=True)
    scenes = Scenes(LEVEL, "train", **scene_options).cached(count, progress=True)
    options = OPTIONS.get(args.system, {})
    model = make_model(args.system, scenes.classes, rng=np.random.default_rng(args.seed), **options)
    prediction_seconds, finish_seconds = _compile(model, scenes)
    num_validated = min(VAL_SCENES, max(4 * SHOWN_SCENES, int(EVALUATION_SHARE * args.seconds / prediction_seconds)))
    left = args.seconds * (1 - EVALUATION_SHARE) - (time.perf_counter() - start) - PICTURES_SECONDS - finish_seconds
    data = {"data": "scenes", "level": LEVEL, "split": "train", "size": None, "skip_broken": False, **scene_options}
    minutes = max(left, MIN_TRAINING_SECONDS) / 60
    result = train(model, scenes, Settings(seed=args.seed), minutes=minutes, out=args.out, data=data)
    validation = Scenes(LEVEL, "val", **scene_options).draw(num_validated)
    metrics = evaluate(model, validation, progress=True)
    page = _write(args, model, scenes, validation, result, metrics)
    summary = ", ".join(f"{name} {value}" for name, value in get_task(model.task).summary(metrics).items())
    print(f"On {num_validated} scenes that it was not trained on: {summary}")
    print(f"The demo took {time.perf_counter() - start:.0f} s")
    print(f"Open {page.resolve().as_uri()}")
    return 1 if result.interrupted else 0


def _make_room(out):
    """Create the folder; remove the run of an earlier demo, but no other run."""
    from minivision.training.checkpoint import CHECKPOINT
    from minivision.training.log import LOG

    run_files = [out / name for name in (CHECKPOINT, LOG) if (out / name).exists()]
    if run_files and not (out / "index.html").exists():
        raise UsageError(f"{out} holds a run that the demo did not make; choose another folder with --out")
    for file in run_files:
        file.unlink()
    out.mkdir(parents=True, exist_ok=True)


def _compile(model, scenes):
    """Compile what training and prediction need, on a copy of the model.

    Returns
    -------
    prediction_seconds : float
        Time of the prediction for one image.
    finish_seconds : float
        Time that the model needs after the last step.
    """
    import copy

    from minivision.data import collate

    print("Compiling", end="", flush=True)
    start = time.perf_counter()
    trial = copy.deepcopy(model)
    with messages_hidden():  # the training prints the same
        prepared = trial.prepare(scenes) or scenes  # proposals are cached for the training
        samples = [prepared[i] for i in range(COMPILATION_SCENES)]
        trial.step(collate(samples))
        trial.finish(samples)
        images = [sample.image for sample in samples]
        trial.predict(images)
        compiled = time.perf_counter()
        trial.predict(images)
        predicted = time.perf_counter()
        trial.finish(samples)
    finish_seconds = (time.perf_counter() - predicted) * trial.options.get("svm_images", 0) / COMPILATION_SCENES
    print(f": {compiled - start:.1f} s", flush=True)
    return (predicted - compiled) / len(images), finish_seconds


def _write(args, model, scenes, validation, result, metrics):
    """Write the pictures and the page; return the path of the page."""
    from minivision import __version__
    from minivision.cli.demo_page import save_pictures, write_page
    from minivision.viz import save_loss_curve

    (args.out / "index.html").touch()  # marks the folder as one of the demo, even if the rest fails
    max_objects = max(len(sample.instances) for sample in validation)
    samples = [sample for sample in validation if len(sample.instances) >= min(3, max_objects)][:SHOWN_SCENES]
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
    write_page(page, model=model, pictures=pictures, curves=curves, metrics=metrics, facts=facts)
    return page
