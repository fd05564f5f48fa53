"""Splits of formats that have a file for each image: folders called train, val and test, or a hash of the names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from minivision.data.files import OTHER_NAMES, is_hidden, one_split, split_name

__all__ = ["choose_split", "folders_of_splits"]

T = TypeVar("T")


def folders_of_splits(root: Path) -> dict[str, Path]:
    """Return the folders in a folder that are called as splits are, by the usual name of the split."""
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not is_hidden(path))
    return {split_name(path.name): path for path in folders if split_name(path.name) in OTHER_NAMES}


def choose_split(root: Path, items: Sequence[T], split: str, path_of: Callable[[T], Path]) -> list[T]:
    """Return the items of a split, as folders of `root` divide them, else as `one_split` does.

    Parameters
    ----------
    root : path
    items : sequence
    split : str
    path_of : function
        Returns the path of an item.

    Raises
    ------
    FileNotFoundError
        If there is no such split.
    """
    folders = folders_of_splits(root)
    if not folders:
        return one_split(items, split, root, lambda item: path_of(item).name)
    if split_name(split) not in folders:
        raise FileNotFoundError(f"{root} has no folder {split!r}; splits that are there: {', '.join(sorted(folders))}")
    folder = folders[split_name(split)]
    return [item for item in items if folder in path_of(item).parents]
