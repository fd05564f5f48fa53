"""Convolutions at the image's size from beginning to end: one pass for all pixels, every map as large as the image.

::

    image ─ 3 x 3 ─┬─ 3 x 3 ─(+)─┬─ 3 x 3 ─(+)─┬─ ... ─(+)─ 1 x 1 ─ scores
                   └─────────┘   └─────────┘   └─────────┘

Nothing is lost on the way, so nothing has to be found again. But every further convolution multiplies at every pixel
of the image and keeps more maps of its size for the way back, so the channels have to be few. And it lets a score see
only one pixel farther to each side: with eight blocks a square of 19 pixels, where objects have 16 to 56. On scenes
(mid) such a network found little more than the background: mIoU .16 after 900 steps.

So the filters are dilated: the taps of each block's lie twice as far apart as those of the block before, and those of
the last block are neighbours again, to fill in what was skipped. That multiplies no more, and with six blocks a score
sees a square of 67 pixels: mIoU .25 after 1,076 steps (a minute).

References
----------
Long, Shelhamer and Darrell, "Fully convolutional networks for semantic segmentation", CVPR 2015 (a loss at every
pixel); Yu and Koltun, "Multi-scale context aggregation by dilated convolutions", ICLR 2016, table 1 (the dilations);
He, Zhang, Ren and Sun, "Deep residual learning for image recognition", CVPR 2016 (the ways past the convolutions).
"""

import numpy as np

from minivision.layers import Conv2d, ResidualBlock, Sequential, conv_block
from minivision.models.base.segmenter import Segmenter


class FullResolution(Segmenter):
    """A class for every pixel, by a stack of 3 x 3 convolutions that keep the image's size.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    width : int
        Channels of every map.
    blocks : int
        Convolutions after the first one, each with a way past it.
    dilated : bool
        Whether the filters of each block but the last reach twice as far as those of the block before.
    background_weight : float
        What a pixel of the background counts in the loss, where one of another class counts 1.
    rng : numpy.random.Generator
    """

    name = "full-resolution"
    recipe = {"batch_size": 4, "rate": 4e-3, "weight_decay": 0.05, "flips": True}
    OPTIONS = {
        "width": {"default": 16, "help": "channels of every map"},
        "blocks": {"default": 6, "help": "convolutions after the first one, each with a way past it"},
        "dilated": {"default": True, "help": "let the filters reach farther from block to block"},
        **Segmenter.OPTIONS,
    }
    predicted_together = 4  # all maps of all images are as large as the images

    def __init__(self, classes, *, width=16, blocks=6, dilated=True, background_weight=0.3, rng=None):
        super().__init__(classes, width=width, blocks=blocks, dilated=dilated, background_weight=background_weight)
        if width < 1 or blocks < 0:
            raise ValueError(f"expected a width of at least 1 and no fewer than 0 blocks, got {width} and {blocks}")
        rng = np.random.default_rng(0) if rng is None else rng
        dilations = [2**k if dilated and k < blocks - 1 else 1 for k in range(blocks)]  # 1, 2, 4, 8, 16, 1
        self.stem = conv_block(3, width, needs_input_grad=False, rng=rng)
        self.blocks = Sequential(
            *(ResidualBlock(width, convolutions=1, dilation=dilation, rng=rng) for dilation in dilations)
        )
        self.scores = Conv2d(width, len(classes), 1, rng=rng)
        self.scores.w.value *= 0.1  # begin undecided

    def forward(self, x, training=False):
        """Return scores ``(N, classes, H, W)`` for images ``(N, 3, H, W)`` of any size."""
        x = self.stem(x, training)
        x = self.blocks(x, training)
        return self.scores(x, training)

    def backward(self, dscores):
        """Walk back the same way: nothing branches, except inside the blocks."""
        dx = self.scores.backward(dscores)
        dx = self.blocks.backward(dx)
        self.stem.backward(dx)
