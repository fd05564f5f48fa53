"""YOLO: no proposals. One network looks once, and one tensor says what is where.

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

import numpy as np

from minivision.core.devices import on_host, to_device_of
from minivision.detection import decode_yolo, encode_yolo, yolo_loss, yolo_targets
from minivision.layers import Conv2d, MaxPool2d, Sequential, conv_block
from minivision.models.base.single_shot import SingleShot, cells_inside, within
from minivision.models.parts.backbone import Backbone

COORDINATES, NO_OBJECT = 5.0, 0.5  # what an error of a box, and one in an empty cell, counts (section 2.2)


class YOLO(SingleShot):
    """Boxes with confidences and one set of class probabilities for each cell of a grid.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    boxes : int
        B, the boxes that a cell says.
    stride : int
        Pixels from one cell to the next: 8, 16 or 32.
    width : int
        Channels of the head.
    rng : numpy.random.Generator
    """

    name = "yolo"
    recipe = {"batch_size": 8, "rate": 4e-3, "weight_decay": 0.05, "flips": True}
    OPTIONS = {
        "boxes": {"default": 2, "help": "boxes that each cell says"},
        "stride": {"default": 16, "choices": (8, 16, 32), "help": "pixels from one cell of the grid to the next"},
    }

    def __init__(self, classes, *, boxes=2, stride=16, width=128, rng=None):
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
        for b in range(self.B):
            last.b.value[5 * b : 5 * b + 4] = 0.5  # begin in the middle of the cell, a quarter of the image large
        self.head = Sequential(
            *(MaxPool2d(2) for _ in range({8: 0, 16: 1, 32: 2}[stride])),
            conv_block(self.backbone.channels, width, rng=rng),
            conv_block(width, width, rng=rng),
            last,
        )

    def forward(self, images, training=False):
        """Return the tensor ``(N, S, S, 5 B + C)`` with roots for w and h; S is the image's size over the stride."""
        self.check_size(images)
        x = self.head(self.backbone(images, training), training)
        return x.transpose(0, 2, 3, 1)  # (N, 5 B + C, S, S) -> (N, S, S, 5 B + C)

    def losses(self, outputs, batch):
        """Return the published loss in its parts, and its gradient: a squared error of each number that counts."""
        said = on_host(outputs)
        _, *losses, gradient = yolo_loss(said, *self.targets(said, batch), self.B)
        names = "box", "object", "no object", "class"
        return dict(zip(names, losses, strict=True)), to_device_of(gradient, outputs)

    def targets(self, outputs, batch):
        """Return what the tensor should say, and what an error of each number counts, for these outputs on the host.

        Of a cell's boxes the one that overlaps an object most is responsible for it. Its confidence should be that
        overlap, which is taken as a given number: no gradient goes through it.

        Returns
        -------
        target, weight : (N, S, S, 5 B + C) array
        """
        size, S = batch.images.shape[1:3], outputs.shape[1:3]
        truth, crowded = np.zeros_like(outputs), np.zeros(outputs.shape[:3], bool)
        for n, instances in enumerate(batch.instances):
            instances = within(instances, size)
            objects = instances[~instances.crowd]
            truth[n] = encode_yolo(objects.boxes, objects.labels, S, self.B, self.C, size=size, dtype=outputs.dtype)
            crowded[n] = cells_inside(instances.boxes[instances.crowd], S, size)
        target, weight = yolo_targets(outputs, truth, self.B, coordinates=COORDINATES, no_object=NO_OBJECT)
        weight[crowded & (truth[..., 4] == 0)] = 0  # who knows what is in a crowd
        return target, weight

    def backward(self, doutputs):
        """Walk back."""
        self.backbone.backward(self.head.backward(doutputs.transpose(0, 3, 1, 2)))

    def tensor(self, outputs):
        """Return the paper's tensor of these outputs: sizes, not their roots; probabilities from 0 to 1."""
        tensor = outputs.clip(0, 1)
        for b in range(self.B):
            tensor[..., 5 * b : 5 * b + 2] = outputs[..., 5 * b : 5 * b + 2]
            tensor[..., 5 * b + 2 : 5 * b + 4] = outputs[..., 5 * b + 2 : 5 * b + 4] ** 2
        return tensor

    def read(self, outputs, size):
        return decode_yolo(self.tensor(outputs), self.B, size=size)
