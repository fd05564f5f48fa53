"""``minivision data fetch``: download a dataset from where it is published."""

import argparse
import importlib.util
import pathlib

from minivision.cli.options import UsageError
from minivision.core.printable import printable


def add_fetch(commands):
    """Add the command to those of ``minivision data``."""
    from minivision.data.fetching import published_names

    sub = commands.add_parser("fetch", help="download a dataset from where it is published")
    sub.add_argument("name", nargs="?", metavar="NAME", help=f"{', '.join(published_names())}; without it: list them")
    sub.add_argument("--out", type=pathlib.Path, metavar="DIR", help="folder for the files (default: NAME)")
    sub.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)
    sub.set_defaults(data_command=fetch)


def fetch(args):
    from minivision.data import fetching

    if args.name is None:
        for name in fetching.published_names():
            print(f"{name}\n{_about(fetching.published(name))}")
        return 0
    dataset = fetching.published(args.name)
    folder = args.out or pathlib.Path(args.name)
    print(_about(dataset), flush=True)  # before anything is fetched
    if importlib.util.find_spec("pooch") is None:
        raise UsageError("datasets are fetched with pooch: pip install 'minivision[fetch]'")
    fetched, kept = fetching.fetch(dataset, folder, progress=True)
    print(f"Fetched {fetched} files into {folder}, {kept} were there; use it as {dataset.data}:{folder}")
    return 0


def _about(dataset):
    lines = {
        "": dataset.title,
        "source": f"{dataset.source}, revision {dataset.revision}",
        "license": dataset.license,
        "files": f"{len(dataset.files)}, {dataset.bytes / 1e6:.1f} MB, each checked by its SHA-256",
    }
    return printable("\n".join(f"  {title:<9}{text}" if title else f"  {text}" for title, text in lines.items()))
