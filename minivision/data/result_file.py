"""Reading a file of COCO results, as any program may have written it, to evaluate it.

It is a JSON list with an object for each detection: ``image_id``, ``category_id``, ``score``, and ``bbox``,
``segmentation`` (run lengths or polygons) or ``keypoints``. Every entry is checked, and a wrong one says where it
stands. See https://cocodataset.org/#format-results.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minivision.core.types import Array, Size
from minivision.data import rle
from minivision.data.images import BrokenFileError
from minivision.data.instances import Instances
from minivision.data.text import read_json

__all__ = ["FIELDS", "ResultFile", "read_results"]

Entry = tuple[int, dict[str, Any]]
FIELDS = {"boxes": "bbox", "masks": "segmentation", "joints": "keypoints"}  # kind of results -> its key


class ResultFile(NamedTuple):
    """The checked entries of a file.

    Attributes
    ----------
    path : pathlib.Path
    kinds : tuple of str
        Keys of ``FIELDS`` that all entries have.
    by_image : dict
        ``image_id`` -> its entries in their order, each with its position in the file.
    """

    path: Path
    kinds: tuple[str, ...]
    by_image: dict[Any, list[Entry]]

    def instances(self, entries: Sequence[Entry], size: Size, labels: Mapping[Any, int], joints: int) -> Instances:
        """Return the detections in one image.

        Parameters
        ----------
        entries : sequence of (int, dict)
            Entries of one image.
        size : (height, width)
            Of the image.
        labels : mapping
            ``category_id`` -> label.
        joints : int
            Number of joints of the ground truth.

        Returns
        -------
        instances : Instances
            With scores; in the order of the entries. The box of a detection without one is that of its mask or its
            joints. Joints are indices of pixels, as in the file. ``area`` is that of the given boxes, as in COCO's own
            evaluation, None without boxes.

        Raises
        ------
        BrokenFileError
            If an entry does not fit the image, or has no class of `labels`.
        """
        fields: dict[str, Any] = {}
        if "masks" in self.kinds:
            fields["masks"] = np.zeros((len(entries), *size), bool)
            for k, (position, entry) in enumerate(entries):
                fields["masks"][k] = self._mask(position, entry["segmentation"], size)
        if "joints" in self.kinds:
            rows = [self._joints(position, entry["keypoints"], joints) for position, entry in entries]
            fields["keypoints"] = np.array(rows, float).reshape(len(rows), joints, 3)
        if "boxes" in self.kinds:
            corner_and_size = np.array([entry["bbox"] for _, entry in entries], float).reshape(-1, 4)
            boxes = corner_and_size.copy()
            boxes[:, 2:] += boxes[:, :2]
            fields["area"] = corner_and_size[:, 2:].prod(axis=1)
        else:
            boxes = _boxes_around(fields.get("masks"), fields.get("keypoints"))
        classes = [self.label(position, entry["category_id"], labels) for position, entry in entries]
        return Instances(boxes, classes, scores=[entry["score"] for _, entry in entries], **fields)

    def error(self, position: int, reason: str) -> BrokenFileError:
        """Return the error of an entry."""
        return BrokenFileError(self.path, f"result {position}: {reason}")

    def label(self, position: int, category: Any, labels: Mapping[Any, int]) -> int:
        """Return the label of a category; raise BrokenFileError if there is none."""
        if category not in labels:
            raise self.error(position, f"the ground truth has no category {category!r:.60}; it has {_some(labels)}")
        return labels[category]

    def _mask(self, position, segmentation, size):
        try:
            if isinstance(segmentation, list):
                return rle.polygons_to_mask(segmentation, size)
            mask = rle.decode(segmentation)
        except (ValueError, TypeError) as error:
            raise self.error(position, f"segmentation: {error}") from error
        if mask.shape != tuple(size):
            height, width = mask.shape
            raise self.error(
                position, f"its mask is {height}x{width} (height x width), but its image is {size[0]}x{size[1]}"
            )
        return mask

    def _joints(self, position, numbers, joints):
        if len(numbers) != 3 * joints:
            raise self.error(position, f"it has {len(numbers) / 3:g} joints, and the ground truth {joints}")
        return np.reshape(np.array(numbers, float), (joints, 3))


def read_results(path: str | os.PathLike) -> ResultFile:
    """Read and check a file of results.

    Raises
    ------
    BrokenFileError
        If it is no JSON, no list, or an entry lacks an id, a score, or what the others have.
    """
    path = Path(path)
    content = read_json(path)
    if isinstance(content, dict) and isinstance(content.get("annotations"), list):
        raise BrokenFileError(path, "these are annotations; results are a list of detections alone, each with a score")
    if not isinstance(content, list):
        raise BrokenFileError(path, f"results are a list of detections [{{...}}, ...], got {_kind(content)}")
    results = ResultFile(path, (), {})
    kinds: tuple[str, ...] = ()
    for position, entry in enumerate(content):
        if not isinstance(entry, dict):
            raise results.error(position, f"expected an object {{...}}, got {entry!r:.60}")
        own = tuple(kind for kind, key in FIELDS.items() if entry.get(key) not in (None, []))
        _check_entry(results, position, entry, own)
        if position == 0:
            kinds = own
        elif not set(kinds) <= set(own):
            missing = ", ".join(FIELDS[kind] for kind in kinds if kind not in own)
            raise results.error(position, f"it has no {missing}, as the results before it; give all results the same")
        results.by_image.setdefault(entry["image_id"], []).append((position, entry))
    return results._replace(kinds=kinds)


def _check_entry(results: ResultFile, position: int, entry: Mapping[str, Any], kinds: Sequence[str]) -> None:
    """Raise BrokenFileError unless an entry has ids, a score, and values of the right kind."""
    for key in ("image_id", "category_id"):
        value = entry.get(key)
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise results.error(position, f"{key} should be a number or a text, got {value!r:.60}")
    if not _are_numbers([entry.get("score")]):
        got = "none" if "score" not in entry else f"{entry['score']!r:.60}"
        raise results.error(position, f"the score should be a number, by which detections are ranked; got {got}")
    if not kinds:
        raise results.error(position, f"it has none of {', '.join(FIELDS.values())}")
    if "boxes" in kinds:
        box = entry["bbox"]
        if not isinstance(box, list) or len(box) != 4 or not _are_numbers(box) or min(box[2:]) < 0:
            raise results.error(position, f"bbox should be x, y, width, height in pixels, got {box!r:.60}")
    if "joints" in kinds and not (isinstance(entry["keypoints"], list) and _are_numbers(entry["keypoints"])):
        raise results.error(position, f"keypoints should be a list of numbers, got {entry['keypoints']!r:.60}")
    if "masks" in kinds and not isinstance(entry["segmentation"], list | dict):
        raise results.error(
            position, f"segmentation should be polygons or run lengths, got {entry['segmentation']!r:.60}"
        )


def _are_numbers(values: Sequence[Any]) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return numbers and all(math.isfinite(value) and abs(value) < 1e18 for value in values)


def _boxes_around(masks: Array | None, joints: Array | None) -> Array:
    """Return the boxes of masks, or of joints; zeros around masks without pixels."""
    if masks is not None:
        return np.array([rle.bounding_box(rle.encode(mask)) for mask in masks], float).reshape(-1, 4)
    if joints is None:  # no entries: each has one of the three
        return np.zeros((0, 4))
    points = joints[..., :2]
    return np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)


def _kind(value: Any) -> str:
    return "an object {...}" if isinstance(value, dict) else f"{value!r:.40}"


def _some(names: Mapping[Any, int]) -> str:
    """Return some of the keys of a mapping, as text."""
    shown = list(map(str, list(names)[:8]))
    return ", ".join(shown) + (f", ... ({len(names)} in all)" if len(names) > 8 else "")
