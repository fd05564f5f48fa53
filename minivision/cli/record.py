"""Records of results: JSON files that say what was measured, when, on what machine, with which versions and command.

The pages of the documentation are written from such files, see ``docs/results/``.
"""

import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import shlex
import sys

from minivision.cli.options import UsageError
from minivision.core.atomic import atomic_write

LIBRARIES = ("numpy", "numba", "torch")


def add_record_argument(parser):
    parser.add_argument(
        "--record", type=pathlib.Path, metavar="FILE", help="write the results, machine, versions and command as JSON"
    )


def refuse_wrong_record(args):
    """Refuse a file that cannot be written, before minutes are spent on what it should hold."""
    if args.record is not None and not args.record.absolute().parent.is_dir():
        raise UsageError(f"--record: there is no folder {args.record.parent}")


def write_record(path, results):
    """Write results, a dict with JSON's types, with all that is known of how they came about."""
    with atomic_write(path) as partial:
        text = json.dumps({**circumstances(), **results}, indent=1, allow_nan=False)
        partial.write_text(text + "\n", encoding="utf-8")


def circumstances():
    """Return the date, the machine and how busy it is, the versions and the command line."""
    from minivision import __version__
    from minivision.bench.roof import processor_name

    versions = {"minivision": __version__, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "date": datetime.date.today().isoformat(),
        "processor": processor_name(),
        "cores": cores,
        "system": platform.system(),
        "load": [round(each, 1) for each in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        "versions": versions,
        "command": shlex.join(["minivision", *sys.argv[1:]]),
    }
