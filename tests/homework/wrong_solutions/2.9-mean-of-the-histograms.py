"""The histograms of merged regions are averaged by size instead of added.

Told: not a mean
"""

# The other function is the one of the solution, at whose end this stands.
# ruff: noqa: F821

import numpy as np

from minivision.detection.selective_search.similarity import similarity


def group_regions(regions, pairs, image_size, used):
    R = len(regions.sizes)
    sizes, boxes, colors, textures = regions = regions.with_room(R - 1)
    children = np.zeros((R - 1, 2), np.int64)
    table = {}

    def add(i, j):
        value = similarity(regions, np.array([i]), np.array([j]), image_size, used.replace("F", ""))[0]
        if "F" in used:
            value += fill_similarity(boxes, sizes, np.array([i]), np.array([j]), image_size)[0]
        table[i, j] = value

    for i, j in pairs.tolist():
        add(i, j)
    for t in range(R - 1):
        best = max(table.values())
        i, j = min(pair for pair, value in table.items() if value == best)
        new = R + t
        children[t] = i, j
        sizes[new] = sizes[i] + sizes[j]
        boxes[new] = [*np.minimum(boxes[i, :2], boxes[j, :2]), *np.maximum(boxes[i, 2:], boxes[j, 2:])]
        for histogram in (colors, textures):
            histogram[new] = (sizes[i] * histogram[i] + sizes[j] * histogram[j]) // sizes[new]
        others = sorted({k for pair in table for k in pair if i in pair or j in pair} - {i, j})
        table = {pair: value for pair, value in table.items() if i not in pair and j not in pair}
        for other in others:
            add(other, new)
    return boxes, children
