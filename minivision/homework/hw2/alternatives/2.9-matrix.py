"""A table of all similarities, -inf where regions do not touch; its largest entry is searched each time."""

# fill_similarity is the one of the solution, at whose end this stands.
# ruff: noqa: F821

import numpy as np

from minivision.detection.selective_search.similarity import similarity


def group_regions(regions, pairs, image_size, used):
    R = len(regions.sizes)
    sizes, boxes, colors, textures = grown = regions.with_room(R - 1)
    table = np.full((2 * R - 1, 2 * R - 1), -np.inf)
    children = np.empty((R - 1, 2), int)

    def fill_in(i, j):
        table[i, j] = similarity(grown, i, j, image_size, used.replace("F", ""))
        if "F" in used:
            table[i, j] += fill_similarity(boxes, sizes, i, j, image_size)

    fill_in(*pairs.T)
    for new in range(R, 2 * R - 1):
        i, j = np.unravel_index(table.argmax(), table.shape)  # the first of equals: row by row
        children[new - R] = i, j
        for array in (sizes, colors, textures):
            array[new] = array[i] + array[j]
        boxes[new] = *np.minimum(boxes[i], boxes[j])[:2], *np.maximum(boxes[i], boxes[j])[2:]
        touched = np.isfinite(table[[i, j]]).any(axis=0) | np.isfinite(table[:, [i, j]]).any(axis=1)
        touched[[i, j]] = False
        table[[i, j]] = table[:, [i, j]] = -np.inf
        neighbors = np.flatnonzero(touched)
        fill_in(neighbors, np.full_like(neighbors, new))
    return boxes, children
