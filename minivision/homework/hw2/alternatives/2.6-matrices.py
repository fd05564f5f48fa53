"""A product of three matrices for each region: rows, map, columns."""

import math

import numpy as np


def roi_align(x, rois, output_size, *, spatial_scale=1.0, sampling_ratio=-1, aligned=True):
    (_, C, H, W), (rows, cols) = x.shape, output_size
    y = np.zeros((len(rois), C, rows, cols), x.dtype)
    for k, roi in enumerate(rois.astype(float)):
        x1, y1, x2, y2 = roi[1:] * spatial_scale - (0.5 if aligned else 0)
        down = _matrix(y1, y2, rows, H, sampling_ratio, aligned)
        across = _matrix(x1, x2, cols, W, sampling_ratio, aligned)
        y[k] = np.einsum("ih,chw,jw->cij", down, x[int(roi[0])], across)
    return y


def _matrix(start, stop, cells, size, sampling_ratio, aligned):
    """Return the share of each of `size` pixels in each of the cells, a mean over its samples: (cells, size)."""
    length = stop - start if aligned else max(stop - start, 1.0)
    cell = length / cells
    samples = sampling_ratio if sampling_ratio > 0 else max(math.ceil(cell), 0)
    matrix = np.zeros((cells, size))
    for i, s in np.ndindex(cells, samples):
        position = start + (i + (s + 0.5) / samples) * cell
        if -1 <= position <= size:
            position = min(max(position, 0), size - 1)
            lower = int(position)
            matrix[i, lower] += (1 - (position - lower)) / samples
            matrix[i, min(lower + 1, size - 1)] += (position - lower) / samples
    return matrix
