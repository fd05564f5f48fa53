"""YOLOv2: YOLO, better by one idea after the other, each of which can be switched off.

::

    image ─ backbone ─┬─ last stage ────────────────┬─ 3 x 3 ─ 3 x 3 ─ 1 x 1 ─ S x S x A x (5 + C)
                      └─ 1 x 1 ─ space to depth ────┘
                           "passthrough"

From YOLO to YOLOv2, with the rows of the paper's table 2 that they are:

=========================================================  ===================  ====================================
``yolo``                                                   (YOLO)               a cell has one class, boxes from nothing
``--stride 16 --anchors none --no-sigmoid-offsets``        convolutional        every box has its class
``--no-passthrough``
the same with ``--anchors hand-picked``                    anchor boxes         each box begins from a size of its own
``--anchors k-means``                                      dimension priors     these sizes are those of the objects
``--sigmoid-offsets``                                      location prediction  a box stays in its cell
``--passthrough``                                          passthrough          the map before the last pooling helps
``--stride 8``                                             hi-res detector      four times as many cells
=========================================================  ===================  ====================================

Batch normalization, its first row, is in the backbone that all detectors share. Its loss stands in no paper; this is
that of the published code (Darknet's region layer): squared errors, but for the classes, which have a softmax.

References
----------
Redmon and Farhadi, "YOLO9000: better, faster, stronger", CVPR 2017.
"""

import numpy as np

from minivision import ops
from minivision.core.constants import LARGEST_LOG_SCALE
from minivision.core.devices import on_host, to_device_of
from minivision.detection import kmeans_anchors, mean_best_iou, paired_iou, shape_iou, spread_anchors
from minivision.layers import BatchNorm2d, Conv2d, MaxPool2d, PixelUnshuffle, ReLU, Sequential, conv_block
from minivision.models.base.single_shot import SingleShot, box_sizes, cells_inside, softmax, within
from minivision.models.parts.backbone import Backbone

ANCHORS = ("k-means", "hand-picked", "none")
BOX, OBJECT, NO_OBJECT = 1.0, 5.0, 1.0  # what errors count: coord_scale, object_scale, noobject_scale of Darknet
GOOD_ENOUGH = 0.6  # a box that overlaps an object this much, and is not responsible for it, is no background either
PASSED = 8  # channels of the fine map that pass, before they become four times as many


