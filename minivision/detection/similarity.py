"""The four similarities of two touching regions: colour, texture, size and fill.

Uijlings et al., Selective search for object recognition, IJCV 2013, equations 2 to 5. Each goes from 0 to 1.
"""

import numpy as np

SIMILARITIES = "CTSF"  # colour, texture, size, fill


def similarity(regions, i, j, image_size, used):
    """Return how similar regions `i` and `j` are: the sum of the similarities in `used`, such as ``"TSF"``."""
    total = 0.0
    if "C" in used:
        total += intersection(regions.colors, regions.sizes, i, j)
    if "T" in used:
        total += intersection(regions.textures, regions.sizes, i, j)
    if "S" in used:
        total += size_similarity(regions.sizes, i, j, image_size)
    if "F" in used:
        total += fill_similarity(regions.boxes, regions.sizes, i, j, image_size)
    return total


def intersection(counts, sizes, i, j):
    """Return what the histograms of two regions have in common: the sum of min(h_i, h_j), each h of sum 1.

    A histogram is a region's counts, divided by their sum. With the divisions put off to the end, all sums are of
    whole numbers and exact.
    """
    pixels_i, pixels_j = int(sizes[i]), int(sizes[j])
    features = int(counts[i].sum()) // pixels_i  # every pixel counts once in each of so many histograms
    common = np.minimum(counts[i] * np.int64(pixels_j), counts[j] * np.int64(pixels_i)).sum()
    return float(common) / (float(features) * float(pixels_i) * float(pixels_j))


def size_similarity(sizes, i, j, image_size):
    """Return 1 less the part of the image that both regions take: small regions merge early."""
    return 1 - int(sizes[i] + sizes[j]) / image_size


def fill_similarity(boxes, sizes, i, j, image_size):
    """Return 1 less the part of the image that the box around both has beside them: what fits together merges early."""
    x1, y1 = np.minimum(boxes[i, :2], boxes[j, :2])
    x2, y2 = np.maximum(boxes[i, 2:], boxes[j, 2:])
    gap = int((x2 - x1) * (y2 - y1) - sizes[i] - sizes[j])
    return 1 - gap / image_size
