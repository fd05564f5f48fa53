"""The convolutions that most systems share: image -> small map of features.

::

    image ─ 3 x 3 ─ pool ─┬──────┬─ pool ─ 3 x 3 ─┬──────┬─ pool ─ 3 x 3 ─┬──────┬─ features
            16 channels   blocks of                 blocks of 32             blocks of 64
                          half size                 a quarter                an eighth

Each pooling halves height and width; then the channels double. Most of the work is done where the map is small.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from minivision.layers import BatchNorm2d, Conv2d, Layer, MaxPool2d, ReLU, ResidualBlock, Sequential, conv_block

if TYPE_CHECKING:
    import numpy as np


class Backbone(Sequential):
    """A residual network: images (N, 3, H, W) -> features (N, C, H / stride, W / stride).

    Parameters
    ----------
    widths : sequence of int
        Channels at half the image's size, at a quarter, and so on.
    depths : sequence of int
        Residual blocks at each of these sizes.
    rng : numpy.random.Generator

    Attributes
    ----------
    layers : list of Sequential
        One stage for each size, the largest first.
    stride : int
        Pixels of the image from one feature to the next.
    channels : int
        Number of channels of the features.

    References
    ----------
    He, Zhang, Ren and Sun, "Deep residual learning for image recognition", CVPR 2016.
    """

    def __init__(
        self, widths: Sequence[int] = (16, 32, 64), depths: Sequence[int] = (0, 1, 2), *, rng: np.random.Generator
    ) -> None:
        stages = []
        for k, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            first: list[Layer]
            if k == 0:
                # Normalized after the pooling: there are a quarter as many numbers, and the maxima stay the maxima.
                stem = Conv2d(3, width, 3, padding=1, bias=False, needs_input_grad=False, rng=rng)
                first = [stem, MaxPool2d(2), BatchNorm2d(width), ReLU()]
            else:
                first = [MaxPool2d(2), conv_block(widths[k - 1], width, rng=rng)]
            stages.append(Sequential(*first, *(ResidualBlock(width, rng=rng) for _ in range(depth))))
        super().__init__(*stages)
        self.stride, self.channels = 2 ** len(widths), widths[-1]
