"""Base class of the systems for images of one object, which turn the whole image into a few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minivision import ops
from minivision.core.types import Array, Size
from minivision.models.base.model import Model
from minivision.models.parts.backbone import Backbone

if TYPE_CHECKING:
    import numpy as np

    from minivision.data import Dataset
    from minivision.data.instances import Instances


class SingleObject(Model):
    """A system that predicts exactly one object per image, with a fixed number of outputs and no detector.

    A subclass defines ``forward``, ``losses``, ``backward`` and :meth:`decode`.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    widths, depths : sequence of int
        Channels and residual blocks of the :class:`Backbone`.
    rng : numpy.random.Generator
    **options
        All other arguments of the subclass.
    """

    scene_options = {"objects": 1}

    def __init__(
        self,
        classes: Sequence[str],
        *,
        widths: Sequence[int],
        depths: Sequence[int],
        rng: np.random.Generator,
        **options: Any,
    ) -> None:
        super().__init__(classes, widths=tuple(widths), depths=tuple(depths), **options)
        self.backbone = Backbone(widths, depths, rng=rng)

    def normalize(self, images: Array, multiple: int | None = None) -> Array:
        """Convert uint8 images into the input of the network, padded to whole cells, in training and prediction."""
        return super().normalize(images, multiple or self.backbone.stride)

    def network_size(self, size: Size) -> Size:
        """Return the size of the padded image, in whose sides boxes and joints are predicted."""
        stride = self.backbone.stride
        return size[0] + -size[0] % stride, size[1] + -size[1] % stride

    def decode(self, outputs: Any, size: Size) -> list[Instances]:
        """Return the one object of each image of a batch.

        Parameters
        ----------
        outputs
            As ``forward`` returned them.
        size : (int, int)
            Height and width of the images in pixels, as :meth:`network_size` returns them.

        Returns
        -------
        list of Instances
        """
        raise NotImplementedError(f"{self.name} cannot decode its outputs yet")

    def prepare(self, dataset: Dataset) -> None:
        """Check that every training image has one object.

        Raises
        ------
        ValueError
            When an image has none or several.
        """
        for index in range(len(dataset)):
            self.check_one(dataset[index].instances, f"image {index} of the dataset")

    def check_one(self, instances: Instances, where: str) -> None:
        """Raise ValueError unless `instances` is a single object that the system can learn from."""
        if len(instances) != 1:
            raise ValueError(
                f"{self.name} is for images of one object each, and {where} has {len(instances)}; take such a dataset "
                "(scenes with objects=1), and no crops that cut objects off"
            )

    def predict(self, images: Sequence[Array]) -> list[Instances]:
        """Return the object of each image, clipped to it; the images may have several sizes."""

        def predict_batch(batch: Array) -> list[Instances]:
            size = (batch.shape[1], batch.shape[2])
            found = self.decode(self.forward(self.normalize(batch)), self.network_size(size))
            return [_clipped(each, size) for each in found]

        return self.map_batches(images, predict_batch)


def _clipped(instances: Instances, size: Size) -> Instances:
    """Return objects with boxes and joints inside an image of the given size."""
    keypoints = instances.keypoints
    if keypoints is not None:
        keypoints = keypoints.copy()
        keypoints[..., :2] = keypoints[..., :2].clip(0, (size[1], size[0]))
    return instances.replace(boxes=ops.clip_boxes_to_image(instances.boxes, size), keypoints=keypoints)
