"""Masks as COCO writes them: run lengths, run lengths as text, and polygons.

A mask of ``(H, W)`` pixels is read column by column, and the lengths of its runs are noted: how many pixels
are 0, then how many 1, then 0, and so on. The first run may be empty. This is the meaning of ``{"size": [H,
W], "counts": [...]}``; `compress` and `decompress` turn the list into the short text that may stand in its
place.

The format is that of the COCO API (https://github.com/cocodataset/cocoapi), written anew here; masks agree
with its own bit for bit.
"""

import numpy as np

__all__ = ["compress", "decode", "decompress", "encode", "polygons_to_mask"]

_POLYGON_SCALE = 5  # COCO rounds the corners of polygons to a fifth of a pixel


def encode(mask):
    """Run lengths of a mask.

    Parameters
    ----------
    mask : (H, W) bool array

    Returns
    -------
    dict
        ``{"size": [H, W], "counts": text}``, with compressed counts.
    """
    mask = np.asarray(mask)
    if mask.ndim != 2 or mask.dtype != bool:
        raise ValueError(f"mask must be a bool array of shape (H, W), got {mask.dtype} of shape {mask.shape}")
    flat = mask.T.ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    counts = np.diff(np.concatenate([[0], changes, [flat.size]]))
    if flat.size and flat[0]:
        counts = np.concatenate([[0], counts])  # the first run is of zeros
    return {"size": list(mask.shape), "counts": compress(counts)}


def decode(rle):
    """The mask that run lengths mean.

    Parameters
    ----------
    rle : dict
        ``{"size": [H, W], "counts": ...}`` with counts as a list, or compressed as str or bytes.

    Returns
    -------
    (H, W) bool array

    Raises
    ------
    ValueError
        Where the counts do not add up to ``H * W``, or the text is not one of run lengths.
    """
    height, width = rle["size"]
    counts = rle["counts"]
    counts = decompress(counts) if isinstance(counts, str | bytes) else np.asarray(counts, np.int64)
    if counts.sum() != height * width or (counts < 0).any():
        raise ValueError(
            f"run lengths of a {height}x{width} mask must be 0 or more and add up to {height * width}, "
            f"but they add up to {counts.sum()}"
        )
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return np.ascontiguousarray(flat.reshape(width, height).T)


def compress(counts):
    """Run lengths as text.

    From the fourth on, a number is stored as its difference to the one two places before, which is mostly
    small. A number is cut into groups of 5 bits, the lowest first; a sixth bit says that more follow, and 48
    is added to make the group a printable character. The last group's highest bit is the sign.
    """
    counts = [int(count) for count in counts]
    text = bytearray()
    for i, count in enumerate(counts):
        value = count - counts[i - 2] if i > 2 else count
        more = True
        while more:
            group = value & 0x1F
            value >>= 5
            more = value != (-1 if group & 0x10 else 0)  # until the rest is only copies of the sign
            text.append(48 + (group | 0x20 if more else group))
    return text.decode("ascii")


def decompress(text):
    """Run lengths from text: what `compress` does, backwards.

    Parameters
    ----------
    text : str or bytes

    Returns
    -------
    (n,) int64 array
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


def polygons_to_mask(polygons, size):
    """The mask of an object outlined by polygons: a pixel is in it if it is in any of them.

    Parameters
    ----------
    polygons : sequence of sequences of float
        Each ``x1, y1, x2, y2, ...`` in pixels, three corners or more.
    size : (height, width)
        Of the image.

    Returns
    -------
    (H, W) bool array
    """
    mask = np.zeros(size, bool)
    for polygon in polygons:
        mask |= _polygon_to_mask(np.asarray(polygon, float), *size)
    return mask


def _polygon_to_mask(polygon, height, width):
    """Fill one polygon as COCO does.

    The outline is walked in steps of a fifth of a pixel. Wherever it passes the centre of a column of pixels,
    all pixels of the column below that point change between outside and inside.
    """
    if polygon.ndim != 1 or len(polygon) < 6 or len(polygon) % 2:
        raise ValueError(f"a polygon needs x, y of three corners or more, got {polygon.size} numbers")
    corners = np.trunc(_POLYGON_SCALE * polygon.reshape(-1, 2) + 0.5).astype(np.int64)
    ends = np.roll(corners, -1, axis=0)
    path = np.concatenate([_walk(*start, *end) for start, end in zip(corners, ends, strict=True)])
    x, y = path.T
    step = np.flatnonzero(x[1:] != x[:-1])  # the walk goes from one column of fifths to the next
    column = (np.minimum(x[step], x[step + 1]) + 0.5) / _POLYGON_SCALE - 0.5
    row = (np.minimum(y[step], y[step + 1]) + 0.5) / _POLYGON_SCALE - 0.5
    at_centre = (column == np.floor(column)) & (column >= 0) & (column <= width - 1)
    row = np.ceil(row[at_centre].clip(0, height)).astype(np.int64)
    # In column-major order, row H of a column is row 0 of the next.
    position = column[at_centre].astype(np.int64) * height + row
    changes = np.bincount(position, minlength=height * width + 1)[: height * width]
    return (np.cumsum(changes) % 2 == 1).reshape(width, height).T


def _walk(x1, y1, x2, y2):
    """Integer points from 1 to 2, both included, one for each step along the longer axis: ``(n, 2)``.

    The other coordinate is rounded the same way whichever end the walk starts from, so the walk from 2 to 1
    passes the same points.
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
