"""The region proposal network: from features to the few boxes in which there may be an object, of whatever class.

::

    features ─ 3 x 3 ─┬─ 1 x 1 ─ is there an object?     for each of the A anchors at every place
                      └─ 1 x 1 ─ the way to its box

    anchors + deltas ─ the best by score ─ cut at the image's border ─ non-maximum suppression ─ proposals

References
----------
Ren, He, Girshick and Sun, "Faster R-CNN: towards real-time object detection with region proposal networks", NIPS 2015.
"""

import functools
from typing import NamedTuple

import numpy as np

from minivision import ops
from minivision.core import backends
from minivision.core.devices import on_host, to_device_of
from minivision.detection import anchor_grid, anchor_targets, ignore_in_crowds, rpn_loss, sample
from minivision.layers import Conv2d, Layer, ReLU, Sequential

# Faster R-CNN, section 3.1.2: from this IoU an anchor is an object, below that it is background.
FOUND, BACKGROUND_BELOW = 0.7, 0.3
POSITIVE = 0.5  # of the anchors drawn, at most; section 3.1.3
SUPPRESS_ABOVE = 0.7  # IoU of two proposals, of which one goes; section 3.3
SMALLEST = 1.0  # pixels; a proposal that is narrower, or lies outside of the image, is dropped
# Where the loss of a box turns from a square into a line: 1 in the paper, 1 / 9 in its published code (sigma = 3),
# which is meant here; box deltas are small numbers.
BETA = 1 / 9


@functools.lru_cache(maxsize=32)
def _anchors(backend, map_size, stride, sizes, ratios):
    """Return the anchors of a map as a backend makes them, each in the middle of the pixels its place stands for."""
    return anchor_grid(map_size, stride, sizes, ratios, offset=0.5)


class RPNOutputs(NamedTuple):
    """What the network says about the K anchors of each of N images.

    Attributes
    ----------
    logits : (N, K) array
        Of there being an object.
    deltas : (N, K, 4) array
        The way from the anchor to its box, as ``encode_boxes`` writes it.
    anchors : (K, 4) array
        ``x1, y1, x2, y2`` in pixels; the same for each image.
    """

    logits: np.ndarray
    deltas: np.ndarray
    anchors: np.ndarray


class RPNSamples(NamedTuple):
    """The anchors of a batch that are trained on; anchor k of image n has the number ``n * K + k``.

    Attributes
    ----------
    positive, negative : int64 arrays
        Numbers of those that have found an object, and of those that are background.
    deltas : (len(positive), 4) array
        The way to the object's box.
    """

    positive: np.ndarray
    negative: np.ndarray
    deltas: np.ndarray


