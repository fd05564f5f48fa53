"""Random changes of training images as in SSD's paper: other colors, smaller objects, larger objects.

From few photographs they make many. Each is a pure function from a `Sample` and a random generator to a `Sample` of the
same size; boxes, masks, label map, joints and proposals follow the image.

References
----------
Liu et al., "SSD: single shot multibox detector", ECCV 2016: sections 2.2 (crops, colors) and 3.6 (zoom-out). All of
section 2.2 raises mAP on PASCAL VOC 2007 from 65.5 to 74.3 (table 2), zoom-out by another 2 to 3 points (table 6).
"""

from __future__ import annotations

import numpy as np

from minivision.core.types import Array
from minivision.data.dataset import Sample
from minivision.data.transforms import crop, resize
from minivision.ops import box_iou

__all__ = ["AUGMENTATIONS", "augment", "color_matrix", "iou_crop", "jitter_colors", "zoom_out"]

AUGMENTATIONS = ("colors", "zoom-out", "iou-crop")

# Each change of the colors has probability one half, as in SSD's code.
BRIGHTNESS = 32.0  # largest amount that is added, of 255
CONTRAST = SATURATION = (0.5, 1.5)  # smallest and largest factor
HUE = 18.0  # largest turn, in degrees
LUMA = (0.299, 0.587, 0.114)  # what red, green and blue contribute to the brightness of a pixel (ITU-R BT.601)

ZOOM_OUT_PROBABILITY = 0.5
LARGEST_CANVAS = 4.0  # in sides of the image: "16x of the original image size" is its area

MINIMUM_OVERLAPS = (0.1, 0.3, 0.5, 0.7, 0.9)  # of which a crop has to reach one with some object
WHOLE = -1.0  # stands for no crop at all
SMALLEST_CROP = 0.3  # in sides of the image, as in SSD's code; the paper says 0.1
LARGEST_ASPECT_RATIO = 2.0
CROP_TRIES = 50


def augment(sample: Sample, which: tuple[str, ...], rng: np.random.Generator) -> Sample:
    """Apply some of `AUGMENTATIONS`, in their order. One that would leave an image without objects is not applied."""
    functions = {"colors": jitter_colors, "zoom-out": zoom_out, "iou-crop": iou_crop}
    for name in AUGMENTATIONS:
        if name in which:
            changed = functions[name](sample, rng)
            if len(changed.instances) or not len(sample.instances):
                sample = changed
    return sample


def jitter_colors(sample: Sample, rng: np.random.Generator) -> Sample:
    """Change brightness, contrast, saturation and hue at random.

    Parameters
    ----------
    sample : Sample
    rng : numpy.random.Generator

    Returns
    -------
    sample : Sample
    """

    def perhaps(low, high, otherwise):
        value = rng.uniform(low, high)
        return value if rng.random() < 0.5 else otherwise

    brightness = perhaps(-BRIGHTNESS, BRIGHTNESS, 0.0)
    contrast, saturation = (perhaps(*bounds, 1.0) for bounds in (CONTRAST, SATURATION))
    matrix = color_matrix(contrast, saturation, perhaps(-HUE, HUE, 0.0)).astype(np.float32)
    # Contrast is distance from mid gray, which the matrix turns into another gray: its rows have equal sums.
    offset = 127.5 + brightness - 127.5 * matrix.sum(axis=1)
    colors = [sample.image[..., channel].astype(np.float32) for channel in range(3)]
    image = np.empty(sample.image.shape, np.uint8)
    for channel, (row, start) in enumerate(zip(matrix, offset.astype(np.float32), strict=True)):
        changed = row[0] * colors[0] + row[1] * colors[1] + row[2] * colors[2] + start
        image[..., channel] = np.clip(changed.round(out=changed), 0, 255, out=changed)
    return sample._replace(image=image)


def color_matrix(contrast: float, saturation: float, hue: float) -> Array:
    """Return the matrix that changes a color (red, green, blue).

    Parameters
    ----------
    contrast : float
        Factor of all colors.
    saturation : float
        Factor of the distance of a color from the gray that is as bright.
    hue : float
        Angle in degrees by which colors turn around the axis of grays: 120 makes red green, and green blue.

    Returns
    -------
    matrix : float64 ndarray of shape (3, 3)
    """
    gray = np.tile(np.array(LUMA), (3, 1))
    saturate = saturation * np.eye(3) + (1 - saturation) * gray
    angle = np.deg2rad(hue)
    # Rodrigues' formula for the axis (1, 1, 1) / sqrt(3).
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    turn = np.cos(angle) * np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) / 3 * np.ones((3, 3))
    return contrast * saturate @ turn


