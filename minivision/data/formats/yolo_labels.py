"""The text files of YOLO: one line for each object of an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minivision.data.images import BrokenFileError
from minivision.data.records import ObjectRecord
from minivision.data.text import peek, read_lines

__all__ = ["LabelReader", "is_label_file", "largest_class"]

BOX = 5  # numbers of a line: class, x, y, width, height
POLYGON = 7  # at least: a class and three corners
_FAR = 10.0  # sides of the image, in which a joint lies
OUTSIDE = 0.5  # of a side of the image: what lies further away is not in shares of it
_PEEK = 1 << 12  # bytes of a file that tell whether it has YOLO's lines


def is_label_file(path: Path) -> bool:
    """Return whether the first line of a text file is one of YOLO's; False for an empty one."""
    try:
        lines = peek(path, _PEEK).decode("utf-8-sig", "replace").splitlines()
        numbers = [float(word) for word in next((line.split() for line in lines if line.strip()), [])]
    except ValueError:
        return False
    fits = len(numbers) == BOX or len(numbers) >= POLYGON
    return fits and numbers[0] >= 0 and numbers[0] % 1 == 0 and all(_is_near(number) for number in numbers[1:BOX])


def largest_class(path: Path) -> int:
    """Return the largest number of a class in a file, -1 if there is none."""
    words = (line.split()[0] for line in read_lines(path))
    return max((int(word) for word in words if word.isascii() and word.isdigit() and len(word) < 10), default=-1)


class LabelReader:
    """Reads text files of labels.

    Parameters
    ----------
    names : sequence of str
        Names of the classes, from class 0 on.
    source : path
        The file that has them, for messages.
    joints : (J, D), optional
        Number of joints behind each box, and of numbers of a joint: x and y, perhaps visibility.

    Attributes
    ----------
    repeated : int
        Lines that were left out since the same line stands above.
    """

    def __init__(self, names: Sequence[str], source: Path, joints: tuple[int, int] | None = None) -> None:
        self.names, self.source, self.joints = names, source, joints
        self.repeated = 0

    def read(self, path: Path) -> tuple[ObjectRecord, ...]:
        """Return the objects of a file, in shares of the image's width and height.

        Raises
        ------
        BrokenFileError
            With the number of the line that cannot be used, and what is wrong with it.
        """
        lines = read_lines(path)
        unique = list(dict.fromkeys(lines))
        self.repeated += len(lines) - len(unique)
        objects = []
        for line in unique:
            try:
                objects.append(self._object([float(word) for word in line.split()]))
            except ValueError as error:
                number = 1 + lines.index(line)
                raise BrokenFileError(path, f"line {number}, {line[:40]!r}: {_plain(error)}") from error
        return tuple(objects)

    def _object(self, numbers):
        label = self._name(numbers[0])
        far = next((number for number in numbers[1:BOX] if not _is_near(number)), None)
        if far is not None:
            raise ValueError(f"{far:g} is no share of the image's width or height, from 0 to 1; are these pixels?")
        count = len(numbers)
        if self.joints and count == BOX + self.joints[0] * self.joints[1]:
            return ObjectRecord(label, _box(numbers[1:BOX]), keypoints=self._keypoints(numbers[BOX:]))
        if count == BOX:
            return ObjectRecord(label, _box(numbers[1:]))
        if self.joints:
            raise ValueError(
                f"it has {count} numbers, not 5 + {self.joints[0]} x {self.joints[1]} as kpt_shape says; for polygons, "
                f"remove kpt_shape from a copy of {self.source}"
            )
        if count == BOX + 1:
            raise ValueError("it has 6 numbers; the sixth, the score of a prediction, does not belong to a label")
        if count < POLYGON or count % 2 == 0:
            pose = "; for the joints of a pose, data.yaml needs kpt_shape" if count > POLYGON else ""
            raise ValueError(f"it has {count} numbers; a box has 5, a polygon 7, 9, 11, ...{pose}")
        far = next((number for number in numbers[BOX:] if not _is_near(number)), None)
        if far is not None:
            raise ValueError(f"the corner {far:g} of its polygon is far outside the image, which is from 0 to 1")
        return ObjectRecord(label, polygons=(np.array(numbers[1:]).reshape(-1, 2),))

    def _name(self, number):
        if not (number >= 0 and number % 1 == 0):  # NaN and infinity neither
            raise ValueError(f"it should begin with the number of a class, 0, 1, ..., not {number:g}")
        if number >= len(self.names):
            raise ValueError(f"its class is {number:g}, but {self.source} names {len(self.names)}, from 0 on")
        return self.names[int(number)]

    def _keypoints(self, numbers):
        """Return the joints. Without visibility, those at (0, 0) and below 0 are not labeled."""
        count, size = self.joints
        given = np.array(numbers).reshape(count, size)
        if not (np.abs(given) < _FAR).all():
            raise ValueError("a joint is far outside the image, which is from 0 to 1")
        if size == 3:
            wrong = given[~np.isin(given[:, 2], (0, 1, 2)), 2]
            if len(wrong):
                raise ValueError(f"the visibility of a joint is 0, 1 or 2, not {wrong[0]:g}")
            return given
        labeled = (given >= 0).all(axis=1) & (given > 0).any(axis=1)
        return np.column_stack([given, 2.0 * labeled])


def _is_near(number):
    return -OUTSIDE <= number <= 1 + OUTSIDE  # False for NaN


def _box(numbers):
    x, y, width, height = numbers
    if width < 0 or height < 0:
        raise ValueError("its width or height is negative")
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _plain(error):
    text = str(error)
    return f"{text.partition(': ')[2]} is no number" if text.startswith("could not convert") else text
