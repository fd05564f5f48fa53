"""Arguments that several commands have in common: parsers, defaults and error messages."""

import argparse
import re
import textwrap

# of data
KINDS = "cityscapes, voc, coco, yolo, cvat, labelme, label-studio, open-images, visual-genome, color-maps, folder"
DATA_FORMS = f"scenes; the folder of a dataset, whose format is found out; or KIND:DIR, with a KIND of {KINDS}"


class UsageError(ValueError):
    """The arguments of a command do not fit together."""


class Parser(argparse.ArgumentParser):
    """argparse's parser, with examples printed as they are, and errors of one line."""

    def __init__(self, **options):
        super().__init__(formatter_class=_HelpFormatter, allow_abbrev=False, **options)

    def error(self, message):
        message = re.sub(r"^argument (--?[\w-]+(?:/--?[\w-]+)*|\S+): ", r"\1: ", message)
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog, **options):
        super().__init__(prog, max_help_position=30, width=100, **options)

    def _split_lines(self, text, width):
        return textwrap.wrap(text, width, break_on_hyphens=False)  # names stay whole: bed-of-nails


def peek_system(argv):
    """Return the class of the system in `argv`, or None. Its options become arguments of the command."""
    from minivision.models import system_class, systems

    name = next((word for word in argv if word in systems()), None)
    return system_class(name) if name else None


def size(text):
    """Parse HEIGHTxWIDTH, or one number for a square."""
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", text)
    if not match or min(int(part) for part in match.groups(default=match[1])) < 1:
        raise argparse.ArgumentTypeError(f"expected HEIGHTxWIDTH in pixels, such as 128x128, got {text!r}")
    return int(match[1]), int(match[2] or match[1])


def count(text):
    """Parse a whole number, 1 or more."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number, 1 or more, got {text!r}")
    return int(text)


def seed(text):
    """Parse a whole number, 0 or more."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"expected a whole number, 0 or more, got {text!r}")
    return int(text)


def positive(text):
    """Parse a number greater than 0."""
    number = _number(text)
    if number is None or not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number greater than 0, got {text!r}")
    return number


def not_negative(text):
    """Parse a number, 0 or more."""
    number = _number(text)
    if number is None or not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number, 0 or more, got {text!r}")
    return number


def share(text):
    """Parse a number from 0 to 1."""
    number = _number(text)
    if number is None or not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {text!r}")
    return number


def _number(text):
    try:
        return float(text)
    except ValueError:
        return None


def flips(text):
    """Parse the kinds of mirror images."""
    choices = {"none": (), "horizontal": ("horizontal",), "both": ("horizontal", "vertical")}
    if text not in choices:
        raise argparse.ArgumentTypeError(f"expected {', '.join(choices)}, got {text!r}")
    return choices[text]


def augmentations(text):
    """Parse the names of random changes of training images: none, all, or some with commas between."""
    from minivision.data import AUGMENTATIONS

    if text in ("none", "all"):
        return () if text == "none" else AUGMENTATIONS
    names = tuple(text.split(","))
    for name in names:
        if name not in AUGMENTATIONS:
            raise argparse.ArgumentTypeError(f"expected none, all, or some of {','.join(AUGMENTATIONS)}, got {name!r}")
    return names


def add_data_arguments(parser, *, split, default):
    """Add ``--data``, ``--level``, ``--split``, ``--size`` and ``--skip-broken``.

    Parameters
    ----------
    parser : argparse parser or group
    split : str
        Default of ``--split``, for the help.
    default : str
        Default of ``--data``, for the help.
    """
    parser.add_argument("--data", metavar="DATA", help=f"{DATA_FORMS} ({default})")
    parser.add_argument("--level", metavar="LEVEL", help="difficulty of scenes: easy, mid or hard (default: hard)")
    parser.add_argument("--split", metavar="NAME", help=f"part of the data: train, val, ... (default: {split})")
    parser.add_argument("--size", type=size, metavar="HxW", help="resize all images to this size")
    parser.add_argument(
        "--skip-broken", action="store_true", default=None,
        help="leave out images that cannot be read, with a warning",
    )  # fmt: skip


