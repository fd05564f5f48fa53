"""Classification + localization: what is it, and where? One network, two heads, two losses added.

::

                                ┌─ largest value of each map ─ fully connected ─ class scores     softmax loss ─┐
    image ─ backbone ─ features ┤                                                                              (+)
                                └─ glances ─ fully connected ─ fully connected ─ x, y, w, h       L2 loss · weight

A box is four numbers, so finding one is a regression, as long as every image has exactly one object. The losses have
different units, nats and squared image sides; the weight between them decides what the shared features serve more.
"""

import numpy as np

from minivision import ops
from minivision.core.devices import on_host, to_device_of
from minivision.data.instances import Instances
from minivision.layers import AttentionPool2d, GlobalMaxPool2d, Linear, ReLU, Sequential
from minivision.models.base.single_object import SingleObject

MEAN_BOX = (0.5, 0.5, 0.3, 0.3)  # centre and size in image sides: where the regression begins


class Localizer(SingleObject):
    """The class and the box of the one object in each image.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first; no object is background, so there is no score for it.
    box_weight : float
        What the squared error of the box counts in the sum of both losses.
    glances : int
        Places that the box's head may look at, see :class:`AttentionPool2d`.
    hidden : int
        Width of the box's hidden layer.
    widths, depths : sequence of int
        Of the :class:`Backbone`.
    rng : numpy.random.Generator
    """

    name = "localizer"
    task = "localization"
    recipe = {"batch_size": 8, "rate": 3e-3, "weight_decay": 0.05, "flips": True, "minutes": 3}
    OPTIONS = {"box_weight": {"default": 50.0, "help": "what the box's L2 loss counts, the class's counts 1"}}

    def __init__(
        self, classes, *, box_weight=50.0, glances=8, hidden=128, widths=(16, 32, 64), depths=(1, 1, 1), rng=None
    ):
        rng = np.random.default_rng(0) if rng is None else rng
        options = {"box_weight": box_weight, "glances": glances, "hidden": hidden}
        super().__init__(classes, widths=widths, depths=depths, rng=rng, **options)
        if not 0 <= box_weight < np.inf:
            raise ValueError(f"box_weight: expected a number of 0 or more, got {box_weight}")
        channels = self.backbone.channels
        score = Linear(channels, len(self.classes) - 1, rng=rng)
        score.w.value *= 0.1  # begin undecided
        self.class_head = Sequential(GlobalMaxPool2d(), score)
        look = AttentionPool2d(channels, glances, rng=rng)
        box = Linear(hidden, 4, rng=rng)
        box.w.value *= 0.1
        box.b.value[:] = MEAN_BOX
        self.box_head = Sequential(look, Linear(look.out_features, hidden, rng=rng), ReLU(), box)

    def forward(self, images, training=False):
        """Return class scores ``(N, classes - 1)`` and boxes ``(N, 4)``: centre, width, height in image sides."""
        features = self.backbone(images, training)
        return self.class_head(features, training), self.box_head(features, training)

    def losses(self, outputs, batch):
        """Return the softmax loss of the classes and the weighted L2 loss of the boxes, and both gradients."""
        scores, boxes = outputs
        labels, targets = (to_device_of(target, boxes) for target in self.targets(batch))
        class_loss, dscores = ops.softmax_cross_entropy(scores, labels - 1)
        box_loss, dboxes = ops.mse_loss(boxes, targets.astype(boxes.dtype))
        weight = boxes.dtype.type(self.options["box_weight"])
        return {"class": class_loss, "box": weight * box_loss}, (dscores, weight * dboxes)

    def targets(self, batch):
        """Return the label ``(N,)`` and the box ``(N, 4)``, as :meth:`forward` predicts it, of each image's object."""
        for number, instances in enumerate(batch.instances):
            self.check_one(instances, f"image {number} of the batch")
        labels = np.concatenate([instances.labels for instances in batch.instances])
        boxes = np.concatenate([instances.boxes for instances in batch.instances]).astype(np.float64)
        return labels, ops.box_convert(boxes, "xyxy", "cxcywh") / _scale(batch.images.shape[1:3])

    def backward(self, gradients):
        """Walk back through both heads; the features get the sum of what they ask for."""
        dscores, dboxes = gradients
        self.backbone.backward(self.class_head.backward(dscores) + self.box_head.backward(dboxes))

    def describe(self, outputs, size):
        """Return an ``Instances`` of one object for each image, its score the probability of its class."""
        scores, boxes = map(on_host, outputs)
        p = ops.softmax(scores)
        boxes = ops.box_convert(boxes * _scale(size).astype(boxes.dtype), "cxcywh", "xyxy")
        boxes = ops.clip_boxes_to_image(boxes, size)
        return [
            Instances(boxes[n : n + 1], [p[n].argmax() + 1], scores=p[n].max(keepdims=True)) for n in range(len(boxes))
        ]


def _scale(size):
    """Return what turns boxes in image sides into pixels: width, height, width, height."""
    height, width = size
    return np.array([width, height, width, height], np.float64)