class YOLOv2(SingleShot):
    """Boxes that begin from anchors, each with a confidence and class probabilities of its own.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    anchors : str
        What boxes begin from: ``"k-means"``, sizes clustered from the training set; ``"hand-picked"``, squares;
        ``"none"``, all from the same, so that the one that overlaps an object most is responsible, as in YOLO.
    count : int
        A, anchors at each cell.
    sigmoid_offsets : bool
        Whether a box's centre stays in its cell. Else it may move by any part of the anchor's size, as in an RPN.
    passthrough : bool
        Whether the map before the last pooling is used too.
    stride : int
        Pixels from one cell to the next: 8 or 16.
    width : int
        Channels of the head.
    rng : numpy.random.Generator

    Attributes
    ----------
    anchors : (A, 2) array
        Widths and heights in pixels.
    """

    name = "yolov2"
    recipe = {"batch_size": 8, "rate": 4e-3, "weight_decay": 0.05, "flips": True}
    OPTIONS = {
        "anchors": {"default": "k-means", "choices": ANCHORS, "help": "which sizes boxes begin from"},
        "count": {"default": 3, "help": "anchors at each cell"},
        "sigmoid_offsets": {"default": True, "help": "keep a box's centre in its cell"},
        "passthrough": {"default": True, "help": "use the map before the last pooling too"},
        "stride": {"default": 8, "choices": (8, 16), "help": "pixels from one cell to the next"},
    }
    buffers = ("anchors",)

    def __init__(
        self, classes, *, anchors="k-means", count=3, sigmoid_offsets=True, passthrough=True, stride=8, width=64,
        rng=None,
    ):  # fmt: skip
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
        self.anchors = spread_anchors([(16, 16), (48, 48)], count).astype(np.float32)  # until `prepare`
        backbone = Backbone(rng=rng)
        channels = backbone.channels
        self.stages = [*backbone.layers, *([MaxPool2d(2)] if stride == 16 else [])]
        self.passthrough = None
        if passthrough:
            fine = backbone.channels // (2 if stride == 8 else 1)  # channels of the map before the last stage
            narrow = Conv2d(fine, PASSED, 1, bias=False, rng=rng)
            self.passthrough = Sequential(narrow, BatchNorm2d(PASSED), ReLU(), PixelUnshuffle(2))
            channels += 4 * PASSED
        last = Conv2d(width, count * (5 + len(classes) - 1), 1, rng=rng)
        last.w.value *= 0.1
        last.b.value[4 :: 5 + len(classes) - 1] = -4.0  # begin in the belief that there is nothing
        self.head = Sequential(conv_block(channels, width, rng=rng), conv_block(width, width, rng=rng), last)

    def prepare(self, dataset):
        """Choose the anchors by the boxes of the training set, and say how well they fit."""
        sizes, count = box_sizes(dataset), self.options["count"]
        by_hand, clustered = spread_anchors(sizes, count), kmeans_anchors(sizes, count, np.random.default_rng(0))
        same = np.repeat(kmeans_anchors(sizes, 1, np.random.default_rng(0)), count, axis=0)
        choices = {"k-means": clustered, "hand-picked": by_hand, "none": same}
        chosen = choices[self.options["anchors"]]
        self.anchors[...] = to_device_of(chosen, self.anchors)
        shown = ", ".join(f"{width:.0f}x{height:.0f}" for width, height in chosen)
        fit = {name: mean_best_iou(sizes, anchors) for name, anchors in choices.items()}
        print(
            f"Anchors ({self.options['anchors']}): {shown}. Mean IoU with the nearest: k-means {fit['k-means']:.3f}, "
            f"hand-picked {fit['hand-picked']:.3f}, one for all {fit['none']:.3f}",
            flush=True,
        )

    def forward(self, images, training=False):
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

    def backward(self, doutputs):
        """Walk back; the fine map was used by the last stage and by the passthrough: its two gradients add up."""
        N, rows, columns, A, depth = doutputs.shape
        dx = self.head.backward(doutputs.transpose(0, 3, 4, 1, 2).reshape(N, A * depth, rows, columns))
        *stages, last = self.stages
        if self.passthrough:
            channels = dx.shape[1] - 4 * PASSED
            dfine = last.backward(dx[:, :channels]) + self.passthrough.backward(dx[:, channels:])
        else:
            dfine = last.backward(dx)
        for stage in reversed(stages):
            dfine = stage.backward(dfine)

    def boxes(self, outputs):
        """Return the boxes ``(N, S, S, A, 4)`` in pixels that the outputs mean; all on the host."""
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

    def read(self, outputs, size):
        N, C = len(outputs), len(self.classes) - 1
        confidence = ops.sigmoid(outputs[..., 4:5])
        scores = confidence * softmax(outputs[..., 5:])
        return self.boxes(outputs).reshape(N, -1, 4), scores.reshape(N, -1, C)

    def losses(self, outputs, batch):
        """Return the loss in its parts, and its gradient; sums over all boxes, averaged over the images."""
        N = len(outputs)
        gradient = np.zeros_like(outputs)
        boxes = self.boxes(on_host(outputs))
        at, true, labels, counts = self.targets(boxes, batch)
        overlap = paired_iou(boxes[at], true)  # a given number: no gradient goes through it
        *at, true, labels, counts, overlap = (
            to_device_of(each, outputs) for each in (*at, true, labels, counts, overlap)
        )
        at = tuple(at)
        said = outputs[at]  # (K, 5 + C), of the boxes that are responsible for an object

        error, slope = self.box_errors(said, true, at)
        gradient[(*at, slice(4))] = 2 * BOX * error * slope
        box = BOX * (error**2).sum()

        probability = ops.sigmoid(outputs[..., 4])
        target = np.zeros_like(probability)
        target[at] = overlap
        weighted = counts * (probability - target)
        gradient[..., 4] = 2 * weighted * probability * (1 - probability)
        squares = weighted * (probability - target)
        found = squares[at].sum()
        squares[at] = 0
        empty = squares.sum()

        classes, dscores = ops.softmax_cross_entropy(said[:, 5:], labels - 1, reduction="sum")
        gradient[(*at, slice(5, None))] = dscores
        losses = {"box": box, "object": found, "no object": empty, "class": classes}
        return {name: loss / N for name, loss in losses.items()}, gradient / N

    def box_errors(self, said, true, at):
        """Return by how much boxes are wrong ``(K, 4)``, and the slopes of that for the numbers that were said."""
        _, rows, columns, anchors = at
        center, size = (true[:, :2] + true[:, 2:]) / 2, true[:, 2:] - true[:, :2]
        cell = np.stack([columns, rows], axis=1).astype(said.dtype)
        error, slope = np.empty_like(said[:, :4]), np.ones_like(said[:, :4])
        if self.sigmoid_offsets:
            offset = ops.sigmoid(said[:, :2])
            error[:, :2] = offset - (center / self.stride - cell)
            slope[:, :2] = offset * (1 - offset)
        else:
            middle = (cell + said.dtype.type(0.5)) * self.stride
            error[:, :2] = said[:, :2] - (center - middle) / self.anchors[anchors]
        error[:, 2:] = said[:, 2:4] - np.log(size / self.anchors[anchors])
        return error, slope

    def targets(self, boxes, batch):
        """Say which boxes are responsible for which objects, and what their confidences count.

        In the cell that holds an object's centre, the anchor nearest in shape is responsible; without anchors, the
        box that overlaps the object most. Where it is taken by another object, the next best is; an object for
        which none is left is not trained on.

        Returns
        -------
        at : (images, rows, columns, anchors)
            Index arrays ``(K,)`` of the boxes that are responsible.
        true : (K, 4) array
            Their objects' boxes.
        labels : (K,) array
        counts : (N, S, S, A) array
            What an error of each confidence counts.
        """
        S, size = boxes.shape[1:3], batch.images.shape[1:3]
        counts = np.full(boxes.shape[:4], NO_OBJECT, boxes.dtype)
        at, true, labels = [], [np.zeros((0, 4), boxes.dtype)], []
        for n, instances in enumerate(batch.instances):
            instances = within(instances, size)
            objects = instances.boxes[~instances.crowd].astype(boxes.dtype)
            if len(objects):
                overlap = ops.box_iou(boxes[n].reshape(-1, 4), objects).max(axis=1)
                counts[n][(overlap > GOOD_ENOUGH).reshape(counts.shape[1:])] = 0
            counts[n, cells_inside(instances.boxes[instances.crowd], S, size)] = 0
            found, taken = [], set()
            for k, (row, column, order) in enumerate(self._preferences(boxes[n], objects)):
                free = [a for a in order if (row, column, a) not in taken]
                if free:
                    taken.add((row, column, free[0]))
                    at.append((n, row, column, free[0]))
                    found.append(k)
            true.append(objects[found])
            labels += list(instances.labels[~instances.crowd][found])
        at = tuple(np.array(at, np.int64).reshape(-1, 4).T)
        counts[at] = OBJECT
        return at, np.concatenate(true), np.array(labels, np.int64), counts

    def _preferences(self, boxes, objects):
        """Yield, for each object, the row and column of its cell, and the anchors there, the best first."""
        centers, sizes = (objects[:, :2] + objects[:, 2:]) / 2, objects[:, 2:] - objects[:, :2]
        last = np.array(boxes.shape[1::-1]) - 1
        cells = np.minimum((centers / self.stride).astype(int), last)
        if self.options["anchors"] == "none":
            overlap = paired_iou(boxes[cells[:, 1], cells[:, 0]], objects[:, None])  # (K, A)
        else:
            overlap = shape_iou(sizes, on_host(self.anchors))
        for (column, row), order in zip(
            cells.tolist(), np.argsort(-overlap, axis=1, kind="stable").tolist(), strict=True
        ):
            yield row, column, order
