"""Base class of the mask branch and the keypoint branch: a small convolutional network on each region.

::

    features ─┐
              ├─ RoIAlign 7 x 7 ─ 3 x 3 ─ 3 x 3 ─ transpose convolution ─ 1 x 1 ─ maps of 14 x 14
    regions ──┘  (or RoI pooling)

It is a fully convolutional network, like those that label the pixels of an image; here the image is one region.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minivision.core.devices import to_device_of
from minivision.core.types import Array
from minivision.layers import Conv2d, ConvTranspose2d, Layer, ReLU, Sequential
from minivision.models.parts.roi_head import POOLINGS

if TYPE_CHECKING:
    import numpy as np


class RoIMaps(Layer):
    """Convolutions on each region: features and regions -> maps (K, maps, size, size), a grid over each region.

    Parameters
    ----------
    channels : int
        Number of channels of the features.
    maps : int
        Number of maps for each region.
    size : int
        Rows and columns of the maps; even.
    stride : int
        Pixels of the image from one feature to the next.
    pooling : str
        ``"align"`` or ``"pool"``.
    width : int
        Channels between the layers.
    convolutions : int
        Number of 3 x 3 convolutions before the map grows.
    bias : bool
        Whether each map has a bias.
    rng : numpy.random.Generator
    """

    def __init__(
        self,
        channels: int,
        maps: int,
        *,
        size: int,
        stride: int,
        pooling: str = "align",
        width: int = 64,
        convolutions: int = 2,
        bias: bool = True,
        rng: np.random.Generator | None = None,
    ) -> None:
        if size < 2 or size % 2:
            raise ValueError(f"size: expected an even number of at least 2 (the last layer doubles it), got {size}")
        if pooling not in POOLINGS:
            raise ValueError(f"pooling: expected one of {', '.join(POOLINGS)}, got {pooling!r}")
        self.size = size
        self.pool = POOLINGS[pooling](size // 2, spatial_scale=1 / stride)
        layers: list[Layer] = []
        for k in range(convolutions):
            layers += [Conv2d(width if k else channels, width, 3, padding=1, rng=rng), ReLU()]
        grow = ConvTranspose2d(width, width, 2, stride=2, rng=rng)
        last = Conv2d(width, maps, 1, bias=bias, rng=rng)
        last.w.value *= 0.1  # all cells begin with about the same value
        self.body = Sequential(*layers, grow, ReLU(), last)

    def forward(self, features: Array, rois: Array, training: bool = False) -> Array:  # type: ignore[override]
        """Return the maps ``(K, maps, size, size)`` of regions ``(K, 5)``, as in :class:`RoIHead`."""
        return self.body(self.pool.forward(features, to_device_of(rois, features), training), training)

    def backward(self, dmaps: Array) -> Array:
        """Return the gradient of the features: the sum over all regions."""
        return self.pool.backward(self.body.backward(dmaps))
