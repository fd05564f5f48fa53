"""Classify the patch around every pixel: the first idea of semantic segmentation, and how to make it share its work.

::

    image ─ pad by half a patch ─┬─ crop the patch around each pixel ─ classify it        every patch anew
                                 └─ the same layers over the whole image, dilated         each feature once

The classifier is a stack of convolutions without padding, the last of which covers all that is left of the patch:
a fully connected layer, written as a convolution. So it can be slid over a whole image by simply calling it on one.
Where it has a stride it would skip pixels there. Instead every convolution keeps stride 1, and all that come behind
one of stride s look s times farther apart (dilation, "à trous"). The scores of a pixel are then sums of the very same
products as those of its patch, but neighbours share the features that their patches have in common.

Strides, not pooling, make the maps of a patch smaller: so both ways take the same steps, and only those of a
convolution have to be spread.

References
----------
Giusti, Ciresan, Masci, Gambardella and Schmidhuber, "Fast image scanning with deep max-pooling convolutional neural
networks", ICIP 2013; Sermanet et al., "OverFeat", ICLR 2014, section 3.5; Long, Shelhamer and Darrell, "Fully
convolutional networks for semantic segmentation", CVPR 2015, sections 3.1 and 3.2.
"""

import numpy as np

from minivision import ops
from minivision.core.devices import on_host
from minivision.core.labels import IGNORE
from minivision.data import Batch
from minivision.layers import BatchNorm2d, Conv2d, ReLU, Sequential
from minivision.models.base.segmenter import Segmenter

SCANS = ("convolutional", "patch-by-patch")
GREY = 127  # around the image: nearly 0 once it is normalised
CLASSIFIED_TOGETHER = 128  # patches that go through the network at once


