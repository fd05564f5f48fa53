"""What the systems for images of one object share: they turn the whole image into a few numbers."""

from minivision.models.base.model import Model, groups_of_one_size, pad_to_multiple
from minivision.models.parts.backbone import Backbone


class SingleObject(Model):
    """One object in every image, described by a fixed number of numbers: the case that needs no detector.

    A subclass gives ``losses``, ``backward``, :meth:`forward` and :meth:`describe`.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    widths, depths : sequence of int
        Of the :class:`Backbone`.
    rng : numpy.random.Generator
    **options
        Everything else the subclass was made with.
    """

    scene_options = {"objects": 1}
    predicted_together = 16

    def __init__(self, classes, *, widths, depths, rng, **options):
        super().__init__(classes, widths=tuple(widths), depths=tuple(depths), **options)
        self.backbone = Backbone(widths, depths, rng=rng)

    def describe(self, outputs, size):
        """Return an ``Instances`` of one object for each image of a batch.

        Parameters
        ----------
        outputs : what ``forward`` returned
        size : (int, int)
            Height and width of the images, in pixels.
        """
        raise NotImplementedError(f"{self.name} cannot describe objects yet")

    def prepare(self, dataset):
        """Look whether every image has one object, before training on them.

        Raises
        ------
        ValueError
            When one has none or several.
        """
        for index in range(len(dataset)):
            self.check_one(dataset[index].instances, f"image {index} of the dataset")

    def check_one(self, instances, where):
        """Raise ValueError unless `instances` is a single object that the system can learn from."""
        if len(instances) != 1:
            raise ValueError(
                f"{self.name} is for images of one object each, and {where} has {len(instances)}; take such a dataset "
                "(scenes with objects=1), and no crops that cut objects off"
            )

    def predict(self, images):
        """Return an ``Instances`` of one object for each image; the images may have several sizes."""
        predictions = [None] * len(images)
        for indices, batch in groups_of_one_size(images, self.predicted_together):
            padded = pad_to_multiple(batch, self.backbone.stride)
            outputs = self.forward(self.normalize(padded))
            for index, instances in zip(indices, self.describe(outputs, padded.shape[1:3]), strict=True):
                predictions[index] = instances
        return predictions
