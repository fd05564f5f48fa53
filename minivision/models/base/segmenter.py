"""What all systems of semantic segmentation share: the loss at every pixel, and how they predict."""

import numpy as np

from minivision import ops
from minivision.core.devices import on_host, to_device_of
from minivision.core.labels import IGNORE
from minivision.models.base.model import Model, groups_of_one_size


class Segmenter(Model):
    """A class for every pixel: scores ``(N, classes, H, W)``, of which the highest wins.

    A subclass gives ``forward`` and ``backward``.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    background_weight : float
        What a pixel of the background counts in the loss, where one of another class counts 1. Objects are few:
        with equal weights the network takes long to look at them.
    **options
        Everything else the subclass was made with.

    Attributes
    ----------
    predicted_together : int
        Images of one size that go through the network at once.
    """

    task = "segmentation"
    OPTIONS = {"background_weight": {"default": 0.3, "help": "what a pixel of the background counts in the loss"}}
    predicted_together = 16

    def __init__(self, classes, *, background_weight, **options):
        super().__init__(classes, background_weight=background_weight, **options)
        if not 0 < background_weight < np.inf:
            raise ValueError(f"background_weight: expected a positive number, got {background_weight}")

    @property
    def class_weights(self):
        """What a pixel of each class counts in the loss."""
        weights = np.ones(len(self.classes))
        weights[0] = self.options["background_weight"]
        return weights

    def losses(self, outputs, batch):
        """Return the cross-entropy of every pixel, averaged over those that have a label, and its gradient."""
        target = to_device_of(batch.label_maps, outputs).astype(np.int64)
        weight = to_device_of(self.class_weights, outputs).astype(outputs.dtype)
        loss, gradient = ops.softmax_cross_entropy(outputs, target, weight=weight, ignore_index=IGNORE)
        return {"cross-entropy": loss}, gradient

    def score_maps(self, images):
        """Return scores ``(N, classes, H, W)`` for images ``(N, H, W, 3)``, uint8, of any size."""
        return self.forward(self.normalize(images))

    def predict(self, images):
        """Return the label map ``(H, W)``, uint8, of each image; they may have several sizes."""
        label_maps = [None] * len(images)
        for indices, batch in groups_of_one_size(images, self.predicted_together):
            label_maps_of_batch = on_host(self.score_maps(batch).argmax(axis=1).astype(np.uint8))
            for index, label_map in zip(indices, label_maps_of_batch, strict=True):
                label_maps[index] = label_map
        return label_maps
