"""Label maps in colors, with a table of the colors: CamVid and what has its form.

Of CamVid (http://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid) there are several arrangements; that of Datumaro
and CVAT has ``train/`` with ``trainannot/`` and ``label_colors.txt``, another one ``train/`` with ``train_labels/`` and
``class_dict.csv``. CVAT's "Segmentation mask 1.1" has ``labelmap.txt``.
"""

from __future__ import annotations

import os
from pathlib import Path

from minivision.data.color_table import ColorTable, read_color_table
from minivision.data.files import image_files, is_hidden, one_split, split_name
from minivision.data.folder import LabelMaps
from minivision.data.formats.format import Format, Found
from minivision.data.images import BrokenFileError
from minivision.data.text import read_lines
from minivision.data.voc_colors import read_color_map

__all__ = ["COLOR_MAPS", "ColorMaps"]

FOLDERS = (
    ("images", "labels"),
    ("images", "masks"),
    ("JPEGImages", "SegmentationClass"),
    ("701_StillsRaw_full", "LabeledApproved_full"),
)  # of images and of their label maps
ENDS_OF_FOLDERS = ("_labels", "annot", "_annot", "_masks")  # behind the name of a split
ENDS_OF_FILES = ("", "_L", "_label", "_labels", "_mask")  # behind the name of an image
SUFFIXES = (".png", ".bmp", ".tif", ".tiff")  # of formats that keep colors as they are
NEEDS = f"class_dict.csv, label_colors.txt or labelmap.txt, and label maps in {', '.join(name for _, name in FOLDERS)}"


class ColorMaps(LabelMaps):
    """Images with label maps whose colors stand for classes; there are no boxes.

    Parameters
    ----------
    root : path
        A folder with ``class_dict.csv``, ``label_colors.txt`` or ``labelmap.txt``; with folders of images and of label
        maps for each split, as ``train`` and ``train_labels``, ``train`` and ``trainannot``, ``train/images`` and
        ``train/labels``, ``images/train`` and ``labels/train``; or, without splits, ``images`` and ``labels`` or
        ``masks``, or ``JPEGImages`` and ``SegmentationClass``.
    split : str
    skip_broken : bool
        As in `LabelFolder`.

    Notes
    -----
    Labels are numbered in the order of the table; see `read_color_table`. A label map is a PNG, BMP or TIFF file with
    the name of its image, perhaps with ``_L``, ``_mask`` or ``_label`` behind it. One that is gray may have the numbers
    of the lines of the table instead of colors, from 0 on.
    """

    def __init__(self, root: str | os.PathLike, split: str, *, skip_broken: bool = False) -> None:
        folder = Path(root)
        table = read_color_table(folder)
        if table is None:
            raise FileNotFoundError(f"{folder} has no table of the colors of classes; it should have {NEEDS}")
        self.table: ColorTable = table
        self.classes = table.classes
        self._open_pairs(_pairs_of_split(folder, split), skip_broken)

    def _label_map(self, entry):
        colors, numbers = self.table.colors, self.table.numbers
        return read_color_map(entry.label_path, entry.size, colors, numbers=numbers, table=self.table.path.name)


def _pairs_of_split(root, split):
    splits = _splits(root)
    if not splits:
        raise FileNotFoundError(f"{root} has no folders of images and of label maps; it should have {NEEDS}")
    if None not in splits:
        if split_name(split) not in splits:
            raise FileNotFoundError(f"{root} has no split {split!r}; those that are there: {', '.join(sorted(splits))}")
        return _pairs_in(*splits[split_name(split)])
    pairs = _pairs_in(*splits[None])
    lists = _lists(root)
    if split_name(split) in lists:
        names = set(read_lines(lists[split_name(split)]))
        return [(image, label_map) for image, label_map in pairs if image.stem in names]
    return one_split(pairs, split, root, lambda pair: pair[0].name)


def _splits(root):
    """Return the folders of images and of label maps by the name of their split, which is None without splits."""
    found = {}
    folders = {path.name: path for path in sorted(root.iterdir()) if path.is_dir() and not is_hidden(path)}
    for name, path in folders.items():
        for images, labels in FOLDERS:
            if (path / images).is_dir() and (path / labels).is_dir():
                found.setdefault(split_name(name), (path / images, path / labels))
        for end in ENDS_OF_FOLDERS:
            if name + end in folders:
                found.setdefault(split_name(name), (path, folders[name + end]))
    for images, labels in FOLDERS:
        if images in folders and labels in folders:
            for path in sorted(folders[images].iterdir()):
                if path.is_dir() and (folders[labels] / path.name).is_dir():
                    found.setdefault(split_name(path.name), (path, folders[labels] / path.name))
            if not found:
                found[None] = (folders[images], folders[labels])
    return found


def _lists(root):
    """Return the files of CVAT and Datumaro that list the names of each split, if there are several."""
    files = sorted(path for path in (root / "ImageSets" / "Segmentation").glob("*.txt") if not is_hidden(path))
    return {split_name(path.stem): path for path in files} if len(files) > 1 else {}


def _pairs_in(images, labels):
    """Return the paths of the images in a folder and of their label maps, which need not be there."""
    label_maps = {path.name: path for path in labels.iterdir() if path.suffix.lower() in SUFFIXES}
    by_stem = {path.stem: path for path in label_maps.values()}
    pairs = []
    for image in image_files(images):
        found = next((by_stem[image.stem + end] for end in ENDS_OF_FILES if image.stem + end in by_stem), None)
        pairs.append((image, found or labels / f"{image.stem}.png"))
    if not pairs:
        raise FileNotFoundError(f"{images} has no images")
    return pairs


def recognize(root: Path) -> Found | None:
    """Recognize a table of colors with folders of images and of label maps."""
    if not root.is_dir():
        return None
    try:
        table = read_color_table(root)
    except BrokenFileError as error:
        return Found("color-maps", (), error.path.name)  # opening it says what is wrong
    splits = _splits(root) if table is not None else {}
    if table is None or not splits:
        return None
    names = _lists(root) if None in splits else splits
    return Found("color-maps", tuple(sorted(names)), table.path.name)


COLOR_MAPS = Format("color-maps", "label maps in colors", NEEDS, recognize, ColorMaps)
