"""Train a system for two minutes and look at its predictions.

Draws scenes, trains the system on them, and writes a page with pictures: input, ground truth and prediction. The
default system is Mask R-CNN: boxes, masks and the joints of people. A small trained Mask R-CNN is part of the package:
the page shows at once what it finds, and later what the network that was just trained finds.
"""

import contextlib
import importlib.resources
import pathlib
import time

from minivision.cli.compile_ahead import compile_ahead
from minivision.cli.messages import messages_hidden
from minivision.cli.options import UsageError, positive, seed

SYSTEM, LEVEL = "mask-rcnn", "easy"
CLASSES = ("disc", "star", "person")  # two minutes are enough to learn them
TRAIN_SCENES, VAL_SCENES, SHOWN_SCENES = 2000, 200, 5
FEWER_SCENES = {"rcnn": 600, "fast-rcnn": 600}  # selective search takes time for each scene
OPTIONS = {"rcnn": {"svm_images": 200}}  # where the default would take too long
COMPILATION_SCENES = 16  # scenes that compiling runs on
EVALUATION_SHARE = 0.08  # of the time; on a slow machine fewer scenes are evaluated
MIN_STEPS = 60  # of the training, however slow the machine
FIRST_SCENES = 4  # predicted by the network of the package
PRETRAINED_SYSTEM = "mask-rcnn"
PRETRAINED, SCENES = "mask-rcnn.npz", "scenes.npz"  # in the folder minivision/pretrained

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
        "--seconds", type=positive, default=120.0, metavar="S",
        help="time of the training, without compiling and pictures (default: 120)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=pathlib.Path, default=pathlib.Path("minivision-demo"), metavar="DIR",
        help="folder for the page and the run (default: minivision-demo)",
    )  # fmt: skip
    parser.add_argument("--seed", type=seed, default=0, metavar="S", help="of the weights and batches (default: 0)")
    parser.add_argument(
        "--make-checkpoint", type=pathlib.Path, metavar="FILE",
        help="also write the trained network as a small file of 16-bit numbers, such as the one in the package",
    )  # fmt: skip


def run(args):
    import numpy as np

    from minivision.data import Scenes
    from minivision.models import make_model, system_class
    from minivision.tasks import evaluate, get_task
    from minivision.training import Settings, train

    start = time.perf_counter()
    _make_room(args.out)
    scene_options = {"classes": CLASSES, **system_class(args.system).scene_options}
    with compile_ahead(args.system, LEVEL, scene_options):
        if args.system == PRETRAINED_SYSTEM and not args.make_checkpoint:
            _show_pretrained(args, start)
        count = min(TRAIN_SCENES, FEWER_SCENES.get(args.system, TRAIN_SCENES))
        print(f"Drawing {count} scenes", flush=True)
        scenes = Scenes(LEVEL, "train", **scene_options).cached(count, progress=True)
        options = OPTIONS.get(args.system, {})
        model = make_model(args.system, scenes.classes, rng=np.random.default_rng(args.seed), **options)
        prediction_seconds, step_seconds = _compile(model, scenes)
    num_validated = min(VAL_SCENES, max(4 * SHOWN_SCENES, int(EVALUATION_SHARE * args.seconds / prediction_seconds)))
    data = {"data": "scenes", "level": LEVEL, "split": "train", "size": None, "skip_broken": False, **scene_options}
    length = {"minutes": args.seconds / 60}
    if args.seconds < MIN_STEPS * step_seconds:
        print(f"A step takes {step_seconds:.1f} s here, so {MIN_STEPS} steps are taken, which is longer than asked for")
        length = {"steps": MIN_STEPS}
    result = train(model, scenes, Settings(seed=args.seed), **length, out=args.out, data=data)
    validation = Scenes(LEVEL, "val", **scene_options).draw(num_validated)
    metrics = evaluate(model, validation, progress=True)
    page = _write(args, model, validation, result, metrics)
    if args.make_checkpoint:
        save_small(args.make_checkpoint, args.out, metrics)
        save_first_scenes(args.make_checkpoint.with_name(SCENES), args.system)
    summary = ", ".join(f"{name} {value}" for name, value in get_task(model.task).summary(metrics).items())
    print(f"On {num_validated} scenes that it was not trained on: {summary}")
    print(f"Trained {result.step} steps; more time helps: --seconds {2 * max(args.seconds, result.seconds):.0f}")
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


