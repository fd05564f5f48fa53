"""The most similar pair comes from a heap; pairs of merged regions are skipped."""

# fill_similarity is the one of the solution, at whose end this stands.
# ruff: noqa: F821

import heapq

import numpy as np

from minivision.detection.selective_search.similarity import similarity


def group_regions(regions, pairs, image_size, used):
    R = len(regions.sizes)
    regions = regions.with_room(R - 1)
    touching, heap = {k: set() for k in range(2 * R - 1)}, []
    children, gone = np.zeros((R - 1, 2), np.int64), set()

    def push(i, j):
        touching[i].add(j)
        touching[j].add(i)
        one, other = np.array([i]), np.array([j])
        alike = similarity(regions, one, other, image_size, used.replace("F", ""))
        if "F" in used:
            alike = alike + fill_similarity(regions.boxes, regions.sizes, one, other, image_size)
        heapq.heappush(heap, (-float(alike[0]), i, j))

    for i, j in pairs.tolist():
        push(i, j)
    for t in range(R - 1):
        _, i, j = heapq.heappop(heap)
        while i in gone or j in gone:
            _, i, j = heapq.heappop(heap)
        gone |= {i, j}
        children[t], new = (i, j), R + t
        for name in ("sizes", "colors", "textures"):
            array = getattr(regions, name)
            array[new] = array[i] + array[j]
        low, high = regions.boxes[[i, j], :2].min(axis=0), regions.boxes[[i, j], 2:].max(axis=0)
        regions.boxes[new] = [*low, *high]
        for neighbor in sorted((touching[i] | touching[j]) - gone):
            push(neighbor, new)
    return regions.boxes, children