class SlidingWindow(Segmenter):
    """A class for every pixel, by a small network that looks at the patch around it.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    scan : str
        How predictions are made, one of ``SCANS``. It changes what they cost, not what they are.
    patches : int
        How many are drawn from each image of a training step.
    background_weight : float
        What a patch of the background counts in the loss, where one of another class counts 1.
    convolutions : sequence of (int, int, int)
        Channels, kernel size and stride of each convolution; the last must cover all that is left of the patch.
    rng : numpy.random.Generator
        For the weights, and for drawing patches.

    Attributes
    ----------
    patch_size : int
        Height and width of the patch that one pixel's scores depend on.
    """

    name = "sliding-window"
    recipe = {"batch_size": 8, "rate": 6e-3, "weight_decay": 0.05, "flips": True}
    OPTIONS = {
        "scan": {"default": "convolutional", "choices": SCANS, "help": "how predictions are made"},
        "patches": {"default": 16, "help": "how many are drawn from each image of a training step"},
        "background_weight": {"default": 1.0, "help": "what a patch of the background counts in the loss"},
    }
    predicted_together = 4

    def __init__(
        self,
        classes,
        *,
        scan="convolutional",
        patches=16,
        background_weight=1.0,
        convolutions=((16, 3, 2), (32, 3, 2), (64, 3, 2), (96, 4, 1)),
        rng=None,
    ):
        super().__init__(
            classes,
            scan=scan,
            patches=patches,
            background_weight=background_weight,
            convolutions=tuple(map(tuple, convolutions)),
        )
        if scan not in SCANS:
            raise ValueError(f"scan: expected one of {', '.join(SCANS)}, got {scan!r}")
        if patches < 1:
            raise ValueError(f"patches: expected at least 1 an image, got {patches}")
        self.scan, self.patches = scan, patches
        self.rng = np.random.default_rng(0) if rng is None else rng
        parts, channels = [], 3
        for width, kernel_size, stride in convolutions:
            needs_input_grad = bool(parts)
            parts.append(
                Conv2d(
                    channels,
                    width,
                    kernel_size,
                    stride=stride,
                    bias=False,
                    needs_input_grad=needs_input_grad,
                    rng=self.rng,
                )
            )
            parts += [BatchNorm2d(width), ReLU()]
            channels = width
        scores = Conv2d(channels, len(classes), 1, rng=self.rng)
        scores.w.value *= 0.1  # begin undecided
        self.net = Sequential(*parts, scores)
        self.patch_size = 1
        for _, kernel_size, stride in reversed(convolutions):  # from one score back to the pixels it comes from
            self.patch_size = (self.patch_size - 1) * stride + kernel_size

    def forward(self, x, training=False):
        """Return scores ``(N, classes, 1, 1)`` for patches ``(N, 3, patch_size, patch_size)``."""
        return self.net(x, training)

    def backward(self, dscores):
        """Walk back through the patches."""
        self.net.backward(dscores)

    # ---- training: on patches ----------------------------------------------------------------------------------

    def step(self, batch):
        """Train on patches of the batch's images, each with the class of its centre."""
        return super().step(self.draw_patches(batch))

    def draw_patches(self, batch):
        """Draw patches at random, as images with label maps of a single pixel: ``(N * patches, 1, 1)``.

        Half of them show background; the other half is shared evenly by the classes in the image, large or small.
        """
        windows = self.windows(batch.images)
        width = batch.label_maps.shape[2]
        images, labels = [], []
        for n, label_map in enumerate(batch.label_maps):
            chances = drawing_chances(label_map.ravel())
            y, x = np.divmod(self.rng.choice(label_map.size, self.patches, p=chances), width)
            images.append(windows[n, y, x])
            labels.append(label_map[y, x])
        return Batch(np.concatenate(images), [], np.concatenate(labels).reshape(-1, 1, 1))

    # ---- prediction: at every pixel, in two ways ---------------------------------------------------------------

    def score_maps(self, images):
        """Return scores ``(N, classes, H, W)`` for images ``(N, H, W, 3)``, uint8, of any size."""
        scan = self.scores_convolutional if self.scan == "convolutional" else self.scores_patch_by_patch
        return scan(images)

    def scores_patch_by_patch(self, images):
        """Crop the patch around every pixel and classify each by itself; see :meth:`score_maps`."""
        windows = self.windows(images)
        N, height, width = windows.shape[:3]
        scores = np.empty((N, len(self.classes), height, width), self.dtype)
        for n in range(N):
            for start in range(0, height * width, CLASSIFIED_TOGETHER):
                stop = min(start + CLASSIFIED_TOGETHER, height * width)
                y, x = np.divmod(np.arange(start, stop), width)
                patches = self.normalize(windows[n, y, x])
                scores[n, :, y, x] = on_host(self.forward(patches)[:, :, 0, 0])
        return scores

    def scores_convolutional(self, images):
        """Run the same layers over the whole image, dilated where the patches' had strides; see :meth:`score_maps`."""
        x, dilation = self.normalize(self.pad(images)), 1
        for layer in self.net.layers:
            if isinstance(layer, Conv2d):
                bias = layer.b.value if layer.b else None
                x = ops.conv2d(x, layer.w.value, bias, stride=1, dilation=dilation)
                dilation *= layer.geometry["stride"]  # neighbours in a patch's map are that far apart here
            else:
                x = layer(x)
        return x

    def pad(self, images):
        """Return images ``(N, H, W, 3)`` with half a patch of grey around: the only padding there is."""
        before = (self.patch_size - 1) // 2
        around = (before, self.patch_size - 1 - before)
        return np.pad(images, ((0, 0), around, around, (0, 0)), constant_values=GREY)

    def windows(self, images):
        """Return a view ``(N, H, W, patch_size, patch_size, 3)``: the patch around every pixel, nothing copied."""
        size = (self.patch_size, self.patch_size)
        windows = np.lib.stride_tricks.sliding_window_view(self.pad(images), size, axis=(1, 2))
        return windows.transpose(0, 1, 2, 4, 5, 3)  # (N, H, W, 3, P, P) -> (N, H, W, P, P, 3)


def drawing_chances(labels):
    """Return with which probability each of many pixels is drawn, given their labels ``(P,)``.

    The background gets as much as all other classes together, these get the same each, and pixels without a label
    nothing (unless there are no others).
    """
    counts = np.bincount(labels, minlength=IGNORE + 1)
    shares = np.where(counts > 0, 1.0, 0.0)
    shares[IGNORE] = 0
    shares[0] *= max(1, shares[1:].sum())
    chances = (shares / np.maximum(counts, 1))[labels]
    return chances / chances.sum() if chances.any() else np.full(len(labels), 1 / len(labels))
