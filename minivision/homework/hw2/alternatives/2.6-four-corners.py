"""The four pixels around each sample, written out."""

import math

import numpy as np


def roi_align(x, rois, output_size, *, spatial_scale=1.0, sampling_ratio=-1, aligned=True):
    H, W = x.shape[2:]
    y = np.zeros((len(rois), x.shape[1], *output_size), x.dtype)
    for k, roi in enumerate(rois):
        left, top, right, bottom = (float(value) * spatial_scale for value in roi[1:])
        height, width = bottom - top, right - left
        if aligned:
            left, top = left - 0.5, top - 0.5
        else:
            height, width = max(height, 1.0), max(width, 1.0)
        height, width = height / output_size[0], width / output_size[1]
        many = sampling_ratio if sampling_ratio > 0 else max(math.ceil(height), 0)
        wide = sampling_ratio if sampling_ratio > 0 else max(math.ceil(width), 0)
        for i, j in np.ndindex(*output_size):
            total = np.zeros(x.shape[1])
            for s, t in np.ndindex(many, wide):
                v, u = top + height * (i + (2 * s + 1) / (2 * many)), left + width * (j + (2 * t + 1) / (2 * wide))
                if v < -1 or v > H or u < -1 or u > W:
                    continue
                v, u = np.clip(v, 0, H - 1), np.clip(u, 0, W - 1)
                r, c = int(v), int(u)
                below, beside, v, u = min(r + 1, H - 1), min(c + 1, W - 1), v - r, u - c
                plane = x[int(roi[0])]
                upper = plane[:, r, c] * (1 - u) + plane[:, r, beside] * u
                lower = plane[:, below, c] * (1 - u) + plane[:, below, beside] * u
                total += upper * (1 - v) + lower * v
            if many and wide:
                y[k, :, i, j] = total / (many * wide)
    return y
