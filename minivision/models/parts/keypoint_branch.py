"""The keypoint branch of Mask R-CNN: the place of each joint of a person, as one cell of a map.

A joint is a mask with a single pixel: each joint has a map, and a softmax over all of its cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minivision import ops
from minivision.core.devices import on_host, to_device_of
from minivision.core.labels import IGNORE_INDEX
from minivision.core.ranks import share_of_mean
from minivision.core.types import Array
from minivision.detection import cells_to_joints, joints_to_cells
from minivision.layers import BilinearUpsample
from minivision.models.parts.roi_head import RoISamples, rois_of
from minivision.models.parts.roi_maps import RoIMaps
from minivision.models.pose import VISIBLE

if TYPE_CHECKING:
    from minivision.data.instances import Instances

# Weight of the keypoint loss in the sum of the losses; 1 in the paper. A cross-entropy over so many cells is much
# larger than the other losses, and pulls the shared features away from boxes and masks: after six minutes on hard
# scenes AP50 of boxes, masks and joints was .849, .814 and .822 with 0.3, and .813, .774 and .813 with 1.
KEYPOINT_LOSS_WEIGHT = 0.3


class KeypointSamples(NamedTuple):
    """The M regions of a batch that the keypoint branch is trained on, those with a joint in them, and its targets.

    Attributes
    ----------
    rois : ndarray of shape (M, 5)
        The index of the image in the batch, then ``x1, y1, x2, y2``.
    places : int64 ndarray of shape (M, J)
        The cell of each joint, as :func:`minivision.detection.joints_to_cells` numbers them.
    """

    rois: Array
    places: Array


class KeypointBranch(RoIMaps):
    """The keypoint branch: features and regions -> joint logits (K, joints, 2 size, 2 size).

    Joints need finer maps than masks do: as in the paper a bilinear interpolation doubles theirs, so they have
    ``2 * size`` rows and columns.

    Parameters
    ----------
    channels : int
        Number of channels of the features.
    joints : int
        Number of joints J.
    labels : sequence of int
        The classes that have joints.
    **options
        Further arguments of :class:`RoIMaps`.

    References
    ----------
    He, Gkioxari, Dollár and Girshick, "Mask R-CNN", ICCV 2017, section 5.
    """

    def __init__(self, channels: int, joints: int, labels: Sequence[int], **options: Any) -> None:
        super().__init__(channels, joints, bias=False, **options)  # a softmax over cells does not depend on a bias
        self.body.layers.append(BilinearUpsample())
        self.size = 2 * self.size
        self.joints, self.labels = joints, np.array(labels, np.int64)

    def sample(self, regions: RoISamples, instances: Sequence[Instances]) -> KeypointSamples:
        """Return the regions with joints, and the cells that the joints lie in.

        Parameters
        ----------
        regions : RoISamples
            As the head sampled them.
        instances : list of Instances
            The true objects of each image. Joints that are not labeled or lie outside of a region are left out, and
            so are regions without any.

        Returns
        -------
        KeypointSamples

        Raises
        ------
        ValueError
            When objects have another number of joints than the branch.
        """
        places = np.full((len(regions.rois), self.joints), IGNORE_INDEX)
        for n, each in enumerate(instances):
            rows = np.flatnonzero((regions.rois[:, 0] == n) & np.isin(regions.labels, self.labels))
            if each.keypoints is None or not len(rows):
                continue
            if each.keypoints.shape[1] != self.joints:
                raise ValueError(
                    f"image {n} of the batch has objects of {each.keypoints.shape[1]} joints, and this model is made "
                    f"for {self.joints}"
                )
            keypoints = each.keypoints[regions.objects[rows]]
            places[rows] = joints_to_cells(keypoints, regions.rois[rows, 1:], self.size)
        chosen = (places >= 0).any(axis=1)
        return KeypointSamples(regions.rois[chosen], places[chosen])

    def losses(self, logits: Array, samples: KeypointSamples) -> tuple[dict[str, Any], Array]:
        """Return the loss of the joints, and its gradient.

        Parameters
        ----------
        logits : ndarray of shape (M, J, S, S)
            As :meth:`forward` returned them for ``samples.rois``.
        samples : KeypointSamples

        Returns
        -------
        losses : dict
            ``keypoint``: the cross-entropy over the cells of each map, averaged over the known joints, times
            `KEYPOINT_LOSS_WEIGHT`.
        dlogits : ndarray of shape (M, J, S, S)
        """
        flat = logits.reshape(-1, self.size**2)  # (M, J, S, S) -> (M J, S S): the cells are the classes
        places = to_device_of(samples.places.ravel(), logits)
        loss, gradient = ops.softmax_cross_entropy(flat, places, ignore_index=IGNORE_INDEX)
        known = int(np.count_nonzero(samples.places != IGNORE_INDEX))
        loss, gradient = share_of_mean(known, loss, gradient)
        return {"keypoint": KEYPOINT_LOSS_WEIGHT * loss}, KEYPOINT_LOSS_WEIGHT * gradient.reshape(logits.shape)

    def add_joints(self, features: Array, detections: Sequence[Instances]) -> list[Instances]:
        """Return the detections of each image, those of classes that have joints with their joints.

        Parameters
        ----------
        features : ndarray of shape (N, channels, H, W)
        detections : list of Instances

        Returns
        -------
        list of Instances
        """
        with_joints = [np.isin(each.labels, self.labels) for each in detections]
        boxes = [each.boxes[chosen] for each, chosen in zip(detections, with_joints, strict=True)]
        logits = self.forward(features, rois_of(boxes))
        places = on_host(logits.reshape(*logits.shape[:2], self.size**2).argmax(axis=2))  # (M, J)
        parts = np.split(places, np.cumsum([len(each) for each in boxes])[:-1])
        results = []
        for each, chosen, part, box in zip(detections, with_joints, parts, boxes, strict=True):
            keypoints = np.zeros((len(each), self.joints, 3), np.float32)
            keypoints[chosen, :, :2], keypoints[chosen, :, 2] = cells_to_joints(part, box, self.size), VISIBLE
            results.append(each.replace(keypoints=keypoints))
        return results
