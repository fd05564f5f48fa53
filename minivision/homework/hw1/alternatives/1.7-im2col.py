"""All windows as the columns of a matrix: both gradients are matrix products, and np.add.at adds up dx."""

import numpy as np


def conv2d_backward(dy, x, w, *, stride=1, padding=0, dilation=1, groups=1):
    N, C, H, W = x.shape
    F, C_group, kh, kw = w.shape
    H_out, W_out = dy.shape[2:]
    (top, bottom), (left, right) = padding
    places, taps = H_out * W_out, C_group * kh * kw
    rows = (np.arange(H_out) * stride[0])[:, None, None, None] + (np.arange(kh) * dilation[0])[:, None]
    columns = (np.arange(W_out) * stride[1])[:, None, None] + np.arange(kw) * dilation[1]
    flat = rows * (W + left + right) + columns  # (H_out, W_out, kh, kw)
    padded = np.pad(x, ((0, 0), (0, 0), *padding)).reshape(N, C, (H + top + bottom) * (W + left + right))
    dpadded, dw, db = np.zeros_like(padded), np.zeros_like(w), np.zeros(F, dy.dtype)
    size = F // groups
    for n in range(N):
        for group in range(groups):
            channels = np.arange(group * C_group, (group + 1) * C_group)
            filters = slice(group * size, (group + 1) * size)
            index = n, channels[:, None, None], flat.reshape(places, 1, kh * kw).transpose(1, 0, 2)
            columns_of_x = padded[index].transpose(1, 0, 2).reshape(places, taps)
            gradient = dy[n, filters].reshape(size, places)
            dw[filters] += (gradient @ columns_of_x).reshape(size, C_group, kh, kw)
            back = gradient.T @ w[filters].reshape(size, taps)
            np.add.at(dpadded, index, back.reshape(places, C_group, kh * kw).transpose(1, 0, 2))
        db += dy[n].sum(axis=(1, 2))
    dx = dpadded.reshape(N, C, H + top + bottom, W + left + right)[:, :, top : top + H, left : left + W]
    return np.ascontiguousarray(dx), dw, db
