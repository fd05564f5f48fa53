"""Mask R-CNN: Faster R-CNN with a small segmenter for each detected object, and with joints by the same means.

::

              ┌─ region proposal network ─ proposals ─┐     ┌─ head ─ classes, boxes
    image ─ backbone ─ features ────────────────── RoIAlign ─┼─ mask branch ─ the pixels of each object
                                                            └─ keypoint branch ─ the joints of each person

In training all branches run on the sampled proposals, and their gradients are added in the features. In prediction the
head comes first, and the branches run only on the boxes that it detects: they are few, and better than proposals.

References
----------
He, Gkioxari, Dollár and Girshick, "Mask R-CNN", ICCV 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minivision.core.arguments import integer
from minivision.core.types import Array, Size
from minivision.models.base.model import logger
from minivision.models.faster_rcnn import FasterRCNN, FasterRCNNOutputs
from minivision.models.parts.keypoint_branch import KeypointBranch, KeypointSamples
from minivision.models.parts.mask_branch import MaskBranch, MaskSamples

if TYPE_CHECKING:
    from minivision.data import Batch, Dataset
    from minivision.data.instances import Instances


class MaskRCNNOutputs(NamedTuple):
    """Outputs of Faster R-CNN and of the branches for a batch of images with ground truth.

    Attributes
    ----------
    faster_rcnn : FasterRCNNOutputs
    masks : MaskSamples
        The regions that the mask branch is trained on.
    mask_logits : ndarray of shape (M, classes - 1, S, S)
    joints : KeypointSamples or None
        The regions that the keypoint branch is trained on; None where there is no such branch.
    joint_logits : ndarray of shape (M', J, S', S') or None
    """

    faster_rcnn: FasterRCNNOutputs
    masks: MaskSamples
    mask_logits: Array
    joints: KeypointSamples | None = None
    joint_logits: Array | None = None


class MaskRCNN(FasterRCNN):
    """Faster R-CNN with two more branches: image -> boxes, classes, scores and masks; of people also joints.

    Its parts, in order: those of :class:`FasterRCNN`, `mask_branch`, and `keypoint_branch` if there are joints.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    mask_size : int
        Rows and columns of a mask before it is resized to its box; even. The maps of joints have twice as many.
    mask_width : int
        Channels inside of the two branches.
    joints : bool
        Whether to predict joints, if the training set has any.
    keypoint_names, keypoint_classes : sequence of str
        Names of the joints, and of the classes that have them. :meth:`prepare` takes them from the training set.
    rng : numpy.random.Generator
    **options
        Arguments of :class:`FasterRCNN`; its ``pooling`` holds for all branches.

    References
    ----------
    He, Gkioxari, Dollár and Girshick, "Mask R-CNN", ICCV 2017.
    """

    name = "mask-rcnn"
    recipe = {**FasterRCNN.recipe, "minutes": 6}
    OPTIONS = {
        **FasterRCNN.OPTIONS,
        "mask_size": {"default": 14, "help": "rows and columns of a mask before it is resized to its box"},
        "joints": {"default": True, "help": "predict joints where the data have them"},
    }

    def __init__(
        self,
        classes: Sequence[str],
        *,
        mask_size: int = 14,
        mask_width: int = 64,
        joints: bool = True,
        keypoint_names: Sequence[str] = (),
        keypoint_classes: Sequence[str] = (),
        rng: np.random.Generator | None = None,
        **options: Any,
    ) -> None:
        super().__init__(classes, rng=rng, **options)
        self.options.update(
            mask_size=integer("mask_size", mask_size, minimum=2),
            mask_width=integer("mask_width", mask_width, minimum=1),
            joints=bool(joints),
            keypoint_names=tuple(keypoint_names),
            keypoint_classes=tuple(keypoint_classes),
        )
        self._build_branches()

    def _build_branches(self):
        """Make the mask branch and the keypoint branch for the features that there are."""
        options = self._branch_options()
        self.mask_branch = MaskBranch(self.backbone.channels, len(self.classes), **options)
        self._build_keypoint_branch()

    def _build_keypoint_branch(self):
        """Make the keypoint branch, if it is known which joints there are."""
        self.keypoint_names, self.keypoint_branch = self.options["keypoint_names"], None
        if self.keypoint_names:
            labels = [self.classes.index(name) for name in self.options["keypoint_classes"]]
            count = len(self.keypoint_names)
            self.keypoint_branch = KeypointBranch(self.backbone.channels, count, labels, **self._branch_options())

    def _branch_options(self):
        return {
            "size": self.options["mask_size"],
            "width": self.options["mask_width"],
            "stride": self.stride,
            "pooling": self.options["pooling"],
            "rng": self.rng,
        }

    def prepare(self, dataset: Dataset) -> None:
        """Find out which joints the training set has, then choose anchors and stride as Faster R-CNN does.

        Raises
        ------
        ValueError
            When the dataset has no masks, or other joints than the model.
        """
        if not dataset.has_masks:
            raise ValueError(
                f"{self.name} learns masks, and this dataset has none; take one with segmentations, "
                "or train faster-rcnn, which needs only boxes"
            )
        names, classes = _joints_of(dataset) if self.options["joints"] else ((), ())
        ours = self.keypoint_names, self.options["keypoint_classes"]
        if self.keypoint_branch and (names, classes) != ours:
            theirs = f"{len(names)} of {', '.join(classes)}, named otherwise" if names else "none"
            raise ValueError(
                f"this {self.name} predicts {len(ours[0])} joints of {', '.join(ours[1])}, and the dataset has {theirs}"
            )
        if names and not self.keypoint_branch:
            self.options.update(keypoint_names=names, keypoint_classes=classes)
            self._build_keypoint_branch()
            logger.info("Joints: %d, of %s", len(names), ", ".join(classes))
        device, stride = self.device, self.stride
        super().prepare(dataset)
        if self.stride != stride:  # the features are others now
            self._build_branches()
        self.to(device)

    def forward(
        self, images: Array, training: bool = False, batch: Batch | None = None, *, size: Size | None = None
    ) -> Any:
        """Run Faster R-CNN, and with ground truth the branches on the sampled regions.

        Without `batch` the outputs are those of :meth:`FasterRCNN.forward`: in prediction the branches run on the
        detected boxes.

        Returns
        -------
        MaskRCNNOutputs, or FasterRCNNOutputs without `batch`
        """
        outputs = super().forward(images, training, batch, size=size)
        if batch is None:
            return outputs
        masks = self.mask_branch.sample(outputs.regions, batch.instances, batch.images.shape[1:3])
        mask_logits = self.mask_branch.forward(outputs.features, masks.rois, training)
        joints = joint_logits = None
        if self.keypoint_branch:
            joints = self.keypoint_branch.sample(outputs.regions, batch.instances)
            joint_logits = self.keypoint_branch.forward(outputs.features, joints.rois, training)
        return MaskRCNNOutputs(outputs, masks, mask_logits, joints, joint_logits)

    def losses(self, outputs: Any, batch: Batch) -> tuple[dict[str, Any], Any]:
        """Return the losses of Faster R-CNN and of the branches, and the gradients of all outputs."""
        losses, (rpn_gradients, head_gradients) = super().losses(outputs.faster_rcnn, batch)
        mask_losses, mask_gradient = self.mask_branch.losses(outputs.mask_logits, outputs.masks)
        keypoint_losses, keypoint_gradient = {}, None
        if self.keypoint_branch:
            keypoint_losses, keypoint_gradient = self.keypoint_branch.losses(outputs.joint_logits, outputs.joints)
        gradients = rpn_gradients, head_gradients, mask_gradient, keypoint_gradient
        return {**losses, **mask_losses, **keypoint_losses}, gradients

    def backward(self, gradients: Any) -> None:
        """Backpropagate through all branches; the features get the sum of their gradients."""
        rpn_gradients, head_gradients, mask_gradient, keypoint_gradient = gradients
        dfeatures = self.head.backward(head_gradients)
        dfeatures += self.mask_branch.backward(mask_gradient)
        if self.keypoint_branch:
            dfeatures += self.keypoint_branch.backward(keypoint_gradient)
        dfeatures += self.rpn.backward(rpn_gradients)
        self.backbone.backward(dfeatures)

    def detect(self, images: Array) -> list[Instances]:
        """Return the objects in a batch of images with masks and joints; see :meth:`Detector.detect`."""
        size = images.shape[1:3]
        outputs = self.forward(self.normalize(images), size=size)
        detections = self.head.detect(outputs.head, outputs.rois, len(images), size)
        return self.add_masks_and_joints(outputs.features, detections, size)

    def add_masks_and_joints(self, features: Array, detections: list[Instances], size: Size) -> list[Instances]:
        """Return detections with their masks and joints, which the branches predict in the detected boxes."""
        detections = self.mask_branch.add_masks(features, detections, size)
        return self.keypoint_branch.add_joints(features, detections) if self.keypoint_branch else detections


def _joints_of(dataset):
    """Return the names of a dataset's joints, and of the classes with objects that have some labeled."""
    if not dataset.keypoint_names:
        return (), ()
    labels = set()
    for sample in dataset:
        labels |= set(sample.instances.labels[(sample.instances.keypoints[..., 2] > 0).any(axis=1)].tolist())
    return (tuple(dataset.keypoint_names) if labels else ()), tuple(dataset.classes[label] for label in sorted(labels))
