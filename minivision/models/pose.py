"""Human pose as regression: a person is fourteen joints, and a joint is two numbers.

::

    image ─ backbone ─ features ─ glances ─ fully connected ─ fully connected ─ x, y of each joint      L2 loss

The same idea as the box of the :class:`Localizer`, with 28 numbers in the place of 4. A joint that nobody labelled has
no loss and no gradient; one that is labelled but hidden does: the network has to guess where it is.
"""

import numpy as np

from minivision import ops
from minivision.core.devices import on_host, to_device_of
from minivision.data.instances import Instances
from minivision.data.shapes import JOINTS
from minivision.layers import AttentionPool2d, Linear, ReLU, Sequential
from minivision.models.base.single_object import SingleObject

VISIBLE = 2  # COCO's mark of a joint that shows


class Pose(SingleObject):
    """The joints of the one person in each image.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first; the other one is the person's.
    keypoint_names : sequence of str
        Names of the joints; by default the lecture's fourteen.
    glances : int
        Places that the network may look at, see :class:`AttentionPool2d`.
    hidden : int
        Width of the hidden layer.
    widths, depths : sequence of int
        Of the :class:`Backbone`.
    rng : numpy.random.Generator

    References
    ----------
    Toshev and Szegedy, "DeepPose: human pose estimation via deep neural networks", CVPR 2014.
    """

    name = "pose"
    task = "pose"
    recipe = {"batch_size": 8, "rate": 3e-3, "weight_decay": 0.05, "flips": True, "minutes": 3}
    scene_options = {"objects": 1, "classes": ("person",)}
    OPTIONS = {}

    def __init__(
        self, classes, *, keypoint_names=JOINTS, glances=16, hidden=256, widths=(16, 32, 64), depths=(1, 1, 1), rng=None
    ):
        rng = np.random.default_rng(0) if rng is None else rng
        options = {"keypoint_names": tuple(keypoint_names), "glances": glances, "hidden": hidden}
        super().__init__(classes, widths=widths, depths=depths, rng=rng, **options)
        if len(self.classes) != 2:
            raise ValueError(f"pose is for people alone: expected the background and one class, got {self.classes}")
        self.keypoint_names = tuple(keypoint_names)
        look = AttentionPool2d(self.backbone.channels, glances, rng=rng)
        joints = Linear(hidden, 2 * len(self.keypoint_names), rng=rng)
        joints.w.value *= 0.1
        joints.b.value[:] = 0.5  # begin in the middle
        self.head = Sequential(look, Linear(look.out_features, hidden, rng=rng), ReLU(), joints)

    def forward(self, images, training=False):
        """Return joints ``(N, J, 2)``: x and y in image sides."""
        joints = self.head(self.backbone(images, training), training)
        return joints.reshape(len(joints), -1, 2)  # (N, 2 J) -> (N, J, 2)

    def losses(self, outputs, batch):
        """Return the squared error of the labelled joints, averaged over them, and its gradient."""
        targets, labelled = (to_device_of(target, outputs) for target in self.targets(batch))
        targets = np.where(labelled, targets, outputs).astype(outputs.dtype)  # no error where nothing is known
        total, gradient = ops.mse_loss(outputs, targets, reduction="sum")
        count = outputs.dtype.type(max(1, 2 * int(labelled.sum())))
        return {"joints": total / count}, gradient / count

    def targets(self, batch):
        """Return the joints ``(N, J, 2)`` in image sides, and which are labelled ``(N, J, 1)``."""
        for number, instances in enumerate(batch.instances):
            self.check_one(instances, f"image {number} of the batch")
        keypoints = np.concatenate([instances.keypoints for instances in batch.instances])  # (N, J, 3)
        height, width = batch.images.shape[1:3]
        return keypoints[..., :2] / np.array([width, height]), keypoints[..., 2:] > 0

    def check_one(self, instances, where):
        """Raise ValueError unless `instances` is a single person with the joints of this model."""
        super().check_one(instances, where)
        found = 0 if instances.keypoints is None else instances.keypoints.shape[1]
        if found != len(self.keypoint_names):
            raise ValueError(f"{where} has {found} joints, and this pose is one of {len(self.keypoint_names)}")

    def backward(self, gradient):
        """Walk back from the joints."""
        self.backbone.backward(self.head.backward(gradient.reshape(len(gradient), -1)))

    def describe(self, outputs, size):
        """Return an ``Instances`` of one person for each image; the box is the smallest around the joints."""
        joints = on_host(outputs) * np.array([size[1], size[0]], outputs.dtype)
        boxes = np.concatenate([joints.min(axis=1), joints.max(axis=1)], axis=1)  # (N, 4)
        keypoints = np.concatenate([joints, np.full_like(joints[..., :1], VISIBLE)], axis=2)
        return [Instances(boxes[n : n + 1], [1], keypoints=keypoints[n : n + 1]) for n in range(len(boxes))]
