"""The second stage of Fast and Faster R-CNN: what is in each proposal, and where exactly.

::

    features ─┐                                        ┌─ scores of the classes ─ softmax
              ├─ RoIAlign 7 x 7 ─ linear ─ linear ─────┤
    proposals ┘  (or RoI pooling)                      └─ a box for each class, relative to the proposal

    Fast R-CNN     backbone + this head on proposals that are given
    Faster R-CNN   backbone + region proposal network + this head on what that proposes

In training a few proposals of each image are drawn, each with the class and the box that it should have found.

References
----------
Girshick, "Fast R-CNN", ICCV 2015; He, Gkioxari, Dollár and Girshick, "Mask R-CNN", ICCV 2017 (RoIAlign).
"""

from typing import NamedTuple

import numpy as np

from minivision import ops
from minivision.core.arguments import integer
from minivision.core.devices import on_host, to_device_of
from minivision.detection import match_instances, sample, select_detections
from minivision.layers import Flatten, Layer, Linear, ReLU, RoIAlign, RoIPool, Sequential

POOLINGS = {"align": RoIAlign, "pool": RoIPool}

FOUND = 0.5  # IoU with an object from which a proposal is one; Fast R-CNN, section 2.3
# What the four numbers of a box are multiplied by, so that they vary about as much as one. Fast R-CNN normalises them
# by their mean and deviation over the training set; these are the deviations 0.1, 0.1, 0.2, 0.2 of its published code.
BOX_WEIGHTS = (10, 10, 5, 5)
BETA = 1.0  # where the loss of a box turns from a square into a line; Fast R-CNN, equation 3


class RoISamples(NamedTuple):
    """The K proposals of a batch that the head is trained on, and what it should say about them.

    Attributes
    ----------
    rois : (K, 5) array
        The number of the image in the batch, then ``x1, y1, x2, y2``.
    labels : (K,) int64 array
        The right class, 0 for background.
    deltas : (K, 4) array
        The way from the proposal to the box of its object, as ``encode_boxes`` writes it; 0 for background.
    objects : (K,) int64 array
        Which of the image's instances it has found; -1 for background.
    """

    rois: np.ndarray
    labels: np.ndarray
    deltas: np.ndarray
    objects: np.ndarray


