"""Masks in COCO's formats: run lengths, run lengths as text, and polygons.

The pixels of a mask ``(H, W)`` are read column by column. The counts are the lengths of the runs of equal pixels:
zeros, then ones, then zeros, and so on; the first run may be empty. They are stored as ``{"size": [H, W], "counts":
[...]}``; `compress` converts the list to a short text that may replace it, and `decompress` converts it back.

The format is that of the COCO API (https://github.com/cocodataset/cocoapi); this is an implementation of our own, and
its masks are identical bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minivision.core.types import Array, Size

__all__ = [
    "bounding_box",
    "compress",
    "decode",
    "decompress",
    "encode",
    "polygons_to_mask",
    "run_lengths",
    "segmentation_to_mask",
]

MAX_SIDE = 65535  # of an image in pixels
_POLYGON_SCALE = 5  # COCO rounds the corners of polygons to a fifth of a pixel
_MAX_DISTANCE = 10  # of a corner from the image, in sides of the image
_MAX_OUTLINE = 1_000_000  # pixels along a polygon; following it takes some 270 bytes for each


def encode(mask: Array) -> dict[str, Any]:
    """Encode a mask as run lengths.

    Parameters
    ----------
    mask : bool ndarray of shape (H, W)

    Returns
    -------
    rle : dict
        ``{"size": [H, W], "counts": text}``, with compressed counts.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.data.rle import decode, encode
    >>> mask = np.array([[False, True], [False, True]])
    >>> encode(mask)
    {'size': [2, 2], 'counts': '22'}
    >>> decode({"size": [2, 2], "counts": [2, 2]}).tolist()
    [[False, True], [False, True]]
    """
    mask = np.asarray(mask)
    if mask.ndim != 2 or mask.dtype != bool:
        raise ValueError(f"mask must be a bool array of shape (H, W), got {mask.dtype} of shape {mask.shape}")
    from minivision.data.rle_encoding import mask_counts  # here: it imports Numba

    return {"size": list(mask.shape), "counts": compress(mask_counts(mask))}


def decode(rle: Mapping[str, Any]) -> Array:
    """Decode run lengths to a mask.

    Parameters
    ----------
    rle : dict
        ``{"size": [H, W], "counts": ...}`` with counts as a list, or compressed as str or bytes.

    Returns
    -------
    mask : bool ndarray of shape (H, W)

    Raises
    ------
    ValueError
        If the size is not two integers up to 65535, the counts are no integers or do not add up to ``H * W``, or
        the text does not contain run lengths.
    """
    height, width, counts = run_lengths(rle)
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return np.ascontiguousarray(flat.reshape(width, height).T)


def bounding_box(rle: Mapping[str, Any]) -> tuple[int, int, int, int]:
    """Return the box around the pixels of run lengths, without decoding them.

    Parameters and errors are those of `decode`.

    Returns
    -------
    box : (x1, y1, x2, y2)
        (0, 0, 0, 0) without pixels.

    Examples
    --------
    >>> from minivision.data.rle import bounding_box
    >>> bounding_box({"size": [4, 4], "counts": [5, 2, 2, 2, 5]})
    (1, 1, 3, 3)
    """
    height, _, counts = run_lengths(rle)
    ends = np.cumsum(counts)
    starts, lasts = (ends - counts)[1::2], ends[1::2] - 1
    full = lasts >= starts
    if not full.any():
        return 0, 0, 0, 0
    starts, lasts = starts[full], lasts[full]
    (first_columns, first_rows), (last_columns, last_rows) = np.divmod(starts, height), np.divmod(lasts, height)
    across = (first_columns != last_columns).any()  # such a run has the last row of one, the first of the next
    rows = (0, height) if across else (int(first_rows.min()), int(last_rows.max()) + 1)
    return int(first_columns[0]), rows[0], int(last_columns[-1]) + 1, rows[1]


def run_lengths(rle: Mapping[str, Any]) -> tuple[int, int, Array]:
    """Return height, width and the run lengths, int64 ``(n,)``, which add up to their product.

    Parameters and errors are those of `decode`.
    """
    if not isinstance(rle, Mapping) or not {"size", "counts"} <= rle.keys():
        raise ValueError(f"rle: run lengths need 'size' and 'counts', got {rle!r:.60}")
    height, width = _check_size(rle["size"])
    counts = rle["counts"]
    counts = decompress(counts) if isinstance(counts, str | bytes) else _check_counts(counts)
    # The sum of int64 numbers may wrap around, and np.repeat would then write outside its memory: Python's does not.
    total = sum(counts.tolist())
    if total != height * width or (counts < 0).any():
        raise ValueError(
            f"run lengths of a {height}x{width} mask must be 0 or more and add up to {height * width}, "
            f"but they add up to {total}"
        )
    return height, width, counts


def _check_size(size):
    """Return a height and a width that are integers, and whose product no integer of NumPy exceeds."""
    numbers = list(size) if isinstance(size, list | tuple) else [size]
    if len(numbers) != 2 or not all(isinstance(n, int | np.integer) and 0 <= n <= MAX_SIDE for n in numbers):
        raise ValueError(f"size should be [height, width], each at most {MAX_SIDE}, got {size!r}")
    return numbers


def _check_counts(counts):
    """Return a list of run lengths as an int64 array."""
    if not isinstance(counts, list | tuple | np.ndarray):
        raise ValueError(f"counts should be a list of integers or a text, got {type(counts).__name__}")
    array = np.asarray(counts)
    if array.size and array.dtype.kind not in "iu" or array.ndim != 1:
        raise ValueError(f"counts should be a list of integers of at most 64 bits, got {str(counts)[:60]}")
    return array.astype(np.int64)


def compress(counts: Iterable[int]) -> str:
    """Convert run lengths to text.

    From the fourth number on, the difference from the number two places before is stored, which is usually small.
    A number is split into groups of 5 bits, the lowest first; a sixth bit is 1 if more groups follow, and 48 is added
    to get a printable character. The highest bit of the last group is the sign.
    """
    from minivision.data.rle_encoding import compressed

    numbers = np.asarray(counts if isinstance(counts, np.ndarray) else list(counts)).astype(np.int64)
    return compressed(numbers).tobytes().decode("ascii")


def decompress(text: str | bytes) -> Array:
    """Convert text to run lengths: the inverse of `compress`.

    Parameters
    ----------
    text : str or bytes

    Returns
    -------
    counts : int64 ndarray of shape (n,)
    """
    data = text.encode("ascii", "replace") if isinstance(text, str) else text
    codes = np.frombuffer(data, np.uint8).astype(np.int64) - 48
    last = codes & 0x20 == 0  # the last group of its number
    if len(codes) and (codes.min() < 0 or codes.max() > 63 or not last[-1]):
        raise ValueError(f"not compressed run lengths: {text[:40]!r}")
    ends = np.flatnonzero(last)
    starts = np.concatenate([[0], ends + 1])[: len(ends)]
    lengths = ends + 1 - starts
    if len(lengths) and lengths.max() > 12:
        raise ValueError(f"not compressed run lengths, a number is too large: {text[:40]!r}")
    place = np.arange(len(codes)) - np.repeat(starts, lengths)
    counts = np.add.reduceat((codes & 0x1F) << (5 * place), starts) if len(codes) else codes
    counts = np.where(codes[ends] & 0x10, counts - (1 << (5 * lengths)), counts)  # negative numbers
    counts[1::2] = np.cumsum(counts[1::2])  # differences to the number two places before
    counts[2::2] = np.cumsum(counts[2::2])
    return counts


def polygons_to_mask(polygons: Iterable[Sequence[float]], size: Size) -> Array:
    """Return the mask of an object given by polygons: the union of their areas.

    Parameters
    ----------
    polygons : sequence of sequence of float
        Each ``x1, y1, x2, y2, ...`` in pixels, three corners or more.
    size : (height, width)
        Size of the image.

    Returns
    -------
    mask : bool ndarray of shape (H, W)

    Raises
    ------
    ValueError
        If a polygon has fewer than three corners, a corner that is not finite or lies more than ten sides of the
        image outside of it, or an outline of more than a million pixels.
    """
    mask = np.zeros(size, bool)
    for polygon in polygons:
        mask |= _polygon_to_mask(np.asarray(polygon, float), *size)
    return mask


def segmentation_to_mask(segmentation: Sequence[Sequence[float]] | Mapping[str, Any], size: Size) -> Array:
    """Return the mask of an object given by polygons, or by run lengths, which must be of the image's size.

    Parameters and errors are those of `polygons_to_mask` and `decode`.
    """
    if not isinstance(segmentation, Mapping):
        return polygons_to_mask(segmentation, size)
    if segmentation["size"] != list(size):
        raise ValueError(f"its size is {segmentation['size']}, that of the image {list(size)}")
    return decode(segmentation)


def _polygon_to_mask(polygon, height, width):
    """Fill one polygon as COCO does.

    The outline is followed in steps of a fifth of a pixel. Wherever it passes the center of a column of pixels, all
    pixels of the column below that point change between outside and inside.
    """
    if polygon.ndim != 1 or len(polygon) < 6 or len(polygon) % 2:
        raise ValueError(f"a polygon needs x, y of three corners or more, got {polygon.size} numbers")
    limit = (_MAX_DISTANCE + 1) * max(height, width)
    if not (np.abs(polygon) <= limit).all():  # also for NaN
        worst = polygon[~(np.abs(polygon) <= limit)][0]
        raise ValueError(f"a corner of a polygon has the coordinate {worst:g}, far outside the {height}x{width} image")
    corners = np.trunc(_POLYGON_SCALE * polygon.reshape(-1, 2) + 0.5).astype(np.int64)
    ends = np.roll(corners, -1, axis=0)
    outline = int(np.abs(ends - corners).max(axis=1).sum()) // _POLYGON_SCALE
    if outline > _MAX_OUTLINE:
        raise ValueError(f"the outline of a polygon is {outline} pixels long, more than {_MAX_OUTLINE}")
    path = np.concatenate([_integer_points(*start, *end) for start, end in zip(corners, ends, strict=True)])
    x, y = path.T
    step = np.flatnonzero(x[1:] != x[:-1])  # here the path goes from one column of fifths to the next
    column = (np.minimum(x[step], x[step + 1]) + 0.5) / _POLYGON_SCALE - 0.5
    row = (np.minimum(y[step], y[step + 1]) + 0.5) / _POLYGON_SCALE - 0.5
    at_center = (column == np.floor(column)) & (column >= 0) & (column <= width - 1)
    row = np.ceil(row[at_center].clip(0, height)).astype(np.int64)
    columns = column[at_center].astype(np.int64)
    mask = np.zeros((width, height), bool)
    if len(columns):
        first, end = columns.min(), columns.max() + 1
        # In column-major order, row H of a column is row 0 of the next. Each column changes an even number of times.
        position = (columns - first) * height + row
        pixels = (end - first) * height
        changes = np.bincount(position, minlength=pixels + 1)[:pixels]
        inside = np.cumsum(changes, dtype=np.uint8) & 1  # odd or even, also where the sum wraps around
        mask[first:end] = inside.reshape(-1, height)
    return mask.T


def _integer_points(x1, y1, x2, y2):
    """Return integer points from point 1 to point 2, both included, one per step along the longer axis: ``(n, 2)``.

    The other coordinate is rounded in the same way from both ends, so the points from 2 to 1 are the same.
    """
    dx, dy = abs(x2 - x1), abs(y2 - y1)
    steps = max(dx, dy)
    if steps == 0:
        return np.array([[x1, y1]])
    along_x = dx >= dy
    backwards = x1 > x2 if along_x else y1 > y2
    if backwards:
        x1, y1, x2, y2 = x2, y2, x1, y1
    t = np.arange(steps + 1)
    if along_x:
        points = np.stack([x1 + t, np.trunc(y1 + (y2 - y1) / dx * t + 0.5).astype(np.int64)], axis=1)
    else:
        points = np.stack([np.trunc(x1 + (x2 - x1) / dy * t + 0.5).astype(np.int64), y1 + t], axis=1)
    return points[::-1] if backwards else points
