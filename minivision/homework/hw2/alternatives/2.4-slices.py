"""All channels at once: each cell is a slice of the map."""

import math

import numpy as np


def roi_pool(x, rois, output_size, *, spatial_scale=1.0):
    (_, C, H, W), (rows, cols) = x.shape, output_size
    y, argmax = np.zeros((len(rois), C, rows, cols), x.dtype), np.full((len(rois), C, rows, cols), -1)
    for k, roi in enumerate(rois):
        x1, y1, x2, y2 = (math.floor(abs(v) + 0.5) * (1 if v >= 0 else -1) for v in roi[1:] * spatial_scale)
        for i, (top, bottom) in enumerate(_cells(y1, y2, rows, H)):
            for j, (left, right) in enumerate(_cells(x1, x2, cols, W)):
                cell = x[int(roi[0]), :, top:bottom, left:right].reshape(C, -1)
                if cell.size:
                    best = cell.argmax(axis=1)
                    y[k, :, i, j] = cell[np.arange(C), best]
                    argmax[k, :, i, j] = (top + best // (right - left)) * W + left + best % (right - left)
    return y, argmax


def _cells(first, last, count, size):
    length = max(last - first + 1, 1)
    edges = [(first + k * length // count, first - (-(k + 1) * length // count)) for k in range(count)]
    return [(min(max(start, 0), size), min(max(end, 0), size)) for start, end in edges]
