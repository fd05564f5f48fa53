"""The gradient is not divided by the number of samples of a cell.

Told: mean of 2 x 2 samples
"""

import math

import numpy as np

from minivision.ops.regions import neighbors


def roi_align_backward(dy, rois, input_shape, *, spatial_scale=1.0, sampling_ratio=-1, aligned=True):
    N, C, H, W = input_shape
    rows, cols = dy.shape[2:]
    dx = np.zeros(input_shape, dy.dtype)
    shift = 0.5 if aligned else 0.0
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
                py = y1 + (i + (a + 0.5) / down) * bin_h
                px = x1 + (j + (b + 0.5) / across) * bin_w
                for row, u in neighbors(py, H):
                    for col, v in neighbors(px, W):
                        dx[n, :, row, col] += u * v * dy[k, :, i, j]
    return dx
