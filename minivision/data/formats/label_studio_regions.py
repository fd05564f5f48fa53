"""The regions of Label Studio's annotations: where an object is, in pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivision.core.types import Array, Size
from minivision.data.formats.label_studio_rle import decode_brush
from minivision.data.formats.regions import MAX_PIXELS, ellipse, place, rectangle, turn
from minivision.data.text import is_number

__all__ = ["Region", "read_region", "region_size"]


@dataclass(frozen=True, eq=False)
class Region:
    """One region: a box, a polygon, a mask or a point.

    Attributes
    ----------
    label : str
    id, parent : str or None
        Its identifier, and that of the region that it belongs to.
    box : (x1, y1, x2, y2), optional
    polygon : ndarray of shape (N, 2), optional
    mask : dict, optional
        Run lengths; see `minivision.data.rle`.
    point : (x, y), optional
    """

    label: str
    id: str | None
    parent: str | None
    box: tuple[float, float, float, float] | None = None
    polygon: Array | None = None
    mask: Mapping[str, Any] | None = None
    point: tuple[float, float] | None = None


def region_size(result: Mapping[str, Any]) -> Size | None:
    """Return the size of the image that a region was drawn on, None if it has none.

    Raises
    ------
    ValueError
        If it is none of an image, or the image was turned in Label Studio's window.
    """
    height: Any = result.get("original_height")
    width: Any = result.get("original_width")
    if height is None or width is None:
        return None
    good = all(is_number(side) and side > 0 and side == int(side) for side in (height, width))
    if not good or height * width > MAX_PIXELS:
        shown = f"{height!r:.30} and {width!r:.30}"
        raise ValueError(f"original_height and original_width should be numbers of pixels, got {shown}")
    if result.get("image_rotation"):
        raise ValueError(
            f"its image was turned by {result['image_rotation']!r:.20} degrees in Label Studio's window, which is not "
            "supported; turn the image file, and draw its regions again"
        )
    return int(height), int(width)


def read_region(result: Mapping[str, Any], label: str, size: Size) -> Region | None:
    """Return a region in pixels, None if it is no place in an image.

    Places and lengths are percents of the width (``x``, ``width``) and of the height (``y``, ``height``). A rectangle
    is turned clockwise about its upper left corner, an ellipse about its center, on the image as it is in pixels.

    Raises
    ------
    ValueError
        If its numbers are missing or wrong.
    """
    value = result.get("value")
    if not isinstance(value, Mapping):
        raise ValueError(f"its value should be an object {{...}}, got {value!r:.60}")
    names = (result.get("id"), result.get("parentID"))
    identity, parent = (name if isinstance(name, str) else None for name in names)
    height, width = size
    scale = np.array([width, height]) / 100
    if "rle" in value:
        return Region(label, identity, parent, mask=place(decode_brush(value["rle"], size), 0, 0, size))
    if "points" in value:
        return Region(label, identity, parent, polygon=_corners(value["points"]) * scale)
    if "x" not in value:
        return None
    degrees = _numbers(value, "rotation")[0] if value.get("rotation") is not None else 0.0
    x, y = np.array(_numbers(value, "x", "y")) * scale
    if "radiusX" in value:
        radii = np.array(_numbers(value, "radiusX", "radiusY")) * scale
        return Region(label, identity, parent, polygon=ellipse((x, y), radii, degrees))
    if "height" not in value:
        return Region(label, identity, parent, point=(float(x), float(y)))
    across, down = np.array(_numbers(value, "width", "height")) * scale
    if not degrees % 360:
        return Region(label, identity, parent, box=(float(x), float(y), float(x + across), float(y + down)))
    return Region(label, identity, parent, polygon=turn(rectangle(x, y, x + across, y + down), (x, y), degrees))


def _corners(points):
    good = isinstance(points, list) and all(
        isinstance(point, list) and len(point) == 2 and all(map(is_number, point)) for point in points
    )
    if not good or len(points) < 3:
        raise ValueError(f"its points should be three pairs [x, y] or more, got {points!r:.60}")
    return np.array(points, float)


def _numbers(value, *keys):
    for key in keys:
        if not is_number(value.get(key)):
            raise ValueError(f"its {key} should be a number, got {value.get(key)!r:.60}")
    return tuple(float(value[key]) for key in keys)
