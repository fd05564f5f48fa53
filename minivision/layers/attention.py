"""Spatial attention: positions through which gradients can flow, and the features at these positions."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivision import ops
from minivision.core.devices import to_device_of
from minivision.core.types import Array
from minivision.layers.convolution import Conv2d
from minivision.layers.layer import Layer


class AttentionPool2d(Layer):
    """Predict several points of a map, and return their positions and the features there.

    Each point has a map of its own, made by a 1 x 1 convolution. The softmax over its places gives weights, and the
    output is the weighted mean of the positions and of the features. The position of the largest value (argmax) would
    change in jumps and have no gradient; the weighted mean changes smoothly with every value of the map.

    Parameters
    ----------
    channels : int
        Number of channels of the features.
    num_points : int
        Number of points, each with a map of its own.
    rng : numpy.random.Generator

    References
    ----------
    Positions: Levine, Finn, Darrell and Abbeel, "End-to-end training of deep visuomotor policies", JMLR 2016, section
    5.1. Features: Xu et al., "Show, attend and tell", ICML 2015, section 4.2 (soft attention).
    """

    def __init__(self, channels: int, num_points: int, *, rng: np.random.Generator) -> None:
        self.look = Conv2d(channels, num_points, 1, rng=rng)
        self.out_features = num_points * (channels + 2)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return an array of shape ``(N, num_points * (C + 2))``: the features of all points, then their positions.

        Positions are x and y, from -2 at the left and upper edge of the map to 2 at the right and lower edge.
        """
        N, C, H, W = x.shape
        p = self.attention(x, training).reshape(N, -1, H * W)
        features, positions = x.reshape(N, C, H * W).transpose(0, 2, 1), to_device_of(_positions(H, W, x.dtype), x)
        if training:
            self.remember(p, features, positions, x.shape)
        return np.concatenate([(p @ features).reshape(N, -1), (p @ positions).reshape(N, -1)], axis=1)

    def attention(self, x: Array, training: bool = False) -> Array:
        """Return the weights of each place for each point, ``(N, num_points, H, W)``; each map sums to 1."""
        logits = self.look(x, training)
        N, maps, H, W = logits.shape
        return ops.softmax(logits.reshape(N * maps, H * W)).reshape(logits.shape)

    def backward(self, dy: Array) -> Array:
        """Return dx: the gradient through the features, plus the gradient through the attention weights."""
        p, features, positions, shape = self.recall()
        N, C, H, W = shape
        num_points = p.shape[1]
        dfeatures, dpositions = np.split(dy, [num_points * C], axis=1)
        dfeatures, dpositions = dfeatures.reshape(N, num_points, C), dpositions.reshape(N, num_points, 2)
        dp = dfeatures @ features.transpose(0, 2, 1) + dpositions @ positions.T  # (N, num_points, H*W)
        dlogits = ops.softmax_backward(dp.reshape(-1, H * W), p.reshape(-1, H * W))
        dx = self.look.backward(dlogits.reshape(N, num_points, H, W))
        dx += (dfeatures.transpose(0, 2, 1) @ p).reshape(shape)  # (N, C, H*W): through the features themselves
        return dx


def _positions(H: int, W: int, dtype: Any) -> Array:
    """Return x and y of the center of each place of a map, ``(H*W, 2)``."""
    y, x = np.mgrid[:H, :W].astype(dtype)
    return np.stack([(4 * x + 2) / W - 2, (4 * y + 2) / H - 2], axis=-1).reshape(H * W, 2).astype(dtype)
