"""Downsample and upsample inside the network: the segmenter that people use.

::

    image  ─ stage 0 ────────────────── skip ─────────────────(+)─ merge 0 ─ scores
                 └ pool ─ stage 1 ────── skip ───────(+)─ merge 1 ─ upsample ┘
                              └ pool ─ stage 2 ... ─ upsample ┘

Convolutions at full resolution cost most, so most of them stand where the maps are small and see far. On the way up,
each upsampling brings back the resolution of one pooling; max unpooling puts values back at the places (switches)
where that very pooling found its maxima. A skip adds the map from before the pooling, which still knows where
the edges are.

References
----------
Long, Shelhamer and Darrell, "Fully convolutional networks for semantic segmentation", CVPR 2015 (additive skips);
Noh, Hong and Han, "Learning deconvolution network for semantic segmentation", ICCV 2015 (switches, symmetric).
"""

import numpy as np

from minivision import ops
from minivision.layers import (
    BedOfNails,
    BilinearUpsample,
    Conv2d,
    ConvTranspose2d,
    MaxPool2d,
    MaxUnpool2d,
    NearestUpsample,
    ResidualBlock,
    Sequential,
    conv_block,
)
from minivision.models.model import Model

UPSAMPLINGS = ("nearest", "bilinear", "bed-of-nails", "max-unpool", "transpose-conv")


class EncoderDecoder(Model):
    """A class for every pixel, by convolutions and pooling down and one of five ways up.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    upsampling : str
        One of ``UPSAMPLINGS``.
    skips : bool
        Whether to add the maps of the way down on the way up.
    widths : sequence of int
        Channels at each resolution, from full resolution down; each further one halves height and width.
    depths : sequence of int
        Residual blocks at each resolution.
    rng : numpy.random.Generator
    """

    name = "encoder-decoder"
    task = "segmentation"
    recipe = {"batch_size": 16, "rate": 4e-3, "weight_decay": 1e-4, "flips": True}
    OPTIONS = {
        "upsampling": {"default": "bilinear", "choices": UPSAMPLINGS, "help": "how the maps grow again"},
        "skips": {"default": True, "help": "add the maps of the way down on the way up"},
    }

    def __init__(
        self, classes, *, upsampling="bilinear", skips=True, widths=(16, 32, 64, 64), depths=(0, 0, 1, 2), rng=None
    ):
        super().__init__(classes, upsampling=upsampling, skips=skips, widths=tuple(widths), depths=tuple(depths))
        if upsampling not in UPSAMPLINGS:
            raise ValueError(f"upsampling: expected one of {', '.join(UPSAMPLINGS)}, got {upsampling!r}")
        rng = np.random.default_rng(0) if rng is None else rng
        self.skips = skips
        inputs = (3, *widths[:-1])
        self.stages = [
            Sequential(conv_block(inputs[k], widths[k], first=k == 0, rng=rng), *(ResidualBlock(widths[k], rng=rng) for _ in range(depths[k])))
            for k in range(len(widths))
        ]
        self.pools = [MaxPool2d(2) for _ in widths[:-1]]
        # On the way up from k + 1 to k: fewer channels while the map is small, more pixels, then mend the seams.
        self.narrow = [conv_block(widths[k + 1], widths[k], rng=rng) for k in range(len(widths) - 1)]
        self.upsample = [_upsampling_layer(upsampling, width, rng) for width in widths[:-1]]
        self.merge = [conv_block(width, width, rng=rng) for width in widths[:-1]]
        self.scores = Conv2d(widths[0], len(classes), 1, rng=rng)

    def forward(self, x, training=False):
        """Return scores ``(N, classes, H, W)`` for images ``(N, 3, H, W)``; H and W divide by 2 for each pooling."""
        maps, switches = [], []
        for k, stage in enumerate(self.stages):
            x = stage(x, training)
            if k < len(self.pools):
                maps.append(x)
                x, indices = self.pools[k].forward_with_indices(x, training)
                switches.append(indices)
        for k in reversed(range(len(self.pools))):
            x = self.narrow[k](x, training)
            if isinstance(self.upsample[k], MaxUnpool2d):
                x = self.upsample[k].forward(x, switches[k], maps[k].shape, training)
            else:
                x = self.upsample[k](x, training)
            if self.skips:
                x += maps[k]
            x = self.merge[k](x, training)
        return self.scores(x, training)

    def losses(self, outputs, batch):
        """Return the cross-entropy of every pixel, averaged over those that have a label, and its gradient."""
        target = batch.label_maps.astype(np.int64)
        target[target == 255] = -100  # unlabelled, in the ways of files and of losses
        loss, gradient = ops.softmax_cross_entropy(outputs, target)
        return {"cross-entropy": loss}, gradient

    def backward(self, dscores):
        """Walk back; where a map was used twice, by its pooling and by its skip, its two gradients add up."""
        dx = self.scores.backward(dscores)
        dmaps = []
        for k in range(len(self.pools)):
            dx = self.merge[k].backward(dx)
            dmaps.append(dx)  # the skip passes the gradient on unchanged
            dx = self.narrow[k].backward(self.upsample[k].backward(dx))
        for k in reversed(range(len(self.stages))):
            if k < len(self.pools):
                dx = self.pools[k].backward(dx)
                if self.skips:
                    dx += dmaps[k]
            dx = self.stages[k].backward(dx)
        return dx

    def predict(self, images):
        """Return the label map ``(H, W)``, uint8, of each image; of any size, each by itself."""
        return [self._label_map(image) for image in images]

    def _label_map(self, image):
        height, width = image.shape[:2]
        step = 2 ** len(self.pools)
        # Edge pixels repeated until the size divides; cut off again below.
        padded = np.pad(image, ((0, -height % step), (0, -width % step), (0, 0)), mode="edge")
        scores = self.forward(self.normalize(padded[None]))
        return scores[0].argmax(axis=0).astype(np.uint8)[:height, :width]


def _upsampling_layer(name, channels, rng):
    if name == "transpose-conv":
        return ConvTranspose2d(channels, channels, 4, stride=2, padding=1, rng=rng)
    layers = {"nearest": NearestUpsample, "bilinear": BilinearUpsample, "bed-of-nails": BedOfNails, "max-unpool": MaxUnpool2d}
    return layers[name]()