def save_small(path, run, metrics):
    """Write the network of a run in 16-bit numbers, with its figures and without what only training needs.

    Parameters
    ----------
    path : Path
        The file to write.
    run : Path
        The folder of the run.
    metrics : dict
        What :func:`minivision.tasks.evaluate` found.
    """
    import dataclasses

    import numpy as np

    from minivision.training import Checkpoint

    checkpoint = Checkpoint.load(run)
    largest = np.finfo(np.float16).max
    small = {
        name: array.astype(np.float16) if array.dtype == np.float32 and (abs(array) <= largest).all() else array
        for name, array in checkpoint.model.items()
    }
    data = {**checkpoint.data, "metrics": metrics}
    dataclasses.replace(checkpoint, model=small, optimizer={}, data=data).save(path)


def save_first_scenes(path, system):
    """Write the scenes that the demo shows first, so that nothing must be compiled to draw them."""
    from minivision.data import Scenes
    from minivision.models import system_class

    Scenes(LEVEL, "val", classes=CLASSES, **system_class(system).scene_options).draw(FIRST_SCENES).save(path)


def _show_pretrained(args, start):
    """Write the page with what the network of the package finds, before anything is trained or compiled."""
    import minivision
    from minivision.cli import quick_kernels
    from minivision.data import InMemory
    from minivision.training import Checkpoint

    with importlib.resources.as_file(importlib.resources.files("minivision") / "pretrained") as folder:
        checkpoint = Checkpoint.load(folder / PRETRAINED)
        validation = InMemory.load(folder / SCENES)
    model = checkpoint.make_model()
    minivision.register_backend("demo", quick_kernels)
    try:
        with _timed("Predicting with a network that was trained before"), minivision.backend("demo"):
            page = _write(args, model, validation, checkpoint, checkpoint.data["metrics"])
    finally:
        minivision.unregister_backend("demo")
    print(f"First pictures after {time.perf_counter() - start:.0f} s: {page.resolve().as_uri()}", flush=True)


@contextlib.contextmanager
def _timed(task):
    """Print the name of a task, and at its end the time that it took."""
    start = time.perf_counter()
    print(task, flush=True)
    yield
    print(f"{task}: {time.perf_counter() - start:.1f} s", flush=True)


def _compile(model, scenes):
    """Compile what training and prediction need, on a copy of the model.

    Returns
    -------
    prediction_seconds : float
        Time of the prediction for one image.
    step_seconds : float
        Time of a step of the training.
    """
    import copy

    from minivision.data import collate

    trial = copy.deepcopy(model)
    # The training prints the same messages.
    with _timed("Preparing, and compiling once what the training needs"), messages_hidden():
        prepared = trial.prepare(scenes) or scenes  # proposals are cached for the training
        samples = [prepared[i] for i in range(COMPILATION_SCENES)]
        batch = collate(samples[: model.recipe["batch_size"]])
        images = [sample.image for sample in samples]
        trial.step(batch)
        trial.finish(samples)
        trial.predict(images)
        compiled = time.perf_counter()
        trial.predict(images)
        predicted = time.perf_counter()
        trial.step(batch)
        stepped = time.perf_counter()
    return (predicted - compiled) / len(images), stepped - predicted


def _write(args, model, validation, result, metrics):
    """Write the pictures and the page; return its path. The result of a training or a checkpoint tells its length."""
    from minivision import __version__
    from minivision.cli.demo_page import save_pictures, write_page
    from minivision.viz import save_loss_curve

    (args.out / "index.html").touch()  # marks the folder as one of the demo, even if the rest fails
    max_objects = max(len(sample.instances) for sample in validation)
    samples = [sample for sample in validation if len(sample.instances) >= min(3, max_objects)][:SHOWN_SCENES]
    pictures = save_pictures(args.out, model, samples)
    curves = args.out / "loss.png", args.out / "loss-dark.png"
    log = getattr(result, "log", None)
    for path, dark in zip(curves, (False, True), strict=True):
        if log:
            save_loss_curve(log, path, dark=dark)
    minutes, seconds = divmod(round(result.seconds), 60)
    drawn = min(TRAIN_SCENES, FEWER_SCENES.get(model.name, TRAIN_SCENES))
    facts = {
        "duration": f"{minutes} min {seconds} s" if minutes else f"{seconds} seconds",
        "images": f"{min(drawn, result.step * model.recipe['batch_size']):,}",
        "steps": f"{result.step:,}",
        "parameters": f"{sum(parameter.value.size for parameter in model.parameters()):,}",
        "system": model.name,
        "level": LEVEL,
        "seed": args.seed,
        "version": __version__,
    }
    page = args.out / "index.html"
    write_page(page, model=model, pictures=pictures, curves=curves if log else None, metrics=metrics, facts=facts)
    return page
