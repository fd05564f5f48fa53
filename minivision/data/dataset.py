"""What a dataset is: `dataset[i]` is a `Sample`, and a few facts hold for all of them."""

from functools import cache
from typing import NamedTuple

import numpy as np

from minivision.data.instances import Instances

__all__ = ["Dataset", "Sample", "keypoint_flip"]


class Sample(NamedTuple):
    """One image with what is known about it.

    Attributes
    ----------
    image : (H, W, 3) uint8 array
        RGB.
    instances : Instances
        Its objects.
    label_map : (H, W) uint8 array
        The class of each pixel: 0 background, `IGNORE` where it is not known.
    proposals : (P, 4) array, optional
        Boxes that may hold an object, for systems that are given them; see `WithProposals`.
    """

    image: np.ndarray
    instances: Instances
    label_map: np.ndarray
    proposals: np.ndarray | None = None


class Dataset:
    """Base of all datasets: `len`, `dataset[i]`, iteration, and what holds for every sample.

    A dataset of your own needs `__len__`, `_sample(index)`, `image_sizes` and `classes`.

    Attributes
    ----------
    classes : tuple of str
        ``classes[label]`` is the name of a label; ``classes[0]`` is ``"background"``.
    keypoint_names : tuple of str
        Names of the joints; empty where objects have none.
    has_boxes : bool
        False where only label maps are known; every `Instances` is then empty.
    has_masks : bool
        False where the objects have boxes but no masks.
    has_label_maps : bool
        False where the class of the pixels is not known; every label map is then `IGNORE` throughout.
    """

    classes: tuple = ("background",)
    keypoint_names: tuple = ()
    has_boxes = True
    has_masks = True
    has_label_maps = True

    def __len__(self):
        raise NotImplementedError(f"{type(self).__name__} does not say how many samples it has")

    def _sample(self, index):
        raise NotImplementedError(f"{type(self).__name__} does not say what a sample is")

    def image_sizes(self):
        """``(height, width)`` of every image, without decoding them."""
        raise NotImplementedError(f"{type(self).__name__} does not say how large its images are")

    @property
    def keypoint_flip(self):
        """Which joint each joint becomes in a mirror, as an index array; None without joints."""
        return keypoint_flip(tuple(self.keypoint_names)) if self.keypoint_names else None

    def __getitem__(self, index):
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(f"sample {index} of a dataset of {len(self)}")
        return self._sample(position)

    def __iter__(self):
        return (self[index] for index in range(len(self)))

    def __repr__(self):
        return f"{type(self).__name__}({len(self)} images, {len(self.classes) - 1} classes)"


@cache
def keypoint_flip(names):
    """Index of each joint's mirror image: ``left_...`` and ``right_...`` change places.

    Parameters
    ----------
    names : tuple of str
        Names of the J joints.

    Returns
    -------
    (J,) int64 array
        ``keypoints[:, keypoint_flip(names)]`` are the joints of a mirrored person.
    """
    other = {"left": "right", "right": "left"}
    swapped = ["_".join(other.get(word, word) for word in name.split("_")) for name in names]
    flip = [names.index(mirror) if mirror in names else j for j, mirror in enumerate(swapped)]
    flip = np.array(flip, np.int64)
    flip.flags.writeable = False  # the same array is given to all
    return flip
