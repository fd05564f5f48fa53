"""What the parts of the command bench write: JSON, pictures, and errors before anything is measured."""

import json

from minivision.cli.options import UsageError
from minivision.core.atomic import atomic_write

FORMATS = {".png": "png", ".svg": "svg"}


def write_json(path, content):
    """Write a file if there is a path."""
    if path:
        with atomic_write(path) as partial:
            partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def save_picture(path, figure, description=None):
    """Write a figure if there is a path, with a text that describes it, and print the path."""
    if path:
        with atomic_write(path) as partial:
            metadata = {"Description": description} if description else None
            figure.savefig(partial, format=FORMATS[path.suffix.lower()], metadata=metadata)
        print(path)


def refuse_wrong_files(args):
    """Refuse files that cannot be written, before minutes are spent on what they should hold."""
    for option, path in (("--json", args.json), ("--picture", args.picture)):
        if path and not path.absolute().parent.is_dir():
            raise UsageError(f"{option}: there is no folder {path.parent}")
    if args.picture and args.picture.suffix.lower() not in FORMATS:
        raise UsageError(f"--picture: expected a name that ends in {' or '.join(FORMATS)}, got {args.picture}")
