"""Batch normalization as a layer."""

from __future__ import annotations

import numpy as np

from minivision import ops
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
    """

    buffers = ("running_mean", "running_var")

    def __init__(self, channels: int, *, momentum: float = 0.1, eps: float = 1e-5) -> None:
        self.gamma = Parameter(np.ones(channels, np.float32), decay=False)
        self.beta = Parameter(np.zeros(channels, np.float32), decay=False)
        self.running_mean = np.zeros(channels, np.float32)
        self.running_var = np.ones(channels, np.float32)
        self.momentum, self.eps = momentum, eps

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y in the shape of x: normalized by the batch's statistics in training, else by the running ones."""
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
            self.remember(x, saved)
        return y

    def backward(self, dy: Array) -> Array:
        """Return dx; add to the gradients of gamma and beta."""
        x, saved = self.recall()
        dx, dgamma, dbeta = ops.batch_norm2d_backward(dy, x, self.gamma.value, saved)
        self.gamma.grad += dgamma
        self.beta.grad += dbeta
        return dx
