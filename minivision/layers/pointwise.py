"""Layers that compute each output element from one input element."""

from __future__ import annotations

import numpy as np

from minivision import ops
from minivision.core.ranks import generator_of_rank
from minivision.core.types import Array
from minivision.layers.layer import Layer


class ReLU(Layer):
    """``max(x, 0)``."""

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y in the shape of x."""
        y = ops.relu(x)
        if training:
            self.remember(y)  # positive exactly where x is, so x itself need not be kept
        return y

    def backward(self, dy: Array) -> Array:
        """Return dx: dy where the output is positive."""
        return ops.relu_backward(dy, *self.recall())


class Sigmoid(Layer):
    """``1 / (1 + exp(-x))``."""

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y in the shape of x."""
        y = ops.sigmoid(x)
        if training:
            self.remember(y)
        return y

    def backward(self, dy: Array) -> Array:
        """Return ``dy * y * (1 - y)``."""
        return ops.sigmoid_backward(dy, *self.recall())


class Dropout(Layer):
    """Zero each element with probability `p` in training, and scale the others up; see :func:`minivision.ops.dropout`.

    Parameters
    ----------
    p : float
        Probability of zeroing an element.
    rng : numpy.random.Generator, optional
        Without one the seed is 0.
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | None = None) -> None:
        self.p = p
        self.rng = np.random.default_rng(0) if rng is None else rng

    def extra_repr(self) -> str:
        """Return the probability."""
        return f"p={self.p}"

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y in the shape of x."""
        rng = generator_of_rank(self.rng) if training else self.rng
        y, mask = ops.dropout(x, self.p, rng=rng, training=training)
        if training:
            self.remember(mask)
        return y

    def backward(self, dy: Array) -> Array:
        """Return dx: dy where the element was kept, scaled by the same factor."""
        return ops.dropout_backward(dy, *self.recall())
