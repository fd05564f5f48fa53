"""The objects in one image, as annotated in a dataset or as predicted by a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from minivision.core.types import Array, Size
from minivision.data.run_lengths import RunLengths

__all__ = ["Instances", "layer_masks"]


class Instances:
    """K objects of one image, as ground truth or as a prediction.

    Parameters
    ----------
    boxes : ndarray of shape (K, 4)
        ``x1, y1, x2, y2`` in pixels, stored as float32. Pixel ``i`` covers ``[i, i + 1)``: the width of a box is
        ``x2 - x1``, without ``+ 1``.
    labels : integer ndarray of shape (K,)
        Class of each object, stored as int64. Class 0 is the background, so labels start at 1.
    scores : ndarray of shape (K,), optional
        Confidence of each prediction, stored as float32.
    masks : bool ndarray of shape (K, H, W), optional
        The pixels of each object.
    keypoints : ndarray of shape (K, J, 3), optional
        ``x, y, visibility`` of J joints in pixels, stored as float32. Visibility is COCO's: 0 absent or not
        labeled, 1 labeled but hidden, 2 visible.
    crowd : bool ndarray of shape (K,), optional
        True if one entry stands for a group of objects, or is too difficult to count: in an evaluation it is
        neither a match nor a miss. All False if not given.
    captions : sequence of K captions, optional
        What is said of each object: a phrase, or several that are all true. Stored as an object ndarray of tuples of
        str.
    area : ndarray of shape (K,), optional
        Area of each object in pixels, if the annotations have it: evaluations divide objects into small, medium
        and large by it. Stored as float64. Without it, they count the pixels of the mask, or take the area of the
        box.
    instance_map : integer ndarray of shape (L, H, W) or (H, W), optional
        Another way to give masks: a pixel with value ``k + 1`` belongs to object ``k``, one with 0 to none.
        Objects that overlap are in different layers; see `layer_masks`. Cropping and flipping then move L layers,
        not K masks; ``masks`` is computed from it when it is read. Stored as ``(L, H, W)``.
    run_lengths : RunLengths, optional
        A third way to give masks: as runs of pixels, by which large masks are evaluated several times as fast.
        ``masks`` is computed from them when it is read.

    Raises
    ------
    ValueError, TypeError
        If a shape or a type is not as described.

    Examples
    --------
    >>> from minivision.data import Instances
    >>> objects = Instances([[0, 0, 4, 2], [1, 1, 3, 3]], labels=[2, 1], scores=[0.9, 0.4])
    >>> objects[objects.scores > 0.5]
    Instances(1 object; labels [2]; scores 0.90 to 0.90)
    """

    __slots__ = (
        "boxes",
        "labels",
        "scores",
        "keypoints",
        "crowd",
        "area",
        "captions",
        "instance_map",
        "run_lengths",
        "_masks",
    )
    _BY_OBJECT = (
        "boxes",
        "labels",
        "scores",
        "keypoints",
        "crowd",
        "area",
        "captions",
    )  # the fields with one row per object

    def __init__(
        self,
        boxes: ArrayLike,
        labels: ArrayLike,
        scores: ArrayLike | None = None,
        masks: ArrayLike | None = None,
        keypoints: ArrayLike | None = None,
        crowd: ArrayLike | None = None,
        *,
        area: ArrayLike | None = None,
        captions: Sequence[str | Sequence[str]] | Array | None = None,
        instance_map: ArrayLike | None = None,
        run_lengths: RunLengths | None = None,
    ) -> None:
        self.labels = _check_labels(labels)
        count = len(self.labels)
        self.boxes = _check_shape("boxes", np.asarray(boxes, np.float32), (count, 4))
        self.scores = None if scores is None else _check_shape("scores", np.asarray(scores, np.float32), (count,))
        self.keypoints = (
            None if keypoints is None else _check_shape("keypoints", np.asarray(keypoints, np.float32), (count, "J", 3))
        )
        crowd = np.zeros(count, bool) if crowd is None else _check_bool("crowd", crowd)
        self.crowd = _check_shape("crowd", crowd, (count,))
        self.area = None if area is None else _check_shape("area", np.asarray(area, np.float64), (count,))
        self.captions = None if captions is None else _check_captions(captions, count)
        if sum(each is not None for each in (masks, instance_map, run_lengths)) > 1:
            raise ValueError("give masks, instance_map or run_lengths, not both: they have the same meaning")
        self._masks = None
        if masks is not None:
            self._masks = _check_shape("masks", _check_bool("masks", masks), (count, "H", "W"))
        self.instance_map = None
        if instance_map is not None:
            instance_map = np.asarray(instance_map)
            instance_map = instance_map[None] if instance_map.ndim == 2 else instance_map
            self.instance_map = _check_shape("instance_map", instance_map, ("L", "H", "W"))
            if self.instance_map.dtype.kind not in "iu":
                raise TypeError(f"instance_map must hold integers, got {self.instance_map.dtype}")
        self.run_lengths = None if run_lengths is None else _check_run_lengths(run_lengths, count)

    @classmethod
    def empty(cls, *, scores: bool = False, mask_size: Size | None = None, keypoints: int = 0) -> Instances:
        """Return no objects, with the same fields as the other images of a dataset.

        Parameters
        ----------
        scores : bool
            Whether there is a ``scores`` field.
        mask_size : (H, W), optional
            Size of the image, for a ``masks`` field of shape ``(0, H, W)``.
        keypoints : int
            Number of joints J, for a ``keypoints`` field of shape ``(0, J, 3)``; 0 for none.

        Returns
        -------
        instances : Instances
        """
        return cls(
            np.zeros((0, 4), np.float32),
            np.zeros(0, np.int64),
            scores=np.zeros(0, np.float32) if scores else None,
            masks=None if mask_size is None else np.zeros((0, *mask_size), bool),
            keypoints=np.zeros((0, keypoints, 3), np.float32) if keypoints else None,
        )

    @property
    def has_masks(self) -> bool:
        """Whether the objects have masks; does not compute them."""
        return self._masks is not None or self.instance_map is not None or self.run_lengths is not None

    @property
    def masks(self) -> Array | None:
        """The ``(K, H, W)`` bool masks, or None; of a map or run lengths they are computed each time they are read."""
        if self.run_lengths is not None:
            return self.run_lengths.decode()
        if self.instance_map is None:
            return self._masks
        ids = np.arange(1, len(self) + 1)[:, None, None]
        masks = np.zeros((len(self), *self.instance_map.shape[1:]), bool)
        for layer in self.instance_map:
            masks |= layer == ids
        return masks

    @property
    def mask_size(self) -> Size | None:
        """``(height, width)`` of the masks, None if there are none; does not compute them."""
        if self.run_lengths is not None:
            return self.run_lengths.size
        array = self._masks if self._masks is not None else self.instance_map
        return None if array is None else (array.shape[-2], array.shape[-1])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int | slice | Sequence[int] | Array) -> Instances:
        """Return the selected objects; `index` is an integer, a slice, an index array or a bool mask."""
        rows = np.arange(len(self))[index].reshape(-1)  # NumPy's own errors for an index out of range
        fields = {name: value[rows] for name in self._BY_OBJECT if (value := getattr(self, name)) is not None}
        masks = self._masks
        if self.instance_map is not None and len(np.unique(rows)) < len(rows):
            masks = self.masks  # an object twice: in a map, a pixel belongs to one object
        if masks is not None:
            fields["masks"] = masks[rows]
        elif self.run_lengths is not None:
            fields["run_lengths"] = self.run_lengths[rows]
        elif self.instance_map is not None:
            new_id = np.zeros(len(self) + 1, self.instance_map.dtype)
            new_id[rows + 1] = np.arange(1, len(rows) + 1)
            fields["instance_map"] = new_id[self.instance_map]
        return Instances(**fields)

    def replace(self, **changes: Any) -> Instances:
        """Return a copy with some fields replaced; `masks`, `instance_map`, `run_lengths` replace each other."""
        fields = {name: getattr(self, name) for name in self._BY_OBJECT}
        kinds = {"masks": self._masks, "instance_map": self.instance_map, "run_lengths": self.run_lengths}
        if not kinds.keys() & changes.keys():
            fields |= kinds
        return Instances(**{**fields, **changes})

    def __repr__(self) -> str:
        parts = ["1 object" if len(self) == 1 else f"{len(self)} objects"]
        if len(self):
            shown = ", ".join(map(str, self.labels[:8])) + (", ..." if len(self) > 8 else "")
            parts.append(f"labels [{shown}]")
        if self.scores is not None and len(self):
            parts.append(f"scores {self.scores.min():.2f} to {self.scores.max():.2f}")
        if self.mask_size is not None:
            parts.append("masks {}x{}".format(*self.mask_size))
        if self.keypoints is not None:
            parts.append(f"{self.keypoints.shape[1]} keypoints each")
        if self.captions is not None:
            parts.append("captions")
        if self.crowd.any():
            parts.append(f"{int(self.crowd.sum())} crowd")
        return f"Instances({'; '.join(parts)})"


def layer_masks(masks: Array) -> Array:
    """Convert masks to an instance map; objects that overlap are in different layers.

    Each object is put into the first layer in which its pixels are free, so there is one layer if none overlap.

    Parameters
    ----------
    masks : bool ndarray of shape (K, H, W)

    Returns
    -------
    instance_map : uint8 or uint16 ndarray of shape (L, H, W)
        ``k + 1`` in the pixels of object ``k``, else 0; L is at least 1.
    """
    dtype = np.uint8 if len(masks) < 256 else np.uint16
    layers = [np.zeros(masks.shape[1:], dtype)]
    for k, mask in enumerate(masks):
        for layer in layers:
            if not layer[mask].any():
                break
        else:
            layer = np.zeros(masks.shape[1:], dtype)
            layers.append(layer)
        layer[mask] = k + 1
    return np.stack(layers)


def _check_labels(labels):
    labels = np.asarray(labels)
    if labels.size == 0:
        labels = labels.astype(np.int64)  # an empty list has NumPy's default, float64
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels must be integers (a class each), got {labels.dtype}; try labels.astype(int)")
    if labels.ndim != 1:
        raise ValueError(f"labels must have shape (K,), one class for each object; got {labels.shape}")
    if labels.size and labels.min() < 1:
        raise ValueError(f"labels must be 1 or more (0 is the background), got {labels.min()}")
    return labels.astype(np.int64, copy=False)


def _check_captions(captions, count):
    """Return the captions as an array of tuples: NumPy would make a table of tuples that are equally long."""
    if isinstance(captions, str) or len(captions) != count:
        raise ValueError(f"captions must be as many as there are labels, {count}; got {captions!r:.80}")
    array = np.empty(count, object)
    for k, phrases in enumerate(captions):
        array[k] = (phrases,) if isinstance(phrases, str) else tuple(phrases)
        if not all(isinstance(phrase, str) for phrase in array[k]):
            raise TypeError(f"captions[{k}] must be a phrase, or several; got {phrases!r:.80}")
    return array


def _check_run_lengths(run_lengths, count):
    if not isinstance(run_lengths, RunLengths):
        raise TypeError(f"run_lengths must be RunLengths, got {type(run_lengths).__name__}; try RunLengths(...)")
    if len(run_lengths) != count:
        raise ValueError(f"run_lengths must be of as many objects as there are labels, {count}; got {len(run_lengths)}")
    return run_lengths


def _check_bool(name, array):
    array = np.asarray(array)
    if array.size == 0:
        array = array.astype(bool)
    if array.dtype != bool:
        raise TypeError(f"{name} must be bool, got {array.dtype}; compare first, as in {name} > 0.5")
    return array


def _check_shape(name, array, expected):
    """Return `array` if its shape is `expected`, in which a letter stands for any size."""
    fits = array.ndim == len(expected) and all(
        isinstance(size, str) or size == actual for size, actual in zip(expected, array.shape, strict=True)
    )
    if not fits:
        if array.size == 0 and expected[0] == 0 and not any(isinstance(size, str) for size in expected):
            return array.reshape(expected)
        shape = "(" + ", ".join(map(str, expected)) + ("," if len(expected) == 1 else "") + ")"
        raise ValueError(f"{name} must have shape {shape}, as many as there are labels; got {array.shape}")
    return array
