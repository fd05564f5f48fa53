"""CuPy kernels of batch normalization: a pass over the maps for each sum, one for the result (``normalization.cu``)."""

import cupy

from minivision.core.saved import BatchStatistics
from minivision.kernels.cupy.channels import sums
from minivision.kernels.cupy.launch import launch


def batch_norm2d(x, gamma, beta, running_mean, running_var, training, momentum, eps):
    N, C, H, W = x.shape
    if training:
        count = N * H * W
        mean = sums("channel_sums", x)[0] / count
        var = sums("channel_squares", x, mean)[0] / count
        running_mean[:] = (1 - momentum) * running_mean + momentum * mean
        running_var[:] = (1 - momentum) * running_var + momentum * var * (count / (count - 1))
    else:
        mean, var = running_mean.astype(x.dtype), running_var.astype(x.dtype)
    inv_std = 1 / (var + eps) ** 0.5
    y = cupy.empty_like(x)
    launch("normalization", "batch_norm2d", x.size, x, gamma, beta, mean, inv_std, y, C, H * W)
    return y, BatchStatistics(mean, inv_std, training)


def batch_norm2d_backward(dy, x, gamma, saved):
    mean, inv_std, training = saved
    C, size = x.shape[1], x.shape[2] * x.shape[3]
    dgamma, dbeta = sums("channel_gradients", dy, x, mean, inv_std, results=2)
    if not training:
        return (gamma * inv_std)[:, None, None] * dy, dgamma, dbeta
    dx = cupy.empty_like(x)
    launch(
        "normalization", "batch_norm2d_backward", x.size, dy, x, gamma, mean, inv_std, dgamma, dbeta, dx, C, size
    )  # fmt: skip
    return dx, dgamma, dbeta
