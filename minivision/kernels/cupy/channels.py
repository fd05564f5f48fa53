"""Sums over all values of each channel, which CuPy's own reductions are slow at (``channels.cu``)."""

import cupy

from minivision.kernels.cupy.launch import launch

THREADS = 2**17  # that share the sums of all channels: about what a large card runs at once


def sums(kernel, x, *others, results=1):
    """Return a list of sums ``(C,)``, as many as the kernel has results.

    Parameters
    ----------
    kernel : str
        ``"channel_sums"``; ``"channel_squares"``, of the distances from the mean, which is `others`; or
        ``"channel_gradients"``, those of batch normalisation for gamma and beta: `x` is dy then, and `others` are x,
        the mean and the inverse of the deviation.
    x : (N, C, H, W) array
    *others : arrays
    results : int
    """
    N, C, H, W = x.shape
    values = N * H * W
    lanes = max(min(values, THREADS // max(C, 1)), 1)
    parts = [cupy.empty((C, lanes), x.dtype) for _ in range(results)]
    launch("channels", kernel, C * lanes, x, *others, *parts, values, C, H * W, lanes)
    return [part.sum(axis=1) for part in parts]
