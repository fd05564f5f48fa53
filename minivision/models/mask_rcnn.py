"""Mask R-CNN: Faster R-CNN, and a small segmenter for what it has found; and joints, by the same means.

::

              ┌─ region proposal network ─ proposals ─┐     ┌─ head ─ classes, boxes
    image ─ backbone ─ features ────────────────── RoIAlign ─┼─ mask branch ─ the pixels of each object
                                                            └─ keypoint branch ─ the joints of each person

In training all branches look at the sampled proposals, and their gradients add up in the features. In prediction the
head comes first, and the branches look only at the boxes that it has found: few, and better than proposals.

References
----------
He, Gkioxari, Dollár and Girshick, "Mask R-CNN", ICCV 2017.
"""

from minivision.core.arguments import integer
from minivision.models.faster_rcnn import FasterRCNN
from minivision.models.parts.keypoint_branch import KeypointBranch
from minivision.models.parts.mask_branch import MaskBranch


class MaskRCNN(FasterRCNN):
    """Objects of all classes with their masks, and the joints of people where the training set knows them.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    mask_size : int
        Rows and columns of a mask before it is laid over its box; even. The maps of joints have twice as many.
    mask_width : int
        Channels inside of the two branches.
    joints : bool
        Whether to predict joints, if the training set has any.
    keypoint_names, keypoint_classes : sequence of str
        Names of the joints, and of the classes that have them. :meth:`prepare` finds them in the training set.
    rng : numpy.random.Generator
    **options
        Of :class:`FasterRCNN`; its ``pooling`` holds for all branches.
    """

    name = "mask-rcnn"
    recipe = {**FasterRCNN.recipe, "minutes": 6}
    OPTIONS = {
        **FasterRCNN.OPTIONS,
        "mask_size": {"default": 14, "help": "rows and columns of a mask before it is laid over its box"},
        "joints": {"default": True, "help": "predict joints where the data have them"},
    }

    def __init__(
        self, classes, *, mask_size=14, mask_width=64, joints=True, keypoint_names=(), keypoint_classes=(), rng=None,
        **options,
    ):  # fmt: skip
        own = {
            "mask_size": integer("mask_size", mask_size, minimum=2),
            "mask_width": integer("mask_width", mask_width, minimum=1),
            "joints": bool(joints),
            "keypoint_names": tuple(keypoint_names),
            "keypoint_classes": tuple(keypoint_classes),
        }
        self.branch_options = own
        super().__init__(classes, rng=rng, **options)
        self.options.update(own)

    def _build(self):
        """Make the parts of Faster R-CNN, and the branches beside its head."""
        super()._build()
        self.mask_branch = MaskBranch(self.backbone.channels, len(self.classes), **self._geometry())
        self._build_keypoint_branch()

    def _build_keypoint_branch(self):
        """Make the keypoint branch, if it is known which joints there are."""
        self.keypoint_names, self.keypoint_branch = self.branch_options["keypoint_names"], None
        if self.keypoint_names:
            labels = [self.classes.index(name) for name in self.branch_options["keypoint_classes"]]
            count = len(self.keypoint_names)
            self.keypoint_branch = KeypointBranch(self.backbone.channels, count, labels, **self._geometry())

    def _geometry(self):
        return {
            "size": self.branch_options["mask_size"],
            "width": self.branch_options["mask_width"],
            "stride": self.stride,
            "pooling": self.options["pooling"],
            "rng": self.rng,
        }

    def prepare(self, dataset):
        """Look which joints the training set knows, and do what Faster R-CNN does; refuse data without masks."""
        if not dataset.has_masks:
            raise ValueError(
                f"{self.name} learns masks, and this dataset has none; take one with segmentations, "
                "or train faster-rcnn, which needs boxes alone"
            )
        names, classes = _joints_of(dataset) if self.options["joints"] else ((), ())
        ours = self.keypoint_names, self.options["keypoint_classes"]
        if self.keypoint_branch and (names, classes) != ours:
            theirs = f"{len(names)} of {', '.join(classes)}, named otherwise" if names else "none"
            raise ValueError(
                f"this {self.name} predicts {len(ours[0])} joints of {', '.join(ours[1])}, and the dataset has {theirs}"
            )
        if names and not self.keypoint_branch:
            self.branch_options.update(keypoint_names=names, keypoint_classes=classes)
            self.options.update(self.branch_options)
            self._build_keypoint_branch()
            print(f"Joints: {len(names)}, of {', '.join(classes)}")
        super().prepare(dataset)

    def region_losses(self, features, regions, batch):
        """Return the losses of the head and of the branches, and the gradients of each."""
        losses, head_gradients = super().region_losses(features, regions, batch)
        masks = self.mask_branch.sample(regions, batch.instances, batch.images.shape[1:3])
        logits = self.mask_branch.forward(features, masks.rois, training=True)
        mask_losses, mask_gradient = self.mask_branch.losses(logits, masks)
        losses |= mask_losses
        keypoint_gradient = None
        if self.keypoint_branch:
            joints = self.keypoint_branch.sample(regions, batch.instances)
            logits = self.keypoint_branch.forward(features, joints.rois, training=True)
            keypoint_losses, keypoint_gradient = self.keypoint_branch.losses(logits, joints)
            losses |= keypoint_losses
        return losses, (head_gradients, mask_gradient, keypoint_gradient)

    def region_backward(self, gradients):
        """Walk back through the branches; all of them looked at the same features, so their gradients add up."""
        head_gradients, mask_gradient, keypoint_gradient = gradients
        dfeatures = super().region_backward(head_gradients)
        dfeatures += self.mask_branch.backward(mask_gradient)
        if self.keypoint_branch:
            dfeatures += self.keypoint_branch.backward(keypoint_gradient)
        return dfeatures

    def describe(self, features, found, size):
        """Return what was found with masks and joints: the branches look at the boxes that the head has found."""
        found = self.mask_branch.describe(features, found, size)
        return self.keypoint_branch.describe(features, found) if self.keypoint_branch else found


def _joints_of(dataset):
    """Return the names of a dataset's joints, and of the classes with objects that have some labelled."""
    if not dataset.keypoint_names:
        return (), ()
    labels = set()
    for sample in dataset:
        labels |= set(sample.instances.labels[(sample.instances.keypoints[..., 2] > 0).any(axis=1)].tolist())
    return (tuple(dataset.keypoint_names) if labels else ()), tuple(dataset.classes[label] for label in sorted(labels))
