import numpy as np


def anchor_grid(map_size, stride, sizes, ratios, *, offset=0.0, dtype=np.float32):
    H, W = map_size
    A = len(sizes) * len(ratios)
    x = np.tile(np.repeat((np.arange(W) + offset) * stride[1], A), H)
    y = np.repeat((np.arange(H) + offset) * stride[0], W * A)
    roots = np.repeat(np.array(ratios, float) ** 0.5, len(sizes))
    w = np.tile(np.array(sizes, float), len(ratios)) / roots
    h = w * roots**2
    half_w, half_h = np.tile(w / 2, H * W), np.tile(h / 2, H * W)
    return np.column_stack([x - half_w, y - half_h, x + half_w, y + half_h]).astype(dtype)
