"""Train a system of the lecture.

Writes checkpoint.npz, log.jsonl (the losses of every step) and loss.png into the folder of the run. Ctrl-C
saves and stops; --resume continues, and ends with the same numbers as a run that was never stopped.
"""

import dataclasses
import pathlib

from minivision.cli.options import (
    UsageError,
    add_backend_argument,
    add_data_arguments,
    add_system_options,
    augmentations,
    choose_backend,
    count,
    data_of,
    flips,
    not_negative,
    on_backend,
    open_data,
    positive,
    seed,
    share,
    size,
    system_options,
)

MINUTES = 5  # default length of a training
MEMORY_SHARE = 0.5  # as in minivision.data.memory, which the help does not import

EPILOG = """\
examples:
  minivision train encoder-decoder --data scenes --level mid --minutes 2 --out runs/scenes
  minivision train encoder-decoder --data folder:cells --size 128x128 --steps 1000 --out runs/cells
  minivision train faster-rcnn --data exports/traffic --size 256x256 --out runs/traffic
  minivision train --resume --out runs/cells
  mpiexec -n 2 minivision train ssd --out runs/two      two processes share each batch (extra: mpi)

Options of a system: minivision train SYSTEM --help
"""


def add_arguments(parser, system):
    from minivision.models import systems

    names = ", ".join(systems())
    parser.add_argument("system", nargs="?", choices=systems(), metavar="SYSTEM", help=f"what to train: {names}")
    parser.add_argument("--out", required=True, type=pathlib.Path, metavar="DIR", help="the folder of the run")
    data = parser.add_argument_group("data")
    add_data_arguments(data, split="train", default="default: scenes")
    data.add_argument("--crop", type=size, metavar="HxW", help="train on random crops of this size")
    data.add_argument("--flips", type=flips, metavar="WHICH", help="mirror images: none, horizontal or both")
    data.add_argument(
        "--augment", type=augmentations, metavar="WHICH",
        help="change images at random: none, all, or some of colors,zoom-out,iou-crop (default: none)",
    )  # fmt: skip
    data.add_argument(
        "--augment-probability", type=share, metavar="P",
        help="with which an image is changed at all; the others are trained on as they are (default: 1)",
    )  # fmt: skip
    data.add_argument(
        "--memory-share", type=share, default=MEMORY_SHARE, metavar="S",
        help="keep the decoded images in memory if they need no more than this share of what is available, else read "
        f"them from disk while training; 0: always from disk (default: {MEMORY_SHARE})",
    )  # fmt: skip
    training = parser.add_argument_group("training")
    length = training.add_mutually_exclusive_group()
    length.add_argument(
        "--minutes", type=positive, metavar="M",
        help="how long to train, with proposals, steps, SVMs and checkpoints, after reading the data and compiling "
        f"(default: {MINUTES})",
    )  # fmt: skip
    length.add_argument("--steps", type=count, metavar="N", help="how many steps to train")
    training.add_argument(
        "--resume", action="store_true", help="continue the run in DIR; options that are not given stay as they were"
    )
    training.add_argument("--seed", type=seed, metavar="S", help="seed of all random numbers (default: 0)")
    training.add_argument("--batch-size", type=count, metavar="N", help="number of images in a step")
    training.add_argument("--optimizer", choices=("sgd", "adam", "adamw"), metavar="NAME", help="sgd, adam or adamw")
    training.add_argument("--rate", type=positive, metavar="R", help="highest learning rate")
    training.add_argument("--weight-decay", type=not_negative, metavar="D", help="weight decay")
    training.add_argument(
        "--schedule", choices=("constant", "step", "cosine"), metavar="NAME", help="constant, step or cosine"
    )
    training.add_argument("--clip", type=not_negative, metavar="NORM", help="largest norm of the gradient; 0: no limit")
    training.add_argument(
        "--sync-batch-norm", action="store_true", default=None,
        help="under mpiexec: normalize by the images of all processes, so that several train like one",
    )  # fmt: skip
    add_backend_argument(training)
    add_system_options(parser, system)


def run(args):
    from minivision.core.ranks import current_ranks
    from minivision.models import system_class, systems
    from minivision.training import Settings, train
    from minivision.training.trainer import open_run

    if args.system is None and not args.resume:
        raise UsageError(f"name the system to train, one of {', '.join(systems())}; or --resume a run")
    ranks = current_ranks()
    # refuses a folder before anything takes time
    checkpoint = ranks.made_by_first(lambda: open_run(args.out, args.resume))
    system = system_class(checkpoint.system if checkpoint else args.system)
    choose_backend(args)
    data = data_of(args, {"split": "train", **(checkpoint.data if checkpoint else {})}, system)
    dataset = open_data(data)
    model = on_backend(args, _resumed_model(args, checkpoint) if checkpoint else _new_model(args, dataset))
    if data["size"] is not None:
        from minivision.data.memory import hold_in_memory

        dataset = hold_in_memory(
            dataset, size=tuple(data["size"]), progress=True, memory_share=args.memory_share / ranks.on_host
        )
    minutes = args.minutes
    if minutes is None and args.steps is None and not args.resume:
        minutes = model.recipe.get("minutes", MINUTES)
    names = [field.name for field in dataclasses.fields(Settings)]
    settings = Settings(**{name: getattr(args, name) for name in names if hasattr(args, name)})
    result = train(
        model, dataset, settings, steps=args.steps, minutes=minutes, out=args.out, resume=args.resume, data=data,
        memory_share=args.memory_share,
    )  # fmt: skip
    if result.interrupted:
        print(f"Continue with: minivision train --resume --out {args.out}")
        return 1
    print(f"Next: minivision evaluate {args.out}")
    return 0


def _new_model(args, dataset):
    import numpy as np

    from minivision.models import make_model

    rng = np.random.default_rng(args.seed or 0)
    return make_model(args.system, dataset.classes, rng=rng, **system_options(args))


def _resumed_model(args, checkpoint):
    if args.system not in (None, checkpoint.system):
        raise UsageError(f"{args.out} holds a run of {checkpoint.system}, not of {args.system}")
    for name, value in system_options(args).items():
        kept = checkpoint.options.get(name, value)
        if kept != value:
            raise UsageError(f"{args.out} holds a run with {name}={kept}; it cannot be resumed with {name}={value}")
    return checkpoint.make_model()
