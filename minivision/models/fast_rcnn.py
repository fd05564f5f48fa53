"""Fast R-CNN: the image goes through the convolutions once, whatever the number of proposals.

::

    image ─ backbone ─ features ──┐
                                  ├─ RoI pooling ─ two heads ─ class and box of each proposal
    image ─ selective search ─ proposals

R-CNN computes every pixel anew for each of the boxes that it lies in. Here the boxes are cut out of the features, so
they share the work; and because RoI pooling has a gradient, the features learn from both heads' losses, in one stage.

References
----------
Girshick, "Fast R-CNN", ICCV 2015.
"""

import numpy as np

from minivision.models.base.proposal_detector import ProposalDetector
from minivision.models.parts.backbone import Backbone
from minivision.models.parts.roi_head import POOLINGS, RoIHead, rois_of


class FastRCNN(ProposalDetector):
    """Objects among the proposals of selective search, from features that all of them share.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    mode : str
        Of selective search: ``"single"``, ``"fast"`` or ``"quality"``.
    proposals : int
        How many of an image are looked at in prediction, at most; 2000 in the paper.
    pooling : str
        ``"pool"``, as published, or ``"align"``.
    sampled : int
        Proposals of each image that a training step looks at; a quarter of them have found an object, if there are
        as many. The paper takes 64 from each of 2 images.
    hidden : int
        Width of the head's two hidden layers.
    widths, depths : sequence of int
        Of the :class:`Backbone`.
    rng : numpy.random.Generator
    """

    name = "fast-rcnn"
    recipe = {"batch_size": 8, "rate": 4e-3, "weight_decay": 0.05, "flips": True, "minutes": 6}
    OPTIONS = {
        **ProposalDetector.OPTIONS,
        "pooling": {"default": "pool", "choices": tuple(POOLINGS), "help": "RoI pooling or RoIAlign"},
        "sampled": {"default": 64, "help": "proposals of each image that a training step looks at"},
    }

    def __init__(
        self, classes, *, mode="fast", proposals=2000,
        pooling="pool", sampled=64, hidden=128, widths=(16, 32, 64), depths=(0, 1, 2),
        rng=None,
    ):  # fmt: skip
        rng = np.random.default_rng(0) if rng is None else rng
        options = {"pooling": pooling, "sampled": sampled, "hidden": hidden}
        super().__init__(classes, mode=mode, proposals=proposals, widths=tuple(widths), depths=tuple(depths), **options)
        self.backbone = Backbone(widths, depths, rng=rng)
        self.stride = self.backbone.stride
        self.head = RoIHead(self.backbone.channels, len(self.classes), stride=self.stride, rng=rng, **options)

    def forward(self, images, training=False):
        """Return the features ``(N, C, H / stride, W / stride)`` that all proposals share."""
        return self.backbone(images, training)

    def losses(self, features, batch):
        """Run the head on a sample of the proposals; return its two losses and their gradients."""
        samples = self.head.sample(self.proposals_of(batch), batch.instances)
        outputs = self.head.forward(features, samples.rois, training=True)
        return self.head.losses(outputs, samples)

    def backward(self, gradients):
        """Walk back through the head, into the features of all proposals at once, and on through the backbone."""
        self.backbone.backward(self.head.backward(gradients))

    def detect_in(self, images, proposals, size):
        """Return the objects in a batch of images; see :class:`ProposalDetector`."""
        rois = rois_of(proposals)
        features = self.forward(self.normalize(images))
        return self.head.detect(self.head.forward(features, rois), rois, len(images), size)
