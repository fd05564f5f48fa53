"""Base class of the systems of semantic segmentation: the loss at every pixel, and label maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision import ops
from minivision.core.devices import get_array_module, on_host, to_device_of
from minivision.core.labels import IGNORE
from minivision.core.ranks import share_of_mean
from minivision.core.types import Array
from minivision.models.base.model import Model

if TYPE_CHECKING:
    from minivision.data import Batch


class Segmenter(Model):
    """A system that predicts a class for every pixel: the one with the highest of the scores (N, classes, H, W).

    A subclass defines ``forward`` and ``backward``.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    background_weight : float
        Weight of background pixels in the loss; pixels of other classes have weight 1. Objects cover few pixels: with
        equal weights the network takes long to learn them.
    **options
        All other arguments of the subclass.
    """

    task = "segmentation"
    stride: int = 1  # sides of images are padded until they divide by it
    OPTIONS = {"background_weight": {"default": 0.3, "help": "weight of background pixels in the loss"}}

    def __init__(self, classes: Sequence[str], *, background_weight: float, **options: Any) -> None:
        super().__init__(classes, background_weight=background_weight, **options)
        if not 0 < background_weight < np.inf:
            raise ValueError(f"background_weight: expected a positive number, got {background_weight}")

    @property
    def class_weights(self) -> Array:
        """Weight of a pixel of each class in the loss."""
        weights = np.ones(len(self.classes))
        weights[0] = self.options["background_weight"]
        return weights

    def losses(self, outputs: Array, batch: Batch) -> tuple[dict[str, Any], Array]:
        """Return the cross-entropy of every pixel, averaged over those that have a label, and its gradient."""
        return self.cross_entropy(outputs, batch.label_maps)

    def cross_entropy(self, scores: Array, label_maps: Array) -> tuple[dict[str, Any], Array]:
        """Return the weighted cross-entropy of scores ``(N, classes, H, W)``, and its gradient.

        Pixels that are labeled `IGNORE` in `label_maps`, uint8 of shape (N, H, W), do not count, nor scores of the
        padding below and to the right.
        """
        padded_size, (height, width) = scores.shape[2:], label_maps.shape[1:]
        scores = scores[:, :, :height, :width]
        target = to_device_of(label_maps, scores).astype(np.int64)
        weight = to_device_of(self.class_weights, scores).astype(scores.dtype)
        loss, gradient = ops.softmax_cross_entropy(scores, target, weight=weight, ignore_index=IGNORE)
        loss, gradient = share_of_mean(lambda: self._total_weight(label_maps), loss, gradient)
        if gradient.shape[2:] != padded_size:
            below, right = padded_size[0] - height, padded_size[1] - width
            gradient = get_array_module(gradient).pad(gradient, ((0, 0), (0, 0), (0, below), (0, right)))
        return {"cross-entropy": loss}, gradient

    def _total_weight(self, label_maps):
        """Return the sum of the weights of all labeled pixels."""
        counts = np.bincount(label_maps.ravel(), minlength=IGNORE + 1)
        return float(counts[: len(self.classes)] @ self.class_weights)

    def normalize(self, images: Array, multiple: int | None = None) -> Array:
        """Convert uint8 images into the input of the network, padded to whole cells of its smallest map."""
        return super().normalize(images, multiple or self.stride)

    def score_maps(self, images: Array) -> Array:
        """Return scores ``(N, classes, H, W)`` for uint8 images ``(N, H, W, 3)`` of any size."""
        height, width = images.shape[1:3]
        return self.forward(self.normalize(images))[:, :, :height, :width]

    def predict(self, images: Sequence[Array]) -> list[Array]:
        """Return the label map of each image, uint8 of shape (H, W); the images may have several sizes."""

        def predict_batch(batch: Array) -> Array:
            return on_host(self.score_maps(batch).argmax(axis=1).astype(np.uint8))

        return self.map_batches(images, predict_batch)
