"""Batch normalization as a layer."""

from __future__ import annotations

import numpy as np

from minivision import ops
from minivision.core.devices import on_host, to_device_of
from minivision.core.ranks import current_ranks, sum_on_host
from minivision.core.types import Array
from minivision.layers.layer import Layer, Parameter


class BatchNorm2d(Layer):
    """Normalize each channel over the batch and its maps; see :func:`minivision.ops.batch_norm2d`.

    Parameters
    ----------
    channels : int
    momentum : float
        Weight of a batch's statistics in the running statistics.
    eps : float
        Added to the variance.

    Attributes
    ----------
    synchronized : bool
        Whether the batch is that of all ranks of a training, see :mod:`minivision.core.ranks`; by default each rank
        normalizes its own part.
    """

    buffers = ("running_mean", "running_var")
    synchronized = False

    def __init__(self, channels: int, *, momentum: float = 0.1, eps: float = 1e-5) -> None:
        self.gamma = Parameter(np.ones(channels, np.float32), decay=False)
        self.beta = Parameter(np.zeros(channels, np.float32), decay=False)
        self.running_mean = np.zeros(channels, np.float32)
        self.running_var = np.ones(channels, np.float32)
        self.momentum, self.eps = momentum, eps

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y in the shape of x: normalized by the batch's statistics in training, else by the running ones."""
        if training and self.synchronized and current_ranks().size > 1:
            return self._forward_of_all_ranks(x)
        y, saved = ops.batch_norm2d(
            x,
            self.gamma.value,
            self.beta.value,
            self.running_mean,
            self.running_var,
            training=training,
            momentum=self.momentum,
            eps=self.eps,
        )
        if training:
            self.remember(x, saved, None)
        return y

    def backward(self, dy: Array) -> Array:
        """Return dx; add to the gradients of gamma and beta."""
        x, saved, count = self.recall()
        dx, dgamma, dbeta = ops.batch_norm2d_backward(dy, x, self.gamma.value, saved)
        self.gamma.grad += dgamma
        self.beta.grad += dbeta
        if count is not None:
            self._subtract_shift_and_scale(dx, x, saved, np.stack([dbeta, dgamma]) / count)
        return dx

    # ---- over all ranks ----------------------------------------------------------------------------------------

    def _forward_of_all_ranks(self, x):
        """Normalize by the mean and the variance of all ranks: to the operation they are like running statistics."""
        count, mean, var = _statistics_of_all_ranks(x)
        if count < 2:
            raise ValueError("batch normalization: the ranks together have fewer than two values for each channel")
        for running, batch in ((self.running_mean, mean), (self.running_var, var * (count / (count - 1)))):
            running[:] = (1 - self.momentum) * running + self.momentum * to_device_of(batch, x)
        mean, var = to_device_of(mean, x), to_device_of(var, x)
        y, saved = ops.batch_norm2d(x, self.gamma.value, self.beta.value, mean, var, training=False, eps=self.eps)
        self.remember(x, saved, count)
        return y

    def _subtract_shift_and_scale(self, dx, x, saved, means):
        """Complete the gradient of x, in place: mean and variance depend on the values of all ranks too.

        From ``gamma * inv_std * dy``, the gradient for fixed statistics, this takes the part that shifts the channel
        and the part that scales it: ``gamma * inv_std * (mean(dy) + normalized * mean(dy * normalized))``.
        """
        of_dy, of_products = to_device_of(sum_on_host(means).astype(x.dtype), x)[:, :, None, None]
        scale, inv_std, mean = (v[:, None, None] for v in (self.gamma.value * saved.inv_std, saved.inv_std, saved.mean))
        dx -= (x - mean) * (scale * inv_std * of_products) + scale * of_dy


def _statistics_of_all_ranks(x):
    """Return the number of values of a channel on all ranks, and the mean and the variance of each channel, in float64.

    The means of the ranks differ: to the variance around a rank's own mean is added how far that mean is off.
    """
    counts, means, variances = np.split(np.stack(current_ranks().gather(_statistics(x))), (1, 1 + x.shape[1]), axis=1)
    total = counts.sum()  # counts is (ranks, 1), the others are (ranks, C)
    share = counts / max(total, 1)
    mean = (share * means).sum(axis=0)
    return total, mean, (share * (variances + (means - mean) ** 2)).sum(axis=0)


def _statistics(x):
    """Return the number of values of a channel on this rank, the means and the variances: float64 ``(1 + 2 C,)``."""
    channels, count = x.shape[1], x.size // x.shape[1]
    one, zero = np.ones_like(x, shape=channels), np.zeros_like(x, shape=channels)
    mean, var = zero.astype(np.float64), zero.astype(np.float64)
    if count == 1:
        mean[...] = x.reshape(-1)
    elif count:
        ops.batch_norm2d(x, one, zero, mean, var, training=True, momentum=1.0)  # whose running statistics these become
        var *= (count - 1) / count  # they have Bessel's correction
    return np.concatenate([[count], on_host(mean), on_host(var)])
