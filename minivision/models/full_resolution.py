"""Full resolution: convolutions at the image's size from beginning to end, all pixels in one pass.

::

    image ─ 3 x 3 ─┬─ 3 x 3 ─(+)─┬─ 3 x 3 ─(+)─┬─ ... ─(+)─ 1 x 1 ─ scores
                   └─────────┘   └─────────┘   └─────────┘

No resolution is lost, so none has to be restored. But every further convolution multiplies at every pixel of the image
and keeps more maps of its size for the backward pass, so the channels have to be few. And it enlarges the field of view
by only one pixel to each side: with eight blocks a score depends on a square of 19 pixels, where objects have 16 to 56.
On scenes (mid) such a network found little more than the background: mIoU .16 after 900 steps.

So the filters are dilated: the taps of each block lie twice as far apart as those of the block before, and those of
the last block are neighbors again, to fill in what was skipped. That needs no more multiplications, and with six blocks
a score depends on a square of 67 pixels: mIoU .25 after 1,076 steps (a minute).

References
----------
Long, Shelhamer and Darrell, "Fully convolutional networks for semantic segmentation", CVPR 2015 (a loss at every
pixel); Yu and Koltun, "Multi-scale context aggregation by dilated convolutions", ICLR 2016, table 1 (the dilations);
He, Zhang, Ren and Sun, "Deep residual learning for image recognition", CVPR 2016 (the residual blocks).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.types import Array
from minivision.layers import Conv2d, ResidualBlock, Sequential, conv_block
from minivision.models.base.segmenter import Segmenter

if TYPE_CHECKING:
    from minivision.data import Batch


class FullResolution(Segmenter):
    """The segmenter without pooling: image -> scores of every pixel, by convolutions that keep the image's size.

    Its parts, in order: `stem`, `blocks` (residual blocks), `scores`.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    width : int
        Channels of every map.
    blocks : int
        Residual blocks of one convolution after the first convolution.
    dilated : bool
        Whether the dilation doubles from block to block; the last block has none.
    background_weight : float
        Weight of background pixels in the loss; pixels of other classes have weight 1.
    rng : numpy.random.Generator

    References
    ----------
    Long, Shelhamer and Darrell, CVPR 2015; Yu and Koltun, ICLR 2016.
    """

    name = "full-resolution"
    recipe = {"batch_size": 4, "rate": 4e-3, "weight_decay": 0.05, "flips": True}
    OPTIONS = {
        "width": {"default": 16, "help": "channels of every map"},
        "blocks": {"default": 6, "help": "residual blocks after the first convolution"},
        "dilated": {"default": True, "help": "double the dilation from block to block"},
        **Segmenter.OPTIONS,
    }
    prediction_batch_size = 4  # all maps of all images are as large as the images

    def __init__(
        self,
        classes: Sequence[str],
        *,
        width: int = 16,
        blocks: int = 6,
        dilated: bool = True,
        background_weight: float = 0.3,
        rng: np.random.Generator | None = None,
    ) -> None:
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
        self.scores.w.value *= 0.1  # all classes begin with about the same score

    def forward(self, images: Array, training: bool = False, batch: Batch | None = None) -> Array:
        """Return scores ``(N, classes, H, W)`` of images ``(N, 3, H, W)`` of any size."""
        x = self.stem(images, training)
        x = self.blocks(x, training)
        return self.scores(x, training)

    def backward(self, dscores: Array) -> None:
        """Backpropagate through the layers in reverse order."""
        dx: Any = self.scores.backward(dscores)
        dx = self.blocks.backward(dx)
        self.stem.backward(dx)
