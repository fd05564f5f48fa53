"""The command line: ``minivision COMMAND``, one module for each command.

The help imports nothing heavy: each command imports what it needs when it runs.
"""

import contextlib
import importlib
import io
import sys
import warnings

from minivision.cli.heartbeat import heartbeat
from minivision.cli.messages import messages_printed
from minivision.cli.options import Parser, peek_system
from minivision.cli.ranks import fail, run_on_ranks
from minivision.core.printable import printable
from minivision.core.ranks import current_ranks, launched_rank

# command -> (module, summary), in the order of the help
COMMANDS = {
    "demo": ("demo", "train a system for two minutes and look at its predictions"),
    "data": ("data", "look through your data before training, see them, convert them"),
    "train": ("train", "train a system of the lecture"),
    "evaluate": ("evaluate", "measure how good a trained system is"),
    "predict": ("predict", "run a trained system on images"),
    "propose": ("propose", "propose boxes by selective search, and measure their recall"),
    "compare": ("compare", "train several systems and compare their accuracy and costs"),
    "check": ("check", "check operations, or functions in a file of yours, and name mistakes"),
    "homework": ("homework", "release assignments, test solutions, grade submissions"),
    "bench": ("bench", "time the kernels, the reference implementations and PyTorch"),
    "doctor": ("doctor", "show versions, folders, and operations without kernels"),
}

ON_RANKS = ("train",)  # commands whose processes work together, if mpiexec starts several

DESCRIPTION = """\
Detection and segmentation by hand: the systems of the lecture, from scratch in NumPy.

Start with:
  minivision demo
"""
EPILOG = """\
examples:
  minivision train encoder-decoder --data scenes --minutes 5 --out runs/first
  minivision evaluate runs/first
  minivision predict runs/first photo.jpg --out predictions

exit codes: 0 done, 1 failed or stopped while running, 2 wrong usage or input
"""

_WRONG_PATH = (FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError)


def main(argv=None):
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments, without the program's name; by default those of this process.

    Returns
    -------
    int
        0 after success, 1 if the command failed or was stopped (Ctrl-C), 2 for wrong usage or input.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    try:
        with contextlib.redirect_stderr(io.StringIO()) if launched_rank() else contextlib.nullcontext():
            args = _parse(argv)  # what is wrong with the arguments, one process says for all
    except SystemExit as error:  # argparse has printed its message
        return error.code or 0
    except KeyboardInterrupt:  # a command imports what its arguments need
        return fail("stopped", 1)
    with messages_printed():
        if args.command in ON_RANKS and launched_rank() is not None:
            return run_on_ranks(lambda: _run(args), _sentence)
        return _run(args)


def _parse(argv):
    from minivision import __version__

    parser = Parser(prog="minivision", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"minivision {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", parser_class=Parser)
    chosen = next((word for word in argv if not word.startswith("-")), None)
    for name, (module, summary) in COMMANDS.items():
        sub = commands.add_parser(name, help=summary)
        if name == chosen:  # the list of commands needs no arguments of the others
            command = importlib.import_module(f"minivision.cli.{module}")
            sub.description, sub.epilog = command.__doc__, command.EPILOG
            command.add_arguments(sub, peek_system(argv))
            sub.add_argument("--debug", action="store_true", help="show the full traceback of an error")
            sub.set_defaults(run=command.run)
    args, unknown = parser.parse_known_args(argv)
    if unknown:  # the command's own parser names its help
        commands.choices.get(args.command, parser).error(f"unrecognized arguments: {' '.join(unknown)}")
    if args.command is None:
        parser.print_help()
        raise SystemExit(2)
    return args


def _run(args):
    if args.debug:
        return args.run(args)
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        return _run_or_say_why_not(args)


def _run_or_say_why_not(args):
    """Run a command; print expected errors as one sentence, and what it does when it is silent for long."""
    try:
        with heartbeat():
            return args.run(args)
    except KeyboardInterrupt as error:
        return fail(str(error) or "stopped", 1)
    except BrokenPipeError:  # the output is closed, as in `| head`
        current_ranks().end_all(1)
        sys.stderr.close()
        return 1
    except (ValueError, *_WRONG_PATH) as error:
        return fail(_sentence(error), 2)
    except OSError as error:
        return fail(_sentence(error), 1)
    except RuntimeError as error:
        from minivision.training import TrainingError

        if not isinstance(error, TrainingError):
            raise
        return fail(_sentence(error), 1)


def _sentence(error):
    """Return the message of an error in one line; an error of the system as `path: message`."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return printable(f"{error.filename}: {error.strerror}")
    return " ".join(printable(error).split()) or type(error).__name__


def _show_warning(message, category, filename, lineno, file=None, line=None):
    """Print a warning without its line of code."""
    print(f"minivision: warning: {' '.join(printable(message).split())}", file=sys.stderr)
