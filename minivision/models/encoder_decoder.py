"""Downsample and upsample inside the network: the segmenter that people use.

::

    image ─ stem ─ stage 0 ──────────────── skip ────────────────(+)─ merge 0 ─ scores ─ x 2
                      └ pool ─ stage 1 ──── skip ───(+)─ merge 1 ─ narrow ─ upsample ┘
                                  └ pool ─ stage 2 ─ narrow ─ upsample ┘

Every further pooling quarters the cost of a convolution and doubles what it sees. On the way up, each upsampling
brings back the resolution of one pooling; max unpooling puts values back at the places (switches) where that very
pooling found its maxima. A skip adds the map from before the pooling, which still knows where the edges are.

The stem pools too, and the scores are made at half the image's size: the last factor of two only interpolates them.

References
----------
Long, Shelhamer and Darrell, "Fully convolutional networks for semantic segmentation", CVPR 2015 (additive skips);
Noh, Hong and Han, "Learning deconvolution network for semantic segmentation", ICCV 2015 (switches, symmetric).
"""

import numpy as np

from minivision.layers import (
    BatchNorm2d,
    BedOfNails,
    BilinearUpsample,
    Conv2d,
    ConvTranspose2d,
    MaxPool2d,
    MaxUnpool2d,
    NearestUpsample,
    ReLU,
    ResidualBlock,
    Sequential,
    conv_block,
)
from minivision.models.base.model import pad_to_multiple
from minivision.models.base.segmenter import Segmenter

UPSAMPLINGS = ("nearest", "bilinear", "bed-of-nails", "max-unpool", "transpose-conv")


class EncoderDecoder(Segmenter):
    """A class for every pixel, by convolutions and pooling down and one of five ways up.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    upsampling : str
        One of ``UPSAMPLINGS``.
    skips : bool
        Whether to add the maps of the way down on the way up.
    background_weight : float
        What a pixel of the background counts in the loss, where one of another class counts 1.
    widths : sequence of int
        Channels at each resolution, from half the image's down; each further one halves height and width.
    depths : sequence of int
        Residual blocks at each resolution on the way down.
    rng : numpy.random.Generator
    """

    name = "encoder-decoder"
    recipe = {"batch_size": 8, "rate": 4e-3, "weight_decay": 0.05, "flips": True}
    OPTIONS = {
        "upsampling": {"default": "bilinear", "choices": UPSAMPLINGS, "help": "how the maps grow again"},
        "skips": {"default": True, "help": "add the maps of the way down on the way up"},
        **Segmenter.OPTIONS,
    }

    def __init__(
        self,
        classes,
        *,
        upsampling="bilinear",
        skips=True,
        background_weight=0.3,
        widths=(16, 32, 64),
        depths=(2, 1, 1),
        rng=None,
    ):
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
        # Normalised after the pooling: there are a quarter as many numbers, and the maxima stay the maxima.
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
        self.scores.w.value *= 0.1  # begin undecided
        self.enlarge = BilinearUpsample()

    def forward(self, x, training=False):
        """Return scores ``(N, classes, H, W)`` for images ``(N, 3, H, W)``; H and W divide by 2 for each pooling."""
        x = self.halve(self.stem(x, training), training)
        maps, switches = [], []
        for stage, pool in zip(self.stages, self.pools, strict=False):
            maps.append(stage(x, training))
            x, indices = pool.forward_with_indices(maps[-1], training)
            switches.append(indices)
        x = self.stages[-1](x, training)
        for k in reversed(range(len(self.pools))):
            x = self.narrow[k](x, training)
            if isinstance(self.upsample[k], MaxUnpool2d):
                x = self.upsample[k].forward(x, switches[k], maps[k].shape, training)
            else:
                x = self.upsample[k](x, training)
            if self.skips:
                x += maps[k]
            x = self.merge[k](x, training)
        return self.enlarge(self.scores(x, training), training)

    def backward(self, dscores):
        """Walk back; where a map was used twice, by its pooling and by its skip, its two gradients add up."""
        dx = self.scores.backward(self.enlarge.backward(dscores))
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

    def score_maps(self, images):
        """Return scores ``(N, classes, H, W)`` for images ``(N, H, W, 3)``, uint8, of any size."""
        height, width = images.shape[1:3]
        step = 2 ** (len(self.pools) + 1)
        return super().score_maps(pad_to_multiple(images, step))[:, :, :height, :width]


def _upsampling_layer(name, channels, rng):
    if name == "transpose-conv":
        return ConvTranspose2d(channels, channels, 4, stride=2, padding=1, bias=False, rng=rng)
    layers = {
        "nearest": NearestUpsample,
        "bilinear": BilinearUpsample,
        "bed-of-nails": BedOfNails,
        "max-unpool": MaxUnpool2d,
    }
    return layers[name]()
