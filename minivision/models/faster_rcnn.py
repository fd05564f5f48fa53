"""Faster R-CNN: the network proposes its own regions, and everything is trained together.

::

              ┌─ region proposal network ─ proposals ─┐
    image ─ backbone ─ features ─────────────── RoIAlign ─ head ─ classes, boxes

Both branches look at the same features. On the way back each sends a gradient, and the two add up there: that is
how four losses (object or not, proposed box, class, final box) train one backbone.

References
----------
Ren, He, Girshick and Sun, "Faster R-CNN: towards real-time object detection with region proposal networks", NIPS
2015; trained "approximately jointly", as its section 3.2 has it: no gradient for the places of the proposals.
"""

import numpy as np

from minivision import ops
from minivision.core.arguments import integer
from minivision.detection.anchors.anchor_grid import choose_anchor_sizes, positive_numbers
from minivision.models.base.detector import Detector
from minivision.models.base.model import groups_of_one_size, pad_to_multiple
from minivision.models.parts.backbone import Backbone
from minivision.models.parts.roi_head import POOLINGS, RoIHead, rois_of
from minivision.models.parts.rpn import RegionProposalNetwork

CHOSEN = 3  # anchor sizes, where the training set chooses them
TRAINING_PROPOSALS = (200, 48)  # of an image, before and after non-maximum suppression
# Of the proposals drawn, at most: 16 of 32, as many as the 16 of 64 of Fast R-CNN. With a quarter of 32 the head saw so
# few objects that after 600 steps on hard scenes AP50 was .47, with half of them .51.
POSITIVE = 0.5
# Channels and residual blocks at each resolution, by the pixels from one feature to the next. The finer the features,
# the smaller the objects that are told apart; with half the stride there are four times as many.
BACKBONES = {
    4: ((16, 64), (0, 2)),
    8: ((16, 32, 64), (0, 1, 2)),
    16: ((16, 32, 64, 96), (0, 1, 1, 2)),
}


