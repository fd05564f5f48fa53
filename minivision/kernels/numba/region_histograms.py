"""Numba kernels that choose histogram bins for each pixel, and compute size, box and histograms of each region."""

import numpy as np

from minivision.core.compile import jit
from minivision.core.constants import COLOR_BINS, TEXTURE_BINS


@jit
def choose_bins(image, right, down, cosines, sines):
    height, width, channels = image.shape
    orientations = cosines.size
    bins = np.empty((height, width, channels * (1 + orientations)), np.uint16)
    largest = np.full((channels, orientations), image.dtype.type(np.float32(1e-6)))
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                for o in range(orientations):
                    derivative = cosines[o] * right[y, x, c] + sines[o] * down[y, x, c]
                    largest[c, o] = max(largest[c, o], derivative)
    scale = np.float32(TEXTURE_BINS) / largest
    for y in range(height):
        for x in range(width):
            pixel = bins[y, x]
            for c in range(channels):
                color = int(image[y, x, c] * np.float32(COLOR_BINS / 256))
                pixel[c] = min(color, COLOR_BINS - 1) + COLOR_BINS * c
                for o in range(orientations):
                    derivative = cosines[o] * right[y, x, c] + sines[o] * down[y, x, c]
                    texture = int(max(derivative, np.float32(0)) * scale[c, o])
                    feature = c * orientations + o
                    first = COLOR_BINS * channels + TEXTURE_BINS * feature
                    pixel[channels + feature] = min(texture, TEXTURE_BINS - 1) + first
    return bins


def measure_regions(labels, bins, *, num_regions, num_bins):
    return _measure_regions(labels, bins, num_regions, num_bins)


@jit
def _measure_regions(labels, bins, num_regions, num_bins):
    height, width, features = bins.shape
    sizes, boxes = np.zeros(num_regions, np.int64), np.empty((num_regions, 4), np.int64)
    histograms = np.zeros((num_regions, num_bins), np.int32)
    boxes[:, 0], boxes[:, 1], boxes[:, 2], boxes[:, 3] = width, height, 0, 0
    for y in range(height):
        for x in range(width):
            region = labels[y, x]
            sizes[region] += 1
            box = boxes[region]
            box[0], box[1] = min(box[0], x), min(box[1], y)
            box[2], box[3] = max(box[2], x + 1), max(box[3], y + 1)
            histogram, pixel = histograms[region], bins[y, x]
            for f in range(features):
                histogram[pixel[f]] += 1
    return sizes, boxes, histograms
