"""A model that sees all images at one size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minivision.core.types import Array, Size
from minivision.data.any_image import as_rgb_list
from minivision.data.instances import Instances
from minivision.data.transforms import resize_image, resize_instances, resize_label_map
from minivision.models.base.model import Model


class Resizing:
    """Resize images, let a model predict, and bring its predictions back to the images' own sizes.

    All other attributes, such as name and classes, are the model's.

    Parameters
    ----------
    model : Model
    size : (int, int)
        Height and width at which the model sees the images.
    """

    def __init__(self, model: Model, size: Size) -> None:
        self.model, self.size = model, (size[0], size[1])

    def __getattr__(self, name: str) -> Any:
        if name == "model":  # not there yet, while this is being copied
            raise AttributeError(name)
        return getattr(self.model, name)

    def predict(self, images: Sequence[Array]) -> list:
        """Return the prediction of the model for each image, in pixels of the image."""
        images = as_rgb_list(images)
        resized = [resize_image(image, self.size) for image in images]
        predictions = self.model.predict(resized)
        return [self._back(*each) for each in zip(resized, predictions, images, strict=True)]

    def _back(self, resized: Array, prediction: Any, image: Array) -> Any:
        old_size, size = resized.shape[:2], image.shape[:2]
        if isinstance(prediction, Instances):
            return resize_instances(prediction, old_size, size)
        if isinstance(prediction, np.ndarray):  # a label map
            return resize_label_map(prediction.astype(np.uint8), size)
        return prediction  # a number, say, is the same for an image of any size