class FasterRCNN(Detector):
    """Objects of all classes, in two stages that share their features.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    anchor_sizes : sequence of float or str
        In pixels, as ``(16, 28, 48)`` or ``"16,28,48"``. ``"auto"`` takes them from the boxes of the training set.
    ratios : sequence of float or str
        Height by width of the anchors.
    stride : int or str
        Pixels of the image from one feature to the next: 4, 8 or 16. ``"auto"`` takes the largest that is no more
        than half the smallest anchor.
    pooling : str
        ``"align"`` or ``"pool"``: what makes a grid of fixed size of a region.
    proposals : int
        Of an image, in prediction.
    sampled : int
        Proposals of an image that the head is trained on in a step.
    widths, depths : sequence of int, optional
        Of a :class:`Backbone` of your own, which then has the stride.
    hidden : int
        Width of the head's fully connected layers.
    rng : numpy.random.Generator
    """

    name = "faster-rcnn"
    recipe = {"batch_size": 8, "rate": 4e-3, "weight_decay": 0.05, "flips": True, "minutes": 5}
    OPTIONS = {
        "anchor_sizes": {"default": "auto", "help": "in pixels, as 16,28,48; auto: from the training set's boxes"},
        "ratios": {"default": "0.5,1,2", "help": "height by width of the anchors"},
        "stride": {
            "default": "auto",
            "choices": ("auto", *map(str, BACKBONES)),
            "help": "pixels from one feature to the next; auto: half the smallest anchor and less",
        },
        "pooling": {"default": "align", "choices": tuple(POOLINGS), "help": "RoIAlign or RoI pooling"},
        "proposals": {"default": 100, "help": "how many of an image are looked at in prediction"},
        "sampled": {"default": 32, "help": "proposals of an image that the head is trained on in a step"},
    }

    def __init__(
        self,
        classes,
        *,
        anchor_sizes="auto",
        ratios="0.5,1,2",
        stride="auto",
        pooling="align",
        proposals=100,
        sampled=32,
        widths=None,
        depths=None,
        hidden=128,
        rng=None,
    ):
        if anchor_sizes != "auto":
            anchor_sizes = _text(positive_numbers("anchor_sizes", anchor_sizes))
        ratios = _text(positive_numbers("ratios", ratios))
        if str(stride) not in ("auto", *map(str, BACKBONES)):
            raise ValueError(f"stride: expected auto, {', '.join(map(str, BACKBONES))}, got {stride!r}")
        super().__init__(
            classes,
            anchor_sizes=anchor_sizes,
            ratios=ratios,
            stride=str(stride),
            pooling=pooling,
            proposals=proposals,
            sampled=sampled,
            widths=widths and tuple(widths),
            depths=depths and tuple(depths),
            hidden=hidden,
        )
        self.rng = np.random.default_rng(0) if rng is None else rng
        self.proposals = integer("proposals", proposals, minimum=1)
        self._build()

    def _build(self):
        """Make the parts as the options say; what the training set is to choose has a usual value before."""
        options = self.options
        widths, depths = options["widths"], options["depths"]
        if widths is None:
            widths, depths = BACKBONES[8 if options["stride"] == "auto" else int(options["stride"])]
        self.backbone = Backbone(widths, depths, rng=self.rng)
        self.stride, channels = self.backbone.stride, self.backbone.channels
        sizes = options["anchor_sizes"]
        self.rpn = RegionProposalNetwork(
            channels,
            stride=self.stride,
            sizes=[self.stride * 2**k for k in range(1, CHOSEN + 1)]
            if sizes == "auto"
            else positive_numbers("", sizes),
            ratios=positive_numbers("ratios", options["ratios"]),
            rng=self.rng,
        )
        self.head = RoIHead(
            channels,
            len(self.classes),
            stride=self.stride,
            pooling=options["pooling"],
            hidden=options["hidden"],
            sampled=options["sampled"],
            positive_fraction=POSITIVE,
            rng=self.rng,
        )

    def prepare(self, dataset):
        """Choose what is ``"auto"`` by the boxes of the training set: anchor sizes, then the stride; say what it is."""
        options, device = self.options, self.device
        if options["anchor_sizes"] == "auto":
            instances = [sample.instances for sample in dataset]
            boxes = np.concatenate([each.boxes[~each.crowd] for each in instances])
            labels = np.concatenate([each.labels[~each.crowd] for each in instances])
            self.rpn.sizes = choose_anchor_sizes(boxes, CHOSEN, labels=labels)
            options["anchor_sizes"] = _text(self.rpn.sizes)
        if options["stride"] == "auto" and options["widths"] is None:
            fine = [stride for stride in BACKBONES if stride <= min(self.rpn.sizes) / 2]
            options["stride"] = str(max(fine, default=min(BACKBONES)))
            if int(options["stride"]) != self.stride:
                self._build()
        self.to(device)  # what was made just now, too
        print(
            f"Anchors every {self.stride} pixels, of the sizes {options['anchor_sizes']} (square roots of their areas) "
            f"and the ratios {options['ratios']} (height by width)"
        )

    def normalize(self, images):
        """Return the network's input, its last row and column repeated until the size divides by the stride."""
        return super().normalize(pad_to_multiple(images, self.stride))

    def forward(self, images, training=False):
        """Return the features ``(N, C, H / stride, W / stride)`` and the :class:`RPNOutputs`: the first stage.

        The second stage follows on the regions that are chosen from it: with the truth in hand in :meth:`losses`,
        without in :meth:`detect`.
        """
        features = self.backbone(images, training)
        return features, self.rpn(features, training)

    def losses(self, outputs, batch):
        """Propose regions, run the head on a sample of them, and return the four losses and their gradients."""
        features, proposed = outputs
        rpn_losses, rpn_gradients = self.rpn.losses(proposed, self.rpn.sample(proposed.anchors, batch.instances))
        before, after = TRAINING_PROPOSALS
        proposals = self.rpn.propose(proposed, batch.images.shape[1:3], before=before, after=after)
        regions = self.head.sample(proposals, batch.instances)
        region_losses, region_gradients = self.region_losses(features, regions, batch)
        return {**rpn_losses, **region_losses}, (rpn_gradients, region_gradients)

    def backward(self, gradients):
        """Walk back through both stages; where their ways meet, in the features, the gradients add up."""
        rpn_gradients, region_gradients = gradients
        dfeatures = self.region_backward(region_gradients)
        dfeatures += self.rpn.backward(rpn_gradients)
        self.backbone.backward(dfeatures)

    def region_losses(self, features, regions, batch):
        """Return the losses of what looks at the sampled regions, and their gradients: here of the head alone."""
        return self.head.losses(self.head.forward(features, regions.rois, training=True), regions)

    def region_backward(self, gradients):
        """Return the gradient for the features of what looked at the regions."""
        return self.head.backward(gradients)

    def detect(self, images, size):
        """Return the objects in a batch of images; see :meth:`Detector.detect`."""
        features, proposed = self.forward(self.normalize(images))
        proposals = self.rpn.propose(proposed, size, before=4 * self.proposals, after=self.proposals)
        rois = rois_of(proposals)
        found = self.head.detect(self.head.forward(features, rois), rois, len(images), size)
        return self.describe(features, found, size)

    def describe(self, features, found, size):
        """Return the objects of each image with all that is known about them: here no more than was found."""
        return found

    def propose(self, images, most=None):
        """Return the proposals for each image, the best first: what the second stage looks at.

        Parameters
        ----------
        images : sequence of uint8 ndarray, (H, W, 3)
            They may have several sizes.
        most : int, optional
            Of an image; by default as in prediction.

        Returns
        -------
        list of (P, 4) arrays
            ``x1, y1, x2, y2`` in pixels.
        """
        most = self.proposals if most is None else most
        proposals = [None] * len(images)
        for indices, batch in groups_of_one_size(images, self.predicted_together):
            _, proposed = self.forward(self.normalize(batch))
            found = self.rpn.propose(proposed, batch.shape[1:3], before=4 * most, after=most)
            for index, boxes in zip(indices, found, strict=True):
                proposals[index] = boxes
        return proposals

    def candidates(self, image, most=300):
        """Return the best boxes ``(P, 4)`` of an image before any is suppressed, and their scores from 0 to 1."""
        _, proposed = self.forward(self.normalize(image[None]))
        ((boxes, logits),) = self.rpn.candidates(proposed, image.shape[:2], most=most)
        return boxes, ops.sigmoid(logits)


def _text(numbers):
    """Write numbers as on a command line: ``"16,28,48"``."""
    return ",".join(f"{number:g}" for number in numbers)
