"""SSD: no proposals, and a map for each size of object.

::

    image ─ backbone ─┬─ last stage ─ 3 x 3 ─┬─ pool ─ 3 x 3 ─┐
           stride 4  3 x 3       stride 8   3 x 3 stride 16  3 x 3
                      └──────────────────────┴────────────────┴─ K x (4 + 1 + C)

Around every place of every map lie default boxes: small ones on the fine map, large ones on the coarse. For each of
them the network says how to move it onto an object, and a score for every class, of which the background is one.

In SSD300 the boxes of a map are three to four times as large as the step from one place to the next, so that every
object overlaps several well. For objects of 12 to 56 pixels steps of 4, 8 and 16 are like that.

References
----------
Liu et al., "SSD: single shot multibox detector", ECCV 2016.
"""

import functools

import numpy as np

from minivision import ops
from minivision.core.devices import on_host, to_device_of
from minivision.core.labels import IGNORE_INDEX, IGNORED
from minivision.detection import DefaultBoxLayout, boxes_per_place, default_boxes, match_instances
from minivision.layers import Conv2d, MaxPool2d, Sequential, conv_block
from minivision.models.base.single_shot import SingleShot, box_sizes, softmax, within
from minivision.models.parts.backbone import Backbone

WEIGHTS = (10, 10, 5, 5)  # of tx, ty, tw, th: the inverses of the authors' "variances" 0.1 and 0.2
OVERLAP = 0.5  # from which a default box is to find an object
NEGATIVES = 3  # background boxes trained on, for each that has found an object
FINEST = 4  # pixels of the image from one place of the finest map to the next


