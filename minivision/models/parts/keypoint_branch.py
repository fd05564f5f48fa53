"""The keypoint branch of Mask R-CNN: where each joint of a person is, as one cell of a map.

A joint is a mask with a single pixel in it: a map for each joint, and a softmax over all of its cells.
"""

from typing import NamedTuple

import numpy as np

from minivision import ops
from minivision.core.devices import on_host, to_device_of
from minivision.core.labels import IGNORE_INDEX
from minivision.detection import joint_places, joints_at
from minivision.layers import BilinearUpsample
from minivision.models.parts.roi_head import rois_of
from minivision.models.parts.roi_maps import RoIMaps
from minivision.models.pose import VISIBLE


class KeypointSamples(NamedTuple):
    """The M regions of a batch that the keypoint branch is trained on: those with a joint in them.

    Attributes
    ----------
    rois : (M, 5) array
        The number of the image in the batch, then ``x1, y1, x2, y2``.
    places : (M, J) int64 array
        The cell of each joint, as :func:`minivision.detection.joint_places` counts them.
    """

    rois: np.ndarray
    places: np.ndarray


# What the joints' loss counts beside the others; 1 in the paper. A cross-entropy over so many cells is much larger than
# these, and pulls the shared features away from boxes and masks: after six minutes on hard scenes AP50 of boxes, masks
# and joints was .849, .814 and .822 with 0.3, and .813, .774 and .813 with 1.
SHARE = 0.3


class KeypointBranch(RoIMaps):
    """A map for each of J joints in each region.

    Joints need finer maps than masks do: as in the paper a bilinear interpolation doubles theirs, so they have
    ``2 * size`` rows and columns.

    Parameters
    ----------
    channels : int
        Of the features.
    joints : int
    labels : sequence of int
        Of the classes that have joints.
    **options
        Of :class:`RoIMaps`.

    References
    ----------
    He, Gkioxari, Dollár and Girshick, "Mask R-CNN", ICCV 2017, section 5.
    """

    def __init__(self, channels, joints, labels, **options):
        super().__init__(channels, joints, bias=False, **options)  # a softmax over cells would not see it
        self.body.layers.append(BilinearUpsample())
        self.size = 2 * self.size
        self.joints, self.labels = joints, np.array(labels, np.int64)

    def sample(self, regions, instances):
        """Find the cells that the branch should point to.

        Parameters
        ----------
        regions : RoISamples
            As the head drew them.
        instances : list of Instances
            The true objects of each image. Joints that are not labelled or lie outside of a region are left out, and
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
            places[rows] = joint_places(keypoints, regions.rois[rows, 1:], self.size)
        chosen = (places >= 0).any(axis=1)
        return KeypointSamples(regions.rois[chosen], places[chosen])

    def losses(self, logits, samples):
        """Return the loss of the joints, and its gradient.

        Parameters
        ----------
        logits : (M, J, S, S) array
            As :meth:`forward` returned them for ``samples.rois``.
        samples : KeypointSamples

        Returns
        -------
        losses : dict
            ``keypoint``: the cross-entropy over the cells of each map, averaged over the joints that are there, times
            `SHARE`.
        dlogits : array
        """
        flat = logits.reshape(-1, self.size**2)  # (M, J, S, S) -> (M J, S S): the cells are the classes
        places = to_device_of(samples.places.ravel(), logits)
        loss, gradient = ops.softmax_cross_entropy(flat, places, ignore_index=IGNORE_INDEX)
        return {"keypoint": SHARE * loss}, SHARE * gradient.reshape(logits.shape)

    def describe(self, features, found):
        """Return the objects found in each image, those of classes that have joints with their joints.

        Parameters
        ----------
        features : (N, channels, H, W) array
        found : list of Instances
        """
        jointed = [np.isin(each.labels, self.labels) for each in found]
        boxes = [each.boxes[own] for each, own in zip(found, jointed, strict=True)]
        logits = self.forward(features, rois_of(boxes))
        places = on_host(logits.reshape(*logits.shape[:2], self.size**2).argmax(axis=2))  # (M, J)
        parts = np.split(places, np.cumsum([len(each) for each in boxes])[:-1])
        described = []
        for each, own, part, box in zip(found, jointed, parts, boxes, strict=True):
            keypoints = np.zeros((len(each), self.joints, 3), np.float32)
            keypoints[own, :, :2], keypoints[own, :, 2] = joints_at(part, box, self.size), VISIBLE
            described.append(each.replace(keypoints=keypoints))
        return described
