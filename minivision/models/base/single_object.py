"""Base class of the systems for images of one object, which turn the whole image into a few numbers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision import ops
from minivision.core.types import Array, Size
from minivision.models.base.model import Model
from minivision.models.parts.backbone import Backbone

if TYPE_CHECKING:
    from minivision.data import Dataset
    from minivision.data.instances import Instances


SMOOTH_L1_BETA = 0.02  # in image sides: where the loss of a number turns from a square into a line
REGRESSION_LOSSES: dict[str, Callable[..., tuple[np.floating, Array]]] = {
    "smooth-l1": functools.partial(ops.smooth_l1_loss, beta=SMOOTH_L1_BETA),
    "l2": ops.mse_loss,
}
REGRESSION_LOSS_OPTION: dict[str, Any] = {
    "default": "smooth-l1",
    "choices": tuple(REGRESSION_LOSSES),
    "help": "loss of the regressed numbers; l2 is the lecture's",
}


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
        All other arguments of the subclass; one is the kind of its ``regression_loss``.
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
        if (kind := options["regression_loss"]) not in REGRESSION_LOSSES:
            raise ValueError(f"regression_loss: expected one of {', '.join(REGRESSION_LOSSES)}, got {kind!r}")
        super().__init__(classes, widths=tuple(widths), depths=tuple(depths), **options)
        self.backbone = Backbone(widths, depths, rng=rng)

    def normalize(self, images: Array, multiple: int | None = None) -> Array:
        """Convert uint8 images into the input of the network, padded to whole cells, in training and prediction."""
        return super().normalize(images, multiple or self.backbone.stride)

    def regression_loss(self, x: Array, target: Array, reduction: str = "mean") -> tuple[np.floating, Array]:
        """Return the loss of regressed numbers and its gradient: smooth L1 or L2, as the option says.

        The gradient of a square is small where the error is small, and large for the few numbers that are far off,
        such as those of an object that was not found. So most of the training goes to these, and what is nearly right
        is never made exact. The gradient of smooth L1 has the same size for all errors above `SMOOTH_L1_BETA`.

        References
        ----------
        Girshick, "Fast R-CNN", ICCV 2015, equation 3.
        """
        if x.dtype != target.dtype:
            target = target.astype(x.dtype)
        return REGRESSION_LOSSES[self.options["regression_loss"]](x, target, reduction=reduction)

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
