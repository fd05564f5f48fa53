"""Tables of the colors of classes: ``label_colors.txt`` of CamVid, ``class_dict.csv``, ``labelmap.txt``."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from minivision.core.labels import IGNORE
from minivision.data.class_names import check_class_names, is_background, is_ignored
from minivision.data.images import BrokenFileError
from minivision.data.text import read_lines, read_text
from minivision.data.voc_files import read_labelmap

__all__ = ["TABLES", "ColorTable", "read_color_table"]

TABLES = ("class_dict.csv", "label_colors.txt", "labelmap.txt")
VOID = ("void", "unlabeled", "unlabelled")  # names of pixels without a class, besides those for ignored ones


class ColorTable(NamedTuple):
    """What a table says.

    Attributes
    ----------
    classes : tuple of str
        The background first, also where no line has it.
    colors : dict
        Color (red, green, blue) -> label.
    numbers : tuple of int
        The label of each line, from the first one on.
    path : pathlib.Path
    """

    classes: tuple[str, ...]
    colors: dict[tuple[int, int, int], int]
    numbers: tuple[int, ...]
    path: Path


def read_color_table(root: Path) -> ColorTable | None:
    """Read the table of colors in a folder, None if there is none.

    Labels are numbered in the order of the lines; a class called background has label 0, and one called void,
    unlabeled or ignore is `IGNORE`.

    Raises
    ------
    BrokenFileError
        If a line is no name with three numbers from 0 to 255, or two classes have one name or one color.
    """
    path = next((root / name for name in TABLES if (root / name).is_file()), None)
    if path is None:
        return None
    if path.name == "labelmap.txt":
        classes = read_labelmap(path)
        if classes.colors is None:
            return None
        return ColorTable(classes.names, classes.colors, tuple(range(len(classes.names))), path)
    lines = _of_csv(path) if path.suffix == ".csv" else _of_text(path)
    names: list[str] = []
    colors: dict[tuple[int, int, int], int] = {}
    numbers = []
    for name, texts in lines:
        label = _label(name, names)
        color = _color(path, name, texts)
        if color in colors:
            raise BrokenFileError(path, f"two classes have the color {color}, one of them {name!r:.60}; change one")
        colors[color] = label
        numbers.append(label)
    if not colors:
        raise BrokenFileError(path, "it lists no class with its color")
    return ColorTable(check_class_names(path, names), colors, tuple(numbers), path)


def _label(name, names):
    """Return the label of a name, which is added to the names if it is a class."""
    if is_background(name):
        return 0
    if is_ignored(name) or name.strip().strip("_").lower() in VOID:
        return IGNORE
    names.append(name)
    return len(names)


def _color(path, name, texts):
    try:
        red, green, blue = (int(text) for text in texts)
    except ValueError as error:
        raise BrokenFileError(path, f"the color of {name!r:.60} should be three integers, got {texts!r:.60}") from error
    if not all(0 <= value <= 255 for value in (red, green, blue)):
        raise BrokenFileError(path, f"the color of {name!r:.60} should be from 0 to 255, got {red}, {green}, {blue}")
    return red, green, blue


def _of_csv(path):
    """Yield name and three texts of each line of a CSV file with the columns name, r, g and b."""
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(read_text(path).splitlines()) if any(row)]
    except csv.Error as error:
        raise BrokenFileError(path, f"not a CSV file: {error}") from error
    header = [cell.lower() for cell in rows[0]] if rows else []
    wanted = ("name", "r", "g", "b")
    if not set(wanted) <= set(header):
        raise BrokenFileError(path, f"its first line should name the columns name, r, g and b, got {header!r:.60}")
    places = [header.index(name) for name in wanted]
    for row in rows[1:]:
        name, *texts = (row[place] if place < len(row) else "" for place in places)
        yield name, texts


def _of_text(path):
    """Yield name and three texts of each line ``red green blue name``."""
    for line in read_lines(path):
        if line.startswith("#"):
            continue
        words = line.split(None, 3)
        if len(words) < 4:
            raise BrokenFileError(path, f"the line {line!r:.60} should be: red green blue name")
        yield words[3].strip(), words[:3]
