"""Kernels that need no compiling: with them and the references the demo predicts its first scenes within seconds.

Each is one product of matrices, or one maximum, over all windows at once: quick on a few small images, and wasteful of
memory on others, so they are no backend of their own.
"""

import numpy as np


def conv2d(x, w, b, stride, padding, dilation, groups):
    """Return the convolution; see :func:`minivision.ops.conv2d`."""
    x = np.pad(x, ((0, 0), (0, 0), *padding))
    size = [(n - 1) * step + 1 for n, step in zip(w.shape[2:], dilation, strict=True)]
    windows = _windows(x, size, stride)[..., :: dilation[0], :: dilation[1]]
    parts = zip(np.split(windows, groups, axis=1), np.split(w, groups), strict=True)
    y = np.concatenate([np.tensordot(part, each, ((1, 4, 5), (1, 2, 3))) for part, each in parts], axis=-1)
    return np.ascontiguousarray(y.transpose(0, 3, 1, 2) if b is None else (y + b).transpose(0, 3, 1, 2))


def conv_transpose2d(x, w, b, stride, padding, output_padding, dilation, groups):
    """Return the transpose convolution: a convolution of x with zeros between its pixels, by the turned filters."""
    N, C, H, W = x.shape
    spread = np.zeros((N, C, (H - 1) * stride[0] + 1, (W - 1) * stride[1] + 1), x.dtype)
    spread[:, :, :: stride[0], :: stride[1]] = x
    around = []
    for (before, after), extra, n, step in zip(padding, output_padding, w.shape[2:], dilation, strict=True):
        around.append(((n - 1) * step - before, (n - 1) * step - after + extra))
    # Padding that is larger than the filter cuts rows and columns off.
    ends = zip(around, spread.shape[2:], strict=True)
    rows, columns = (slice(max(0, -first), n - max(0, -last)) for (first, last), n in ends)
    spread = np.pad(spread[:, :, rows, columns], ((0, 0), (0, 0), *((max(0, a), max(0, z)) for a, z in around)))
    turned = [part[:, :, ::-1, ::-1].transpose(1, 0, 2, 3) for part in np.split(w, groups)]
    return conv2d(spread, np.concatenate(turned), b, (1, 1), ((0, 0), (0, 0)), dilation, groups)


def max_pool2d(x, kernel_size, stride, padding):
    """Return the maximum of each window and its position; see :func:`minivision.ops.max_pool2d`."""
    (kh, kw), ((top, _), (left, _)) = kernel_size, padding
    windows = _windows(np.pad(x, ((0, 0), (0, 0), *padding), constant_values=-np.inf), kernel_size, stride)
    windows = windows.reshape(*windows.shape[:4], kh * kw)
    best = windows.argmax(axis=-1)
    rows = np.arange(best.shape[2])[:, None] * stride[0] - top + best // kw
    columns = np.arange(best.shape[3]) * stride[1] - left + best % kw
    return np.take_along_axis(windows, best[..., None], -1)[..., 0], rows * x.shape[3] + columns


def _windows(x, size, stride):
    """Return a view of the windows ``(N, C, H', W', h, w)`` of maps."""
    return np.lib.stride_tricks.sliding_window_view(x, size, axis=(2, 3))[:, :, :: stride[0], :: stride[1]]
