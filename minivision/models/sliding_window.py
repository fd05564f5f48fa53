"""Sliding window: classify the patch around every pixel, and share the work of neighboring patches.

::

    image ─ pad by half a patch ─┬─ crop the patch around each pixel ─ classify it        every patch anew
                                 └─ the same layers over the whole image, dilated         each feature once

The classifier is a stack of convolutions without padding, the last of which covers all that is left of the patch:
a fully connected layer, written as a convolution. So it slides over a whole image when it is called with one. A
convolution with a stride would skip pixels there. Instead every convolution has stride 1, and after one of stride s
the filters of all later ones are dilated by s ("à trous"). The scores of a pixel are then sums of the very same
products as those of its patch, but neighbors share the features that their patches have in common.

Strides, not pooling, make the maps of a patch smaller: so only convolutions have to be dilated.

References
----------
Giusti, Ciresan, Masci, Gambardella and Schmidhuber, "Fast image scanning with deep max-pooling convolutional neural
networks", ICIP 2013; Sermanet et al., "OverFeat", ICLR 2014, section 3.5; Long, Shelhamer and Darrell, "Fully
convolutional networks for semantic segmentation", CVPR 2015, sections 3.1 and 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minivision import ops
from minivision.core.devices import get_array_module, to_device_of
from minivision.core.labels import IGNORE
from minivision.core.ranks import generators_of_images
from minivision.core.types import Array
from minivision.layers import BatchNorm2d, Conv2d, Layer, ReLU, Sequential
from minivision.models.base.segmenter import Segmenter

if TYPE_CHECKING:
    from minivision.data import Batch

SCANS = ("convolutional", "patch-by-patch")
GRAY = (127 - 127.5) / 64  # value of the padding: a gray of 127, normalized
PATCHES_AT_ONCE = 128  # patches that go through the network at once in prediction


class PatchOutputs(NamedTuple):
    """Outputs for the P patches that are drawn from a batch.

    Attributes
    ----------
    scores : ndarray of shape (P, classes, 1, 1)
    labels : uint8 ndarray of shape (P, 1, 1)
        The class of the pixel in the center of each patch.
    """

    scores: Array
    labels: Array


class SlidingWindow(Segmenter):
    """The first idea of semantic segmentation: image -> scores of every pixel, each from the patch around it.

    Its part is `net`, the classifier of patches.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    scan : str
        How score maps are computed, one of ``SCANS``. It changes their cost, not their values.
    patches : int
        Number of patches that are drawn from each image in a training step.
    background_weight : float
        Weight of background patches in the loss; patches of other classes have weight 1.
    convolutions : sequence of (int, int, int)
        Channels, kernel size and stride of each convolution; the last must cover all that is left of the patch.
    rng : numpy.random.Generator
        Draws the weights, then the patches.

    Attributes
    ----------
    patch_size : int
        Height and width of the patch that one pixel's scores depend on.

    References
    ----------
    Giusti, Ciresan, Masci, Gambardella and Schmidhuber, "Fast image scanning ...", ICIP 2013.
    """

    name = "sliding-window"
    recipe = {"batch_size": 8, "rate": 6e-3, "weight_decay": 0.05, "flips": True}
    OPTIONS = {
        "scan": {"default": "convolutional", "choices": SCANS, "help": "how score maps are computed"},
        "patches": {"default": 16, "help": "patches that are drawn from each image in a training step"},
        "background_weight": {"default": 1.0, "help": "weight of background patches in the loss"},
    }
    prediction_batch_size = 4

    def __init__(
        self,
        classes: Sequence[str],
        *,
        scan: str = "convolutional",
        patches: int = 16,
        background_weight: float = 1.0,
        convolutions: Sequence[tuple[int, int, int]] = ((16, 3, 2), (32, 3, 2), (64, 3, 2), (96, 4, 1)),
        rng: np.random.Generator | None = None,
    ) -> None:
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
        layers: list[Layer] = []
        channels = 3
        for width, kernel_size, stride in convolutions:
            convolution = Conv2d(
                channels, width, kernel_size, stride=stride, bias=False, needs_input_grad=bool(layers), rng=self.rng
            )
            layers += [convolution, BatchNorm2d(width), ReLU()]
            channels = width
        scores = Conv2d(channels, len(classes), 1, rng=self.rng)
        scores.w.value *= 0.1  # all classes begin with about the same score
        self.net = Sequential(*layers, scores)
        self.patch_size = 1
        for _, kernel_size, stride in reversed(convolutions):  # from one score back to the pixels it comes from
            self.patch_size = (self.patch_size - 1) * stride + kernel_size

    def forward(self, images: Array, training: bool = False, batch: Batch | None = None) -> Any:
        """Classify patches that are drawn from the images, or without ground truth the patch around every pixel.

        Parameters
        ----------
        images : ndarray of shape (N, 3, H, W)
        training : bool
            Whether to keep what :meth:`backward` needs; it needs a batch.
        batch : Batch, optional
            The ground truth, by which the patches are drawn.

        Returns
        -------
        PatchOutputs, or the scores of every pixel (N, classes, H, W) without `batch`
        """
        if batch is not None:
            patches, labels = self.draw_patches(images, batch.label_maps)
            return PatchOutputs(self.net(patches, training), labels)
        if training:
            raise ValueError(f"{self.name} is trained on patches: give the batch that the images belong to")
        return self.scores_convolutional(images) if self.scan == "convolutional" else self.scores_patch_by_patch(images)

    def losses(self, outputs: Any, batch: Batch) -> tuple[dict[str, Any], Array]:
        """Return the cross-entropy of the patches, averaged over them, and its gradient."""
        return self.cross_entropy(outputs.scores, outputs.labels)

    def backward(self, dscores: Array) -> None:
        """Backpropagate through the classifier of patches."""
        self.net.backward(dscores)

    # ---- training: on patches ----------------------------------------------------------------------------------

    def draw_patches(self, images: Array, label_maps: Array) -> tuple[Array, Array]:
        """Draw patches at random: half of them show background, the other half is shared evenly by the classes.

        Parameters
        ----------
        images : ndarray of shape (N, 3, H, W)
        label_maps : uint8 ndarray of shape (N, H, W)

        Returns
        -------
        patches : ndarray of shape (N * patches, 3, patch_size, patch_size)
        labels : uint8 ndarray of shape (N * patches, 1, 1)
            The class of the center of each patch.
        """
        padded = self.pad(images)
        width = label_maps.shape[2]
        patches, labels = [], []
        generators = generators_of_images(self.rng, len(label_maps))
        for n, (label_map, rng) in enumerate(zip(label_maps, generators, strict=True)):
            probabilities = drawing_probabilities(label_map.ravel())
            y, x = np.divmod(rng.choice(label_map.size, self.patches, p=probabilities), width)
            patches.append(self.crop_patches(padded[n], y, x))
            labels.append(label_map[y, x])
        return np.concatenate(patches), np.concatenate(labels).reshape(-1, 1, 1)

    # ---- prediction: at every pixel, in two ways ---------------------------------------------------------------

    def scores_patch_by_patch(self, images: Array) -> Array:
        """Return scores ``(N, classes, H, W)`` of images ``(N, 3, H, W)``: classify the patch around every pixel."""
        padded = self.pad(images)
        N, _, height, width = images.shape
        scores = get_array_module(images).empty((N, len(self.classes), height * width), self.dtype)
        for n in range(N):
            for start in range(0, height * width, PATCHES_AT_ONCE):
                numbers = np.arange(start, min(start + PATCHES_AT_ONCE, height * width))
                patches = self.crop_patches(padded[n], *np.divmod(numbers, width))
                scores[n, :, start : start + len(numbers)] = self.net(patches)[:, :, 0, 0].T
        return scores.reshape(N, -1, height, width)

    def scores_convolutional(self, images: Array) -> Array:
        """Return the same scores by the same layers over the whole image, dilated instead of with strides."""
        x, dilation = self.pad(images), 1
        for layer in self.net.layers:
            if isinstance(layer, Conv2d):
                bias = layer.b.value if layer.b else None
                x = ops.conv2d(x, layer.w.value, bias, stride=1, dilation=dilation)
                dilation *= layer.geometry["stride"]  # neighbors in a patch's map are that far apart here
            else:
                x = layer(x)
        return x

    def pad(self, images: Array) -> Array:
        """Return images ``(N, 3, H, W)`` with half a patch of gray around them: the only padding there is."""
        before = (self.patch_size - 1) // 2
        around = (before, self.patch_size - 1 - before)
        return np.pad(images, ((0, 0), (0, 0), around, around), constant_values=GRAY)

    def crop_patches(self, padded: Array, y: Array, x: Array) -> Array:
        """Crop the patches around some pixels of an image.

        Parameters
        ----------
        padded : ndarray of shape (3, H + patch_size - 1, W + patch_size - 1)
            An image as :meth:`pad` returns it.
        y, x : int64 ndarray of shape (K,)
            Rows and columns of the pixels in the image without padding; on the host.

        Returns
        -------
        ndarray of shape (K, 3, patch_size, patch_size)
        """
        offsets = np.arange(self.patch_size)
        rows, columns = y[:, None, None] + offsets[:, None], x[:, None, None] + offsets  # (K, P, 1) and (K, 1, P)
        patches = padded[:, to_device_of(rows, padded), to_device_of(columns, padded)]
        return patches.transpose(1, 0, 2, 3).copy()  # (3, K, P, P) -> (K, 3, P, P)


def drawing_probabilities(labels: Array) -> Array:
    """Return the probability with which each of many pixels is drawn, given their labels ``(P,)``.

    The background gets as much as all other classes together, these get the same each, and pixels without a label
    nothing (unless there are no others).

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.models.sliding_window import drawing_probabilities
    >>> drawing_probabilities(np.array([0, 0, 1, 255])).tolist()
    [0.25, 0.25, 0.5, 0.0]
    """
    counts = np.bincount(labels, minlength=IGNORE + 1)
    shares = np.where(counts > 0, 1.0, 0.0)
    shares[IGNORE] = 0
    shares[0] *= max(1, shares[1:].sum())
    probabilities = (shares / np.maximum(counts, 1))[labels]
    return probabilities / probabilities.sum() if probabilities.any() else np.full(len(labels), 1 / len(labels))
