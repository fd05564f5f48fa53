"""The objects in one image: what a dataset knows about them, or what a model predicts."""

import numpy as np

__all__ = ["Instances", "layer_masks"]


class Instances:
    """K objects of one image, as ground truth or as a prediction.

    Parameters
    ----------
    boxes : (K, 4) array
        ``x1, y1, x2, y2`` in pixels, kept as float32. Pixel ``i`` covers ``[i, i + 1)``: a box's width is
        ``x2 - x1``, with no ``+ 1``.
    labels : (K,) integer array
        Class of each object, kept as int64. Class 0 is the background, so labels start at 1.
    scores : (K,) array, optional
        Confidence of each prediction, kept as float32.
    masks : (K, H, W) bool array, optional
        The pixels of each object.
    keypoints : (K, J, 3) array, optional
        ``x, y, visibility`` of J joints in pixels, kept as float32. Visibility is COCO's: 0 absent or not
        labelled, 1 labelled but hidden, 2 visible.
    crowd : (K,) bool array, optional
        True where one entry stands for a whole group, or is too hard to count: neither a match nor a miss in
        an evaluation. All False if not given.
    area : (K,) array, optional
        Size of each object in pixels, where an annotation tells it: evaluations sort objects into small, medium
        and large by it. Kept as float64. Where it is not given, they count the mask, or measure the box.
    instance_map : (L, H, W) or (H, W) integer array, optional
        Another way to give masks: a pixel with value ``k + 1`` belongs to object ``k``, one with 0 to none.
        Objects that overlap lie in different layers; see `layer_masks`. ``masks`` is made from it when first
        read, so cropping and flipping need not touch K masks. Kept as ``(L, H, W)``.

    Raises
    ------
    ValueError, TypeError
        Where a shape or a type is not as said above.
    """

    __slots__ = ("boxes", "labels", "scores", "keypoints", "crowd", "area", "instance_map", "_masks")
    _BY_OBJECT = ("boxes", "labels", "scores", "keypoints", "crowd", "area")  # the fields with a row an object

    def __init__(
        self, boxes, labels, scores=None, masks=None, keypoints=None, crowd=None, *, area=None, instance_map=None
    ):
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
        if masks is not None and instance_map is not None:
            raise ValueError("give masks or instance_map, not both: they say the same thing")
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

    @classmethod
    def empty(cls, *, scores=False, mask_size=None, keypoints=0):
        """No objects, with the same fields as the other images of a dataset have.

        Parameters
        ----------
        scores : bool
            Whether there is a ``scores`` field.
        mask_size : (H, W), optional
            Size of the image, for a ``masks`` field of shape ``(0, H, W)``.
        keypoints : int
            Number of joints J, for a ``keypoints`` field of shape ``(0, J, 3)``; 0 for none.
        """
        return cls(
            np.zeros((0, 4), np.float32),
            np.zeros(0, np.int64),
            scores=np.zeros(0, np.float32) if scores else None,
            masks=None if mask_size is None else np.zeros((0, *mask_size), bool),
            keypoints=np.zeros((0, keypoints, 3), np.float32) if keypoints else None,
        )

    @property
    def has_masks(self):
        """Whether the objects carry masks, without making them."""
        return self._masks is not None or self.instance_map is not None

    @property
    def masks(self):
        """The ``(K, H, W)`` bool masks, or None; made anew at each reading if there is an instance map."""
        if self.instance_map is None:
            return self._masks
        ids = np.arange(1, len(self) + 1)[:, None, None]
        masks = np.zeros((len(self), *self.instance_map.shape[1:]), bool)
        for layer in self.instance_map:
            masks |= layer == ids
        return masks

    @property
    def mask_size(self):
        """``(height, width)`` of the masks, without making them; None if there are none."""
        if not self.has_masks:
            return None
        return (self._masks if self._masks is not None else self.instance_map).shape[-2:]

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        """The chosen objects as new `Instances`, by an integer, a slice, an index array or a bool mask."""
        index = np.arange(len(self))[index].reshape(-1)  # NumPy's own errors for an index out of range
        fields = {name: value[index] for name in self._BY_OBJECT if (value := getattr(self, name)) is not None}
        if self._masks is not None:
            fields["masks"] = self._masks[index]
        elif self.instance_map is not None and len(np.unique(index)) < len(index):
            fields["masks"] = self.masks[index]  # an object twice: a map has one owner for each pixel
        elif self.instance_map is not None:
            new_id = np.zeros(len(self) + 1, self.instance_map.dtype)
            new_id[index + 1] = np.arange(1, len(index) + 1)
            fields["instance_map"] = new_id[self.instance_map]
        return Instances(**fields)

    def replace(self, **changes):
        """A copy in which the named fields are new; `masks` and `instance_map` replace each other."""
        fields = {name: getattr(self, name) for name in self._BY_OBJECT}
        if "masks" not in changes and "instance_map" not in changes:
            changes["instance_map" if self.instance_map is not None else "masks"] = (
                self.instance_map if self.instance_map is not None else self._masks
            )
        return Instances(**{**fields, **changes})

    def __repr__(self):
        parts = ["1 object" if len(self) == 1 else f"{len(self)} objects"]
        if len(self):
            shown = ", ".join(map(str, self.labels[:8])) + (", ..." if len(self) > 8 else "")
            parts.append(f"labels [{shown}]")
        if self.scores is not None and len(self):
            parts.append(f"scores {self.scores.min():.2f} to {self.scores.max():.2f}")
        if self.has_masks:
            parts.append("masks {}x{}".format(*self.mask_size))
        if self.keypoints is not None:
            parts.append(f"{self.keypoints.shape[1]} keypoints each")
        if self.crowd.any():
            parts.append(f"{int(self.crowd.sum())} crowd")
        return f"Instances({'; '.join(parts)})"


def layer_masks(masks):
    """Masks as an instance map: objects that overlap lie in different layers.

    Each object goes into the first layer in which its pixels are free, so there is one layer if none overlap.

    Parameters
    ----------
    masks : (K, H, W) bool array

    Returns
    -------
    (L, H, W) uint8 or uint16 array
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


def _check_bool(name, array):
    array = np.asarray(array)
    if array.size == 0:
        array = array.astype(bool)
    if array.dtype != bool:
        raise TypeError(f"{name} must be bool, got {array.dtype}; compare first, as in {name} > 0.5")
    return array


def _check_shape(name, array, expected):
    """`array`, if its shape is `expected`, in which a letter stands for any size."""
    fits = array.ndim == len(expected) and all(
        isinstance(want, str) or want == got for want, got in zip(expected, array.shape, strict=True)
    )
    if not fits:
        if array.size == 0 and expected[0] == 0 and not any(isinstance(want, str) for want in expected):
            return array.reshape(expected)
        shape = "(" + ", ".join(map(str, expected)) + ("," if len(expected) == 1 else "") + ")"
        raise ValueError(f"{name} must have shape {shape}, as many as there are labels; got {array.shape}")
    return array