class RegionProposalNetwork(Layer):
    """Boxes that may hold an object, from the features of an image.

    Parameters
    ----------
    channels : int
        Of the features.
    stride : int
        Pixels of the image from one feature to the next.
    sizes, ratios : sequence of float
        Of the anchors, as in :func:`minivision.detection.anchor_grid`.
    sampled : int
        Anchors of an image that are drawn for a training step.
    rng : numpy.random.Generator
        For the weights; then for drawing.
    """

    def __init__(self, channels, *, stride, sizes, ratios, sampled=64, rng=None):
        self.rng = np.random.default_rng(0) if rng is None else rng
        self.stride, self.sizes, self.ratios, self.sampled = stride, tuple(sizes), tuple(ratios), sampled
        A = len(self.sizes) * len(self.ratios)
        self.shared = Sequential(Conv2d(channels, channels, 3, padding=1, rng=self.rng), ReLU())
        self.objectness = Conv2d(channels, A, 1, rng=self.rng)
        self.deltas = Conv2d(channels, 4 * A, 1, rng=self.rng)
        for layer in (self.objectness, self.deltas):
            layer.w.value *= 0.1  # begin undecided, and with the anchors themselves

    def anchors(self, map_size):
        """Return the anchors ``(K, 4)`` of a map, each in the middle of the pixels that its place stands for."""
        backend, _ = backends.active_backend()
        return _anchors(backend, tuple(map_size), self.stride, tuple(self.sizes), tuple(self.ratios))

    def forward(self, features, training=False):
        """Return the :class:`RPNOutputs` for features ``(N, channels, H, W)``."""
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

    def backward(self, gradients):
        """Return the gradient for the features.

        Parameters
        ----------
        gradients : pair of arrays
            For the logits and for the deltas, as :meth:`losses` returns them.
        """
        H, W = self.recall()
        dlogits, ddeltas = (each.reshape(len(each), H, W, -1).transpose(0, 3, 1, 2) for each in gradients)
        dshared = self.deltas.backward(ddeltas)
        dshared += self.objectness.backward(dlogits)
        return self.shared.backward(dshared)

    # ---- training ----------------------------------------------------------------------------------------------

    def sample(self, anchors, instances):
        """Draw the anchors to train on, half of them with an object if there are as many.

        Parameters
        ----------
        anchors : (K, 4) array
            As :meth:`forward` returned them. Those that reach out of the image take part too.
        instances : list of Instances
            The true objects of each image.

        Returns
        -------
        RPNSamples
        """
        positives, negatives, deltas = [], [], []
        for n, truth in enumerate(instances):
            objects, crowds = truth.boxes[~truth.crowd], truth.boxes[truth.crowd]
            matches, targets = anchor_targets(anchors, objects, fg_iou_thresh=FOUND, bg_iou_thresh=BACKGROUND_BELOW)
            matches = ignore_in_crowds(matches, anchors, crowds)
            positive, negative = sample(matches, self.sampled, POSITIVE, self.rng)
            positives.append(n * len(anchors) + positive)
            negatives.append(n * len(anchors) + negative)
            deltas.append(targets[positive])
        return RPNSamples(*map(np.concatenate, (positives, negatives, deltas)))

    def losses(self, outputs, samples):
        """Return the two losses of the network and their gradients.

        Parameters
        ----------
        outputs : RPNOutputs
        samples : RPNSamples

        Returns
        -------
        losses : dict
            ``rpn_objectness``: the binary cross-entropy, averaged over the anchors that were drawn; ``rpn_box``: the
            smooth L1 loss of the boxes, summed over those with an object and divided by the number of all drawn.
        gradients : (dlogits, ddeltas)
            In the shapes of the outputs.
        """
        logits, deltas = on_host(outputs.logits), on_host(outputs.deltas)
        _, object_loss, box_loss, *gradients = rpn_loss(logits, deltas, *samples, beta=BETA)
        losses = {"rpn_objectness": object_loss, "rpn_box": box_loss}
        return losses, tuple(to_device_of(gradient, outputs.logits) for gradient in gradients)

    # ---- proposals ---------------------------------------------------------------------------------------------

    def candidates(self, outputs, size, *, most):
        """Return the boxes with the best scores of each image, the best first; many lie on the same object.

        Wherever the outputs lie, these lie on the host, as all boxes do that are drawn from, matched or suppressed.

        Parameters
        ----------
        outputs : RPNOutputs
        size : (int, int)
            Height and width of the images, to which boxes are clipped.
        most : int
            Of an image.

        Returns
        -------
        list of (boxes, logits) : (P, 4) and (P,) arrays
        """
        order = np.argsort(-outputs.logits, axis=1, kind="stable")[:, :most]  # (N, most)
        logits = np.take_along_axis(outputs.logits, order, axis=1)
        deltas = np.take_along_axis(outputs.deltas, order[:, :, None], axis=1)
        anchors = to_device_of(outputs.anchors, order)[order]
        boxes = ops.clip_boxes_to_image(ops.decode_boxes(deltas, anchors), size)
        boxes, logits = on_host(boxes), on_host(logits)  # few are left
        large = (boxes[..., 2:] - boxes[..., :2] >= SMALLEST).all(axis=2)  # (N, most); NaN is not
        return [(boxes[n, large[n]], logits[n, large[n]]) for n in range(len(boxes))]

    def propose(self, outputs, size, *, before, after):
        """Return the proposals of each image: of candidates on the same object, only the best.

        No gradient goes back through this: where the proposals lie is taken as given.

        Parameters
        ----------
        outputs : RPNOutputs
        size : (int, int)
            Height and width of the images.
        before, after : int
            How many boxes of an image there are at most, before and after non-maximum suppression.

        Returns
        -------
        list of (P, 4) arrays
            The best first.
        """
        candidates = self.candidates(outputs, size, most=before)
        return [boxes[ops.nms(boxes, logits, SUPPRESS_ABOVE)[:after]] for boxes, logits in candidates]
