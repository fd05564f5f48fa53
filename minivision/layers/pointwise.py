"""Layers that treat every number by itself."""

import numpy as np

from minivision import ops
from minivision.layers.layer import Layer


class ReLU(Layer):
    """``max(x, 0)``."""

    def forward(self, x, training=False):
        """Return y in the shape of x."""
        y = ops.relu(x)
        if training:
            self.remember(y)  # positive exactly where x is; x itself can go
        return y

    def backward(self, dy):
        """Return dx: dy where the output is positive."""
        return ops.relu_backward(dy, *self.recall())


class Sigmoid(Layer):
    """``1 / (1 + exp(-x))``."""

    def forward(self, x, training=False):
        """Return y in the shape of x."""
        y = ops.sigmoid(x)
        if training:
            self.remember(y)
        return y

    def backward(self, dy):
        """Return ``dy * y * (1 - y)``."""
        return ops.sigmoid_backward(dy, *self.recall())


class Dropout(Layer):
    """In training, drop each number with probability `p` and scale up the rest; see :func:`minivision.ops.dropout`.

    Parameters
    ----------
    p : float
    rng : numpy.random.Generator, optional
        Without one the seed is 0.
    """

    def __init__(self, p=0.5, *, rng=None):
        self.p = p
        self.rng = np.random.default_rng(0) if rng is None else rng

    def forward(self, x, training=False):
        """Return y in the shape of x."""
        y, mask = ops.dropout(x, self.p, rng=self.rng, training=training)
        if training:
            self.remember(mask)
        return y

    def backward(self, dy):
        """Return dx: dy where the number was kept, scaled alike."""
        return ops.dropout_backward(dy, *self.recall())
