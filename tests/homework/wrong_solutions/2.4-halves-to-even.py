"""np.round rounds halves to the even number, not away from zero.

Told: halves to the even number
"""

import numpy as np


def roi_pool(x, rois, output_size, *, spatial_scale=1.0):
    N, C, H, W = x.shape
    rows, cols = output_size
    y, argmax = np.zeros((len(rois), C, rows, cols), x.dtype), np.full((len(rois), C, rows, cols), -1, np.int32)
    for k, roi in enumerate(rois):
        n = int(roi[0])
        x1, y1, x2, y2 = np.round(roi[1:] * spatial_scale).astype(int)
        height, width = max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1)
        for i in range(rows):
            r0 = min(max(y1 + i * height // rows, 0), H)
            r1 = min(max(y1 - (-(i + 1) * height // rows), 0), H)
            for j in range(cols):
                c0 = min(max(x1 + j * width // cols, 0), W)
                c1 = min(max(x1 - (-(j + 1) * width // cols), 0), W)
                if r1 <= r0 or c1 <= c0:
                    continue
                for c in range(C):
                    window = x[n, c, r0:r1, c0:c1]
                    r, s = np.unravel_index(window.argmax(), window.shape)
                    y[k, c, i, j], argmax[k, c, i, j] = window[r, s], (r0 + r) * W + c0 + s
    return y, argmax
