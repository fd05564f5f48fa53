"""Faces of positions in a map: indices counted in another map, or read from another place, or not looked at."""

import numpy as np


def in_the_padded_map(evidence):
    """Indices of maxima that count in the padded map, where they should count in the map itself."""
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


def other_indices(evidence):
    """Say from where the indices were taken, if not from where they belong."""
    indices = evidence.values.get("indices")
    if not isinstance(indices, np.ndarray) or indices.ndim != 4 or evidence.result == "indices" or not indices.size:
        return None
    for other, what in _other_indices(evidence, indices):
        if np.array_equal(other, indices) or np.array_equal(evidence.expected, evidence.got):
            continue
        found = evidence.textbook(indices=np.ascontiguousarray(other))
        if found is not None and evidence.same(found, evidence.got):
            return f"{evidence.result} is what the textbook gives {what}"
    return None


def _other_indices(evidence, indices):
    """Yield other indices, and the mistake in which they take the place of the right ones."""
    N, C, h, w = indices.shape
    every = "each image and each channel has indices of its own: indices[n, c, i, j]."
    yield np.broadcast_to(indices[:, :1], indices.shape), f"with the indices of the first channel for all: {every}"
    yield np.broadcast_to(indices[:1], indices.shape), f"with the indices of the first image for all: {every}"
    size = next((evidence.values[name] for name in ("input_size", "output_size") if name in evidence.values), None)
    H, W = evidence.values["dy"].shape[2:] if size is None else size[-2:]
    corners = np.arange(h)[:, None] * (H // h) * W + np.arange(w) * (W // w)
    yield (
        np.broadcast_to(corners, indices.shape),
        "if the indices were those of the corner of each block: the value belongs where its index says.",
    )
    for divisor, what in ((H, "the height of the map"), (w, "the width of the small map"), (h, "its height")):
        row, column = np.divmod(indices, divisor)
        if row.max() < H and column.max() < W:
            yield (
                row * W + column,
                f"if an index were divided by {what}: a row of the large map has W elements, so element (row, column) "
                "is number row * W + column.",
            )
