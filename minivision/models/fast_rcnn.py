"""Fast R-CNN: the image goes through the convolutions once, whatever the number of proposals.

::

    image ─ backbone ─ features ──┐
                                  ├─ RoI pooling ─ head ─ class and box of each proposal
    image ─ selective search ─ proposals

R-CNN computes every pixel anew for each of the boxes that it lies in. Here the regions are cropped from the features,
so they share the work. RoI pooling has a gradient, so the losses of the head train the features too, in one stage.

References
----------
Girshick, "Fast R-CNN", ICCV 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minivision.core.types import Array
from minivision.models.base.proposal_detector import ProposalDetector, whole_images
from minivision.models.parts.backbone import Backbone
from minivision.models.parts.roi_head import POOLINGS, RoIHead, RoISamples, rois_of

if TYPE_CHECKING:
    from minivision.data import Batch
    from minivision.data.instances import Instances
    from minivision.models.base.detection_trace import DetectionTrace


class FastRCNNOutputs(NamedTuple):
    """Outputs for K regions of a batch.

    Attributes
    ----------
    head : (scores, deltas)
        Outputs of the head, of shapes (K, classes) and (K, classes - 1, 4).
    regions : RoISamples or None
        The regions with their targets, where they were sampled from a batch.
    """

    head: tuple[Array, Array]
    regions: RoISamples | None


class FastRCNN(ProposalDetector):
    """The detector with shared features: image and proposals -> boxes, classes and scores of the objects.

    Its parts, in order: `backbone` (features), `head` (RoI pooling, then class and box of each proposal).

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    mode : str
        Mode of selective search: ``"single"``, ``"fast"`` or ``"quality"``.
    max_proposals : int
        Largest number of proposals per image in prediction; 2000 in the paper.
    pooling : str
        ``"pool"`` (RoI pooling, as published) or ``"align"`` (RoIAlign).
    batch_size_per_image : int
        Proposals of each image in a training step; a quarter of them are positive examples, if there are as many. The
        paper takes 64 from each of 2 images.
    hidden : int
        Width of the head's two hidden layers.
    widths, depths : sequence of int
        Channels and residual blocks of the :class:`Backbone`.
    rng : numpy.random.Generator

    References
    ----------
    Girshick, "Fast R-CNN", ICCV 2015.
    """

    name = "fast-rcnn"
    recipe = {"batch_size": 8, "rate": 4e-3, "weight_decay": 0.05, "flips": True, "minutes": 6}
    OPTIONS = {
        **ProposalDetector.OPTIONS,
        "pooling": {"default": "pool", "choices": tuple(POOLINGS), "help": "RoI pooling or RoIAlign"},
        "batch_size_per_image": {"default": 64, "help": "proposals of each image in a training step"},
    }

    def __init__(
        self,
        classes: Sequence[str],
        *,
        mode: str = "fast",
        max_proposals: int = 2000,
        pooling: str = "pool",
        batch_size_per_image: int = 64,
        hidden: int = 128,
        widths: Sequence[int] = (16, 32, 64),
        depths: Sequence[int] = (0, 1, 2),
        rng: np.random.Generator | None = None,
    ) -> None:
        rng = np.random.default_rng(0) if rng is None else rng
        options: dict[str, Any] = {"pooling": pooling, "batch_size_per_image": batch_size_per_image, "hidden": hidden}
        super().__init__(
            classes, mode=mode, max_proposals=max_proposals, widths=tuple(widths), depths=tuple(depths), **options
        )
        self.backbone = Backbone(widths, depths, rng=rng)
        self.stride = self.backbone.stride
        self.head = RoIHead(self.backbone.channels, len(self.classes), stride=self.stride, rng=rng, **options)

    def forward(
        self, images: Array, training: bool = False, batch: Batch | None = None, *, rois: Array | None = None
    ) -> FastRCNNOutputs:
        """Compute the features once, and run the head on the regions.

        Parameters
        ----------
        images : ndarray of shape (N, 3, H, W)
        training : bool
            Whether to keep what :meth:`backward` needs.
        batch : Batch, optional
            Ground truth and proposals. With it the regions are a sample of the proposals, returned with their targets.
        rois : ndarray of shape (K, 5), optional
            The regions, where there is no batch; by default the whole images.

        Returns
        -------
        FastRCNNOutputs
        """
        features = self.backbone(images, training)
        regions = None
        if batch is not None:
            regions = self.head.sample(self.proposals_of(batch), batch.instances)
            rois = regions.rois
        rois = whole_images(images) if rois is None else rois
        return FastRCNNOutputs(self.head.forward(features, rois, training), regions)

    def losses(self, outputs: FastRCNNOutputs, batch: Batch) -> tuple[dict[str, Any], tuple[Array, Array]]:
        """Return the two losses of the head on the sampled regions, and their gradients."""
        assert outputs.regions is not None
        return self.head.losses(outputs.head, outputs.regions)

    def backward(self, gradients: tuple[Array, Array]) -> None:
        """Backpropagate through the head, into the features of all regions at once, and through the backbone."""
        self.backbone.backward(self.head.backward(gradients))

    def detect_in(self, images: Array, proposals: Sequence[Array]) -> list[Instances]:
        """Return the objects in a batch of images; see :class:`ProposalDetector`."""
        rois = rois_of(proposals)
        outputs = self.forward(self.normalize(images, self.stride), rois=rois)
        return self.head.detect(outputs.head, rois, len(images), images.shape[1:3])

    def trace_in(self, images: Array, proposals: Sequence[Array]) -> list[DetectionTrace]:
        """Return how :meth:`detect_in` comes to the objects; see :class:`ProposalDetector`."""
        stages = self.stages_of(proposals)
        rois = rois_of([classified for *_, (_, classified) in stages])
        outputs = self.forward(self.normalize(images, self.stride), rois=rois)
        return self.head.trace(outputs.head, rois, stages, images.shape[1:3])
