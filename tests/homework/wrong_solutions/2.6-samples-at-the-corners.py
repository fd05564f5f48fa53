"""The samples begin at the corner of a cell: half of their distance is missing.

Told: belongs in the middle
"""

import math

import numpy as np

from minivision.ops.regions import neighbors


def roi_align(x, rois, output_size, *, spatial_scale=1.0, sampling_ratio=-1, aligned=True):
    N, C, H, W = x.shape
    rows, cols = output_size
    y = np.zeros((len(rois), C, rows, cols), x.dtype)
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
                py = y1 + (i + a / down) * bin_h
                px = x1 + (j + b / across) * bin_w
                for row, u in neighbors(py, H):
                    for col, v in neighbors(px, W):
                        y[k, :, i, j] += u * v * x[n, :, row, col] / (down * across)
    return y
