"""What is wrong or odd in one sample: its image file, its boxes and masks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minivision.core.labels import IGNORE
from minivision.core.types import Array, Size
from minivision.data.dataset import Sample
from minivision.data.images import BrokenFileError, image_header
from minivision.data.problems import Problem

__all__ = ["Look", "image_file_problems", "object_problems", "picture_hash"]

MIN_IOU = 0.8  # of a box and the extent of its mask; below that they disagree, if a side also differs by
MAX_DISTANCE = 2.0  # pixels
THIN = 1.5  # pixels: a side of a box that no object has
MIN_SHAPE_IOU = 0.5  # of an object with the anchor of the most similar shape, both of one area
GRAY, COLORS, PALETTE = ("1", "L", "LA", "La", "I", "I;16", "I;16B"), ("RGB", "RGBA", "RGBa"), ("P", "PA")


class Look(NamedTuple):
    """How objects are looked at.

    Attributes
    ----------
    train_size : (height, width), optional
        To which training resizes the images; by default they keep their sizes.
    stride : int
        Pixels from one feature of a network to the next: the side of a cell.
    shape_iou : callable, optional
        ``(K, 2)`` widths and heights -> the IoU of each with the anchor of the most similar shape, ``(K,)``.
    """

    train_size: Size | None = None
    stride: int = 16
    shape_iou: Callable[[Array], Array] | None = None


def image_file_problems(path: Path, size: Size) -> Iterator[Problem]:
    """Yield what is odd in the header of an image file.

    Parameters
    ----------
    path : path
    size : (height, width)
        Of the image in the dataset.
    """
    try:
        header = image_header(path)
    except BrokenFileError:
        return  # reported when its sample is read
    if header.oriented_size != header.size == tuple(size):
        yield Problem(
            "stored-turned", str(path), "annotated as it is stored, {1} x {0}, not as it is shown".format(*size)
        )
    if header.mode in GRAY:
        yield Problem("gray", str(path), f"mode {header.mode}")
    elif header.mode in PALETTE:
        yield Problem("palette", str(path), f"mode {header.mode}")
    elif header.mode not in COLORS:
        yield Problem("other-colors", str(path), f"mode {header.mode}")
    if header.deep:
        yield Problem("16-bit", str(path), f"mode {header.mode}, 16 bits a channel")
    if header.transparent:
        yield Problem("transparent", str(path), f"mode {header.mode}")


def picture_hash(image: Array) -> bytes:
    """Return a hash of the pixels: the same for the same picture, however it is stored without loss."""
    return hashlib.blake2b(image.tobytes(), digest_size=16, key=repr(image.shape).encode()).digest()


def object_problems(sample: Sample, classes: tuple[str, ...], name: str, look: Look) -> Iterator[Problem]:
    """Yield what is wrong or odd in the objects of a sample.

    Parameters
    ----------
    sample : Sample
    classes : tuple of str
    name : str
        Of the image, for the problems.
    look : Look
    """
    instances = sample.instances
    boxes = [tuple(box) for box in instances.boxes.tolist()]
    names = [classes[label] for label in instances.labels]
    if not boxes and not ((sample.label_map > 0) & (sample.label_map != IGNORE)).any():
        yield Problem("empty-image", name, "no object")
    masks = instances.masks if instances.has_masks else None
    for first, second in _twins(instances, masks):
        detail = f"objects {first + 1} and {second + 1} are both {names[first]}, {_shown(boxes[first])}"
        yield Problem("same-object", name, detail, (boxes[first],))
    for k in np.flatnonzero(~instances.crowd):
        if masks is not None:
            yield from _mask_problems(masks[k], boxes[k], names[k], name)
    yield from _shape_problems(instances, boxes, names, name, sample.image.shape[:2], look)


def _shown(box):
    return ", ".join(f"{number:g}" for number in box)


def _twins(instances, masks):
    """Yield the positions of objects that equal an earlier one in class, box and mask, with that of the earlier."""
    seen: dict[tuple, int] = {}
    for k in range(len(instances)):
        key = (instances.boxes[k].tobytes(), int(instances.labels[k]), bool(instances.crowd[k]))
        first = seen.setdefault(key, k)
        if first != k and (masks is None or (masks[first] == masks[k]).all()):
            yield first, k


def _mask_problems(mask, box, class_name, name):
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        yield Problem("empty-mask", name, f"the mask of a {class_name} at {_shown(box)} has no pixel", (box,))
        return
    extent = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
    if np.abs(np.subtract(extent, box)).max() > MAX_DISTANCE and _iou(extent, box) < MIN_IOU:
        detail = f"{class_name}: box {_shown(box)}, but its mask reaches over {_shown(extent)}"
        yield Problem("mask-box", name, detail, (box, extent))


def _iou(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def _shape_problems(instances, boxes, names, name, size, look):
    """Yield objects that are small or long for a detector, as they are at the size of training."""
    if not boxes:
        return
    sides = instances.boxes[:, 2:] - instances.boxes[:, :2]  # (K, 2)
    thin = (sides < THIN).any(axis=1)
    for k in np.flatnonzero(thin):
        detail = f"{names[k]}: {sides[k, 0]:.3g} x {sides[k, 1]:.3g} pixels, {_shown(boxes[k])}"
        yield Problem("thin-box", name, detail, (boxes[k],))
    height, width = look.train_size or size
    sides = sides * [width / size[1], height / size[0]]
    usual = ~thin & ~instances.crowd
    small = (sides < look.stride).all(axis=1) & usual
    for k in np.flatnonzero(small):
        detail = "{}: {:.3g} x {:.3g} pixels, a cell has {}".format(names[k], *sides[k], look.stride)
        yield Problem("small-object", name, detail, (boxes[k],))
    iou = np.ones(len(boxes)) if look.shape_iou is None else look.shape_iou(sides)
    for k in np.flatnonzero((iou < MIN_SHAPE_IOU) & usual):
        detail = "{}: {:.3g} x {:.3g} pixels, IoU with the nearest shape {:.2f}".format(names[k], *sides[k], iou[k])
        yield Problem("long-object", name, detail, (boxes[k],))
