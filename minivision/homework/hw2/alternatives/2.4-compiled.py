"""Compiled loops, from -inf."""

import math

import numpy as np
from numba import njit


def roi_pool(x, rois, output_size, *, spatial_scale=1.0):
    y = np.zeros((len(rois), x.shape[1], *output_size), x.dtype)
    argmax = np.full(y.shape, -1)
    _fill(x, rois[:, 0].astype(np.int64), (rois[:, 1:] * spatial_scale).astype(np.float64), y, argmax)
    return y, argmax


@njit
def _round(value):
    return int(math.floor(value + 0.5)) if value >= 0 else int(math.ceil(value - 0.5))


@njit
def _fill(x, images, boxes, y, argmax):
    K, C, rows, cols = y.shape
    for k in range(K):
        left, top, right, bottom = boxes[k]
        left, top, right, bottom = _round(left), _round(top), _round(right), _round(bottom)
        height, width = max(bottom - top + 1, 1), max(right - left + 1, 1)
        for i in range(rows):
            for j in range(cols):
                for row in range(top + i * height // rows, top + ((i + 1) * height + rows - 1) // rows):
                    for col in range(left + j * width // cols, left + ((j + 1) * width + cols - 1) // cols):
                        if 0 <= row < x.shape[2] and 0 <= col < x.shape[3]:
                            for c in range(C):
                                value = x[images[k], c, row, col]
                                if argmax[k, c, i, j] < 0 or value > y[k, c, i, j]:
                                    y[k, c, i, j] = value
                                    argmax[k, c, i, j] = row * x.shape[3] + col
