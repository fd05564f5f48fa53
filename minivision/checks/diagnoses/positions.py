"""Right numbers in the wrong positions: shifted maps, and indices of maxima that are counted or used wrongly."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.evidence import Evidence
    from minivision.core.types import Array

# ---- values ----------------------------------------------------------------------------------------------------------


def shifted(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose maps that are right but some rows or columns away from where they should be."""
    got, expected = evidence.got, evidence.expected
    if got.ndim != 4:
        return None
    farthest = [min(3, n // 3) for n in got.shape[2:]]
    shifts = itertools.product(*(range(-most, most + 1) for most in farthest))
    for down, right in sorted(shifts, key=lambda shift: sum(map(abs, shift)))[1:]:
        here = (..., _rest(down), _rest(right))
        there = (..., _rest(-down), _rest(-right))
        if np.unique(expected[there]).size < 4 or not evidence.same(got[here], expected[there]):
            continue
        if np.mean(evidence.wrong[here]) < 0.5:
            continue  # most of it is right without a shift
        moved = [f"{abs(n)} {axis}{'s' * (abs(n) > 1)}" for n, axis in ((down, "row"), (right, "column")) if n]
        advice = "look for an offset that is missing or one too many."
        if "padding" in evidence.values:
            advice = "in the padded map it begins at row `top` and column `left`. Where is it put in or cut out?"
        return f"{evidence.result} is right, but shifted by {' and '.join(moved)}: {advice}"
    return None


def _rest(shift):
    return slice(shift, None) if shift >= 0 else slice(None, shift)


def scattered(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose right numbers in positions that no other diagnosis explains."""
    got, expected = evidence.got, evidence.expected
    numbers = expected[expected != 0]
    if np.unique(numbers).size < max(4, numbers.size // 2) or not evidence.same(
        np.sort(got, axis=None), np.sort(expected, axis=None)
    ):
        return None
    if expected.ndim == 2 and all(map(evidence.same, _sorted_rows(got), _sorted_rows(expected))):
        return f"The rows of {evidence.result} are right, but in another order."
    return (
        f"{evidence.result} has the right numbers, but in the wrong places: look for a reshape where a "
        "transpose was meant, np.tile for np.repeat, two indices the wrong way round, or an offset."
    )


def _sorted_rows(table):
    return table[np.lexsort(table.T)]


# ---- indices as a result ---------------------------------------------------------------------------------------------


def counted_otherwise(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose indices of a max pooling that are counted by the height, or within each window."""
    got, expected, values = evidence.got, evidence.expected, evidence.values
    if evidence.result != "indices" or "kernel_size" not in values or expected.size < 4:
        return None
    kh, kw = values["kernel_size"]
    H, W = values["x"].shape[2:]
    if np.array_equal(got, expected // W * H + expected % W):
        return "They are row * H + column. A row has W elements, so element (row, column) is number row * W + column."
    if got.max() < kh * kw <= expected.max():
        return "They count within each window. Count in the whole plane of x: row * W + column."
    N, C = expected.shape[:2]
    if N * C > 1 and np.array_equal(got, expected + (np.arange(N * C) * H * W).reshape(N, C, 1, 1)):
        return (
            "They count through all planes of x, one after the other. Each plane has indices of its own: row * W + "
            "column, without the image and the channel."
        )
    if np.array_equal(*(_cut_windows_unravelled(evidence, each) for each in (got, None))):
        return (
            "A window that is cut off at the border is smaller than kernel_size. Turn the position of its maximum into "
            "a row and a column with its own width (np.unravel_index(k, window.shape)), and count from its own corner."
        )
    return None


def _cut_windows_unravelled(evidence, indices):
    """Return indices, or those for a cut window whose maximum is unravelled with the width of a whole window."""
    if indices is not None:
        return indices
    H, W = evidence.values["x"].shape[2:]
    (kh, kw), (sh, sw), ((top, _), (left, _)) = (evidence.values[name] for name in ("kernel_size", "stride", "padding"))
    rows, columns = np.divmod(evidence.expected, W)
    i, j = np.indices(evidence.expected.shape)[2:]
    first_row, first_column = np.maximum(i * sh - top, 0), np.maximum(j * sw - left, 0)
    width = np.minimum(j * sw - left + kw, W) - first_column
    down, right = np.divmod((rows - first_row) * width + columns - first_column, kw)
    return (first_row + down) * W + first_column + right


def counted_in_padded_map(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose indices of a max pooling that count in the padded map instead of the map."""
    if evidence.result != "indices" or not np.any(evidence.values.get("padding", 0)):
        return None
    (top, _), (left, right) = evidence.values["padding"]
    W = evidence.values["x"].shape[3]
    row, column = np.divmod(evidence.expected, W)
    if not np.array_equal(evidence.got, (row + top) * (W + left + right) + column + left):
        return None
    return (
        "They count in the padded map. Count in x itself, without its padding: take `top` off the row and `left` off "
        "the column, and multiply the row by the width of x."
    )


def other_of_equal_maxima(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose the argmax of a region that has several equal maxima, where another one than the first is taken."""
    got, expected, values = evidence.got, evidence.expected, evidence.values
    if evidence.result != "argmax" or not {"x", "rois"} <= set(values):
        return None
    plane = values["x"].reshape(*values["x"].shape[:2], -1)[values["rois"][:, 0].astype(int)]  # of each region
    if (
        not plane.size
        or got.min(initial=0) < -1
        or got.max(initial=0) >= plane.shape[2]
        or (got[expected < 0] >= 0).any()
    ):
        return None
    flat = (len(got), plane.shape[1], -1)
    one, other = (np.take_along_axis(plane, np.maximum(each, 0).reshape(flat), axis=2) for each in (got, expected))
    if not np.array_equal(one, other, equal_nan=True) or ((got < 0) & (expected >= 0)).any():
        return None
    return "Where several numbers are the largest, argmax is that of another: of equals the first wins (>, not >=)."


# ---- indices as an argument ------------------------------------------------------------------------------------------


def indices_misread(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose indices that are read from another channel or image, divided by another size, or not used."""
    indices = evidence.values.get("indices")
    if not isinstance(indices, np.ndarray) or indices.ndim != 4 or evidence.result == "indices" or not indices.size:
        return None
    if _all_in_the_first_plane(evidence):
        return (
            f"All of {evidence.result} is in the first plane: an index counts in the plane of its own image and "
            "channel. In an array that is flattened as a whole (ravel, np.put, reshape(-1)) the next planes "
            "begin further behind."
        )
    for other, how in _misreadings(evidence, indices):
        if np.array_equal(other, indices) or np.array_equal(evidence.expected, evidence.got):
            continue
        result = evidence.reference(indices=np.ascontiguousarray(other))
        if result is not None and evidence.same(result, evidence.got):
            return f"{evidence.result} is what the reference gives {how}"
    return None


def _all_in_the_first_plane(evidence):
    """Return whether flat indices are used in the array of all planes: all is written to the first, or read there."""
    got, expected, dy = evidence.got, evidence.expected, evidence.values.get("dy")
    if expected[:1, :1].size == expected.size or not evidence.same_shape:
        return False
    if evidence.op.__name__ == "max_unpool2d_backward":
        first = evidence.reference(dy=np.broadcast_to(dy[:1, :1], dy.shape).copy())
        return first is not None and not evidence.same(first, expected) and evidence.same(first, got)
    planes = got.reshape(-1, *got.shape[2:])
    written = expected.reshape(planes.shape)[:, None].any(axis=(1, 2, 3))
    return bool(got[0, 0].any() and not planes[1:].any() and written[1:].any())


def blocks_reshaped(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose the sum over blocks of an upsampling's gradient, with the axes of a reshape in the wrong order."""
    dy, scale = evidence.values.get("dy"), evidence.values.get("scale")
    if scale is None or dy is None or not evidence.same_shape or not dy.size:
        return None
    (sh, sw), (N, C, H, W) = scale, evidence.expected.shape
    parts = dy.reshape(N, C, sh, H, sw, W)
    wrong = parts.sum(axis=(2, 4)) if evidence.op.__name__.startswith("upsample") else parts[:, :, 0, :, 0]
    if evidence.same(wrong, evidence.expected) or not evidence.same(wrong, evidence.got):
        return None
    return (
        f"{evidence.result} is taken from blocks that are not there: a row of dy has W groups of scale[1] numbers, not "
        "scale[1] groups of W. In a reshape the size comes before the scale: (..., H, scale[0], W, scale[1])."
    )


def _misreadings(evidence: Evidence, indices: Array) -> Iterator[tuple[Array, str]]:
    """Yield other indices, and the mistake by which they would be used."""
    N, C, h, w = indices.shape
    every = "each image and each channel has indices of its own: indices[n, c, i, j]."
    yield np.broadcast_to(indices[:, :1], indices.shape), f"with the indices of the first channel for all: {every}"
    yield np.broadcast_to(indices[:1], indices.shape), f"with the indices of the first image for all: {every}"
    size = next((evidence.values[name] for name in ("input_size", "output_size") if name in evidence.values), None)
    H, W = evidence.values["dy"].shape[2:] if size is None else size[-2:]
    corners = np.arange(h)[:, None] * (H // h) * W + np.arange(w) * (W // w)
    yield (
        np.broadcast_to(corners, indices.shape),
        "if the indices were those of the corner of each block: the value belongs where its index points.",
    )
    for divisor, what in ((H, "the height of the map"), (w, "the width of the small map"), (h, "its height")):
        row, column = np.divmod(indices, divisor)
        if row.max() < H and column.max() < W:
            yield (
                row * W + column,
                f"if an index were divided by {what}: a row of the large map has W elements, so element (row, column) "
                "is number row * W + column.",
            )
