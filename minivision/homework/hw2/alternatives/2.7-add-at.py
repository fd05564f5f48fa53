"""Index arrays for all samples of a region, added by np.add.at."""

import math

import numpy as np


def roi_align_backward(dy, rois, input_shape, *, spatial_scale=1.0, sampling_ratio=-1, aligned=True):
    dx = np.zeros(input_shape, dy.dtype)
    for k, roi in enumerate(rois.astype(float)):
        x1, y1, x2, y2 = roi[1:] * spatial_scale - (0.5 if aligned else 0)
        rows = _taps(y1, y2, dy.shape[2], input_shape[2], sampling_ratio, aligned)
        cols = _taps(x1, x2, dy.shape[3], input_shape[3], sampling_ratio, aligned)
        for i, row, down in zip(*rows, strict=True):
            for j, col, across in zip(*cols, strict=True):
                np.add.at(dx, (int(roi[0]), slice(None), row, col), down * across * dy[k, :, i, j])
    return dx


def _taps(start, stop, cells, size, sampling_ratio, aligned):
    """Return, for all samples of all cells, the cell, a pixel and its share: twice as many as there are samples."""
    length = stop - start if aligned else max(stop - start, 1.0)
    samples = sampling_ratio if sampling_ratio > 0 else max(math.ceil(length / cells), 0)
    cell = np.repeat(np.arange(cells), samples)
    position = start + length * (np.arange(cells * samples) + 0.5) / max(cells * samples, 1)
    inside = (position >= -1) & (position <= size)
    cell, position = cell[inside], position[inside].clip(0, size - 1)
    lower = np.floor(position).astype(int)
    share, upper = position - lower, np.minimum(lower + 1, size - 1)
    shares = np.concatenate([1 - share, share]) / max(samples, 1)
    return np.concatenate([cell, cell]), np.concatenate([lower, upper]), shares
