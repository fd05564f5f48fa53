"""Numba kernel of ``group_regions``: hierarchical grouping with a heap of pairs, the most similar on top.

Pairs with a region that was merged stay in the heap and are skipped later. The histograms of a merged region replace
those of its first part.
"""

import heapq

import numpy as np

from minivision.core.compile import jit
from minivision.core.constants import SIMILARITIES


def group_regions(regions, pairs, image_size, used):
    return _group(*regions, pairs, image_size, np.array([name in used for name in SIMILARITIES]))


@jit
def _group(sizes, boxes, colors, textures, pairs, image_size, use):
    R = len(sizes)
    children = np.empty((R - 1, 2), np.int64)
    all_sizes, all_boxes = np.empty(2 * R - 1, np.int64), np.empty((2 * R - 1, 4), np.int64)
    all_sizes[:R], all_boxes[:R] = sizes, boxes
    colors, textures = colors.copy(), textures.copy()
    row = np.arange(2 * R - 1)  # of the histograms of each region
    regions = all_sizes, all_boxes, colors, textures, row
    features = colors[0].sum() / sizes[0], textures[0].sum() / sizes[0]

    neighbors = [[0 for _ in range(0)] for _ in range(2 * R - 1)]  # may have been merged: see `_current_region`
    heap = [(0.0, 0, 0) for _ in range(0)]
    for p in range(len(pairs)):
        i, j = pairs[p]
        neighbors[i].append(j)
        neighbors[j].append(i)
        heap.append((-_similarity(i, j, regions, features, image_size, use), i, j))
    heapq.heapify(heap)
    parent, seen = np.arange(2 * R - 1), np.full(2 * R - 1, -1)
    for new in range(R, 2 * R - 1):
        _, i, j = heapq.heappop(heap)
        while parent[i] != i or parent[j] != j:
            _, i, j = heapq.heappop(heap)
        children[new - R, 0], children[new - R, 1] = i, j
        parent[i] = parent[j] = new
        _merge(i, j, new, regions, use)
        seen[new] = new
        for child in (i, j):
            for neighbor in neighbors[child]:
                neighbor = _current_region(parent, neighbor)
                if seen[neighbor] != new:
                    seen[neighbor] = new
                    neighbors[new].append(neighbor)
                    similarity = _similarity(neighbor, new, regions, features, image_size, use)
                    heapq.heappush(heap, (-similarity, neighbor, new))
            neighbors[child].clear()
    return all_boxes, children


@jit
def _current_region(parent, region):
    """Return the region that a region is now part of."""
    while parent[region] != region:
        parent[region] = parent[parent[region]]
        region = parent[region]
    return region


@jit
def _merge(i, j, new, regions, use):
    sizes, boxes, colors, textures, row = regions
    sizes[new] = sizes[i] + sizes[j]
    row[new] = row[i]
    if use[0]:
        colors[row[i]] += colors[row[j]]
    if use[1]:
        textures[row[i]] += textures[row[j]]
    for c in range(2):
        boxes[new, c] = min(boxes[i, c], boxes[j, c])
        boxes[new, 2 + c] = max(boxes[i, 2 + c], boxes[j, 2 + c])


@jit
def _similarity(i, j, regions, features, image_size, use):
    sizes, boxes, colors, textures, row = regions
    total = 0.0
    if use[0]:
        total += _intersection(colors[row[i]], colors[row[j]], sizes[i], sizes[j], features[0])
    if use[1]:
        total += _intersection(textures[row[i]], textures[row[j]], sizes[i], sizes[j], features[1])
    if use[2]:
        total += 1 - (sizes[i] + sizes[j]) / image_size
    if use[3]:
        width = max(boxes[i, 2], boxes[j, 2]) - min(boxes[i, 0], boxes[j, 0])
        height = max(boxes[i, 3], boxes[j, 3]) - min(boxes[i, 1], boxes[j, 1])
        total += 1 - (width * height - sizes[i] - sizes[j]) / image_size
    return total


@jit(fastmath={"reassoc", "nsz"})  # vectorized; the order of sums does not matter: integers below 2^53 add up exactly
def _intersection(counts_i, counts_j, pixels_i, pixels_j, features):
    common, weight_i, weight_j = 0.0, float(pixels_j), float(pixels_i)
    for k in range(counts_i.size):
        one, other = weight_i * counts_i[k], weight_j * counts_j[k]
        common += one if one < other else other
    return common / (features * float(pixels_i) * float(pixels_j))