def zoom_out(sample: Sample, rng: np.random.Generator) -> Sample:
    """Place the image somewhere on a canvas of its mean color, up to four times as wide and high, and shrink that.

    With probability one half the sample stays as it is. What is around the image is `IGNORE` in the label map.

    Parameters
    ----------
    sample : Sample
    rng : numpy.random.Generator

    Returns
    -------
    sample : Sample
        Of the same size, with smaller objects.
    """
    factor, x, y = rng.uniform(1, LARGEST_CANVAS), rng.random(), rng.random()
    if rng.random() >= ZOOM_OUT_PROBABILITY:
        return sample
    height, width = sample.label_map.shape
    small = resize(sample, (max(1, round(height / factor)), max(1, round(width / factor))))
    small_height, small_width = small.label_map.shape
    left, top = round(x * (width - small_width)), round(y * (height - small_height))
    # Channel by channel, as above: NumPy is ten times slower along an axis of three.
    mean = np.round([sample.image[..., channel].mean() for channel in range(3)]).astype(np.uint8)
    return crop(small, -left, -top, width, height, fill=mean)


def iou_crop(sample: Sample, rng: np.random.Generator) -> Sample:
    """Crop the image so that the crop and some object overlap enough, and enlarge the crop to the size of the image.

    The choice is between the whole image, crops whose IoU with an object is at least 0.1, 0.3, 0.5, 0.7 or 0.9, and any
    crop; where no such crop is found in 50 tries, another choice is made. Objects whose center is outside are dropped,
    the others are cut; at least one is left. Crowd regions are cut wherever their center is.

    Parameters
    ----------
    sample : Sample
    rng : numpy.random.Generator

    Returns
    -------
    sample : Sample
        Of the same size.
    """
    instances = sample.instances
    objects = instances.boxes[~instances.crowd]
    if not len(objects):
        return sample
    height, width = sample.label_map.shape
    for minimum in rng.permutation((*MINIMUM_OVERLAPS, 0.0, WHOLE)):
        if minimum == WHOLE:
            break
        window = _window_with_overlap(objects, height, width, minimum, rng)
        if window is not None:
            (x1, y1, x2, y2), inside = window, _centers_inside(instances.boxes, window) | instances.crowd
            kept = sample if inside.all() else sample._replace(instances=instances[inside])
            return resize(crop(kept, x1, y1, x2 - x1, y2 - y1), (height, width))
    return sample


def _window_with_overlap(objects, height, width, minimum, rng):
    """Return the first of some random windows with the center of an object and an IoU of `minimum` with that object.

    Returns
    -------
    (x1, y1, x2, y2) or None
    """
    sides, size = rng.uniform(SMALLEST_CROP, 1, (CROP_TRIES, 2)), np.array([width, height])
    sides = np.maximum(1, np.round(sides * size))
    corners = np.floor(rng.random((CROP_TRIES, 2)) * (size - sides + 1))
    windows = np.concatenate([corners, corners + sides], axis=1)  # (CROP_TRIES, 4)
    ratios = sides[:, 0] / sides[:, 1]
    inside = _centers_inside(objects, windows[:, None])  # (CROP_TRIES, K)
    overlaps = np.where(inside, box_iou(windows, objects.astype(windows.dtype)), -1).max(axis=1)
    good = (overlaps >= minimum) & (np.maximum(ratios, 1 / ratios) <= LARGEST_ASPECT_RATIO)
    return tuple(windows[good.argmax()].astype(int).tolist()) if good.any() else None


def _centers_inside(boxes, window):
    """Return which boxes ``(K, 4)`` have their center in a window, ``(K,)``, or in each of W windows, ``(W, K)``."""
    x, y = ((boxes[:, :2] + boxes[:, 2:]) / 2).T
    x1, y1, x2, y2 = np.moveaxis(np.asarray(window), -1, 0)
    return (x > x1) & (x < x2) & (y > y1) & (y < y2)
