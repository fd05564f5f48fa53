"""The blocks are reshaped in the wrong order: (scale, H) instead of (H, scale).

Told: no blocks of neighbors
"""


def upsample_nearest_backward(dy, scale=2):
    sh, sw = scale
    N, C, H, W = dy.shape
    return dy.reshape(N, C, sh, H // sh, sw, W // sw).sum(axis=(2, 4))
