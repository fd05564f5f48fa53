"""The weight of the lower pixel is ceil(position) - position: at a whole position both weights are 0.

Told: both weights are 0
"""

import math

import numpy as np


def roi_align(x, rois, output_size, *, spatial_scale=1.0, sampling_ratio=-1, aligned=True):
    N, C, H, W = x.shape
    rows, cols = output_size
    y = np.zeros((len(rois), C, rows, cols), x.dtype)
    shift = 0.5 if aligned else 0.0

    def beside(position, size):
        if position < -1 or position > size:
            return []
        position = min(max(position, 0), size - 1)
        low, high = math.floor(position), math.ceil(position)
        return [(low, high - position), (high, position - low)]

    for k, roi in enumerate(rois):
        n = int(roi[0])
        x1, y1, x2, y2 = roi[1:] * spatial_scale - shift
        height, width = y2 - y1, x2 - x1
        if not aligned:
            height, width = max(height, 1), max(width, 1)
        bin_h, bin_w = height / rows, width / cols
        down = sampling_ratio if sampling_ratio > 0 else max(math.ceil(bin_h), 0)
        across = sampling_ratio if sampling_ratio > 0 else max(math.ceil(bin_w), 0)
        for i, j in np.ndindex(rows, cols):
            for a, b in np.ndindex(down, across):
                py, px = y1 + (i + (a + 0.5) / down) * bin_h, x1 + (j + (b + 0.5) / across) * bin_w
                for row, u in beside(py, H):
                    for col, v in beside(px, W):
                        y[k, :, i, j] += u * v * x[n, :, row, col] / (down * across)
    return y
