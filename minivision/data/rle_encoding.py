"""Loops over the run lengths of a mask, compiled: where its pixels change, and the text of the lengths.

These functions have one implementation, which no backend replaces, and do not check their arguments;
`minivision.data.rle` does.
"""

from __future__ import annotations

import numpy as np

from minivision.core.compile import jit
from minivision.core.types import Array

__all__ = ["compressed", "mask_counts"]


def mask_counts(mask: Array) -> Array:
    """Return the lengths of the runs of equal pixels, column by column: of zeros, of ones, of zeros, and so on.

    Lines are compared with those above them in words of eight pixels: in most words nothing changes, and the loops
    only visit the others. The mask is not transposed.

    Parameters
    ----------
    mask : bool ndarray of shape (H, W)

    Returns
    -------
    counts : int64 ndarray of shape (n,)
        The first may be 0; it is the only one of a mask without pixels.
    """
    if not mask.size:
        return np.zeros(1, np.int64)
    height, width = mask.shape
    words = np.zeros((height, -(-width // 8)), np.uint64)
    pixels = words.view(np.uint8)[:, :width]
    pixels[:] = mask
    changed = np.flatnonzero(words[1:] != words[:-1])
    ends = np.append(_column_changes(pixels, changed), mask.size)
    return np.diff(ends, prepend=0)


@jit
def _column_changes(pixels, changed):
    """Return where pixels differ from the one before, column by column, in ascending order.

    A first pass counts the changes of each column, a second one writes them into the places of the column.

    Parameters
    ----------
    pixels : uint8 ndarray of shape (H, W)
        0 and 1. The pixel before the first of a column is the last of the column to its left, or 0.
    changed : int64 ndarray of shape (m,)
        Words of eight pixels that differ from the word above, in ascending order: the k-th one of line y + 1 is word
        ``y * ceil(W / 8) + k``.

    Returns
    -------
    positions : int64 ndarray of shape (n,)
        ``x H + y`` of these pixels.
    """
    height, width = pixels.shape
    words = (width + 7) // 8  # of a line
    starts = np.zeros(width + 1, np.int64)
    for column in range(width):
        before = pixels[height - 1, column - 1] if column else 0
        starts[column + 1] = 1 if pixels[0, column] != before else 0
    for word in changed:
        row, first = word // words + 1, 8 * (word % words)
        for column in range(first, min(first + 8, width)):
            starts[column + 1] += pixels[row, column] ^ pixels[row - 1, column]
    for column in range(width):
        starts[column + 1] += starts[column]
    positions = np.empty(starts[width], np.int64)
    for column in range(width):
        before = pixels[height - 1, column - 1] if column else 0
        if pixels[0, column] != before:
            positions[starts[column]] = column * height
            starts[column] += 1
    for word in changed:
        row, first = word // words + 1, 8 * (word % words)
        for column in range(first, min(first + 8, width)):
            if pixels[row, column] != pixels[row - 1, column]:
                positions[starts[column]] = column * height + row
                starts[column] += 1
    return positions


@jit
def compressed(counts: Array) -> Array:
    """Return run lengths as text; `minivision.data.rle.compress` says how.

    Parameters
    ----------
    counts : int64 ndarray of shape (n,)

    Returns
    -------
    text : uint8 ndarray of shape (m,)
        Codes of characters.
    """
    text = np.empty(13 * len(counts), np.uint8)  # 64 bits are 13 groups of 5
    end = 0
    for i in range(len(counts)):
        value = counts[i] - counts[i - 2] if i > 2 else counts[i]
        more = True
        while more:
            group = value & 0x1F
            value >>= 5
            more = value != (-1 if group & 0x10 else 0)  # until all remaining bits are copies of the sign
            text[end] = 48 + (group | 0x20 if more else group)
            end += 1
    return text[:end].copy()
