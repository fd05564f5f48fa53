"""Base class of the detectors, which predict the objects of images of any size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from minivision.core.types import Array
from minivision.models.base.detection_trace import DetectionTrace
from minivision.models.base.model import Model

if TYPE_CHECKING:
    from minivision.data.instances import Instances


class Detector(Model):
    """A system that predicts a list of objects for every image, each with box, class and score.

    A subclass defines ``forward``, ``losses``, ``backward`` and :meth:`detect`.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    **options
        All other arguments of the subclass.

    Attributes
    ----------
    stride : int
        Pixels of the image from one feature to the next; height and width of the network's input divide by it.
    """

    task = "detection"
    stride: int = 1

    @property
    def detected_classes(self) -> tuple[str, ...]:
        """Names of the classes by which it tells detections apart, the background first; those of its objects."""
        return self.classes

    def as_detected(self, objects: Instances) -> Instances:
        """Return objects with labels of :attr:`detected_classes`."""
        return objects

    def detect(self, images: Array) -> list[Instances]:
        """Return the objects in a batch of images.

        Parameters
        ----------
        images : uint8 ndarray of shape (N, H, W, 3)

        Returns
        -------
        list of Instances
            Their boxes are clipped to the image.
        """
        raise NotImplementedError(f"{self.name} cannot detect yet")

    def trace_batch(self, images: Array) -> list[DetectionTrace]:
        """Return how :meth:`detect` comes to the objects in a batch of images."""
        raise NotImplementedError(f"{self.name} does not say yet how it comes to its objects")

    def trace(self, images: Sequence[Array]) -> list[DetectionTrace]:
        """Return how :meth:`predict` comes to the objects in each image: all boxes and scores, where they are from."""
        return self.map_batches(images, self.trace_batch)

    def predict(self, images: Sequence[Array]) -> list[Instances]:
        """Return the objects in each image; the images may have several sizes."""
        return self.map_batches(images, self.detect)
