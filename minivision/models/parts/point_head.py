"""The head of systems for one object: numbers that begin where points look, and are corrected by what points see.

::

                           ┌─ positions of the first points, a fixed linear map ─┐
    features ─ attention ──┤                                                    (+) ─ numbers
                           └─ all points ─ fully connected ─ fully connected ────┘
"""

from __future__ import annotations

import numpy as np

from minivision.core.devices import to_device_of
from minivision.core.types import Array
from minivision.layers import AttentionPool2d, Layer, Linear, ReLU, Sequential


class PointHead(Layer):
    """Regress places in an image, and what follows from them: features (N, C, H, W) -> (N, outputs).

    A fully connected layer alone has to learn where each of the points is, and how that matters. Here the mean position
    under the map of a point, regression too, is an output from the first step on.

    Parameters
    ----------
    channels : int
        Number of channels of the features.
    begin : ndarray of shape (2 P, outputs)
        From x and y of the first point, x and y of the second, and so on, in image sides, to where the outputs begin.
    num_points : int
        Number of attention maps, see :class:`AttentionPool2d`, but at least P; those beyond see what else helps.
    hidden : int
        Width of the hidden layer of the corrections.
    rng : numpy.random.Generator

    References
    ----------
    Positions as means of maps: Sun, Xiao, Wei, Liang and Wei, "Integral human pose regression", ECCV 2018.
    """

    def __init__(self, channels: int, begin: Array, num_points: int, hidden: int, *, rng: np.random.Generator) -> None:
        num_points = max(num_points, len(begin) // 2)
        self.attention = AttentionPool2d(channels, num_points, rng=rng)
        last = Linear(hidden, begin.shape[1], rng=rng)
        last.w.value *= 0.1  # corrections begin small
        self.corrections = Sequential(Linear(self.attention.out_features, hidden, rng=rng), ReLU(), last)
        self.begin = begin
        first = num_points * channels  # positions come last
        self._positions = slice(first, first + len(begin))

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the numbers, ``(N, outputs)``."""
        points = self.attention(x, training)
        positions = (points[:, self._positions] + 2) / 4  # from -2 .. 2 to image sides
        return positions @ self._begin(points) + self.corrections(points, training)

    def backward(self, dy: Array) -> Array:
        """Return dx; the positions of the first points get a second gradient, around the fully connected layers."""
        dpoints = self.corrections.backward(dy)
        dpoints[:, self._positions] += dy @ self._begin(dy).T / 4
        return self.attention.backward(dpoints)

    def _begin(self, like: Array) -> Array:
        """Return `begin` on the device and of the dtype of another array."""
        return to_device_of(self.begin.astype(like.dtype), like)
