"""SSD: no proposals, and a feature map for each size of object.

::

    image ─ backbone ─┬─ last stage ─ 3 x 3 ─┬─ pool ─ 3 x 3 ─┐
           stride 4  3 x 3       stride 8   3 x 3 stride 16  3 x 3
                      └──────────────────────┴────────────────┴─ K x (4 + 1 + C)

Around every place of every map lie default boxes: small ones on the fine map, large ones on the coarse. For each of
them the network predicts the offsets to an object's box, and a score for every class, of which the background is one.

In SSD300 the boxes of a map are three to four times as large as the step from one place to the next, so that every
object has a high IoU with several. For objects of 12 to 56 pixels steps of 4, 8 and 16 are like that.

References
----------
Liu et al., "SSD: single shot multibox detector", ECCV 2016.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision import ops
from minivision.core.devices import on_host, to_device_of
from minivision.core.labels import IGNORE_INDEX, IGNORED
from minivision.core.ranks import share_of_mean
from minivision.core.types import Array, Size
from minivision.detection import DefaultBoxLayout, boxes_per_location, default_boxes, match_instances
from minivision.layers import Conv2d, MaxPool2d, Sequential, conv_block
from minivision.models.base.model import logger
from minivision.models.base.single_shot import SingleShot, box_sizes, clip_instances, softmax_last_axis
from minivision.models.parts.backbone import Backbone

if TYPE_CHECKING:
    from minivision.data import Batch, Dataset

BOX_WEIGHTS = (10, 10, 5, 5)  # factors of tx, ty, tw, th: the inverses of the authors' "variances" 0.1 and 0.2
FG_IOU_THRESH = 0.5  # IoU with an object from which a default box is a positive example
NEGATIVES_PER_POSITIVE = 3  # hard negative examples that are trained on
FINEST_STRIDE = 4  # pixels of the image from one place of the finest map to the next


class SSD(SingleShot):
    """The single shot multibox detector: image -> offsets and class scores of K default boxes -> objects.

    Its parts, in order: `stages` (the feature maps, from fine to coarse), `heads` (the predictions on each map).

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    maps : int
        Number of feature maps, from stride 4 on; each has half the size of the one before.
    width : int
        Channels of the maps.
    rng : numpy.random.Generator

    Attributes
    ----------
    sizes : ndarray of shape (maps + 1,)
        Sides of the square default boxes of each map, in pixels, and one more; see `DefaultBoxLayout`.

    References
    ----------
    Liu et al., "SSD: single shot multibox detector", ECCV 2016.
    """

    name = "ssd"
    recipe = {"batch_size": 8, "rate": 4e-3, "weight_decay": 0.05, "flips": True}
    OPTIONS = {"maps": {"default": 3, "help": "feature maps with default boxes, from stride 4 on"}}
    buffers = ("sizes",)

    def __init__(
        self, classes: Sequence[str], *, maps: int = 3, width: int = 64, rng: np.random.Generator | None = None
    ) -> None:
        super().__init__(classes, maps=maps, width=width)
        if not 2 <= maps <= 5:
            raise ValueError(f"maps: expected 2 to 5, got {maps}")
        rng = np.random.default_rng(0) if rng is None else rng
        self.stride = FINEST_STRIDE * 2 ** (maps - 1)
        self.sizes = np.linspace(14, 52, maps + 1).astype(np.float32)  # until `prepare`
        self.ratios: tuple = ((2,),) + (maps - 1) * ((2, 3),)  # as in SSD300: fewer on the finest map
        backbone = Backbone(rng=rng)
        *first, last = backbone.layers
        channels, fine = backbone.channels, backbone.channels // 2  # of the backbone's last two maps
        self.stages = [Sequential(*first), Sequential(last, conv_block(channels, width, rng=rng))]
        self.stages += [Sequential(MaxPool2d(2), conv_block(width, width, rng=rng)) for _ in range(maps - 2)]
        depth = 4 + len(classes)
        counts = boxes_per_location(self.layout((128, 128)))
        widths = [fine] + (maps - 1) * [width]
        self.heads = [
            Conv2d(channels, count * depth, 3, padding=1, rng=rng)
            for channels, count in zip(widths, counts, strict=True)
        ]
        for head in self.heads:
            head.w.value *= 0.1  # all classes begin with about the same score

    def layout(self, size: Size) -> DefaultBoxLayout:
        """Return the layout of the default boxes of images of a height and width."""
        steps = [FINEST_STRIDE * 2**k for k in range(self.options["maps"])]
        map_sizes = [(size[0] // step, size[1] // step) for step in steps]
        return DefaultBoxLayout(tuple(map_sizes), tuple(steps), tuple(on_host(self.sizes).tolist()), self.ratios)

    def default_boxes(self, size: Size) -> Array:
        """Return the default boxes ``(K, 4)`` of images of a height and width."""
        return _default_boxes(self.layout(size))

    def prepare(self, dataset: Dataset) -> None:
        """Choose the sizes by the boxes of the training set, from small to large in equal steps."""
        small, large = np.quantile(np.sqrt(box_sizes(dataset).prod(axis=1)), (0.05, 0.95))
        sizes = np.linspace(small, large, len(self.sizes))
        self.sizes[...] = to_device_of(sizes, self.sizes)
        shown = ", ".join(f"{size:.0f}" for size in sizes[:-1])
        logger.info("Default boxes of %s pixels, one size for each map, and larger ones between these", shown)

    def forward(self, images: Array, training: bool = False, batch: Batch | None = None) -> Array:
        """Return the deltas and class scores of each default box, ``(N, K, 4 + 1 + C)``."""
        self.check_size(images)
        outputs, x = [], images
        for stage, head in zip(self.stages, self.heads, strict=True):
            x = stage(x, training)
            y = head(x, training)
            if training:
                self.remember(y.shape)
            # (N, A * (5 + C), H, W) -> (N, H, W, A * (5 + C)) -> (N, H * W * A, 5 + C)
            outputs.append(y.transpose(0, 2, 3, 1).reshape(len(y), -1, 4 + len(self.classes)))
        return np.concatenate(outputs, axis=1)

    def backward(self, doutputs: Array) -> None:
        """Backpropagate; a map that is used by its head and by the next stage gets the sum of two gradients."""
        dx: Any = None
        stop = doutputs.shape[1]
        for stage, head in zip(reversed(self.stages), reversed(self.heads), strict=True):
            ((N, channels, H, W),) = self.recall()
            start = stop - H * W * channels // doutputs.shape[2]
            dhead = doutputs[:, start:stop].reshape(N, H, W, channels).transpose(0, 3, 1, 2)
            dmap: Any = head.backward(dhead)
            dx = stage.backward(dmap if dx is None else dmap + dx)
            stop = start

    def losses(self, outputs: Array, batch: Batch) -> tuple[dict[str, Any], Array]:
        """Return the losses of boxes and classes: sums over the default boxes trained on, by positive example."""
        labels, deltas = self.targets(batch, outputs.dtype)
        is_positive = labels > 0
        is_trained = is_positive | hardest_negatives(outputs[..., 4:], labels)
        positives = int(np.count_nonzero(is_positive))
        count: Any = max(1, positives)  # without any object both losses are 0
        deltas, labels = to_device_of(deltas[is_positive], outputs), to_device_of(labels[is_trained], outputs)
        positive, trained = (to_device_of(np.flatnonzero(each), outputs) for each in (is_positive, is_trained))
        rows = outputs.reshape(-1, outputs.shape[2])  # (N, K, 4 + 1 + C) -> (N K, 4 + 1 + C)
        box, ddeltas = ops.smooth_l1_loss(rows[positive, :4], deltas, reduction="sum")
        classes, dscores = ops.softmax_cross_entropy(rows[trained, 4:], labels, reduction="sum")
        gradient = np.zeros_like(rows)
        gradient[positive, :4] = ddeltas
        gradient[trained, 4:] = dscores
        gradient = gradient.reshape(outputs.shape) / outputs.dtype.type(count)
        box, classes, gradient = share_of_mean(positives, box / count, classes / count, gradient)
        return {"box": box, "class": classes}, gradient

    def targets(self, batch: Batch, dtype: Any) -> tuple[Array, Array]:
        """Return the targets of each default box.

        Returns
        -------
        labels : int64 ndarray of shape (N, K)
            The class of the matched object, 0 for background, `IGNORE_INDEX` in a crowd.
        deltas : ndarray of shape (N, K, 4)
            Offsets to the object's box; 0 where there is none.
        """
        size = batch.images.shape[1:3]
        boxes = self.default_boxes(size)
        labels = np.zeros((len(batch.instances), len(boxes)), np.int64)
        deltas = np.zeros((*labels.shape, 4), dtype)
        for n, instances in enumerate(batch.instances):
            instances = clip_instances(instances, size)
            matches = match_instances(boxes, instances, fg_iou_thresh=FG_IOU_THRESH, bg_iou_thresh=FG_IOU_THRESH)
            positive = np.flatnonzero(matches >= 0)
            labels[n, positive] = instances.labels[matches[positive]]
            labels[n, matches == IGNORED] = IGNORE_INDEX
            targets, defaults = instances.boxes[matches[positive]].astype(dtype), boxes[positive].astype(dtype)
            deltas[n, positive] = ops.encode_boxes(targets, defaults, weights=BOX_WEIGHTS)
        return labels, deltas

    def decode(self, outputs: Array, size: Size) -> tuple[Array, Array]:
        """Return the boxes and scores that the outputs stand for; see :meth:`SingleShot.decode`."""
        boxes = ops.decode_boxes(outputs[..., :4], self.default_boxes(size), weights=BOX_WEIGHTS)
        return boxes, softmax_last_axis(outputs[..., 4:])[..., 1:]

    def background(self, outputs: Array) -> Array:
        """Return the probability of the background of each default box; see :meth:`SingleShot.background`."""
        return softmax_last_axis(outputs[..., 4:])[..., 0]

    def sources(self, size: Size) -> Array:
        """Return the default boxes; see :meth:`SingleShot.sources`."""
        return self.default_boxes(size)


def hardest_negatives(scores: Array, labels: Array) -> Array:
    """Choose, in each image, the background boxes with the lowest background score: 3 for each positive example.

    Parameters
    ----------
    scores : ndarray of shape (N, K, 1 + C)
        Class scores, the background first.
    labels : int ndarray of shape (N, K)
        On the host. 0 for background; boxes with other labels are not chosen.

    Returns
    -------
    bool ndarray of shape (N, K)
    """
    return choose_negatives(on_host(softmax_last_axis(scores)[..., 0]), labels, ratio=NEGATIVES_PER_POSITIVE)


def choose_negatives(background: Array, labels: Array, *, ratio: int = 3) -> Array:
    """Choose the background boxes that look most like an object, in each image by itself.

    Nearly all boxes of an image are background. If all were trained on, their sum would drown the loss of the objects;
    the easy ones teach nothing anyway.

    Parameters
    ----------
    background : ndarray of shape (N, K)
        Predicted probability of the background, for K boxes of N images.
    labels : int ndarray of shape (N, K)
        0 for background, 1 and more for the classes of objects; boxes with negative labels are neither and are never
        chosen.
    ratio : int
        Chosen boxes for each box with an object in the same image, or all background boxes if there are fewer. In an
        image without objects none is chosen.

    Returns
    -------
    chosen : bool ndarray of shape (N, K)
        Those with the lowest probabilities; of equal ones any.

    References
    ----------
    Liu et al., "SSD: single shot multibox detector", ECCV 2016, section 2.2, "Hard negative mining".

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.models.ssd import choose_negatives
    >>> choose_negatives(np.array([[0.9, 0.2, 0.6, 0.1]]), np.array([[0, 0, 0, 1]]), ratio=2).tolist()
    [[False, True, True, False]]
    """
    chosen = np.zeros(labels.shape, bool)
    for n in range(len(labels)):
        candidates = np.flatnonzero(labels[n] == 0)
        count = min(ratio * int(np.count_nonzero(labels[n] > 0)), len(candidates))
        if count:
            hardest = np.argpartition(background[n, candidates], count - 1)[:count]
            chosen[n, candidates[hardest]] = True
    return chosen


@functools.lru_cache(maxsize=8)
def _default_boxes(layout):
    return default_boxes(layout)
