"""Encoder-decoder: downsample and upsample inside the network, as most segmenters in use do.

::

    image ─ stem ─ stage 0 ──────────────── skip ────────────────(+)─ merge 0 ─ scores ─ x 2
                      └ pool ─ stage 1 ──── skip ───(+)─ merge 1 ─ narrow ─ upsample ┘
                                  └ pool ─ stage 2 ─ narrow ─ upsample ┘

Every further pooling quarters the cost of a convolution and doubles the field of view. In the decoder each upsampling
restores the resolution of one pooling; max unpooling puts values back at the places (switches) where that pooling
found its maxima. A skip adds the map from before the pooling, in which the edges are still sharp.

The stem pools too, and the scores are computed at half the image's size: the last factor of two only interpolates them.

References
----------
Long, Shelhamer and Darrell, "Fully convolutional networks for semantic segmentation", CVPR 2015 (additive skips);
Noh, Hong and Han, "Learning deconvolution network for semantic segmentation", ICCV 2015 (switches, symmetric).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.types import Array
from minivision.layers import (
    BatchNorm2d,
    BedOfNails,
    BilinearUpsample,
    Conv2d,
    ConvTranspose2d,
    Layer,
    MaxPool2d,
    MaxUnpool2d,
    NearestUpsample,
    ReLU,
    ResidualBlock,
    Sequential,
    conv_block,
)
from minivision.models.base.segmenter import Segmenter

if TYPE_CHECKING:
    from minivision.data import Batch

UPSAMPLINGS = ("nearest", "bilinear", "bed-of-nails", "max-unpool", "transpose-conv")


class EncoderDecoder(Segmenter):
    """The segmenter of convolutions and pooling, then upsampling: image -> scores of every pixel.

    Its parts, in order: `stem` and `halve`, the encoder (`stages`, `pools`), the decoder (`narrow`, `upsample`,
    `merge`), `scores` and `enlarge`.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    upsampling : str
        One of ``UPSAMPLINGS``.
    skips : bool
        Whether to add the maps of the encoder in the decoder.
    background_weight : float
        Weight of background pixels in the loss; pixels of other classes have weight 1.
    widths : sequence of int
        Channels at each resolution, from half the image's down; each further one halves height and width.
    depths : sequence of int
        Residual blocks at each resolution of the encoder.
    rng : numpy.random.Generator

    References
    ----------
    Long, Shelhamer and Darrell, CVPR 2015; Noh, Hong and Han, ICCV 2015.
    """

    name = "encoder-decoder"
    recipe = {"batch_size": 8, "rate": 4e-3, "weight_decay": 0.05, "flips": True}
    OPTIONS = {
        "upsampling": {"default": "bilinear", "choices": UPSAMPLINGS, "help": "how the decoder enlarges its maps"},
        "skips": {"default": True, "help": "add the maps of the encoder in the decoder"},
        **Segmenter.OPTIONS,
    }

    def __init__(
        self,
        classes: Sequence[str],
        *,
        upsampling: str = "bilinear",
        skips: bool = True,
        background_weight: float = 0.3,
        widths: Sequence[int] = (16, 32, 64),
        depths: Sequence[int] = (2, 1, 1),
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(
            classes,
            upsampling=upsampling,
            skips=skips,
            background_weight=background_weight,
            widths=tuple(widths),
            depths=tuple(depths),
        )
        if upsampling not in UPSAMPLINGS:
            raise ValueError(f"upsampling: expected one of {', '.join(UPSAMPLINGS)}, got {upsampling!r}")
        rng = np.random.default_rng(0) if rng is None else rng
        self.skips = skips
        # Normalized after the pooling: there are a quarter as many numbers, and the maxima stay the maxima.
        self.stem = Conv2d(3, widths[0], 3, padding=1, bias=False, needs_input_grad=False, rng=rng)
        self.halve = Sequential(MaxPool2d(2), BatchNorm2d(widths[0]), ReLU())
        self.stages = []
        for k, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            widen = [conv_block(widths[k - 1], width, rng=rng)] if k else []
            self.stages.append(Sequential(*widen, *(ResidualBlock(width, rng=rng) for _ in range(depth))))
        self.pools = [MaxPool2d(2) for _ in widths[1:]]
        self.narrow = [
            Sequential(Conv2d(wide, width, 1, bias=False, rng=rng), BatchNorm2d(width))
            for width, wide in zip(widths, widths[1:], strict=False)
        ]
        self.upsample = [_upsampling_layer(upsampling, width, rng) for width in widths[:-1]]
        self.merge = [ResidualBlock(width, convolutions=1, rng=rng) for width in widths[:-1]]
        self.scores = Conv2d(widths[0], len(classes), 1, rng=rng)
        self.scores.w.value *= 0.1  # all classes begin with about the same score
        self.enlarge = BilinearUpsample()
        self.stride = 2 ** (len(self.pools) + 1)

    def forward(self, images: Array, training: bool = False, batch: Batch | None = None) -> Array:
        """Return scores ``(N, classes, H, W)`` of images ``(N, 3, H, W)``; H and W divide by 2 for each pooling."""
        x = self.halve(self.stem(images, training), training)
        maps, switches = [], []
        for stage, pool in zip(self.stages, self.pools, strict=False):
            maps.append(stage(x, training))
            x, indices = pool.forward_with_indices(maps[-1], training)
            switches.append(indices)
        x = self.stages[-1](x, training)
        for k in reversed(range(len(self.pools))):
            x = self.narrow[k](x, training)
            upsample = self.upsample[k]
            if isinstance(upsample, MaxUnpool2d):
                x = upsample.forward(x, switches[k], maps[k].shape, training)
            else:
                x = upsample(x, training)
            if self.skips:
                x += maps[k]
            x = self.merge[k](x, training)
        return self.enlarge(self.scores(x, training), training)

    def backward(self, dscores: Array) -> None:
        """Backpropagate; a map that is used twice, by its pooling and by its skip, gets the sum of two gradients."""
        dx: Any = self.scores.backward(self.enlarge.backward(dscores))
        dmaps = []
        for merge, upsample, narrow in zip(self.merge, self.upsample, self.narrow, strict=True):
            dx = merge.backward(dx)
            dmaps.append(dx)  # the skip passes the gradient on unchanged
            dx = narrow.backward(upsample.backward(dx))
        dx = self.stages[-1].backward(dx)
        for k in reversed(range(len(self.pools))):
            dx = self.pools[k].backward(dx)
            if self.skips:
                dx += dmaps[k]
            dx = self.stages[k].backward(dx)
        self.stem.backward(self.halve.backward(dx))


def _upsampling_layer(name: str, channels: int, rng: np.random.Generator) -> Layer:
    if name == "transpose-conv":
        return ConvTranspose2d(channels, channels, 4, stride=2, padding=1, bias=False, rng=rng)
    layers: dict[str, type[Layer]] = {
        "nearest": NearestUpsample,
        "bilinear": BilinearUpsample,
        "bed-of-nails": BedOfNails,
        "max-unpool": MaxUnpool2d,
    }
    return layers[name]()
