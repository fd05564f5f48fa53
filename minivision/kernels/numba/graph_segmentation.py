"""Numba kernels of Felzenszwalb's segmentation: sort the edges between pixels, and merge regions along them."""

import math

import numpy as np

from minivision.core.compile import jit
from minivision.kernels.numba.engine.radix_sort import radix_sort


def sorted_edges(image):
    weights, codes = _edges(image)
    # Floats that are not negative have the order of their bits.
    bits, codes = radix_sort(weights.view(f"u{weights.itemsize}"), codes)
    return _pixels_of_edges(codes, image.shape[1]), bits.view(image.dtype)


@jit
def _edges(image):
    """Return the weight of every edge, and a code of its two pixels: four times the first pixel, plus a direction."""
    height, width, channels = image.shape
    count = height * (width - 1) + width * (height - 1) + 2 * (height - 1) * (width - 1)
    weights, codes = np.empty(count, image.dtype), np.empty(count, np.uint32)
    edge = 0
    for direction in range(4):
        down, right = _step(direction)
        for y in range(height - down):
            for x in range(max(0, -right), width - max(0, right)):
                total = image.dtype.type(0)
                for c in range(channels):
                    difference = image[y + down, x + right, c] - image[y, x, c]
                    total += difference * difference
                weights[edge] = math.sqrt(total)
                codes[edge] = 4 * (y * width + x) + direction
                edge += 1
    return weights, codes


@jit
def _step(direction):
    """Return the step down and right to the other pixel of an edge: right, below, below right, below left."""
    if direction == 0:
        return 0, 1
    return 1, (0, 1, -1)[direction - 1]


@jit
def _pixels_of_edges(codes, width):
    edges = np.empty((codes.size, 2), np.int32)
    for edge in range(codes.size):
        down, right = _step(codes[edge] & np.uint32(3))
        pixel = np.int32(codes[edge] >> np.uint32(2))
        edges[edge, 0] = pixel
        edges[edge, 1] = pixel + down * width + right
    return edges


def merge_pixels(edges, weights, size, *, k, min_size):
    # Unsigned numbers of pixels: others might count from the end, which takes a third of the time.
    return _merge_pixels(edges.view(np.uint32), weights, size, weights.dtype.type(k), min_size)


@jit
def _merge_pixels(edges, weights, size, k, min_size):
    height, width = size
    parent = np.arange(height * width).astype(np.uint32)
    pixels = np.ones(height * width, np.int32)
    limit = np.full(height * width, k, weights.dtype)  # the internal difference of a region + k / its pixels
    between = np.empty(weights.size, np.uint32)  # edges whose pixels were in different regions and were not merged
    kept = 0
    for edge in range(weights.size):
        a, b = _root(parent, edges[edge, 0]), _root(parent, edges[edge, 1])
        if a == b:
            continue
        if weights[edge] < limit[a] and weights[edge] < limit[b]:
            root = _join(parent, pixels, a, b)
            limit[root] = weights[edge] + k / weights.dtype.type(pixels[root])
        else:
            between[kept] = edge
            kept += 1
    for edge in between[:kept]:
        a, b = _root(parent, edges[edge, 0]), _root(parent, edges[edge, 1])
        if a != b and min(pixels[a], pixels[b]) < min_size:
            _join(parent, pixels, a, b)
    return _number_regions(parent).reshape(height, width)


@jit
def _root(parent, pixel):
    while parent[pixel] != pixel:
        parent[pixel] = parent[parent[pixel]]  # path halving
        pixel = parent[pixel]
    return pixel


@jit
def _join(parent, pixels, a, b):
    if pixels[a] < pixels[b]:
        a, b = b, a
    parent[b] = a
    pixels[a] += pixels[b]
    return a


@jit
def _number_regions(parent):
    """Return the region number of each pixel; regions are numbered in the order of their first pixels."""
    number, labels, regions = np.full(parent.size, -1, np.int32), np.empty(parent.size, np.int32), 0
    for pixel in range(parent.size):
        root = _root(parent, parent[pixel])
        if number[root] < 0:
            number[root] = regions
            regions += 1
        labels[pixel] = number[root]
    return labels
