"""Faster R-CNN: the network proposes its own regions, and everything is trained together.

::

              ┌─ region proposal network ─ proposals ─┐
    image ─ backbone ─ features ─────────────── RoIAlign ─ head ─ classes, boxes

Both branches use the same features. In the backward pass each returns a gradient of the features, and the two are
added: so four losses (objectness, proposed box, class, final box) train one backbone.

References
----------
Ren, He, Girshick and Sun, "Faster R-CNN: towards real-time object detection with region proposal networks", NIPS
2015; trained "approximately jointly" as in its section 3.2: without a gradient of the coordinates of the proposals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minivision import ops
from minivision.core.arguments import integer
from minivision.core.types import Array, Size
from minivision.detection.anchors.anchor_grid import choose_anchor_sizes, positive_numbers
from minivision.models.base import options as values
from minivision.models.base.detector import Detector
from minivision.models.base.model import logger
from minivision.models.parts.backbone import Backbone
from minivision.models.parts.roi_head import POOLINGS, RoIHead, RoISamples, rois_of
from minivision.models.parts.rpn import RegionProposalNetwork, RPNOutputs, RPNSamples

if TYPE_CHECKING:
    from minivision.data import Batch, Dataset
    from minivision.data.instances import Instances
    from minivision.models.base.detection_trace import DetectionTrace

NUM_ANCHOR_SIZES = 3  # where the training set chooses them
TRAINING_PRE_NMS_TOP_N, TRAINING_POST_NMS_TOP_N = 200, 48  # proposals of an image in training
# Largest fraction of positive examples among the sampled proposals: 16 of 32, as many as the 16 of 64 of Fast R-CNN.
# With a quarter of 32 the head saw so few objects that after 600 steps on hard scenes AP50 was .47, with half .51.
POSITIVE_FRACTION = 0.5
# Channels and residual blocks at each resolution, by the stride. With half the stride there are four times as many
# features, and smaller objects can be told apart.
BACKBONES = {
    4: ((16, 64), (0, 2)),
    8: ((16, 32, 64), (0, 1, 2)),
    16: ((16, 32, 64, 96), (0, 1, 1, 2)),
}


class FasterRCNNOutputs(NamedTuple):
    """Outputs of both stages for a batch of N images.

    Attributes
    ----------
    features : ndarray of shape (N, C, H / stride, W / stride)
    rpn : RPNOutputs
        Outputs of the first stage.
    anchors : RPNSamples or None
        The sampled anchors with their targets; None without ground truth.
    rois : ndarray of shape (K, 5)
        The regions that the second stage looks at: sampled proposals, or without ground truth all of them.
    regions : RoISamples or None
        These regions with their targets; None without ground truth.
    head : (scores, deltas) or None
        Outputs of the second stage for the regions; None as long as it has not run.
    """

    features: Array
    rpn: RPNOutputs
    anchors: RPNSamples | None
    rois: Array
    regions: RoISamples | None
    head: tuple[Array, Array] | None = None


class FasterRCNN(Detector):
    """The detector of two stages that share their features: image -> boxes, classes and scores of the objects.

    Its parts, in order: `backbone` (features), `rpn` (proposals), `head` (class and box of each proposal).

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    anchor_sizes : sequence of float, optional
        Sizes of the anchors in pixels. By default :meth:`prepare` chooses them by the boxes of the training set.
    ratios : sequence of float
        Height by width of the anchors.
    stride : int, optional
        Pixels of the image from one feature to the next: 4, 8 or 16. By default :meth:`prepare` takes the largest with
        at least `min_features` features along the smallest anchor.
    pooling : str
        ``"align"`` or ``"pool"``: RoIAlign or RoI pooling.
    max_proposals : int
        Largest number of proposals per image in prediction.
    batch_size_per_image : int
        Proposals of an image that the head is trained on in a step.
    widths, depths : sequence of int, optional
        Channels and residual blocks of the :class:`Backbone`, instead of those for the stride.
    hidden : int
        Width of the head's fully connected layers.
    output_size : int
        Rows and columns of the grid that RoIAlign or RoI pooling makes of each region.
    rng : numpy.random.Generator

    Attributes
    ----------
    min_features : int
        2; where the training set chooses the stride.

    References
    ----------
    Ren, He, Girshick and Sun, "Faster R-CNN", NIPS 2015.
    """

    name = "faster-rcnn"
    min_features = 2
    recipe = {"batch_size": 8, "rate": 4e-3, "weight_decay": 0.05, "flips": True, "minutes": 5}
    OPTIONS = {
        "anchor_sizes": {
            "default": None,
            "parse": values.auto_or(values.positive_numbers),
            "help": "in pixels, as 16,28,48; auto: from the boxes of the training set",
        },
        "ratios": {
            "default": (0.5, 1.0, 2.0),
            "parse": values.positive_numbers,
            "help": "height by width of the anchors",
        },
        "stride": {
            "default": None,
            "parse": values.auto_or(values.one_of(tuple(BACKBONES))),
            "help": "pixels from one feature to the next: 4, 8 or 16; auto: at most half the smallest anchor",
        },
        "pooling": {"default": "align", "choices": tuple(POOLINGS), "help": "RoIAlign or RoI pooling"},
        "max_proposals": {"default": 100, "help": "largest number of proposals per image in prediction"},
        "batch_size_per_image": {"default": 32, "help": "proposals of an image that the head is trained on in a step"},
    }

    def __init__(
        self,
        classes: Sequence[str],
        *,
        anchor_sizes: Sequence[float] | None = None,
        ratios: Sequence[float] = (0.5, 1.0, 2.0),
        stride: int | None = None,
        pooling: str = "align",
        max_proposals: int = 100,
        batch_size_per_image: int = 32,
        widths: Sequence[int] | None = None,
        depths: Sequence[int] | None = None,
        hidden: int = 128,
        output_size: int = 7,
        rng: np.random.Generator | None = None,
    ) -> None:
        if stride not in (None, *BACKBONES):
            raise ValueError(f"stride: expected {', '.join(map(str, BACKBONES))}, or None for auto, got {stride!r}")
        super().__init__(
            classes,
            anchor_sizes=None if anchor_sizes is None else positive_numbers("anchor_sizes", anchor_sizes),
            ratios=positive_numbers("ratios", ratios),
            stride=stride,
            pooling=pooling,
            max_proposals=max_proposals,
            batch_size_per_image=batch_size_per_image,
            widths=None if widths is None else tuple(widths),
            depths=None if depths is None else tuple(depths),
            hidden=hidden,
            output_size=integer("output_size", output_size, minimum=1),
        )
        self.rng = np.random.default_rng(0) if rng is None else rng
        self.max_proposals = integer("max_proposals", max_proposals, minimum=1)
        self._build()

    def _build(self):
        """Make the parts by the options; what the training set is to choose has a default value until then."""
        options = self.options
        widths, depths = options["widths"], options["depths"]
        if widths is None:
            widths, depths = BACKBONES[options["stride"] or 8]
        self.backbone = Backbone(widths, depths, rng=self.rng)
        self.stride, channels = self.backbone.stride, self.backbone.channels
        self.rpn = RegionProposalNetwork(
            channels,
            stride=self.stride,
            sizes=options["anchor_sizes"] or [self.stride * 2**k for k in range(1, NUM_ANCHOR_SIZES + 1)],
            ratios=options["ratios"],
            rng=self.rng,
        )
        self.head = RoIHead(
            channels,
            len(self.detected_classes),
            stride=self.stride,
            pooling=options["pooling"],
            hidden=options["hidden"],
            output_size=options["output_size"],
            batch_size_per_image=options["batch_size_per_image"],
            positive_fraction=POSITIVE_FRACTION,
            rng=self.rng,
        )

    def prepare(self, dataset: Dataset) -> None:
        """Choose anchor sizes and stride by the boxes of the training set, unless they are given."""
        options, device = self.options, self.device
        if options["anchor_sizes"] is None:
            instances = [sample.instances for sample in dataset]
            boxes = np.concatenate([each.boxes[~each.crowd] for each in instances])
            labels = np.concatenate([each.labels[~each.crowd] for each in instances])
            self.rpn.sizes = options["anchor_sizes"] = choose_anchor_sizes(boxes, NUM_ANCHOR_SIZES, labels=labels)
        if options["stride"] is None and options["widths"] is None:
            fine = [stride for stride in BACKBONES if stride * self.min_features <= min(self.rpn.sizes)]
            options["stride"] = max(fine, default=min(BACKBONES))
            if options["stride"] != self.stride:
                self._build()
        self.to(device)  # also the parts made just now
        logger.info(
            "Anchors every %d pixels, of the sizes %s (square roots of their areas) and the ratios %s "
            "(height by width)",
            self.stride,
            values.as_text(options["anchor_sizes"]),
            values.as_text(options["ratios"]),
        )

    def normalize(self, images: Array, multiple: int | None = None) -> Array:
        """Convert uint8 images into the input of the network; by default padded to a multiple of the stride."""
        return super().normalize(images, multiple or self.stride)

    def forward(
        self, images: Array, training: bool = False, batch: Batch | None = None, *, size: Size | None = None
    ) -> Any:
        """Run both stages: features, proposals, regions, and the head on the regions.

        Parameters
        ----------
        images : ndarray of shape (N, 3, H, W)
        training : bool
            Whether to keep what :meth:`backward` needs.
        batch : Batch, optional
            The ground truth. With it anchors and proposals are sampled, and returned with their targets. Without it
            the head runs on all proposals.
        size : (int, int), optional
            Height and width of the images before they were padded, to which proposals are clipped; by default those of
            the batch, or of `images`.

        Returns
        -------
        FasterRCNNOutputs
        """
        outputs = self._look_for_regions(images, training, batch, size)
        return outputs._replace(head=self.head.forward(outputs.features, outputs.rois, training))

    def _look_for_regions(self, images, training, batch, size):
        """Return the outputs up to the regions that the head is to look at; parameters are those of :meth:`forward`."""
        features = self.backbone(images, training)
        rpn_outputs = self.rpn(features, training)
        anchors = regions = None
        if batch is None:
            proposals = self._propose(rpn_outputs, size or images.shape[2:], self.max_proposals)
            rois = rois_of(proposals)
        else:
            size = size or batch.images.shape[1:3]
            top_n = {"pre_nms_top_n": TRAINING_PRE_NMS_TOP_N, "post_nms_top_n": TRAINING_POST_NMS_TOP_N}
            anchors = self.rpn.sample(rpn_outputs.anchors, batch.instances)
            proposals = self.rpn.propose(rpn_outputs, size, **top_n)
            regions = self.head.sample(proposals, batch.instances)
            rois = regions.rois
        return FasterRCNNOutputs(features, rpn_outputs, anchors, rois, regions)

    def losses(self, outputs: Any, batch: Batch) -> tuple[dict[str, Any], Any]:
        """Return the four losses, two of each stage, and the gradients of both stages' outputs."""
        rpn_losses, rpn_gradients = self.rpn.losses(outputs.rpn, outputs.anchors)
        head_losses, head_gradients = self.head.losses(outputs.head, outputs.regions)
        return {**rpn_losses, **head_losses}, (rpn_gradients, head_gradients)

    def backward(self, gradients: Any) -> None:
        """Backpropagate through both stages; the features get the sum of the two gradients."""
        rpn_gradients, head_gradients = gradients
        dfeatures = self.head.backward(head_gradients)
        dfeatures += self.rpn.backward(rpn_gradients)
        self.backbone.backward(dfeatures)

    def detect(self, images: Array) -> list[Instances]:
        """Return the objects in a batch of images; see :meth:`Detector.detect`."""
        size = images.shape[1:3]
        outputs = self.forward(self.normalize(images), size=size)
        return self.head.detect(outputs.head, outputs.rois, len(images), size)

    def trace_batch(self, images: Array) -> list[DetectionTrace]:
        """Return how :meth:`detect` comes to the objects in a batch of images."""
        size = images.shape[1:3]
        outputs = self.forward(self.normalize(images), size=size)
        stages = self.rpn.stages(outputs.rpn, size, **self._top_n(self.max_proposals))
        return self.head.trace(outputs.head, outputs.rois, stages, size)

    def propose(self, images: Sequence[Array], max_proposals: int | None = None) -> list[Array]:
        """Return the proposals for each image: the regions that the second stage classifies in prediction.

        Parameters
        ----------
        images : sequence of uint8 ndarray of shape (H, W, 3)
            They may have several sizes.
        max_proposals : int, optional
            Largest number per image; by default as in prediction.

        Returns
        -------
        list of ndarray of shape (P, 4)
            ``x1, y1, x2, y2`` in pixels, the best first.
        """
        max_proposals = self.max_proposals if max_proposals is None else max_proposals
        return self.map_batches(
            images, lambda batch: self._propose(self._first_stage(batch), batch.shape[1:3], max_proposals)
        )

    def candidates(self, image: Array, max_candidates: int = 300) -> tuple[Array, Array]:
        """Return the best boxes ``(P, 4)`` of an image before non-maximum suppression, and their scores from 0 to 1."""
        outputs = self._first_stage(image[None])
        ((boxes, logits),) = self.rpn.candidates(outputs, image.shape[:2], max_candidates=max_candidates)
        return boxes, ops.sigmoid(logits)

    def _first_stage(self, images):
        """Return the :class:`RPNOutputs` of uint8 images ``(N, H, W, 3)``."""
        return self.rpn(self.backbone(self.normalize(images)))

    def _propose(self, rpn_outputs, size, max_proposals):
        """Return the proposals of each image in prediction."""
        return self.rpn.propose(rpn_outputs, size, **self._top_n(max_proposals))

    def _top_n(self, max_proposals):
        return {"pre_nms_top_n": 4 * max_proposals, "post_nms_top_n": max_proposals}