class RoIHead(Layer):
    """Class scores and boxes for regions of a feature map.

    Parameters
    ----------
    channels : int
        Of the features.
    num_classes : int
        The background included.
    stride : int
        Pixels of the image from one feature to the next.
    pooling : str
        ``"align"`` or ``"pool"``.
    output_size : int
        Rows and columns of the grid that each region becomes.
    hidden : int
        Width of the two fully connected layers.
    sampled : int
        Proposals of an image that are drawn for a training step.
    positive_fraction : float
        How many of them have found an object, at most; a quarter in Fast R-CNN, section 2.3.
    rng : numpy.random.Generator
        For the weights; then for drawing.
    """

    def __init__(
        self,
        channels,
        num_classes,
        *,
        stride,
        pooling="align",
        output_size=7,
        hidden=128,
        sampled=32,
        positive_fraction=0.25,
        rng=None,
    ):
        if pooling not in POOLINGS:
            raise ValueError(f"pooling: expected one of {', '.join(POOLINGS)}, got {pooling!r}")
        self.rng = np.random.default_rng(0) if rng is None else rng
        self.num_classes, self.positive_fraction = num_classes, positive_fraction
        self.sampled = integer("sampled", sampled, minimum=1)
        self.pool = POOLINGS[pooling](output_size, spatial_scale=1 / stride)
        self.body = Sequential(
            Flatten(),
            Linear(channels * output_size**2, hidden, rng=self.rng),
            ReLU(),
            Linear(hidden, hidden, rng=self.rng),
            ReLU(),
        )
        self.scores = Linear(hidden, num_classes, rng=self.rng)
        self.deltas = Linear(hidden, 4 * (num_classes - 1), rng=self.rng)
        self.scores.w.value *= 0.1  # begin undecided
        self.deltas.w.value *= 0.01  # begin with the proposal itself

    def forward(self, features, rois, training=False):
        """Say what is in each region, and where.

        Parameters
        ----------
        features : (N, channels, H, W) array
        rois : (K, 5) array
            The number of the image in the batch, then ``x1, y1, x2, y2`` in pixels of the image.
        training : bool

        Returns
        -------
        scores : (K, num_classes) array
            The background first.
        deltas : (K, num_classes - 1, 4) array
            A box for each class but the background, relative to the region, for ``decode_boxes``.
        """
        hidden = self.body(self.pool.forward(features, to_device_of(rois, features), training), training)
        deltas = self.deltas(hidden, training)  # (K, 4 (C - 1)) -> (K, C - 1, 4)
        return self.scores(hidden, training), deltas.reshape(len(rois), self.num_classes - 1, 4)

    def backward(self, gradients):
        """Return the gradient for the features, all regions of all images added into it.

        Parameters
        ----------
        gradients : pair of arrays
            For the scores and for the deltas, as :meth:`losses` returns them.
        """
        dscores, ddeltas = gradients
        ddeltas = ddeltas.reshape(len(ddeltas), 4 * (self.num_classes - 1))  # (K, C - 1, 4) -> (K, 4 (C - 1))
        dhidden = self.deltas.backward(ddeltas)
        dhidden += self.scores.backward(dscores)  # both look at the same numbers
        return self.pool.backward(self.body.backward(dhidden))

    # ---- training ----------------------------------------------------------------------------------------------

    def sample(self, proposals, instances):
        """Draw the proposals to train on, and write down what the head should say about each.

        The true boxes are proposals too, so that there is something to learn from before good ones are proposed.

        Parameters
        ----------
        proposals : list of (P, 4) arrays
            Of each image, ``x1, y1, x2, y2``.
        instances : list of Instances
            The true objects of each image. Proposals in a crowd are not drawn as background.

        Returns
        -------
        RoISamples
        """
        chosen = [self._sample_image(*image) for image in zip(proposals, instances, strict=True)]
        boxes, labels, deltas, objects = zip(*chosen, strict=True)
        return RoISamples(rois_of(boxes), *map(np.concatenate, (labels, deltas, objects)))

    def _sample_image(self, proposals, instances):
        solid = ops.box_area(instances.boxes) > 0
        boxes = np.concatenate([proposals, instances.boxes[solid]], dtype=np.float32)
        matches = match_instances(
            boxes, instances, fg_iou_thresh=FOUND, bg_iou_thresh=FOUND, allow_low_quality_matches=False
        )
        positive, negative = sample(matches, self.sampled, self.positive_fraction, self.rng)
        labels = np.zeros(len(positive) + len(negative), np.int64)
        labels[: len(positive)] = instances.labels[matches[positive]]
        deltas = np.zeros((len(labels), 4), np.float32)
        targets = instances.boxes[matches[positive]]
        deltas[: len(positive)] = ops.encode_boxes(targets, boxes[positive], weights=BOX_WEIGHTS)
        chosen = np.concatenate([positive, negative])
        return boxes[chosen], labels, deltas, matches[chosen]

    def losses(self, outputs, samples):
        """Return the two losses of the head and their gradients.

        Parameters
        ----------
        outputs : (scores, deltas)
            As :meth:`forward` returned them for ``samples.rois``.
        samples : RoISamples

        Returns
        -------
        losses : dict
            ``class``: the cross-entropy, averaged over all regions; ``box``: the smooth L1 loss of the boxes,
            each in the place of its right class, summed over the regions that have found an object and divided by
            the number of *all* regions, so that an image with few objects has a small loss.
        gradients : (dscores, ddeltas)
        """
        scores, deltas = outputs
        class_loss, dscores = ops.softmax_cross_entropy(scores, to_device_of(samples.labels, scores))
        found = np.flatnonzero(samples.labels)
        targets = to_device_of(samples.deltas[found], deltas)
        # The place of class c is c - 1: the background has no box.
        own = to_device_of(found, deltas), to_device_of(samples.labels[found] - 1, deltas)
        box_loss, gradient = ops.smooth_l1_loss(deltas[own], targets, beta=BETA, reduction="sum")
        count = max(len(scores), 1)
        ddeltas = np.zeros_like(deltas)
        ddeltas[own] = gradient / count
        return {"class": class_loss, "box": box_loss / count}, (dscores, ddeltas)

    # ---- prediction --------------------------------------------------------------------------------------------

    def detect(self, outputs, rois, count, size):
        """Return the objects of each image.

        Parameters
        ----------
        outputs : (scores, deltas)
            As :meth:`forward` returned them for `rois`.
        rois : (K, 5) array
        count : int
            How many images there are.
        size : (int, int)
            Height and width of the images, to which boxes are clipped.

        Returns
        -------
        list of Instances
        """
        scores, deltas = map(on_host, outputs)
        probabilities = ops.softmax(scores)
        boxes = ops.decode_boxes(deltas, rois[:, None, 1:], weights=BOX_WEIGHTS)  # (K, C - 1, 4)
        of_image = [np.flatnonzero(rois[:, 0] == n) for n in range(count)]
        return [select_detections(boxes[rows], probabilities[rows, 1:], size) for rows in of_image]


def rois_of(boxes):
    """Write the boxes of several images one below the other, each with the number of its image: ``(K, 5)``.

    Parameters
    ----------
    boxes : sequence of (P, 4) arrays
    """
    numbers = np.repeat(np.arange(len(boxes)), [len(each) for each in boxes])
    return np.column_stack([numbers, np.concatenate(boxes)]).astype(np.float32)
