"""Transforms of samples: pure functions from a `Sample` to a `Sample`, image and annotations together.

Cropping and flipping return views of the sample's arrays if possible, and keep the form of the masks (an instance map
is cropped once, however many objects there are), so they take almost no time; `collate` copies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minivision.core.labels import IGNORE
from minivision.core.types import Array, Size
from minivision.data.dataset import Sample
from minivision.data.instances import Instances

__all__ = [
    "Batch",
    "collate",
    "crop",
    "flip_horizontal",
    "flip_vertical",
    "random_crop",
    "resize",
    "resize_image",
    "resize_instances",
    "resize_label_map",
    "transpose",
]


class Batch(NamedTuple):
    """N samples of one size.

    Attributes
    ----------
    images : uint8 ndarray of shape (N, H, W, 3)
    instances : list of N Instances
    label_maps : uint8 ndarray of shape (N, H, W)
    proposals : list of N ndarray of shape (P, 4)
        Proposals of each image; None where its sample has none.
    """

    images: Array
    instances: list[Instances]
    label_maps: Array
    proposals: Sequence[Array | None] = ()


def collate(samples: Iterable[Sample]) -> Batch:
    """Combine samples of one size into a `Batch`.

    Raises
    ------
    ValueError
        If there are no samples, or their sizes differ.
    """
    samples = list(samples)
    sizes = {sample.image.shape[:2] for sample in samples}
    if len(sizes) != 1:
        shown = ", ".join(f"{height}x{width}" for height, width in sorted(sizes)) or "no samples at all"
        raise ValueError(
            f"the images of a batch must have one size (height x width), got {shown}; "
            "resize or crop them first, or use batches of one"
        )
    (height, width) = sizes.pop()
    images = np.empty((len(samples), height, width, 3), np.uint8)
    label_maps = np.empty((len(samples), height, width), np.uint8)
    for i, sample in enumerate(samples):
        if sample.image.strides[1:] == (3, 1):
            images[i] = sample.image
        else:  # a mirrored view: copying it channel by channel is several times faster than pixel by pixel
            for channel in range(3):
                images[i, :, :, channel] = sample.image[:, :, channel]
        label_maps[i] = sample.label_map
    return Batch(
        images,
        [sample.instances for sample in samples],
        label_maps,
        [sample.proposals for sample in samples],
    )


def crop(sample: Sample, x: int, y: int, width: int, height: int, *, fill: Array | int = 0) -> Sample:
    """Crop a sample to the window whose upper left corner is pixel ``(x, y)``.

    Pixels of the window outside the image have the color `fill`, and are `IGNORE` in the label map. Objects outside the
    window are dropped. The box of an object that is cut by the window becomes tight around the rest of its mask;
    without masks, it is clipped to the window. Joints outside the window stay labeled but are hidden. The field
    ``area`` is dropped if an object is cut.

    Parameters
    ----------
    sample : Sample
    x, y : int
        May be negative.
    width, height : int
        Size of the result, 1 or more.
    fill : int or ndarray of shape (3,)
        Brightness or color, 0 to 255; by default black.

    Returns
    -------
    sample : Sample
    """
    if width < 1 or height < 1:
        raise ValueError(f"a crop must be 1 pixel or more wide and high, got width {width}, height {height}")
    if (x, y, height, width) == (0, 0, *sample.label_map.shape):
        return sample
    instances = sample.instances
    planes = sample.image.transpose(2, 0, 1)  # (H, W, 3) -> (3, H, W)
    color = np.broadcast_to(np.asarray(fill, np.uint8), 3)[:, None, None]
    image = _window(planes, x, y, width, height, fill=color).transpose(1, 2, 0)
    label_map = _window(sample.label_map, x, y, width, height, fill=IGNORE)
    proposals = sample.proposals
    if proposals is not None:
        _, proposals = _window_boxes(proposals, x, y, width, height)
        proposals = proposals[(proposals[:, 2:] > proposals[:, :2]).all(axis=1)]
    if len(instances) == 0 and not instances.has_masks:
        return Sample(image, instances, label_map, proposals)

    boxes, clipped = _window_boxes(instances.boxes, x, y, width, height)
    changes: dict[str, Any] = {"boxes": clipped}
    if instances.keypoints is not None:
        changes["keypoints"] = _move_keypoints(instances.keypoints, x, y, width, height)
    if instances.instance_map is not None:
        changes["instance_map"] = _window(instances.instance_map, x, y, width, height, fill=0)
    elif instances.has_masks:
        changes["masks"] = _window(instances.masks, x, y, width, height, fill=0)
    if (clipped != boxes).any():
        changes["area"] = None  # the annotated areas of whole objects are not those of their parts
    instances = instances.replace(**changes)

    left = (clipped[:, 2:] > clipped[:, :2]).all(axis=1)
    cut = left & (clipped != boxes).any(axis=1)
    if instances.has_masks and cut.any():
        left &= _tighten(instances, np.flatnonzero(cut))
    return Sample(image, instances if left.all() else instances[left], label_map, proposals)


def random_crop(sample: Sample, size: Size, rng: np.random.Generator) -> Sample:
    """Crop a sample to ``size = (height, width)`` at a random position inside the image.

    Along an axis on which the image is smaller than the crop, the crop contains all of the image at a random
    position.
    """
    height, width = size
    image_height, image_width = sample.label_map.shape
    y = _random_offset(image_height - height, rng)
    x = _random_offset(image_width - width, rng)
    return crop(sample, x, y, width, height)


def flip_horizontal(sample: Sample, keypoint_flip: Array | None = None) -> Sample:
    """Mirror left and right, also where captions say so.

    Parameters
    ----------
    sample : Sample
    keypoint_flip : integer ndarray of shape (J,), optional
        Index of each joint's mirror image: ``dataset.keypoint_flip``. Needed if objects have joints, because the
        mirror image of a left hand is a right hand.

    Returns
    -------
    sample : Sample
    """
    width = sample.label_map.shape[1]
    sample = sample._replace(instances=_swap_sides(sample.instances))
    return _map_arrays(
        sample,
        lambda array: array[..., ::-1],
        move_boxes=lambda boxes: np.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], axis=1),
        move_points=lambda points: (width - points[..., 0], points[..., 1]),
        keypoint_flip=keypoint_flip,
    )


def _swap_sides(instances):
    """Return objects in whose captions left and right have changed places."""
    if instances.captions is None:
        return instances
    sides = {"left": "right", "right": "left"}
    captions = [
        tuple(" ".join(sides.get(word, word) for word in phrase.split(" ")) for phrase in phrases)
        for phrases in instances.captions
    ]
    return instances.replace(captions=captions)


def flip_vertical(sample: Sample, keypoint_flip: Array | None = None) -> Sample:
    """Mirror top and bottom; `keypoint_flip` as in `flip_horizontal`. Captions are dropped: arms raised are down."""
    sample = sample._replace(instances=sample.instances.replace(captions=None))
    height = sample.label_map.shape[0]
    return _map_arrays(
        sample,
        lambda array: array[..., ::-1, :],
        move_boxes=lambda boxes: np.stack([boxes[:, 0], height - boxes[:, 3], boxes[:, 2], height - boxes[:, 1]], 1),
        move_points=lambda points: (points[..., 0], height - points[..., 1]),
        keypoint_flip=keypoint_flip,
    )


def transpose(sample: Sample, keypoint_flip: Array | None = None) -> Sample:
    """Mirror at the diagonal: x and y change places; captions are dropped. With a flip this is a turn by 90 degrees."""
    sample = sample._replace(instances=sample.instances.replace(captions=None))
    return _map_arrays(
        sample,
        lambda array: array.swapaxes(-1, -2),
        move_boxes=lambda boxes: boxes[:, [1, 0, 3, 2]],
        move_points=lambda points: (points[..., 1], points[..., 0]),
        keypoint_flip=keypoint_flip,
    )


def resize(sample: Sample, size: Size, *, keep_all: bool = False) -> Sample:
    """Resize a sample to ``size = (height, width)``.

    The image is interpolated bilinearly, with a wider filter for smaller sizes against aliasing; label maps and masks
    take the nearest pixel. Objects whose resized mask is empty are dropped, unless `keep_all`.
    """
    old_size = sample.label_map.shape
    if tuple(size) == old_size:
        return sample
    proposals = sample.proposals
    if proposals is not None:
        proposals = proposals * np.tile(_scale(old_size, size), 2)
    return Sample(
        resize_image(sample.image, size),
        resize_instances(sample.instances, old_size, size, keep_all=keep_all),
        resize_label_map(sample.label_map, size),
        proposals,
    )


def resize_image(image: Array, size: Size) -> Array:
    """Interpolate a uint8 image ``(H, W, 3)`` bilinearly to ``size = (height, width)``."""
    from PIL import Image

    height, width = size
    if (height, width) == image.shape[:2]:
        return image
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def resize_label_map(label_map: Array, size: Size) -> Array:
    """Resize a label map ``(H, W)`` to ``size = (height, width)``; each pixel is copied from the nearest one."""
    rows, columns = _nearest(label_map.shape, size)
    return label_map[rows, columns]


def resize_instances(instances: Instances, old_size: Size, size: Size, *, keep_all: bool = False) -> Instances:
    """Resize the objects of an image from ``old_size`` to ``size = (height, width)``.

    Those whose resized mask is empty are dropped, unless `keep_all`.
    """
    (old_height, old_width), (height, width) = old_size, size
    if (height, width) == (old_height, old_width):
        return instances
    scale = _scale(old_size, size)
    changes: dict[str, Any] = {"boxes": instances.boxes * np.tile(scale, 2)}
    if instances.keypoints is not None:
        changes["keypoints"] = instances.keypoints * np.append(scale, np.float32(1))
    if instances.area is not None:
        changes["area"] = instances.area * (height / old_height) * (width / old_width)
    rows, columns = _nearest(old_size, size)
    left: Array = np.ones(len(instances), bool)
    if instances.instance_map is not None:
        owners = changes["instance_map"] = instances.instance_map[:, rows, columns]
        left = np.bincount(owners.ravel(), minlength=len(instances) + 1)[1:] > 0
    elif (masks := instances.masks) is not None:
        masks = changes["masks"] = masks[:, rows, columns]
        left = np.any(masks, axis=(1, 2))
    instances = instances.replace(**changes)
    return instances if keep_all or left.all() else instances[left]


def _scale(old_size, size):
    """Return the factors by which x and y grow, as float32."""
    return np.array([size[1] / old_size[1], size[0] / old_size[0]], np.float32)


def _nearest(old_size, size):
    """Return rows ``(H, 1)`` and columns ``(W,)`` of an image that are nearest to the pixels of the resized one."""
    rows = ((np.arange(size[0]) + 0.5) * (old_size[0] / size[0])).astype(np.int64)
    columns = ((np.arange(size[1]) + 0.5) * (old_size[1] / size[1])).astype(np.int64)
    return rows[:, None], columns


def _map_arrays(sample, move, *, move_boxes, move_points, keypoint_flip):
    """Return the mirrored sample; `move` mirrors the last two axes of an array, the others mirror boxes and points."""
    instances = sample.instances
    changes = {"boxes": move_boxes(instances.boxes)}
    if instances.instance_map is not None:
        changes["instance_map"] = move(instances.instance_map)
    elif instances.has_masks:
        changes["masks"] = move(instances.masks)
    if instances.keypoints is not None:
        if keypoint_flip is None:
            raise ValueError("a mirror swaps left and right joints: give keypoint_flip=dataset.keypoint_flip")
        keypoints = instances.keypoints[:, keypoint_flip]  # a copy
        keypoints[..., 0], keypoints[..., 1] = move_points(instances.keypoints[:, keypoint_flip])
        keypoints[keypoints[..., 2] == 0] = 0
        changes["keypoints"] = keypoints
    image = move(sample.image.transpose(2, 0, 1)).transpose(1, 2, 0)  # (H, W, 3) -> (3, H, W) -> moved -> (H, W, 3)
    proposals = None if sample.proposals is None else move_boxes(sample.proposals)
    return Sample(image, instances.replace(**changes), move(sample.label_map), proposals)


def _random_offset(slack, rng):
    """Return the random start of a window in an image that is `slack` pixels larger; negative if it is smaller."""
    return int(rng.integers(slack + 1)) if slack >= 0 else -int(rng.integers(-slack + 1))


def _window(array, x, y, width, height, fill):
    """Return ``array[..., y : y + height, x : x + width]``: a view, or a copy with `fill` outside the array."""
    rows, columns = array.shape[-2:]
    if x >= 0 and y >= 0 and x + width <= columns and y + height <= rows:
        return array[..., y : y + height, x : x + width]
    out = np.full((*array.shape[:-2], height, width), fill, array.dtype)
    top, bottom = max(y, 0), min(y + height, rows)
    left, right = max(x, 0), min(x + width, columns)
    if top < bottom and left < right:
        out[..., top - y : bottom - y, left - x : right - x] = array[..., top:bottom, left:right]
    return out


def _window_boxes(boxes, x, y, width, height):
    """Return boxes in the coordinates of the window, whole and clipped to it."""
    boxes = boxes - np.array([x, y, x, y], np.float32)
    return boxes, np.clip(boxes, 0, np.array([width, height, width, height], np.float32))


def _move_keypoints(keypoints, x, y, width, height):
    """Return joints in the coordinates of the window; those outside of it are hidden."""
    moved = keypoints - np.array([x, y, 0], np.float32)
    outside = (moved[..., :2] < 0).any(axis=-1) | (moved[..., :2] >= (width, height)).any(axis=-1)
    moved[..., 2] = np.where(outside, np.minimum(keypoints[..., 2], 1), keypoints[..., 2])
    moved[keypoints[..., 2] == 0] = 0
    return moved


def _tighten(instances, which):
    """Make the boxes of some objects tight around their masks, in place; return False where the mask is empty."""
    left = np.ones(len(instances), bool)
    for k in which:
        if instances.instance_map is not None:
            mask = (instances.instance_map == k + 1).any(axis=0)
        else:
            mask = instances.masks[k]
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        left[k] = len(rows) > 0
        if left[k]:
            instances.boxes[k] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return left
