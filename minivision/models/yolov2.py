"""YOLOv2: YOLO with several improvements, each of which can be switched off.

::

    image ─ backbone ─┬─ last stage ────────────────┬─ 3 x 3 ─ 3 x 3 ─ 1 x 1 ─ S x S x A x (5 + C)
                      └─ 1 x 1 ─ space to depth ────┘
                           "passthrough"

From YOLO to YOLOv2, with the matching rows of the paper's table 2:

=========================================================  ===================  ====================================
``yolo``                                                   (YOLO)               a class per cell, boxes without anchors
``--stride 16 --anchors none --no-sigmoid-offsets``        convolutional        a class per box
``--no-passthrough``
the same with ``--anchors hand-picked``                    anchor boxes         boxes relative to anchors
``--anchors k-means``                                      dimension priors     anchors from the training set
``--sigmoid-offsets``                                      location prediction  a box stays in its cell
``--passthrough``                                          passthrough          the map before the last pooling is used
``--stride 8``                                             hi-res detector      four times as many cells
=========================================================  ===================  ====================================

Batch normalization, its first row, is in the backbone that all detectors share. The loss is in no paper; this is
that of the published code (Darknet's region layer): squared errors, but for the classes, which have a softmax.

References
----------
Redmon and Farhadi, "YOLO9000: better, faster, stronger", CVPR 2017.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision import ops
from minivision.core.constants import LARGEST_LOG_SCALE
from minivision.core.devices import on_host, to_device_of
from minivision.core.types import Array, Size
from minivision.detection import kmeans_anchors, mean_best_iou, paired_iou, shape_iou, spread_anchors
from minivision.layers import BatchNorm2d, Conv2d, MaxPool2d, PixelUnshuffle, ReLU, Sequential, conv_block
from minivision.models.base.model import logger
from minivision.models.base.single_shot import (
    SingleShot,
    box_sizes,
    cells_inside,
    clip_instances,
    softmax_last_axis,
)
from minivision.models.parts.backbone import Backbone

if TYPE_CHECKING:
    from minivision.data import Batch, Dataset

ANCHORS = ("k-means", "hand-picked", "none")
# Weights of the errors: coord_scale, object_scale, noobject_scale of Darknet.
BOX_WEIGHT, OBJECT_WEIGHT, NO_OBJECT_WEIGHT = 1.0, 5.0, 1.0
IGNORE_IOU = 0.6  # a box with a higher IoU with an object for which it is not responsible is ignored, not background
PASSTHROUGH_CHANNELS = 8  # channels of the fine map that are passed on, before they become four times as many


class YOLOv2(SingleShot):
    """YOLO with anchors: image -> a tensor (S, S, A, 5 + C) -> boxes, classes and scores of the objects.

    Each box is predicted relative to an anchor, with a confidence and class probabilities of its own. Its parts, in
    order: `stages` (features), `passthrough` (the finer map), `head` (the tensor).

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    anchors : str
        ``"k-means"``: sizes clustered from the training set; ``"hand-picked"``: squares; ``"none"``: A times the same
        size, so that the box with the highest IoU with an object is responsible for it, as in YOLO.
    count : int
        Number of anchors at each cell (A).
    sigmoid_offsets : bool
        Whether a box's center stays in its cell. Else it may move by any multiple of the anchor's size, as in an RPN.
    passthrough : bool
        Whether the map before the last pooling is used too.
    stride : int
        Pixels from one cell to the next: 8 or 16.
    width : int
        Channels of the head.
    rng : numpy.random.Generator

    Attributes
    ----------
    anchors : ndarray of shape (A, 2)
        Widths and heights in pixels.

    References
    ----------
    Redmon and Farhadi, "YOLO9000: better, faster, stronger", CVPR 2017.
    """

    name = "yolov2"
    recipe = {"batch_size": 8, "rate": 4e-3, "weight_decay": 0.05, "flips": True}
    OPTIONS = {
        "anchors": {"default": "k-means", "choices": ANCHORS, "help": "how the sizes of the anchors are chosen"},
        "count": {"default": 3, "help": "anchors at each cell"},
        "sigmoid_offsets": {"default": True, "help": "keep a box's center in its cell"},
        "passthrough": {"default": True, "help": "use the map before the last pooling too"},
        "stride": {"default": 8, "choices": (8, 16), "help": "pixels from one cell to the next"},
    }
    buffers = ("anchors",)

    def __init__(
        self,
        classes: Sequence[str],
        *,
        anchors: str = "k-means",
        count: int = 3,
        sigmoid_offsets: bool = True,
        passthrough: bool = True,
        stride: int = 8,
        width: int = 64,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(
            classes, anchors=anchors, count=count, sigmoid_offsets=sigmoid_offsets, passthrough=passthrough,
            stride=stride, width=width,
        )  # fmt: skip
        if anchors not in ANCHORS:
            raise ValueError(f"anchors: expected one of {', '.join(ANCHORS)}, got {anchors!r}")
        if count < 1:
            raise ValueError(f"count: expected at least one anchor, got {count}")
        if stride not in (8, 16):
            raise ValueError(f"stride: expected 8 or 16, got {stride}")
        rng = np.random.default_rng(0) if rng is None else rng
        self.sigmoid_offsets, self.stride = sigmoid_offsets, stride
        self.anchors = spread_anchors(np.array([(16, 16), (48, 48)]), count).astype(np.float32)  # until `prepare`
        backbone = Backbone(rng=rng)
        channels = backbone.channels
        self.stages = [*backbone.layers, *([MaxPool2d(2)] if stride == 16 else [])]
        self.passthrough: Sequential | None = None
        if passthrough:
            fine = backbone.channels // (2 if stride == 8 else 1)  # channels of the map before the last stage
            narrow = Conv2d(fine, PASSTHROUGH_CHANNELS, 1, bias=False, rng=rng)
            self.passthrough = Sequential(narrow, BatchNorm2d(PASSTHROUGH_CHANNELS), ReLU(), PixelUnshuffle(2))
            channels += 4 * PASSTHROUGH_CHANNELS
        last = Conv2d(width, count * (5 + len(classes) - 1), 1, rng=rng)
        last.w.value *= 0.1
        assert last.b is not None
        last.b.value[4 :: 5 + len(classes) - 1] = -4.0  # confidences begin near 0
        self.head = Sequential(conv_block(channels, width, rng=rng), conv_block(width, width, rng=rng), last)

    def prepare(self, dataset: Dataset) -> None:
        """Choose the anchors by the boxes of the training set, and report how well they fit."""
        sizes, count = box_sizes(dataset), self.options["count"]
        by_hand, clustered = spread_anchors(sizes, count), kmeans_anchors(sizes, count, np.random.default_rng(0))
        same = np.repeat(kmeans_anchors(sizes, 1, np.random.default_rng(0)), count, axis=0)
        choices = {"k-means": clustered, "hand-picked": by_hand, "none": same}
        chosen = choices[self.options["anchors"]]
        self.anchors[...] = to_device_of(chosen, self.anchors)
        shown = ", ".join(f"{width:.0f}x{height:.0f}" for width, height in chosen)
        fit = {name: mean_best_iou(sizes, anchors) for name, anchors in choices.items()}
        logger.info(
            "Anchors (%s): %s. Mean IoU with the nearest: k-means %.3f, hand-picked %.3f, one for all %.3f",
            self.options["anchors"],
            shown,
            *(fit[name] for name in ("k-means", "hand-picked", "none")),
        )

    def forward(self, images: Array, training: bool = False, batch: Batch | None = None) -> Array:
        """Return tx, ty, tw, th, to and class scores, ``(N, S, S, A, 5 + C)``, S the image's size over the stride."""
        self.check_size(images)
        *stages, last = self.stages
        fine = images
        for stage in stages:
            fine = stage(fine, training)
        x = last(fine, training)
        if self.passthrough:
            x = np.concatenate([x, self.passthrough(fine, training)], axis=1)
        x = self.head(x, training)
        N, _, rows, columns = x.shape
        # (N, A * (5 + C), S, S) -> (N, S, S, A, 5 + C)
        return x.reshape(N, len(self.anchors), -1, rows, columns).transpose(0, 3, 4, 1, 2)

    def backward(self, doutputs: Array) -> None:
        """Backpropagate; the fine map, used by the last stage and the passthrough, gets the sum of two gradients."""
        N, rows, columns, A, depth = doutputs.shape
        dx = self.head.backward(doutputs.transpose(0, 3, 4, 1, 2).reshape(N, A * depth, rows, columns))
        *stages, last = self.stages
        if self.passthrough:
            channels = dx.shape[1] - 4 * PASSTHROUGH_CHANNELS
            dfine = last.backward(dx[:, :channels]) + self.passthrough.backward(dx[:, channels:])
        else:
            dfine = last.backward(dx)
        for stage in reversed(stages):
            dfine = stage.backward(dfine)

    def boxes(self, outputs: Array) -> Array:
        """Return the predicted boxes ``(N, S, S, A, 4)`` in pixels; all on the host."""
        tx, ty, tw, th = np.moveaxis(outputs[..., :4], -1, 0)  # (N, S, S, A)
        rows, columns = np.mgrid[: outputs.shape[1], : outputs.shape[2]].astype(outputs.dtype)[..., None]
        width, height = on_host(self.anchors).T
        if self.sigmoid_offsets:
            x, y = (columns + ops.sigmoid(tx)) * self.stride, (rows + ops.sigmoid(ty)) * self.stride
        else:
            half = outputs.dtype.type(0.5)
            x, y = (columns + half) * self.stride + tx * width, (rows + half) * self.stride + ty * height
        w = np.exp(np.minimum(tw, LARGEST_LOG_SCALE)) * (width / 2)
        h = np.exp(np.minimum(th, LARGEST_LOG_SCALE)) * (height / 2)
        return np.stack([x - w, y - h, x + w, y + h], axis=-1)

    def decode(self, outputs: Array, size: Size) -> tuple[Array, Array]:
        """Return the boxes and scores that the outputs stand for; see :meth:`SingleShot.decode`."""
        N, C = len(outputs), len(self.classes) - 1
        confidence = ops.sigmoid(outputs[..., 4:5])
        scores = confidence * softmax_last_axis(outputs[..., 5:])
        return self.boxes(outputs).reshape(N, -1, 4), scores.reshape(N, -1, C)

    def background(self, outputs: Array) -> Array:
        """Return what the confidence of each box lacks to 1; see :meth:`SingleShot.background`."""
        return 1 - ops.sigmoid(outputs[..., 4]).reshape(len(outputs), -1)

    def sources(self, size: Size) -> Array:
        """Return the anchors in the middle of each cell ``(K, 4)``."""
        rows, columns = np.mgrid[: size[0] // self.stride, : size[1] // self.stride]
        centers = (np.stack([columns, rows], axis=-1)[:, :, None] + 0.5) * self.stride  # (S, S, 1, 2)
        half = on_host(self.anchors) / 2
        return np.concatenate([centers - half, centers + half], axis=-1).reshape(-1, 4)

    def losses(self, outputs: Array, batch: Batch) -> tuple[dict[str, Any], Array]:
        """Return the loss in its parts, and its gradient; sums over all boxes, averaged over the images."""
        N = len(outputs)
        gradient = np.zeros_like(outputs)
        boxes = self.boxes(on_host(outputs))
        at, targets, labels, weights = self.targets(boxes, batch)
        iou = paired_iou(boxes[at], targets)  # a constant: no gradient flows through it
        at = tuple(to_device_of(each, outputs) for each in at)
        targets, labels, weights, iou = (to_device_of(each, outputs) for each in (targets, labels, weights, iou))
        predicted = outputs[at]  # (K, 5 + C), of the boxes that are responsible for an object

        error, slope = self.box_errors(predicted, targets, at)
        gradient[..., :4][at] = 2 * BOX_WEIGHT * error * slope
        box = BOX_WEIGHT * (error**2).sum()

        confidence = ops.sigmoid(outputs[..., 4])
        target = np.zeros_like(confidence)
        target[at] = iou
        weighted = weights * (confidence - target)
        gradient[..., 4] = 2 * weighted * confidence * (1 - confidence)
        squares = weighted * (confidence - target)
        with_object = squares[at].sum()
        squares[at] = 0
        without_object = squares.sum()

        classes, dscores = ops.softmax_cross_entropy(predicted[:, 5:], labels - 1, reduction="sum")
        gradient[..., 5:][at] = dscores
        losses = {"box": box, "object": with_object, "no object": without_object, "class": classes}
        return {name: loss / N for name, loss in losses.items()}, gradient / N

    def box_errors(self, predicted: Array, targets: Array, at: tuple[Array, ...]) -> tuple[Array, Array]:
        """Return the errors of predicted boxes, and their derivatives with respect to the outputs.

        Parameters
        ----------
        predicted : ndarray of shape (K, 5 + C)
            Outputs of the responsible boxes.
        targets : ndarray of shape (K, 4)
            The boxes of their objects.
        at : tuple of ndarray of shape (K,)
            Indices of the responsible boxes: images, rows, columns, anchors.

        Returns
        -------
        errors, slopes : ndarray of shape (K, 4)
        """
        _, rows, columns, anchors = at
        center, size = (targets[:, :2] + targets[:, 2:]) / 2, targets[:, 2:] - targets[:, :2]
        cell = np.stack([columns, rows], axis=1).astype(predicted.dtype)
        error, slope = np.empty_like(predicted[:, :4]), np.ones_like(predicted[:, :4])
        if self.sigmoid_offsets:
            offset = ops.sigmoid(predicted[:, :2])
            error[:, :2] = offset - (center / self.stride - cell)
            slope[:, :2] = offset * (1 - offset)
        else:
            middle = (cell + predicted.dtype.type(0.5)) * self.stride
            error[:, :2] = predicted[:, :2] - (center - middle) / self.anchors[anchors]
        error[:, 2:] = predicted[:, 2:4] - np.log(size / self.anchors[anchors])
        return error, slope

    def targets(self, boxes: Array, batch: Batch) -> tuple[tuple[Array, ...], Array, Array, Array]:
        """Return which boxes are responsible for which objects, and the weights of the confidences' errors.

        In the cell that holds an object's center, the anchor nearest in shape is responsible; without anchors, the
        box with the highest IoU with the object. Where it is taken by another object, the next best is; an object for
        which none is left is not trained on.

        Parameters
        ----------
        boxes : ndarray of shape (N, S, S, A, 4)
            The predicted boxes.
        batch : Batch

        Returns
        -------
        at : (images, rows, columns, anchors)
            Index arrays ``(K,)`` of the boxes that are responsible.
        targets : ndarray of shape (K, 4)
            Their objects' boxes.
        labels : int64 ndarray of shape (K,)
        weights : ndarray of shape (N, S, S, A)
            The weight of each confidence's error.
        """
        S, size = boxes.shape[1:3], batch.images.shape[1:3]
        weights = np.full(boxes.shape[:4], NO_OBJECT_WEIGHT, boxes.dtype)
        places: list[tuple[int, int, int, int]] = []
        targets, labels = [np.zeros((0, 4), boxes.dtype)], []
        for n, instances in enumerate(batch.instances):
            instances = clip_instances(instances, size)
            objects = instances.boxes[~instances.crowd].astype(boxes.dtype)
            if len(objects):
                iou = ops.box_iou(boxes[n].reshape(-1, 4), objects).max(axis=1)
                weights[n][(iou > IGNORE_IOU).reshape(weights.shape[1:])] = 0
            weights[n, cells_inside(instances.boxes[instances.crowd], S, size)] = 0
            matched, taken = [], set()
            for k, (row, column, order) in enumerate(self._preferences(boxes[n], objects)):
                free = [a for a in order if (row, column, a) not in taken]
                if free:
                    taken.add((row, column, free[0]))
                    places.append((n, row, column, free[0]))
                    matched.append(k)
            targets.append(objects[matched])
            labels += list(instances.labels[~instances.crowd][matched])
        at = tuple(np.array(places, np.int64).reshape(-1, 4).T)
        weights[at] = OBJECT_WEIGHT
        return at, np.concatenate(targets), np.array(labels, np.int64), weights

    def _preferences(self, boxes: Array, objects: Array) -> Iterator[tuple[int, int, list[int]]]:
        """Yield, for each object, the row and column of its cell, and the anchors there, the best first."""
        centers, sizes = (objects[:, :2] + objects[:, 2:]) / 2, objects[:, 2:] - objects[:, :2]
        last = np.array(boxes.shape[1::-1]) - 1
        cells = np.minimum((centers / self.stride).astype(int), last)
        if self.options["anchors"] == "none":
            iou = paired_iou(boxes[cells[:, 1], cells[:, 0]], objects[:, None])  # (K, A)
        else:
            iou = shape_iou(sizes, on_host(self.anchors))
        orders = np.argsort(-iou, axis=1, kind="stable").tolist()
        for (column, row), order in zip(cells.tolist(), orders, strict=True):
            yield row, column, order
