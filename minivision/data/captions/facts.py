"""What can be seen of each object in a drawn scene: color, size, pattern, place, who hides it, a person's arms.

Everything is measured in the final picture, not taken from how it was drawn: a red disc behind a blurred shade is
called what it looks like. What is neither clearly so nor clearly not so is true, and no caption says it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minivision.core.types import Array
from minivision.data.captions.color_names import color_names, lightness

if TYPE_CHECKING:
    from minivision.data.dataset import Sample

__all__ = ["ObjectFacts", "look_at"]

FEWEST_INNER_PIXELS = 25  # from which the border, mixed with what is around, is left out, and a pattern can be seen
LONGEST_CONTACT_OF_NEIGHBORS = 8  # pixels; objects whose borders touch at more overlap


class ObjectFacts(NamedTuple):
    """What can be seen of one object.

    Attributes
    ----------
    kind : str
        Name of its class.
    colors : tuple of str
        What people may call its color, the best name first; see `color_names`.
    lightness : float
        Of its color, 0 (black) to 100.
    box : tuple of float
        ``x1, y1, x2, y2`` around its visible part, in pixels.
    roughness : float or None
        How much brightness varies in it, apart from noise and shading (0 to 255); None where too little is visible.
    hidden_by : tuple of int
        Indices of the objects that hide a part of it.
    arms : tuple of (bool or None)
        For a person's right and left arm whether it is raised: None where that cannot be seen; empty for others.
    image_size : (int, int)
        Height and width of the picture.
    """

    kind: str
    colors: tuple[str, ...]
    lightness: float
    box: tuple[float, float, float, float]
    roughness: float | None
    hidden_by: tuple[int, ...]
    arms: tuple[bool | None, ...]
    image_size: tuple[int, int]

    @property
    def center(self) -> tuple[float, float]:
        """Middle of the box, x and y."""
        x1, y1, x2, y2 = self.box
        return (x1 + x2) / 2, (y1 + y2) / 2

    @property
    def extent(self) -> float:
        """The longer side of the box in pixels."""
        x1, y1, x2, y2 = self.box
        return max(x2 - x1, y2 - y1)


def look_at(sample: Sample, classes: Sequence[str]) -> list[ObjectFacts]:
    """Return what can be seen of each object.

    Parameters
    ----------
    sample : Sample
        A drawn scene: objects with an instance map, of which later ones are in front.
    classes : sequence of str
        Class names, the background first.

    Returns
    -------
    list of ObjectFacts
    """
    instances = sample.instances
    if len(instances) == 0:
        return []
    masks = instances.masks
    assert masks is not None, "facts are measured in the pixels of each object"
    found = []
    for k, mask in enumerate(masks):
        window = _around(mask)
        pixels, inner = sample.image[window], _inner(mask[window])
        seen = inner if np.count_nonzero(inner) >= FEWEST_INNER_PIXELS else mask[window]
        color = np.median(pixels[seen], axis=0)
        kind = classes[instances.labels[k]]
        joints = instances.keypoints[k] if kind == "person" and instances.keypoints is not None else None
        found.append(
            ObjectFacts(
                kind,
                color_names(color),
                lightness(color),
                tuple(instances.boxes[k].tolist()),
                _roughness(pixels, inner),
                tuple(j for j in range(k + 1, len(masks)) if _contact(mask, masks[j]) > LONGEST_CONTACT_OF_NEIGHBORS),
                () if joints is None else tuple(_arm(joints, side) for side in ("right", "left")),
                mask.shape,
            )
        )
    return found


def _around(mask: Array) -> tuple[slice, slice]:
    """Return the window of a mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _inner(mask: Array) -> Array:
    """Return the mask without the pixels at its border."""
    inner = np.zeros_like(mask)
    inner[1:-1, 1:-1] = mask[1:-1, 1:-1] & mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    return inner


def _roughness(pixels: Array, inner: Array) -> float | None:
    """Return the deviation of brightness from a slope across the object, in means of 3 x 3 pixels against noise."""
    gray = pixels.mean(axis=2)
    height, width = gray.shape
    if height < 3 or width < 3:
        return None
    sums, counts = np.zeros((height - 2, width - 2)), np.zeros((height - 2, width - 2), int)
    for i in range(3):
        for j in range(3):
            window = slice(i, height - 2 + i), slice(j, width - 2 + j)
            sums += (gray * inner)[window]
            counts += inner[window]
    whole = counts == 9
    if np.count_nonzero(whole) < FEWEST_INNER_PIXELS:
        return None
    rows, columns = np.nonzero(whole)
    plane = np.stack([np.ones(len(rows)), rows, columns], axis=1)
    means = sums[whole] / 9
    slope, *_ = np.linalg.lstsq(plane, means, rcond=None)
    return float((means - plane @ slope).std())


def _contact(mask: Array, other: Array) -> int:
    """Return how many pixels of a mask have a neighbor, above, below, left or right, of another one."""
    grown = np.zeros_like(other)
    grown[1:] |= other[:-1]
    grown[:-1] |= other[1:]
    grown[:, 1:] |= other[:, :-1]
    grown[:, :-1] |= other[:, 1:]
    return int(np.count_nonzero(mask & grown))


def _arm(keypoints: Array, side: str) -> bool | None:
    """Return whether the wrist is clearly above the shoulder; None where one is hidden, or it is about as high."""
    from minivision.data.shapes import JOINTS

    wrist, shoulder, neck, hip = (
        keypoints[JOINTS.index(name)] for name in (f"{side}_wrist", f"{side}_shoulder", "neck", f"{side}_hip")
    )
    if wrist[2] < 2 or shoulder[2] < 2:
        return None
    margin = 0.25 * float(np.hypot(*(neck - hip)[:2]))  # a quarter of the trunk
    higher = float(shoulder[1] - wrist[1])
    return None if abs(higher) < margin else higher > 0
