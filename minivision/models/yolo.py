"""YOLO: one network, one pass, and one tensor with all boxes and classes; no proposals.

::

    image ─ backbone ─ pool ─ 3 x 3 ─ 3 x 3 ─ 1 x 1 ─ S x S x (5 B + C)

The paper ends in two fully connected layers, so each cell sees the whole image; here convolutions do, so a cell sees
its surroundings, and images may have any size: a cell is 16 x 16 pixels, and an image of 128 x 128 has S = 8.

The tensor is that of `minivision.detection.yolo.yolo_tensor`, except that the network predicts the square roots of w
and h, as the paper's code does: the loss compares square roots, and a predicted number may be negative.

References
----------
Redmon, Divvala, Girshick and Farhadi, "You only look once: unified, real-time object detection", CVPR 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.devices import on_host, to_device_of
from minivision.core.types import Array, Size
from minivision.detection import decode_yolo, encode_yolo, yolo_loss, yolo_targets
from minivision.layers import Conv2d, MaxPool2d, Sequential, conv_block
from minivision.models.base.single_shot import SingleShot, cells_inside, clip_instances
from minivision.models.parts.backbone import Backbone

if TYPE_CHECKING:
    from minivision.data import Batch

# Weights of the errors of a box, and of the confidences of boxes without an object (section 2.2).
COORDINATES_WEIGHT, NO_OBJECT_WEIGHT = 5.0, 0.5


class YOLO(SingleShot):
    """You only look once: image -> a tensor (S, S, 5 B + C) -> boxes, classes and scores of the objects.

    Each cell of a grid of S x S predicts B boxes with confidences, and one set of class probabilities. Its parts, in
    order: `backbone` (features), `head` (the tensor).

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    boxes : int
        Number of boxes predicted per cell (B).
    stride : int
        Pixels from one cell to the next: 8, 16 or 32.
    width : int
        Channels of the head.
    rng : numpy.random.Generator

    References
    ----------
    Redmon, Divvala, Girshick and Farhadi, "You only look once ...", CVPR 2016.
    """

    name = "yolo"
    recipe = {"batch_size": 8, "rate": 4e-3, "weight_decay": 0.05, "flips": True}
    OPTIONS = {
        "boxes": {"default": 2, "help": "number of boxes predicted per cell"},
        "stride": {"default": 16, "choices": (8, 16, 32), "help": "pixels from one cell of the grid to the next"},
    }
    picture_score = 0.2  # its scores are confidence times probability, so few are large

    def __init__(
        self,
        classes: Sequence[str],
        *,
        boxes: int = 2,
        stride: int = 16,
        width: int = 128,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(classes, boxes=boxes, stride=stride, width=width)
        if boxes < 1:
            raise ValueError(f"boxes: expected at least one for each cell, got {boxes}")
        if stride not in (8, 16, 32):
            raise ValueError(f"stride: expected 8, 16 or 32, got {stride}; the features have stride 8")
        rng = np.random.default_rng(0) if rng is None else rng
        self.B, self.C, self.stride = boxes, len(classes) - 1, stride  # the lecture would count the background in C
        self.backbone = Backbone(rng=rng)
        last = Conv2d(width, 5 * self.B + self.C, 1, rng=rng)
        last.w.value *= 0.1
        assert last.b is not None
        for b in range(self.B):
            last.b.value[5 * b : 5 * b + 4] = 0.5  # boxes begin in the middle of the cell, a quarter of the image large
        self.head = Sequential(
            *(MaxPool2d(2) for _ in range({8: 0, 16: 1, 32: 2}[stride])),
            conv_block(self.backbone.channels, width, rng=rng),
            conv_block(width, width, rng=rng),
            last,
        )

    def forward(self, images: Array, training: bool = False, batch: Batch | None = None) -> Array:
        """Return the tensor ``(N, S, S, 5 B + C)`` with roots for w and h; S is the image's size over the stride."""
        self.check_size(images)
        x = self.head(self.backbone(images, training), training)
        return x.transpose(0, 2, 3, 1)  # (N, 5 B + C, S, S) -> (N, S, S, 5 B + C)

    def losses(self, outputs: Array, batch: Batch) -> tuple[dict[str, Any], Array]:
        """Return the published loss in its parts, and its gradient: weighted squared errors."""
        predicted = on_host(outputs)
        _, *losses, gradient = yolo_loss(predicted, *self.targets(predicted, batch), self.B)
        names = "box", "object", "no object", "class"
        return dict(zip(names, losses, strict=True)), to_device_of(gradient, outputs)

    def targets(self, outputs: Array, batch: Batch) -> tuple[Array, Array]:
        """Return the target of the tensor, and the weight of each error, for these outputs on the host.

        Of a cell's boxes the one with the highest IoU with an object is responsible for it. The target of its
        confidence is that IoU, taken as a constant: no gradient flows through it.

        Returns
        -------
        target, weight : ndarray of shape (N, S, S, 5 B + C)
        """
        size, S = batch.images.shape[1:3], outputs.shape[1:3]
        truth, crowded = np.zeros_like(outputs), np.zeros(outputs.shape[:3], bool)
        for n, instances in enumerate(batch.instances):
            instances = clip_instances(instances, size)
            objects = instances[~instances.crowd]
            truth[n] = encode_yolo(objects.boxes, objects.labels, S, self.B, self.C, size=size, dtype=outputs.dtype)
            crowded[n] = cells_inside(instances.boxes[instances.crowd], S, size)
        target, weight = yolo_targets(
            outputs, truth, self.B, coordinates=COORDINATES_WEIGHT, no_object=NO_OBJECT_WEIGHT
        )
        weight[crowded & (truth[..., 4] == 0)] = 0  # crowd regions are ignored, not background
        return target, weight

    def backward(self, doutputs: Array) -> None:
        """Backpropagate from the tensor to the first layer."""
        self.backbone.backward(self.head.backward(doutputs.transpose(0, 3, 1, 2)))

    def tensor(self, outputs: Array) -> Array:
        """Return the paper's tensor of these outputs: sizes, not their roots; probabilities from 0 to 1."""
        tensor = outputs.clip(0, 1)
        for b in range(self.B):
            tensor[..., 5 * b : 5 * b + 2] = outputs[..., 5 * b : 5 * b + 2]
            tensor[..., 5 * b + 2 : 5 * b + 4] = outputs[..., 5 * b + 2 : 5 * b + 4] ** 2
        return tensor

    def decode(self, outputs: Array, size: Size) -> tuple[Array, Array]:
        """Return the boxes and scores that the outputs stand for; see :meth:`SingleShot.decode`."""
        return decode_yolo(self.tensor(outputs), self.B, size=size)

    def background(self, outputs: Array) -> Array:
        """Return what the confidence of each box lacks to 1; see :meth:`SingleShot.background`."""
        return 1 - self.tensor(outputs)[..., 4 : 5 * self.B : 5].reshape(len(outputs), -1)

    def grid(self, outputs: Array) -> tuple[int, int, int]:
        """Return rows, columns and boxes of a cell."""
        return outputs.shape[1], outputs.shape[2], self.B
