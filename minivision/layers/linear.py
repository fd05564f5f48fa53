"""Fully connected layers."""

from __future__ import annotations

import numpy as np

from minivision import ops
from minivision.core.types import Array
from minivision.layers.initialization import he_normal
from minivision.layers.layer import Layer, Parameter


class Linear(Layer):
    """Connect every input to every output with a weight of its own; see :func:`minivision.ops.linear`.

    Parameters
    ----------
    in_features, out_features : int
    rng : numpy.random.Generator, optional
        For He's initialization. Without one the seed is 0.
    """

    def __init__(self, in_features: int, out_features: int, *, rng: np.random.Generator | None = None) -> None:
        rng = np.random.default_rng(0) if rng is None else rng
        self.w = Parameter(he_normal((out_features, in_features), in_features, rng))
        self.b = Parameter(np.zeros(out_features, np.float32), decay=False)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y of shape ``(N, out_features)`` for x of shape ``(N, in_features)``."""
        if training:
            self.remember(x)
        return ops.linear(x, self.w.value, self.b.value)

    def backward(self, dy: Array) -> Array:
        """Return dx; add to the gradients of w and b."""
        (x,) = self.recall()
        dx, dw, db = ops.linear_backward(dy, x, self.w.value)
        self.w.grad += dw
        self.b.grad += db
        return dx


class Flatten(Layer):
    """Reshape the maps of each image into one row: ``(N, C, H, W) -> (N, C * H * W)``."""

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y of shape ``(N, C * H * W)``."""
        if training:
            self.remember(x.shape)
        return x.reshape(len(x), int(np.prod(x.shape[1:])))

    def backward(self, dy: Array) -> Array:
        """Return dx in the shape of x."""
        (shape,) = self.recall()
        return dy.reshape(shape)
