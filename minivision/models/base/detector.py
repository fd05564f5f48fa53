"""What all detectors share: how they predict images of any size."""

from minivision.models.base.model import Model, groups_of_one_size, pad_to_multiple


class Detector(Model):
    """A list of objects for every image, each with box, class and score.

    A subclass gives ``forward``, ``losses``, ``backward`` and :meth:`detect`.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    **options
        Everything else the subclass was made with.

    Attributes
    ----------
    stride : int
        What height and width of a batch must divide by: pixels of the image from one feature to the next.
    predicted_together : int
        Images of one size that go through the network at once.
    """

    task = "detection"
    stride = 1
    predicted_together = 16

    def detect(self, images, size):
        """Return the objects in a batch of images.

        Parameters
        ----------
        images : uint8 ndarray, (N, H, W, 3)
            Height and width divide by `stride`: where they did not, the last row and column were repeated.
        size : (int, int)
            Height and width of the images before that; boxes are clipped to it.

        Returns
        -------
        list of Instances
        """
        raise NotImplementedError(f"{self.name} cannot detect yet")

    def predict(self, images):
        """Return the objects in each image; they may have several sizes."""
        predictions = [None] * len(images)
        for indices, batch in groups_of_one_size(images, self.predicted_together):
            found = self.detect(pad_to_multiple(batch, self.stride), batch.shape[1:3])
            for index, instances in zip(indices, found, strict=True):
                predictions[index] = instances
        return predictions
