"""The second stage of Fast and Faster R-CNN: class and box of each proposal.

::

    features ─┐                                        ┌─ scores of the classes ─ softmax
              ├─ RoIAlign 7 x 7 ─ linear ─ linear ─────┤
    proposals ┘  (or RoI pooling)                      └─ a box for each class, relative to the proposal

    Fast R-CNN     backbone + this head on the proposals of selective search
    Faster R-CNN   backbone + region proposal network + this head on the network's proposals

In training a few proposals of each image are sampled, each with its class and the box of its object as targets.

References
----------
Girshick, "Fast R-CNN", ICCV 2015; He, Gkioxari, Dollár and Girshick, "Mask R-CNN", ICCV 2017 (RoIAlign).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minivision import ops
from minivision.core.arguments import integer
from minivision.core.devices import on_host, to_device_of
from minivision.core.ranks import generators_of_images, share_of_mean
from minivision.core.types import Array, Size
from minivision.detection import match_instances, sample, select_detections
from minivision.detection.postprocessing import SELECTION
from minivision.layers import Flatten, Layer, Linear, ReLU, RoIAlign, RoIPool, Sequential
from minivision.models.base.detection_trace import DetectionTrace

if TYPE_CHECKING:
    from minivision.data.instances import Instances

Stages = tuple[tuple[str, Array], ...]  # of a `DetectionTrace`
POOLINGS = {"align": RoIAlign, "pool": RoIPool}

FG_IOU_THRESH = 0.5  # IoU with an object from which a proposal is a positive example; Fast R-CNN, section 2.3
# Factors of the four box deltas, so that they vary about as much as one. Fast R-CNN normalizes them by their mean and
# deviation over the training set; these are the deviations 0.1, 0.1, 0.2, 0.2 of its published code.
BOX_WEIGHTS = (10, 10, 5, 5)
SMOOTH_L1_BETA = 1.0  # where the loss of a box turns from a square into a line; Fast R-CNN, equation 3


class RoISamples(NamedTuple):
    """The K proposals of a batch that the head is trained on, and its targets.

    Attributes
    ----------
    rois : ndarray of shape (K, 5)
        The index of the image in the batch, then ``x1, y1, x2, y2``.
    labels : int64 ndarray of shape (K,)
        The class of the matched object, 0 for background.
    deltas : ndarray of shape (K, 4)
        Offsets from the proposal to the box of its object, as ``encode_boxes`` returns them; 0 for background.
    objects : int64 ndarray of shape (K,)
        The index of the matched object among the image's instances; -1 for background.
    """

    rois: Array
    labels: Array
    deltas: Array
    objects: Array


class RoIHead(Layer):
    """The head of Fast R-CNN: features and regions -> class scores and box deltas.

    Its parts are RoIAlign or RoI pooling, two fully connected layers, and one output layer each for scores and deltas.

    Parameters
    ----------
    channels : int
        Number of channels of the features.
    num_classes : int
        Number of classes, the background included.
    stride : int
        Pixels of the image from one feature to the next.
    pooling : str
        ``"align"`` or ``"pool"``.
    output_size : int
        Rows and columns of the grid that each region becomes.
    hidden : int
        Width of the two fully connected layers.
    batch_size_per_image : int
        Proposals of an image that are sampled for a training step.
    positive_fraction : float
        Largest fraction of positive examples among them; a quarter in Fast R-CNN, section 2.3.
    rng : numpy.random.Generator
        Draws the weights, then the samples.
    """

    def __init__(
        self,
        channels: int,
        num_classes: int,
        *,
        stride: int,
        pooling: str = "align",
        output_size: int = 7,
        hidden: int = 128,
        batch_size_per_image: int = 32,
        positive_fraction: float = 0.25,
        rng: np.random.Generator | None = None,
    ) -> None:
        if pooling not in POOLINGS:
            raise ValueError(f"pooling: expected one of {', '.join(POOLINGS)}, got {pooling!r}")
        self.rng = np.random.default_rng(0) if rng is None else rng
        self.num_classes, self.positive_fraction = num_classes, positive_fraction
        self.batch_size_per_image = integer("batch_size_per_image", batch_size_per_image, minimum=1)
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
        self.scores.w.value *= 0.1  # all classes begin with about the same score
        self.deltas.w.value *= 0.01  # boxes begin as the proposals themselves

    def forward(self, features: Array, rois: Array, training: bool = False) -> tuple[Array, Array]:  # type: ignore[override]
        """Return class scores and box deltas of regions.

        Parameters
        ----------
        features : ndarray of shape (N, channels, H, W)
        rois : ndarray of shape (K, 5)
            The index of the image in the batch, then ``x1, y1, x2, y2`` in pixels of the image.
        training : bool
            Whether to keep what :meth:`backward` needs.

        Returns
        -------
        scores : ndarray of shape (K, num_classes)
            The background first.
        deltas : ndarray of shape (K, num_classes - 1, 4)
            A box for each class but the background, relative to the region, for ``decode_boxes``.
        """
        return self.read(self.encode(features, rois, training), training)

    def encode(self, features: Array, rois: Array, training: bool = False) -> Array:
        """Return the code of each region, ``(K, hidden)``: all that is known of it; parameters as in `forward`."""
        return self.body(self.pool.forward(features, to_device_of(rois, features), training), training)

    def read(self, codes: Array, training: bool = False) -> tuple[Array, Array]:
        """Return class scores and box deltas, as :meth:`forward` does, from the codes of regions."""
        deltas = self.deltas(codes, training)  # (K, 4 (C - 1)) -> (K, C - 1, 4)
        return self.scores(codes, training), deltas.reshape(len(codes), self.num_classes - 1, 4)

    def backward(self, gradients: tuple[Array, Array]) -> Array:
        """Return the gradient of the features: the sum over all regions.

        Parameters
        ----------
        gradients : pair of ndarray
            Gradients of the scores and the deltas, as :meth:`losses` returns them.
        """
        return self.encode_backward(self.read_backward(gradients))

    def read_backward(self, gradients: tuple[Array, Array]) -> Array:
        """Return the gradient of the codes."""
        dscores, ddeltas = gradients
        ddeltas = ddeltas.reshape(len(ddeltas), 4 * (self.num_classes - 1))  # (K, C - 1, 4) -> (K, 4 (C - 1))
        dcodes = self.deltas.backward(ddeltas)
        dcodes += self.scores.backward(dscores)  # both layers have the same input
        return dcodes

    def encode_backward(self, dcodes: Array) -> Array:
        """Return the gradient of the features, given that of the codes."""
        return self.pool.backward(self.body.backward(dcodes))

    # ---- training ----------------------------------------------------------------------------------------------

    def sample(self, proposals: Sequence[Array], instances: Sequence[Instances]) -> RoISamples:
        """Sample the proposals to train on, and return them with the targets of the head.

        The true boxes are proposals too, so that there are positive examples before the proposals are good.

        Parameters
        ----------
        proposals : list of ndarray of shape (P, 4)
            Proposals of each image, ``x1, y1, x2, y2``.
        instances : list of Instances
            The true objects of each image. Proposals in a crowd are not sampled as background.

        Returns
        -------
        RoISamples
        """
        generators = generators_of_images(self.rng, len(instances))
        sampled = [self._sample_image(*image) for image in zip(proposals, instances, generators, strict=True)]
        boxes, labels, deltas, objects = zip(*sampled, strict=True)
        return RoISamples(rois_of(boxes), *map(np.concatenate, (labels, deltas, objects)))

    def _sample_image(self, proposals, instances, rng):
        has_area = ops.box_area(instances.boxes) > 0
        boxes = np.concatenate([proposals, instances.boxes[has_area]], dtype=np.float32)
        matches = match_instances(
            boxes,
            instances,
            fg_iou_thresh=FG_IOU_THRESH,
            bg_iou_thresh=FG_IOU_THRESH,
            allow_low_quality_matches=False,
        )
        positive, negative = sample(matches, self.batch_size_per_image, self.positive_fraction, rng)
        labels = np.zeros(len(positive) + len(negative), np.int64)
        labels[: len(positive)] = instances.labels[matches[positive]]
        deltas = np.zeros((len(labels), 4), np.float32)
        targets = instances.boxes[matches[positive]]
        deltas[: len(positive)] = ops.encode_boxes(targets, boxes[positive], weights=BOX_WEIGHTS)
        chosen = np.concatenate([positive, negative])
        return boxes[chosen], labels, deltas, matches[chosen]

    def losses(self, outputs: tuple[Array, Array], samples: RoISamples) -> tuple[dict[str, Any], tuple[Array, Array]]:
        """Return the two losses of the head and their gradients.

        Parameters
        ----------
        outputs : (scores, deltas)
            As :meth:`forward` returned them for ``samples.rois``.
        samples : RoISamples

        Returns
        -------
        losses : dict
            ``class``: the cross-entropy, averaged over all regions; ``box``: the smooth L1 loss of the deltas of the
            true class, summed over the positive regions and divided by the number of *all* regions, so that an image
            with few objects has a small loss.
        gradients : (dscores, ddeltas)
        """
        scores, deltas = outputs
        class_loss, dscores = ops.softmax_cross_entropy(scores, to_device_of(samples.labels, scores))
        positive = np.flatnonzero(samples.labels)
        targets = to_device_of(samples.deltas[positive], deltas)
        # The deltas of class c have the index c - 1: the background has no box.
        true_class = to_device_of(positive, deltas), to_device_of(samples.labels[positive] - 1, deltas)
        box_loss, gradient = ops.smooth_l1_loss(deltas[true_class], targets, beta=SMOOTH_L1_BETA, reduction="sum")
        count = max(len(scores), 1)
        ddeltas = np.zeros_like(deltas)
        ddeltas[true_class] = gradient / count
        box_loss = box_loss / count
        class_loss, box_loss, dscores, ddeltas = share_of_mean(len(scores), class_loss, box_loss, dscores, ddeltas)
        return {"class": class_loss, "box": box_loss}, (dscores, ddeltas)

    # ---- prediction --------------------------------------------------------------------------------------------

    def detect(self, outputs: tuple[Array, Array], rois: Array, num_images: int, size: Size) -> list[Instances]:
        """Return the objects of each image.

        Parameters
        ----------
        outputs : (scores, deltas)
            As :meth:`forward` returned them for `rois`.
        rois : ndarray of shape (K, 5)
        num_images : int
        size : (int, int)
            Height and width of the images, to which boxes are clipped.

        Returns
        -------
        list of Instances
        """
        return [
            select_detections(boxes, probabilities[:, 1:], size)
            for boxes, probabilities in self.decode(outputs, rois, num_images)
        ]

    def decode(self, outputs: tuple[Array, Array], rois: Array, num_images: int) -> list[tuple[Array, Array]]:
        """Return a box for each class and region ``(K, C - 1, 4)`` of each image, and the probabilities ``(K, C)``."""
        scores, deltas = map(on_host, outputs)
        probabilities = ops.softmax(scores)
        boxes = ops.decode_boxes(deltas, rois[:, None, 1:], weights=BOX_WEIGHTS)  # (K, C - 1, 4)
        of_image = [np.flatnonzero(rois[:, 0] == n) for n in range(num_images)]
        return [(boxes[rows], probabilities[rows]) for rows in of_image]

    def trace(
        self, outputs: tuple[Array, Array], rois: Array, stages: Sequence[Stages], size: Size
    ) -> list[DetectionTrace]:
        """Return how :meth:`detect` comes to the objects of each image; `stages` are those of its proposals."""
        return [
            DetectionTrace(
                boxes, probabilities[:, 1:], probabilities[:, 0], stages[n], rois[rois[:, 0] == n, 1:], size, SELECTION
            )
            for n, (boxes, probabilities) in enumerate(self.decode(outputs, rois, len(stages)))
        ]


def rois_of(boxes: Sequence[Array]) -> Array:
    """Concatenate the boxes of several images, each with the index of its image in front.

    Parameters
    ----------
    boxes : sequence of ndarray of shape (P, 4)

    Returns
    -------
    float32 ndarray of shape (K, 5)

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.models.parts.roi_head import rois_of
    >>> rois_of([np.array([[0, 0, 4, 4]]), np.array([[1, 2, 3, 4]])]).tolist()
    [[0.0, 0.0, 0.0, 4.0, 4.0], [1.0, 1.0, 2.0, 3.0, 4.0]]
    """
    numbers = np.repeat(np.arange(len(boxes)), [len(each) for each in boxes])
    return np.column_stack([numbers, np.concatenate(boxes)]).astype(np.float32)