def data_of(args, stored, system):
    """Return the description of a dataset, as kept in checkpoints: values from `args`, else `stored`, else defaults.

    Paths are made absolute, so that a run can be resumed from another folder; a format that is to be found out is found
    out here, so that it stays the same. The level belongs to the data: it is
    taken from `stored` only if the data are. For scenes, the ``scene_options`` of the class `system` are included.

    Raises
    ------
    UsageError
        When a level is given for data without levels.
    FileNotFoundError, UnknownFormatError
        When there is no such folder, or it is of no format that is known.
    """
    from minivision.data import DataSpec

    data = dict(stored) if args.data is None else {key: stored.get(key) for key in ("split", "size")}
    given = {
        "data": str(DataSpec.parse(args.data).resolved().absolute()) if args.data is not None else None,
        "level": args.level,
        "split": args.split,
        "size": args.size,
        "skip_broken": args.skip_broken,
    }
    data.update({name: value for name, value in given.items() if value is not None})
    if args.level is not None and data.get("data", "scenes") != "scenes":
        raise UsageError("--level is for scenes only")
    defaults = {"data": "scenes", "level": "hard", "size": None, "skip_broken": False}
    if data.get("data", "scenes") == "scenes":
        defaults |= system.scene_options
    return {**defaults, **{name: value for name, value in data.items() if value is not None}}


def open_data(data):
    """Open the dataset that :func:`data_of` describes; its size is for ``hold_in_memory``."""
    from minivision.data import open_dataset

    return open_dataset(
        data["data"],
        split=data["split"],
        level=data["level"],
        skip_broken=data["skip_broken"],
        **{name: data[name] for name in ("classes", "objects", "captions") if name in data},  # for scenes
    )


def add_system_options(parser, system):
    """Add an argument for each option that a system's class declares in ``OPTIONS``.

    ``OPTIONS`` maps an option's name to a dict of ``default`` (a value) and ``help``, and perhaps ``choices`` (values)
    or ``parse`` (a function from text to the value, which raises ValueError with a message). Without ``parse`` the text
    is read by the default's type. An option whose default is True or False becomes a pair, ``--skips`` and
    ``--no-skips``.
    """
    if not getattr(system, "OPTIONS", None):
        return
    group = parser.add_argument_group(f"options of {system.name}")
    for name, option in system.OPTIONS.items():
        flag, default = f"--{name.replace('_', '-')}", option["default"]
        text = f"{option['help']} (default: {_shown(default)})"
        # No default here: an option that is not given is not among the arguments, so None ("auto") can be given.
        common = {"dest": f"option_{name}", "default": argparse.SUPPRESS}
        if isinstance(default, bool):
            group.add_argument(flag, action=argparse.BooleanOptionalAction, help=text, **common)
        else:
            group.add_argument(
                flag, type=_reader(option), choices=option.get("choices"), metavar=name.upper(),
                help=f"{text}{_choices(option)}", **common,
            )  # fmt: skip


def _reader(option):
    """Return the function that reads an option's text; argparse shows the message of its ValueError."""
    if "parse" not in option:
        return type(option["default"])

    def read(text):
        try:
            return option["parse"](text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read


def _shown(value):
    from minivision.models.base.options import as_text

    return as_text(value)


def _choices(option):
    return f"; {', '.join(map(str, option['choices']))}" if option.get("choices") else ""


def add_backend_argument(parser):
    """Add ``--backend``: the implementation of the operations."""
    parser.add_argument(
        "--backend", type=_backend, metavar="NAME",
        help="numba: compiled kernels on the CPU (default); cupy: an NVIDIA GPU; reference: plain NumPy, slow; or a "
        "Python file of yours, used for the operations in it, with numba for the others",
    )  # fmt: skip


def _backend(text):
    """Parse the name of a backend, or the path of a Python file."""
    names = ("numba", "reference", "cupy")
    if text not in names and not text.endswith(".py"):
        raise argparse.ArgumentTypeError(f"expected {', '.join(names)} or a Python file, got {text!r}")
    return text


def choose_backend(args):
    """Set the backend of ``--backend``; :func:`on_backend` then moves the model.

    Raises
    ------
    DeviceError
        When a GPU is needed and there is none, or no CuPy.
    StudentFileError
        When the file cannot be run.
    """
    if args.backend == "cupy":
        from minivision.core.devices import require_gpu

        require_gpu()
    elif args.backend is not None:
        from minivision.checks import load_backend
        from minivision.core.backends import set_backend

        file = args.backend.endswith(".py")
        set_backend(load_backend(args.backend, otherwise="numba") if file else args.backend)


def on_backend(args, model):
    """Return the model, moved to the GPU for ``--backend cupy``."""
    return model.to("cupy") if args.backend == "cupy" else model


def system_options(args):
    """Return the values of the system's options that were given, by name."""
    return {name.removeprefix("option_"): value for name, value in vars(args).items() if name.startswith("option_")}
