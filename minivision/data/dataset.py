"""Base class of all datasets: `dataset[i]` is a `Sample`, and `dataset.facts` describes all samples."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minivision.core.types import Array, Size
from minivision.data.instances import Instances

__all__ = ["Dataset", "Facts", "Sample", "keypoint_flip"]


class Sample(NamedTuple):
    """One image with its annotations.

    Attributes
    ----------
    image : uint8 ndarray of shape (H, W, 3)
        RGB.
    instances : Instances
        Its objects.
    label_map : uint8 ndarray of shape (H, W)
        Class of each pixel: 0 is the background, `IGNORE` an unknown class.
    proposals : ndarray of shape (P, 4), optional
        Boxes that may contain an object, for systems with external proposals; see `WithProposals`.
    """

    image: Array
    instances: Instances
    label_map: Array
    proposals: Array | None = None


@dataclass(frozen=True)
class Facts:
    """What is the same for all samples of a dataset.

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
        False where the classes of the pixels are unknown; every label map is then `IGNORE` throughout.
    has_captions : bool
        Whether the objects have captions.
    """

    classes: tuple[str, ...] = ("background",)
    keypoint_names: tuple[str, ...] = ()
    has_boxes: bool = True
    has_masks: bool = True
    has_label_maps: bool = True
    has_captions: bool = False


class Dataset:
    """Base of all datasets: `len`, `dataset[i]`, iteration, and `facts` about all samples.

    A new dataset needs `__len__`, `_sample(index)`, `image_sizes` and `classes`. A dataset made from another one
    takes over its facts: ``self.facts = dataset.facts``.

    Attributes
    ----------
    classes, keypoint_names, has_boxes, has_masks, has_label_maps, has_captions
        As in `Facts`.
    """

    classes: tuple[str, ...] = ("background",)
    keypoint_names: tuple[str, ...] = ()
    has_boxes: bool = True
    has_masks: bool = True
    has_label_maps: bool = True
    has_captions: bool = False

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} does not define how many samples it has (__len__)")

    def _sample(self, index: int) -> Sample:
        raise NotImplementedError(f"{type(self).__name__} does not define what a sample is (_sample)")

    def image_sizes(self) -> list[Size]:
        """Return ``(height, width)`` of every image, without decoding the images."""
        raise NotImplementedError(f"{type(self).__name__} does not define the sizes of its images (image_sizes)")

    def image_path(self, index: int) -> Path | None:
        """Return the file of an image; None where images are no files."""
        return None

    @property
    def facts(self) -> Facts:
        """Classes, names of the joints, and the kinds of annotations: what is the same for all samples."""
        classes, names = tuple(self.classes), tuple(self.keypoint_names)
        return Facts(classes, names, self.has_boxes, self.has_masks, self.has_label_maps, self.has_captions)

    @facts.setter
    def facts(self, facts: Facts) -> None:
        vars(self).update(vars(facts))

    @property
    def keypoint_flip(self) -> Array | None:
        """Index of each joint's mirror image, as an int64 ndarray of shape (J,); None without joints."""
        return keypoint_flip(tuple(self.keypoint_names)) if self.keypoint_names else None

    def __getitem__(self, index: int) -> Sample:
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(f"sample {index} of a dataset of {len(self)}")
        return self._sample(position)

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} images, {len(self.classes) - 1} classes)"


_OTHER_SIDE = {"left": "right", "right": "left"}
_SIDES = {"l": "left", "r": "right"}


def joint_words(name: str) -> tuple[str, ...]:
    """Return the words of a joint's name in lower case; a side that is a letter is written out.

    Words begin where the case changes, and after all but letters and digits: ``("left", "eye")`` for ``left_eye``,
    ``LeftEye`` and ``l.eye``.
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return tuple(_SIDES.get(word, word) for word in re.findall(r"[^\W\d_]+|\d+", spaced.lower()))


@cache
def keypoint_flip(names: tuple[str, ...]) -> Array:
    """Return the index of each joint's mirror image: ``left_...`` and ``right_...`` change places.

    Any usual spelling will do: ``Left_Eye``, ``left eye``, ``leftEye``, ``eye.left``, ``l_eye``, ``LEye``, ``lShldr``.

    Parameters
    ----------
    names : tuple of str
        Names of the J joints.

    Returns
    -------
    flip : int64 ndarray of shape (J,)
        ``keypoints[:, flip]`` are the joints of a mirrored person.

    Warns
    -----
    UserWarning
        If a name has a side, and no other one is its mirror image.

    Examples
    --------
    >>> from minivision.data import keypoint_flip
    >>> keypoint_flip(("nose", "Left eye", "Right eye")).tolist()
    [0, 2, 1]
    """
    words = [joint_words(name) for name in names]
    mirrored = [tuple(_OTHER_SIDE.get(word, word) for word in each) for each in words]
    flip = np.array([words.index(each) if each in words else j for j, each in enumerate(mirrored)], np.int64)
    alone = [name for name, mirror in zip(names, mirrored, strict=True) if mirror not in words]
    if alone:
        warnings.warn(
            f"joints without a mirror image: {', '.join(alone)}; in a mirrored image they keep their places. Name the "
            "two sides alike, such as left_eye and right_eye",
            stacklevel=2,
        )
    flip.flags.writeable = False  # all callers share this array
    return flip
