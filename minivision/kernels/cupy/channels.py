"""Sums over all values of each channel, for which CuPy's own reductions are slow (``channels.cu``)."""

import cupy

from minivision.kernels.cupy.launch import launch

TOTAL_THREADS = 2**17  # for the sums of all channels: about as many as a large GPU runs at the same time


def sums(kernel, x, *others, results=1):
    """Compute sums over images, rows and columns.

    Parameters
    ----------
    kernel : str
        ``"channel_sums"``; ``"channel_squares"``, the sum of squared differences from the mean, with the mean as
        `others`; or ``"channel_gradients"``, the gradients of gamma and beta in batch normalization, with dy as `x`,
        and x, the mean and the inverse standard deviation as `others`.
    x : ndarray of shape (N, C, H, W)
    *others : ndarray
    results : int
        Number of sums that the kernel computes.

    Returns
    -------
    sums : list of ndarray of shape (C,)
    """
    N, C, H, W = x.shape
    values = N * H * W
    lanes = max(min(values, TOTAL_THREADS // max(C, 1)), 1)
    parts = [cupy.empty((C, lanes), x.dtype) for _ in range(results)]
    launch("channels", kernel, C * lanes, x, *others, *parts, values, C, H * W, lanes)
    return [part.sum(axis=1) for part in parts]
