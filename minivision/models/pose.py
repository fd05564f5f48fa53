"""Human pose as regression: a person is fourteen joints, and a joint is two numbers.

::

                                          ┌─ position of a point for each joint ──────────────┐
    image ─ backbone ─ features ─ attention ┤                                                  (+) ─ x, y     loss
                                          └─ all points ─ fully connected ─ fully connected ─┘

It is the box head of the :class:`Localizer` with 28 outputs instead of 4. Each joint begins where one of the points
looks: the mean position under a softmax map, which is regression too, but through the map. The fully connected layers
correct it by what all points see. A joint that is not labeled has no loss and no gradient; one that is labeled but
hidden has both: the network has to estimate where it is.

References
----------
Toshev and Szegedy, "DeepPose: human pose estimation via deep neural networks", CVPR 2014. Positions as means of maps:
Sun, Xiao, Wei, Liang and Wei, "Integral human pose regression", ECCV 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.devices import on_host, to_device_of
from minivision.core.ranks import share_of_mean
from minivision.core.types import Array, Size
from minivision.data.instances import Instances
from minivision.data.shapes import JOINTS
from minivision.models.base.single_object import REGRESSION_LOSS_OPTION, SingleObject
from minivision.models.parts.point_head import PointHead

if TYPE_CHECKING:
    from minivision.data import Batch

VISIBLE = 2  # visibility of a joint that can be seen, as in COCO


class Pose(SingleObject):
    """Human pose estimation: image -> the joints of its one person.

    Its parts, in order: `backbone` (features), `head` (joints).

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first; the other one is that of people.
    keypoint_names : sequence of str
        Names of the joints; by default the lecture's fourteen.
    regression_loss : {"smooth-l1", "l2"}
        Loss of the joints, see :meth:`SingleObject.regression_loss`; L2 is the lecture's.
    num_points : int
        Number of points that the head looks at, at least one for each joint, see :class:`PointHead`.
    hidden : int
        Width of the hidden layer.
    widths, depths : sequence of int
        Channels and residual blocks of the :class:`Backbone`.
    rng : numpy.random.Generator

    References
    ----------
    Toshev and Szegedy, "DeepPose: human pose estimation via deep neural networks", CVPR 2014.
    """

    name = "pose"
    task = "pose"
    recipe = {"batch_size": 8, "rate": 3e-3, "weight_decay": 0.05, "flips": True, "minutes": 3}
    scene_options = {"objects": 1, "classes": ("person",)}
    OPTIONS = {"regression_loss": REGRESSION_LOSS_OPTION}

    def __init__(
        self,
        classes: Sequence[str],
        *,
        keypoint_names: Sequence[str] = JOINTS,
        regression_loss: str = "smooth-l1",
        num_points: int = 16,
        hidden: int = 256,
        widths: Sequence[int] = (16, 32, 64),
        depths: Sequence[int] = (1, 1, 1),
        rng: np.random.Generator | None = None,
    ) -> None:
        rng = np.random.default_rng(0) if rng is None else rng
        options = {
            "keypoint_names": tuple(keypoint_names),
            "regression_loss": regression_loss,
            "num_points": num_points,
            "hidden": hidden,
        }
        super().__init__(classes, widths=widths, depths=depths, rng=rng, **options)
        if len(self.classes) != 2:
            raise ValueError(f"pose is for people only: expected the background and one class, got {self.classes}")
        self.keypoint_names = tuple(keypoint_names)
        each_joint_at_its_point = np.eye(2 * len(self.keypoint_names))
        self.head = PointHead(self.backbone.channels, each_joint_at_its_point, num_points, hidden, rng=rng)

    def forward(self, images: Array, training: bool = False, batch: Batch | None = None) -> Array:
        """Return joints ``(N, J, 2)``: x and y in image sides."""
        joints = self.head(self.backbone(images, training), training)
        return joints.reshape(len(joints), -1, 2)  # (N, 2 J) -> (N, J, 2)

    def losses(self, outputs: Array, batch: Batch) -> tuple[dict[str, Any], Array]:
        """Return the loss of the labeled joints, averaged over them, and its gradient."""
        targets, labeled = (to_device_of(target, outputs) for target in self.targets(batch))
        targets = np.where(labeled, targets, outputs).astype(outputs.dtype)  # no error where there is no label
        total, gradient = self.regression_loss(outputs, targets, reduction="sum")
        count = 2 * int(labeled.sum())
        divisor = outputs.dtype.type(max(1, count))
        loss, gradient = share_of_mean(count, total / divisor, gradient / divisor)
        return {"joints": loss}, gradient

    def targets(self, batch: Batch) -> tuple[Array, Array]:
        """Return the true joints of each image's person.

        Returns
        -------
        joints : ndarray of shape (N, J, 2)
            x and y in image sides.
        labeled : bool ndarray of shape (N, J, 1)
            Which of them are labeled.
        """
        for number, instances in enumerate(batch.instances):
            self.check_one(instances, f"image {number} of the batch")
        keypoints = np.concatenate([instances.keypoints for instances in batch.instances])  # (N, J, 3)
        height, width = self.network_size(batch.images.shape[1:3])
        return keypoints[..., :2] / np.array([width, height]), keypoints[..., 2:] > 0

    def check_one(self, instances: Instances, where: str) -> None:
        """Raise ValueError unless `instances` is a single person with the joints of this model."""
        super().check_one(instances, where)
        count = 0 if instances.keypoints is None else instances.keypoints.shape[1]
        if count != len(self.keypoint_names):
            raise ValueError(f"{where} has {count} joints, and this pose is one of {len(self.keypoint_names)}")

    def backward(self, gradient: Array) -> None:
        """Backpropagate."""
        self.backbone.backward(self.head.backward(gradient.reshape(len(gradient), -1)))  # (N, J, 2) -> (N, 2 J)

    def decode(self, outputs: Array, size: Size) -> list[Instances]:
        """Return the one person of each image; the box is the smallest around the joints."""
        joints = on_host(outputs) * np.array([size[1], size[0]], outputs.dtype)
        boxes = np.concatenate([joints.min(axis=1), joints.max(axis=1)], axis=1)  # (N, 4)
        keypoints = np.concatenate([joints, np.full_like(joints[..., :1], VISIBLE)], axis=2)
        return [Instances(boxes[n : n + 1], [1], keypoints=keypoints[n : n + 1]) for n in range(len(boxes))]
