"""A model that sees every image at one size, whatever size it has."""

import numpy as np

from minivision.data import Sample, resize
from minivision.data.instances import Instances


class Resizing:
    """Bring images to a size, let a model predict, and bring what it predicts back to the images' own size.

    Parameters
    ----------
    model : Model
        All else is its own: its name, its classes, its parameters.
    size : (int, int)
        Height and width at which it sees the images.
    """

    def __init__(self, model, size):
        self.model, self.size = model, tuple(size)

    def __getattr__(self, name):
        if name == "model":  # not there yet, while this is being copied
            raise AttributeError(name)
        return getattr(self.model, name)

    def predict(self, images):
        """Return what the model predicts for each image, in pixels of the image."""
        seen = [resize(Sample(image, Instances.empty(), np.zeros(image.shape[:2], np.uint8)), self.size)
                for image in images]  # fmt: skip
        predictions = self.model.predict([sample.image for sample in seen])
        return [self._back(*each) for each in zip(seen, predictions, images, strict=True)]

    def _back(self, seen, prediction, image):
        size = image.shape[:2]
        if self.model.task == "segmentation":
            return resize(seen._replace(label_map=prediction.astype(np.uint8)), size).label_map
        return resize(seen._replace(instances=prediction), size).instances
