"""Classification and localization: one network, two heads, and the sum of two losses.

::

                     ┌─ maximum of each map ─ fully connected ─ class scores                     softmax loss ─┐
    image ─ backbone ┤            ┌─ positions of four points: the sides ──────────┐                          (+)
                     └─ attention ┤                                               (+) ─ x, y, w, h    box loss · weight
                                  └─ all points ─ fully connected ─ fully connected ┘

A box is four numbers, so finding one is a regression, as long as every image has exactly one object. Each side of the
box begins where one of the points looks; the fully connected layers correct it by what all points see. The losses have
different units, nats and image sides (or their squares: the lecture's loss is L2); their weight decides what the shared
features serve more.

References
----------
Boxes from four points on the object, one for each side: Zhou, Zhuo and Krähenbühl, "Bottom-up object detection by
grouping extreme and center points", CVPR 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision import ops
from minivision.core.devices import on_host, to_device_of
from minivision.core.types import Array, Size
from minivision.data.instances import Instances
from minivision.layers import GlobalMaxPool2d, Linear, Sequential
from minivision.models.base import options as values
from minivision.models.base.single_object import REGRESSION_LOSS_OPTION, SingleObject
from minivision.models.parts.point_head import PointHead

if TYPE_CHECKING:
    from minivision.data import Batch

# Where the box begins: left, upper, right and lower side are those of one point each. From x and y of the four points
BOX_OF_POINTS = np.array(  # to center x, center y, width, height
    [
        [0.5, 0, -1, 0],  # x of the first: the left side
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 0.5, 0, -1],  # y of the second: the upper side
        [0.5, 0, 1, 0],  # x of the third: the right side
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 0.5, 0, 1],  # y of the fourth: the lower side
    ]
)
BOX_WEIGHTS = {"smooth-l1": 10.0, "l2": 50.0}
MEAN_SIZE = 0.3  # added to width and height before training, when all points look at the middle


class Localizer(SingleObject):
    """Classification and localization: image -> class and box of its one object.

    Its parts, in order: `backbone` (features), `class_head` (class scores), `box_head` (box).

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first; no object is background, so there is no score for it.
    regression_loss : {"smooth-l1", "l2"}
        Loss of the box, see :meth:`SingleObject.regression_loss`; L2 is the lecture's.
    box_weight : float, optional
        Weight of the box's loss in the sum of both losses; by default that of `BOX_WEIGHTS`, since the two kinds of
        loss have different units.
    num_points : int
        Number of points that the box head looks at, at least four, see :class:`PointHead`.
    hidden : int
        Width of the box head's hidden layer.
    widths, depths : sequence of int
        Channels and residual blocks of the :class:`Backbone`.
    rng : numpy.random.Generator
    """

    name = "localizer"
    task = "localization"
    recipe = {"batch_size": 8, "rate": 3e-3, "weight_decay": 0.05, "flips": True, "minutes": 3}
    OPTIONS = {
        "regression_loss": REGRESSION_LOSS_OPTION,
        "box_weight": {
            "default": None,
            "parse": values.auto_or(values.number),
            "help": "weight of the box's loss, that of the class has 1; auto: 10 for smooth-l1, 50 for l2",
        },
    }

    def __init__(
        self,
        classes: Sequence[str],
        *,
        regression_loss: str = "smooth-l1",
        box_weight: float | None = None,
        num_points: int = 8,
        hidden: int = 128,
        widths: Sequence[int] = (16, 32, 64),
        depths: Sequence[int] = (1, 1, 1),
        rng: np.random.Generator | None = None,
    ) -> None:
        rng = np.random.default_rng(0) if rng is None else rng
        if box_weight is None:
            box_weight = BOX_WEIGHTS.get(regression_loss, 0)
        options = {
            "regression_loss": regression_loss,
            "box_weight": box_weight,
            "num_points": num_points,
            "hidden": hidden,
        }
        super().__init__(classes, widths=widths, depths=depths, rng=rng, **options)
        if not 0 <= box_weight < np.inf:
            raise ValueError(f"box_weight: expected a number of 0 or more, got {box_weight}")
        channels = self.backbone.channels
        score = Linear(channels, len(self.classes) - 1, rng=rng)
        score.w.value *= 0.1  # all classes begin with about the same score
        self.class_head = Sequential(GlobalMaxPool2d(), score)
        self.box_head = PointHead(channels, BOX_OF_POINTS, num_points, hidden, rng=rng)
        last = self.box_head.corrections.layers[-1]
        assert isinstance(last, Linear) and last.b is not None
        last.b.value[2:] = MEAN_SIZE

    def forward(self, images: Array, training: bool = False, batch: Batch | None = None) -> tuple[Array, Array]:
        """Return class scores ``(N, classes - 1)`` and boxes ``(N, 4)``: center, width, height in image sides."""
        features = self.backbone(images, training)
        return self.class_head(features, training), self.box_head(features, training)

    def losses(self, outputs: tuple[Array, Array], batch: Batch) -> tuple[dict[str, Any], tuple[Array, Array]]:
        """Return the softmax loss of the classes and the weighted loss of the boxes, and both gradients."""
        scores, boxes = outputs
        labels, targets = (to_device_of(target, boxes) for target in self.targets(batch))
        class_loss, dscores = ops.softmax_cross_entropy(scores, labels - 1)
        box_loss, dboxes = self.regression_loss(boxes, targets)
        weight = boxes.dtype.type(self.options["box_weight"])
        return {"class": class_loss, "box": weight * box_loss}, (dscores, weight * dboxes)

    def targets(self, batch: Batch) -> tuple[Array, Array]:
        """Return the label and the box of each image's object.

        Returns
        -------
        labels : int64 ndarray of shape (N,)
        boxes : ndarray of shape (N, 4)
            Center, width, height in image sides, as :meth:`forward` predicts them.
        """
        for number, instances in enumerate(batch.instances):
            self.check_one(instances, f"image {number} of the batch")
        labels = np.concatenate([instances.labels for instances in batch.instances])
        boxes = np.concatenate([instances.boxes for instances in batch.instances]).astype(np.float64)
        return labels, ops.box_convert(boxes, "xyxy", "cxcywh") / _scale(self.network_size(batch.images.shape[1:3]))

    def backward(self, gradients: tuple[Array, Array]) -> None:
        """Backpropagate through both heads; the features get the sum of the two gradients."""
        dscores, dboxes = gradients
        self.backbone.backward(self.class_head.backward(dscores) + self.box_head.backward(dboxes))

    def decode(self, outputs: tuple[Array, Array], size: Size) -> list[Instances]:
        """Return the one object of each image; its score is the probability of its class."""
        scores, boxes = map(on_host, outputs)
        p = ops.softmax(scores)
        boxes = ops.box_convert(boxes * _scale(size).astype(boxes.dtype), "cxcywh", "xyxy")
        return [
            Instances(boxes[n : n + 1], [p[n].argmax() + 1], scores=p[n].max(keepdims=True)) for n in range(len(boxes))
        ]


def _scale(size):
    """Return the factors from image sides to pixels: width, height, width, height."""
    height, width = size
    return np.array([width, height, width, height], np.float64)