class SSD(SingleShot):
    """A class and a correction for each of many default boxes on several maps.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    maps : int
        How many, from stride 4 on; each has half the size of the one before.
    width : int
        Channels of the maps.
    rng : numpy.random.Generator

    Attributes
    ----------
    sizes : (maps + 1,) array
        Sides of the square default boxes of each map, in pixels, and one more; see `DefaultBoxLayout`.
    """

    name = "ssd"
    recipe = {"batch_size": 8, "rate": 4e-3, "weight_decay": 0.05, "flips": True}
    OPTIONS = {"maps": {"default": 3, "help": "maps with default boxes, from stride 4 on"}}
    buffers = ("sizes",)

    def __init__(self, classes, *, maps=3, width=64, rng=None):
        super().__init__(classes, maps=maps, width=width)
        if not 2 <= maps <= 5:
            raise ValueError(f"maps: expected 2 to 5, got {maps}")
        rng = np.random.default_rng(0) if rng is None else rng
        self.stride = FINEST * 2 ** (maps - 1)
        self.sizes = np.linspace(14, 52, maps + 1).astype(np.float32)  # until `prepare`
        self.ratios = ((2,),) + (maps - 1) * ((2, 3),)  # as in SSD300: fewer on the finest map
        backbone = Backbone(rng=rng)
        *first, last = backbone.layers
        channels, fine = backbone.channels, backbone.channels // 2  # of the backbone's last two maps
        self.stages = [Sequential(*first), Sequential(last, conv_block(channels, width, rng=rng))]
        self.stages += [Sequential(MaxPool2d(2), conv_block(width, width, rng=rng)) for _ in range(maps - 2)]
        depth = 4 + len(classes)
        counts = boxes_per_place(self.layout((128, 128)))
        widths = [fine] + (maps - 1) * [width]
        self.heads = [
            Conv2d(channels, count * depth, 3, padding=1, rng=rng)
            for channels, count in zip(widths, counts, strict=True)
        ]
        for head in self.heads:
            head.w.value *= 0.1  # begin undecided

    def layout(self, size):
        """Return the :class:`minivision.detection.DefaultBoxLayout` of the default boxes of images of a height and width."""
        steps = [FINEST * 2**k for k in range(self.options["maps"])]
        map_sizes = [(size[0] // step, size[1] // step) for step in steps]
        return DefaultBoxLayout(tuple(map_sizes), tuple(steps), tuple(on_host(self.sizes).tolist()), self.ratios)

    def default_boxes(self, size):
        """Return the default boxes ``(K, 4)`` of images of a height and width."""
        return _boxes_of(self.layout(size))

    def prepare(self, dataset):
        """Choose the sizes by the boxes of the training set, from small to large in equal steps, and say them."""
        small, large = np.quantile(np.sqrt(box_sizes(dataset).prod(axis=1)), (0.05, 0.95))
        sizes = np.linspace(small, large, len(self.sizes))
        self.sizes[...] = to_device_of(sizes, self.sizes)
        shown = ", ".join(f"{size:.0f}" for size in sizes[:-1])
        print(f"Default boxes of {shown} pixels, one size for each map, and larger ones between these", flush=True)

    def forward(self, images, training=False):
        """Return for each default box its deltas and its class scores, ``(N, K, 4 + 1 + C)``."""
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

    def backward(self, doutputs):
        """Walk back; a map was used by its head and by the next stage: its two gradients add up."""
        dx, stop = None, doutputs.shape[1]
        for stage, head in zip(reversed(self.stages), reversed(self.heads), strict=True):
            ((N, channels, H, W),) = self.recall()
            start = stop - H * W * channels // doutputs.shape[2]
            dhead = doutputs[:, start:stop].reshape(N, H, W, channels).transpose(0, 3, 1, 2)
            dmap = head.backward(dhead)
            dx = stage.backward(dmap if dx is None else dmap + dx)
            stop = start

    def losses(self, outputs, batch):
        """Return both losses: sums over the boxes trained on, divided by how many of them found an object."""
        labels, wanted = self.targets(batch, outputs.dtype)
        positive = labels > 0
        trained = positive | hardest_negatives(outputs[..., 4:], labels)
        count = max(1, np.count_nonzero(positive))  # without any object both losses are 0
        wanted, labels = to_device_of(wanted[positive], outputs), to_device_of(labels[trained], outputs)
        positive, trained = (
            to_device_of(np.flatnonzero(each), outputs) for each in (positive, trained)
        )  # rows of `said`
        said = outputs.reshape(-1, outputs.shape[2])
        box, ddeltas = ops.smooth_l1_loss(said[positive, :4], wanted, reduction="sum")
        classes, dscores = ops.softmax_cross_entropy(said[trained, 4:], labels, reduction="sum")
        gradient = np.zeros_like(said)
        gradient[positive, :4] = ddeltas
        gradient[trained, 4:] = dscores
        gradient = gradient.reshape(outputs.shape) / outputs.dtype.type(count)
        return {"box": box / count, "class": classes / count}, gradient

    def targets(self, batch, dtype):
        """Say what each default box is to find.

        Returns
        -------
        labels : (N, K) int64 array
            The class of its object, 0 for background, `IGNORE_INDEX` in a crowd.
        deltas : (N, K, 4) array
            The way to its object's box; 0 where there is none.
        """
        size = batch.images.shape[1:3]
        boxes = self.default_boxes(size)
        labels = np.zeros((len(batch.instances), len(boxes)), np.int64)
        deltas = np.zeros((*labels.shape, 4), dtype)
        for n, instances in enumerate(batch.instances):
            instances = within(instances, size)
            matches = match_instances(boxes, instances, fg_iou_thresh=OVERLAP, bg_iou_thresh=OVERLAP)
            found = np.flatnonzero(matches >= 0)
            labels[n, found] = instances.labels[matches[found]]
            labels[n, matches == IGNORED] = IGNORE_INDEX
            true, start = instances.boxes[matches[found]].astype(dtype), boxes[found].astype(dtype)
            deltas[n, found] = ops.encode_boxes(true, start, weights=WEIGHTS)
        return labels, deltas

    def read(self, outputs, size):
        boxes = ops.decode_boxes(outputs[..., :4], self.default_boxes(size), weights=WEIGHTS)
        return boxes, softmax(outputs[..., 4:])[..., 1:]


def hardest_negatives(scores, labels):
    """Choose, in each image, the background boxes that look least like background, 3 for each that found an object.

    Parameters
    ----------
    scores : (N, K, 1 + C) array
    labels : (N, K) int array
        On the host. 0 for background; boxes with other numbers are not chosen.

    Returns
    -------
    (N, K) bool array
    """
    least = on_host(softmax(scores)[..., 0])
    chosen = np.zeros(labels.shape, bool)
    for n in range(len(labels)):
        candidates = np.flatnonzero(labels[n] == 0)
        wanted = min(NEGATIVES * np.count_nonzero(labels[n] > 0), len(candidates))
        if wanted:
            hardest = np.argpartition(least[n, candidates], wanted - 1)[:wanted]
            chosen[n, candidates[hardest]] = True
    return chosen


@functools.lru_cache(maxsize=8)
def _boxes_of(layout):
    return default_boxes(layout)
