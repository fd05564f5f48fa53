"""The region proposal network: features -> the few boxes in which there may be an object, of whatever class.

::

    features ─ 3 x 3 ─┬─ 1 x 1 ─ objectness logit    for each of the A anchors at every place
                      └─ 1 x 1 ─ box deltas

    anchors + deltas ─ the best by score ─ clip to the image ─ non-maximum suppression ─ proposals

References
----------
Ren, He, Girshick and Sun, "Faster R-CNN: towards real-time object detection with region proposal networks", NIPS 2015.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minivision.core import backends
from minivision.core.devices import is_on_gpu, on_host, to_device_of
from minivision.core.ranks import generators_of_images, share_of_mean
from minivision.core.types import Array, Size
from minivision.detection import anchor_grid, candidate_boxes, instance_targets, rpn_loss, sample, select_proposals
from minivision.layers import Conv2d, Layer, ReLU, Sequential

if TYPE_CHECKING:
    from minivision.data.instances import Instances

# Faster R-CNN, section 3.1.2: from this IoU an anchor is a positive example, below that it is background.
FG_IOU_THRESH, BG_IOU_THRESH = 0.7, 0.3
POSITIVE_FRACTION = 0.5  # largest fraction of positive examples among the sampled anchors; section 3.1.3
# Where the loss of a box turns from a square into a line: 1 in the paper, 1 / 9 in its published code (sigma = 3),
# which is used here; box deltas are small numbers.
SMOOTH_L1_BETA = 1 / 9


@functools.lru_cache(maxsize=32)
def _anchors(backend, map_size, stride, sizes, ratios):
    """Return the anchors of a map as a backend makes them, each in the middle of the pixels its place stands for."""
    return anchor_grid(map_size, stride, sizes, ratios, offset=0.5)


class RPNOutputs(NamedTuple):
    """Raw outputs of the network for the K anchors of N images.

    Attributes
    ----------
    logits : ndarray of shape (N, K)
        Logit of the probability of an object.
    deltas : ndarray of shape (N, K, 4)
        Offsets from the anchor to the predicted box, as ``encode_boxes`` returns them.
    anchors : ndarray of shape (K, 4)
        ``x1, y1, x2, y2`` in pixels; the same for each image.
    """

    logits: Array
    deltas: Array
    anchors: Array


class RPNSamples(NamedTuple):
    """The sampled anchors of a batch, and the targets of the network; anchor k of image n has the number n * K + k.

    Attributes
    ----------
    positive, negative : int64 ndarray of shape (P,) and (Q,)
        Numbers of the anchors that match an object, and of those that are background.
    deltas : ndarray of shape (P, 4)
        Offsets from each positive anchor to the box of its object.
    """

    positive: Array
    negative: Array
    deltas: Array


class RegionProposalNetwork(Layer):
    """The region proposal network: features (N, channels, H, W) -> logits and deltas of H * W * A anchors.

    Its parts are a 3 x 3 convolution, and a 1 x 1 convolution each for objectness and deltas.

    Parameters
    ----------
    channels : int
        Number of channels of the features.
    stride : int
        Pixels of the image from one feature to the next.
    sizes, ratios : sequence of float
        Sizes in pixels and ratios (height by width) of the anchors, as in :func:`minivision.detection.anchor_grid`.
    batch_size_per_image : int
        Anchors of an image that are sampled for a training step.
    rng : numpy.random.Generator
        Draws the weights, then the samples.
    """

    def __init__(
        self,
        channels: int,
        *,
        stride: int,
        sizes: Sequence[float],
        ratios: Sequence[float],
        batch_size_per_image: int = 64,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.rng = np.random.default_rng(0) if rng is None else rng
        self.stride, self.sizes, self.ratios = stride, tuple(sizes), tuple(ratios)
        self.batch_size_per_image = batch_size_per_image
        A = len(self.sizes) * len(self.ratios)
        self.shared = Sequential(Conv2d(channels, channels, 3, padding=1, rng=self.rng), ReLU())
        self.objectness = Conv2d(channels, A, 1, rng=self.rng)
        self.deltas = Conv2d(channels, 4 * A, 1, rng=self.rng)
        for layer in (self.objectness, self.deltas):
            layer.w.value *= 0.1  # probabilities begin near one half, and boxes near the anchors themselves

    def anchors(self, map_size: Size) -> Array:
        """Return the anchors ``(K, 4)`` of a map, each in the middle of the pixels that its place stands for."""
        backend, _ = backends.active_backend()
        return _anchors(backend, tuple(map_size), self.stride, tuple(self.sizes), tuple(self.ratios))

    def forward(self, features: Array, training: bool = False) -> RPNOutputs:
        """Return the :class:`RPNOutputs` of features ``(N, channels, H, W)``."""
        N, _, H, W = features.shape
        shared = self.shared(features, training)
        logits, deltas = self.objectness(shared, training), self.deltas(shared, training)
        if training:
            self.remember(H, W)
        # in the order of the anchors: (N, A, H, W) -> (N, H, W, A) -> (N, K)
        logits = logits.transpose(0, 2, 3, 1).reshape(N, -1)
        # (N, 4 A, H, W) -> (N, H, W, 4 A) -> (N, K, 4)
        deltas = deltas.transpose(0, 2, 3, 1).reshape(N, -1, 4)
        return RPNOutputs(logits, deltas, self.anchors((H, W)))

    def backward(self, gradients: tuple[Array, Array]) -> Array:
        """Return the gradient of the features.

        Parameters
        ----------
        gradients : pair of ndarray
            Gradients of the logits and the deltas, as :meth:`losses` returns them.
        """
        H, W = self.recall()
        dlogits, ddeltas = (each.reshape(len(each), H, W, -1).transpose(0, 3, 1, 2) for each in gradients)
        dshared: Any = self.deltas.backward(ddeltas)
        dshared += self.objectness.backward(dlogits)
        return self.shared.backward(dshared)

    # ---- training ----------------------------------------------------------------------------------------------

    def sample(self, anchors: Array, instances: Sequence[Instances]) -> RPNSamples:
        """Sample the anchors to train on, and return them with the targets of the network.

        Half of them are positive, if there are as many. Anchors that reach out of the image take part too.

        Parameters
        ----------
        anchors : ndarray of shape (K, 4)
            As :meth:`forward` returned them.
        instances : list of Instances
            The true objects of each image. Anchors in a crowd are not sampled as background.

        Returns
        -------
        RPNSamples
        """
        positives, negatives, deltas = [], [], []
        generators = generators_of_images(self.rng, len(instances))
        for n, (truth, rng) in enumerate(zip(instances, generators, strict=True)):
            matches, targets = instance_targets(
                anchors, truth, fg_iou_thresh=FG_IOU_THRESH, bg_iou_thresh=BG_IOU_THRESH
            )
            positive, negative = sample(matches, self.batch_size_per_image, POSITIVE_FRACTION, rng)
            positives.append(n * len(anchors) + positive)
            negatives.append(n * len(anchors) + negative)
            deltas.append(targets[positive])
        return RPNSamples(*map(np.concatenate, (positives, negatives, deltas)))

    def losses(self, outputs: RPNOutputs, samples: RPNSamples) -> tuple[dict[str, Any], tuple[Array, Array]]:
        """Return the two losses of the network and their gradients.

        Parameters
        ----------
        outputs : RPNOutputs
        samples : RPNSamples

        Returns
        -------
        losses : dict
            ``rpn_objectness``: the binary cross-entropy, averaged over the sampled anchors; ``rpn_box``: the smooth L1
            loss of the deltas, summed over the positive anchors and divided by the number of all sampled ones.
        gradients : (dlogits, ddeltas)
            In the shapes of the outputs.
        """
        logits, deltas = on_host(outputs.logits), on_host(outputs.deltas)
        _, object_loss, box_loss, dlogits, ddeltas = rpn_loss(logits, deltas, *samples, beta=SMOOTH_L1_BETA)
        sampled = len(samples.positive) + len(samples.negative)
        object_loss, box_loss, dlogits, ddeltas = share_of_mean(sampled, object_loss, box_loss, dlogits, ddeltas)
        losses = {"rpn_objectness": object_loss, "rpn_box": box_loss}
        return losses, (to_device_of(dlogits, outputs.logits), to_device_of(ddeltas, outputs.logits))

    # ---- proposals ---------------------------------------------------------------------------------------------

    def candidates(self, outputs: RPNOutputs, size: Size, *, max_candidates: int) -> list[tuple[Array, Array]]:
        """Return the boxes with the best scores of each image, the best first; many lie on the same object.

        Wherever the outputs lie, these lie on the host, like all boxes that are sampled, matched or suppressed.

        Parameters
        ----------
        outputs : RPNOutputs
        size : (int, int)
            Height and width of the images, to which boxes are clipped.
        max_candidates : int
            Largest number of boxes per image.

        Returns
        -------
        list of (boxes, logits)
            Arrays of shape (P, 4) and (P,) for each image; see :func:`minivision.detection.candidate_boxes`.
        """
        return [
            candidate_boxes(logits, deltas, anchors, size, pre_nms_top_n=max_candidates)
            for logits, deltas, anchors in _best_on_host(outputs, max_candidates)
        ]

    def propose(self, outputs: RPNOutputs, size: Size, *, pre_nms_top_n: int, post_nms_top_n: int) -> list[Array]:
        """Return the proposals of each image: of candidates on the same object, only the best.

        No gradient flows through this: the coordinates of the proposals are taken as constants.

        Parameters
        ----------
        outputs : RPNOutputs
        size : (int, int)
            Height and width of the images.
        pre_nms_top_n, post_nms_top_n : int
            Largest number of boxes per image before and after non-maximum suppression.

        Returns
        -------
        list of ndarray of shape (P, 4)
            The best first; see :func:`minivision.detection.select_proposals`.
        """
        return [
            select_proposals(logits, deltas, anchors, size, pre_nms_top_n=pre_nms_top_n, post_nms_top_n=post_nms_top_n)
            for logits, deltas, anchors in _best_on_host(outputs, pre_nms_top_n)
        ]

    def stages(
        self, outputs: RPNOutputs, size: Size, *, pre_nms_top_n: int, post_nms_top_n: int
    ) -> list[tuple[tuple[str, Array], ...]]:
        """Return the boxes of each image after each step of :meth:`propose`, as a `DetectionTrace` has them."""
        every_box = self.candidates(outputs, size, max_candidates=outputs.logits.shape[1])
        best = self.candidates(outputs, size, max_candidates=pre_nms_top_n)
        unsuppressed = self.propose(outputs, size, pre_nms_top_n=pre_nms_top_n, post_nms_top_n=pre_nms_top_n)
        stages: list[tuple[tuple[str, Array], ...]] = []
        for (all_boxes, _), (boxes, _), kept in zip(every_box, best, unsuppressed, strict=True):
            low = "proposal ranked low"
            stages.append(
                (("no proposal", all_boxes), (low, boxes), ("proposal suppressed", kept), (low, kept[:post_nms_top_n]))
            )
        return stages


def _best_on_host(outputs: RPNOutputs, most: int) -> list[tuple[Array, Array, Array]]:
    """Return logits, deltas and anchors of the `most` best anchors of each image, on the host."""
    logits, deltas, anchors = outputs.logits, outputs.deltas, on_host(outputs.anchors)
    if not is_on_gpu(logits):
        chosen = [at_least_as_good(each, most) for each in logits]
        return [(logits[n][rows], deltas[n][rows], anchors[rows]) for n, rows in enumerate(chosen)]
    best = np.argsort(-logits, axis=1, kind="stable")[:, :most]  # (N, most)
    logits = np.take_along_axis(logits, best, axis=1)
    deltas = np.take_along_axis(deltas, best[:, :, None], axis=1)
    return list(zip(on_host(logits), on_host(deltas), anchors[on_host(best)], strict=True))


def at_least_as_good(logits: Array, most: int) -> Array:
    """Return the indices of the `most` best logits and of all that equal the last of them, increasing.

    To find them takes a fifth of the time of sorting 9,000; what is left is sorted where it is used.
    """
    if len(logits) <= most:
        return np.arange(len(logits))
    if most == 0:
        return np.arange(0)
    low = -logits
    return np.flatnonzero(~(low > np.partition(low, most - 1)[most - 1]))  # also right where NaN is the last of them
