"""Which splits a dataset has."""

from __future__ import annotations

import warnings
from pathlib import Path

from minivision.data.formats import Format
from minivision.data.scenes import SPLITS
from minivision.data.spec import READERS, DataSpec

__all__ = ["list_splits"]

USUAL = ("train", "val", "test")  # tried where everything is in one place
WHOLE = ("trainval", "all")  # lists that are made of others


def list_splits(spec: str | DataSpec) -> list[str]:
    """Return the names of the splits of a dataset, ``train`` first.

    Lists that are made of others, such as VOC's ``trainval`` and its lists of one class, are left out.

    Raises
    ------
    FileNotFoundError
        If the folder or file does not exist, or there is no split.
    UnknownFormatError
        If the format is to be found out, and is none that is known.
    """
    spec = DataSpec.parse(spec).resolved()
    if spec.folder is None:
        return list(SPLITS)
    root, form = spec.folder.expanduser(), READERS[spec.kind]
    if not root.exists():
        raise FileNotFoundError(f"{spec}: there is no folder {root}")
    found = form.recognize(root)
    names = [name for name in (found.splits if found else ()) if name not in WHOLE]
    names = names or [name for name in USUAL if _is_split(form, root, name)]
    if not names:
        form.open(root, "train")  # says what is missing
        raise FileNotFoundError(f"{spec} has no split")
    return sorted(names, key=lambda name: (not name.startswith("train"), not name.startswith("val"), name))


def _is_split(form: Format, root: Path, name: str) -> bool:
    """Return whether there is a split of this name, though something in it may be broken."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            form.open(root, name)
        except FileNotFoundError:
            return False
        except ValueError:
            return True
    return True
