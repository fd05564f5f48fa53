"""Changing samples: pure functions from a `Sample` to a `Sample`, image and annotations together.

Cropping and flipping return views of the sample's arrays where they can, and leave masks as they are kept (an
instance map is cropped once, however many objects there are), so they cost next to nothing; `collate` copies.
"""

from typing import NamedTuple

import numpy as np

from minivision.core.labels import IGNORE
from minivision.data.dataset import Sample

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
    images : (N, H, W, 3) uint8 array
    instances : list of N Instances
    label_maps : (N, H, W) uint8 array
    proposals : list of N (P, 4) arrays or None
        Of each image, where its sample has some.
    """

    images: np.ndarray
    instances: list
    label_maps: np.ndarray
    proposals: list = ()


def collate(samples):
    """Put samples together into a `Batch`.

    Raises
    ------
    ValueError
        Where there are none, or their sizes differ.
    """
    samples = list(samples)
    sizes = {sample.image.shape[:2] for sample in samples}
    if len(sizes) != 1:
        found = ", ".join(f"{height}x{width}" for height, width in sorted(sizes)) or "no samples at all"
        raise ValueError(
            f"the images of a batch must have one size (height x width), got {found}; "
            "resize or crop them first, or use batches of one"
        )
    (height, width) = sizes.pop()
    images = np.empty((len(samples), height, width, 3), np.uint8)
    label_maps = np.empty((len(samples), height, width), np.uint8)
    for i, sample in enumerate(samples):
        if sample.image.strides[1:] == (3, 1):
            images[i] = sample.image
        else:  # a mirrored view: copied several times faster by its planes than by its pixels
            for channel in range(3):
                images[i, :, :, channel] = sample.image[:, :, channel]
        label_maps[i] = sample.label_map
    return Batch(
        images,
        [sample.instances for sample in samples],
        label_maps,
        [sample.proposals for sample in samples],
    )


def crop(sample, x, y, width, height):
    """Cut out the window whose upper left corner is pixel ``(x, y)``.

    What the window has outside the image is black, and `IGNORE` in the label map. Objects of which nothing is
    left are dropped. Of an object that the window cuts, the box is tight around what is left of its mask, or
    is the part of its box in the window if there are no masks. Joints outside the window stay known but
    hidden. Areas that annotations told are forgotten if an object is cut.

    Parameters
    ----------
    sample : Sample
    x, y : int
        May be negative.
    width, height : int
        Size of the result, 1 or more.

    Returns
    -------
    Sample
    """
    if width < 1 or height < 1:
        raise ValueError(f"a crop must be 1 pixel or more wide and high, got width {width}, height {height}")
    if (x, y, height, width) == (0, 0, *sample.label_map.shape):
        return sample
    instances = sample.instances
    planes = sample.image.transpose(2, 0, 1)  # (H, W, 3) -> (3, H, W)
    image = _window(planes, x, y, width, height, fill=0).transpose(1, 2, 0)
    label_map = _window(sample.label_map, x, y, width, height, fill=IGNORE)
    proposals = sample.proposals
    if proposals is not None:
        _, proposals = _window_boxes(proposals, x, y, width, height)
        proposals = proposals[(proposals[:, 2:] > proposals[:, :2]).all(axis=1)]
    if len(instances) == 0 and not instances.has_masks:
        return Sample(image, instances, label_map, proposals)

    boxes, clipped = _window_boxes(instances.boxes, x, y, width, height)
    changes = {"boxes": clipped}
    if instances.keypoints is not None:
        changes["keypoints"] = _move_keypoints(instances.keypoints, x, y, width, height)
    if instances.instance_map is not None:
        changes["instance_map"] = _window(instances.instance_map, x, y, width, height, fill=0)
    elif instances.has_masks:
        changes["masks"] = _window(instances.masks, x, y, width, height, fill=0)
    if (clipped != boxes).any():
        changes["area"] = None  # what an annotation told of whole objects does not hold for parts
    instances = instances.replace(**changes)

    left = (clipped[:, 2:] > clipped[:, :2]).all(axis=1)
    cut = left & (clipped != boxes).any(axis=1)
    if instances.has_masks and cut.any():
        left &= _tighten(instances, np.flatnonzero(cut))
    return Sample(image, instances if left.all() else instances[left], label_map, proposals)


def random_crop(sample, size, rng):
    """Cut out a window of ``size = (height, width)`` at a random place inside the image.

    In a direction in which the image is smaller than the window, the window holds all of it at a random
    place.
    """
    height, width = size
    image_height, image_width = sample.label_map.shape
    y = _random_offset(image_height - height, rng)
    x = _random_offset(image_width - width, rng)
    return crop(sample, x, y, width, height)


def flip_horizontal(sample, keypoint_flip=None):
    """Mirror left and right.

    Parameters
    ----------
    sample : Sample
    keypoint_flip : (J,) integer array, optional
        Which joint each becomes: ``dataset.keypoint_flip``. Needed where objects have joints, because the
        mirror image of a left hand is a right one.
    """
    width = sample.label_map.shape[1]
    return _map_arrays(
        sample,
        lambda array: array[..., ::-1],
        move_boxes=lambda boxes: np.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], axis=1),
        move_points=lambda points: (width - points[..., 0], points[..., 1]),
        keypoint_flip=keypoint_flip,
    )


def flip_vertical(sample, keypoint_flip=None):
    """Mirror top and bottom; `keypoint_flip` as in `flip_horizontal`."""
    height = sample.label_map.shape[0]
    return _map_arrays(
        sample,
        lambda array: array[..., ::-1, :],
        move_boxes=lambda boxes: np.stack([boxes[:, 0], height - boxes[:, 3], boxes[:, 2], height - boxes[:, 1]], 1),
        move_points=lambda points: (points[..., 0], height - points[..., 1]),
        keypoint_flip=keypoint_flip,
    )


def transpose(sample, keypoint_flip=None):
    """Mirror at the diagonal: x and y change places. With the flips, this makes all turns by quarters."""
    return _map_arrays(
        sample,
        lambda array: array.swapaxes(-1, -2),
        move_boxes=lambda boxes: boxes[:, [1, 0, 3, 2]],
        move_points=lambda points: (points[..., 1], points[..., 0]),
        keypoint_flip=keypoint_flip,
    )


def resize(sample, size):
    """Bring a sample to ``size = (height, width)``.

    The image is interpolated bilinearly, with the filter widened when shrinking so that nothing aliases;
    label maps and masks take the nearest pixel. Objects whose mask vanishes are dropped.
    """
    old_size = sample.label_map.shape
    if tuple(size) == old_size:
        return sample
    proposals = sample.proposals
    if proposals is not None:
        proposals = proposals * np.tile(_scale(old_size, size), 2)
    return Sample(
        resize_image(sample.image, size),
        resize_instances(sample.instances, old_size, size),
        resize_label_map(sample.label_map, size),
        proposals,
    )


def resize_image(image, size):
    """Interpolate a uint8 image ``(H, W, 3)`` bilinearly to ``size = (height, width)``."""
    from PIL import Image

    height, width = size
    if (height, width) == image.shape[:2]:
        return image
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def resize_label_map(label_map, size):
    """Bring a label map ``(H, W)`` to ``size = (height, width)``, each pixel from the nearest one."""
    rows, columns = _nearest(label_map.shape, size)
    return label_map[rows, columns]


def resize_instances(instances, old_size, size):
    """Bring the objects of an image of ``old_size`` to ``size = (height, width)``; drop those whose mask vanishes."""
    (old_height, old_width), (height, width) = old_size, size
    if (height, width) == (old_height, old_width):
        return instances
    scale = _scale(old_size, size)
    changes = {"boxes": instances.boxes * np.tile(scale, 2)}
    if instances.keypoints is not None:
        changes["keypoints"] = instances.keypoints * np.append(scale, np.float32(1))
    if instances.area is not None:
        changes["area"] = instances.area * (height / old_height) * (width / old_width)
    rows, columns = _nearest(old_size, size)
    left = np.ones(len(instances), bool)
    if instances.instance_map is not None:
        owners = changes["instance_map"] = instances.instance_map[:, rows, columns]
        left = np.bincount(owners.ravel(), minlength=len(instances) + 1)[1:] > 0
    elif instances.has_masks:
        masks = changes["masks"] = instances.masks[:, rows, columns]
        left = masks.any(axis=(1, 2))
    instances = instances.replace(**changes)
    return instances if left.all() else instances[left]


def _scale(old_size, size):
    """Return the factors by which x and y grow, as float32."""
    return np.array([size[1] / old_size[1], size[0] / old_size[0]], np.float32)


def _nearest(old_size, size):
    """Return the rows ``(H, 1)`` and columns ``(W,)`` of the pixels nearest to those of an image of another size."""
    rows = ((np.arange(size[0]) + 0.5) * (old_size[0] / size[0])).astype(np.int64)
    columns = ((np.arange(size[1]) + 0.5) * (old_size[1] / size[1])).astype(np.int64)
    return rows[:, None], columns


def _map_arrays(sample, move, *, move_boxes, move_points, keypoint_flip):
    """The mirrored sample: ``move`` acts on the last two axes of an array, the others on boxes and points."""
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
    """Where a window starts in an image that is `slack` pixels larger; negative if it is smaller."""
    return int(rng.integers(slack + 1)) if slack >= 0 else -int(rng.integers(-slack + 1))


def _window(array, x, y, width, height, fill):
    """``array[..., y : y + height, x : x + width]``, a view, or a copy with `fill` where that is outside."""
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
    """Boxes as seen from the window, whole and clipped to it."""
    boxes = boxes - np.array([x, y, x, y], np.float32)
    return boxes, np.clip(boxes, 0, np.array([width, height, width, height], np.float32))


def _move_keypoints(keypoints, x, y, width, height):
    moved = keypoints - np.array([x, y, 0], np.float32)
    outside = (moved[..., :2] < 0).any(axis=-1) | (moved[..., :2] >= (width, height)).any(axis=-1)
    moved[..., 2] = np.where(outside, np.minimum(keypoints[..., 2], 1), keypoints[..., 2])
    moved[keypoints[..., 2] == 0] = 0
    return moved


def _tighten(instances, which):
    """Set the boxes of some objects tight around their masks, in place; False where no pixel is left."""
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
