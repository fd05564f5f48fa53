"""The features of regions: size, box, and histograms of color and texture.

Uijlings et al., Selective search for object recognition, IJCV 2013, section 3.2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minivision.core.arguments import as_array, check_same_shape, check_shape, floats, integer
from minivision.core.constants import COLOR_BINS, TEXTURE_BINS
from minivision.core.dispatch import operation
from minivision.core.types import Array
from minivision.detection.selective_search.gaussian_filters import gradients
from minivision.detection.selective_search.image_checks import check_finite, float_image, integers_below

ORIENTATIONS = 8
DERIVATIVE_SIGMA = 1.0  # pixels, of the Gaussian derivatives
MAX_BINS = 1 << 16  # of a pixel's histograms together; they are numbered with 16 bits


class Regions(NamedTuple):
    """R regions of an image. Histograms are counts of pixels: if regions merge, they add up.

    Attributes
    ----------
    sizes : int64 ndarray of shape (R,)
        Numbers of pixels.
    boxes : int64 ndarray of shape (R, 4)
        ``x1, y1, x2, y2`` around their pixels.
    colors : int32 ndarray of shape (R, 25 C)
        For each channel, the number of pixels with a value in each bin.
    textures : int32 ndarray of shape (R, 80 C)
        For each channel and orientation, the number of pixels with a derivative in each bin.
    """

    sizes: Array
    boxes: Array
    colors: Array
    textures: Array

    def with_room(self, count: int) -> Regions:
        """Return a copy with `count` further regions, all of whose numbers are 0."""
        return Regions(*(np.concatenate([each, np.zeros_like(each, shape=(count, *each.shape[1:]))]) for each in self))


def describe_regions(labels: Array, bins: Array) -> Regions:
    """Return the features of the regions of a segmentation.

    Parameters
    ----------
    labels : int32 ndarray of shape (H, W)
        As `graph_segmentation` returns it.
    bins : uint16 ndarray of shape (H, W, 9 C)
        As `histogram_bins` returns it.

    Returns
    -------
    regions : Regions
    """
    channels = bins.shape[2] // (1 + ORIENTATIONS)
    colors = COLOR_BINS * channels
    count, length = int(labels.max()) + 1, colors + TEXTURE_BINS * ORIENTATIONS * channels
    sizes, boxes, histograms = measure_regions(labels, bins, num_regions=count, num_bins=length)
    return Regions(sizes, boxes, histograms[:, :colors].copy(), histograms[:, colors:].copy())


def histogram_bins(image: Array) -> Array:
    """Return the histogram bins of each pixel: those of its colors, then those of its derivatives.

    Texture is described by Gaussian derivatives in eight orientations, 45 degrees apart; a negative derivative counts
    as 0, because it is positive in the opposite orientation. The bins of each orientation reach from 0 to its largest
    value in the image.

    Parameters
    ----------
    image : float32 ndarray of shape (H, W, C)
        In a color space, 0 .. 255.

    Returns
    -------
    bins : uint16 ndarray of shape (H, W, 9 C)
        The bin of each channel, then that of each channel and orientation, all numbered from the first bin of all.
    """
    right, down = gradients(image, DERIVATIVE_SIGMA)
    angles = 2 * np.pi * np.arange(ORIENTATIONS) / ORIENTATIONS
    cosines, sines = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
    return choose_bins(image, right, down, cosines, sines)


def _check_choose_bins(image, right, down, cosines, sines):
    image, right, down = float_image(image=image, right=right, down=down)
    _, cosines, sines = floats(image=image, cosines=cosines, sines=sines)
    check_shape("cosines", cosines, "O", meaning="one for each orientation")
    check_same_shape("sines", sines, cosines.shape, "one for each of the cosines")
    for name, array in (("right", right), ("down", down), ("cosines", cosines), ("sines", sines)):
        check_finite(name, array)
    if not (image.min() > -1 and image.max() < 256):  # colors are rounded: -1e-6 still is 0
        check_finite("image", image)
        raise ValueError(f"image: expected values from 0 to 255, got {image.min()} .. {image.max()}; scale it first")
    channels = image.shape[2]
    total = (COLOR_BINS + TEXTURE_BINS * len(cosines)) * channels
    if len(cosines) == 0 or total > MAX_BINS:
        raise ValueError(
            f"image, cosines: expected at least one orientation and at most {MAX_BINS} bins in all, "
            f"got {channels} channels and {len(cosines)} orientations, {total} bins"
        )
    return image, right, down, cosines, sines


@operation(check=_check_choose_bins, returns=("bins",))
def choose_bins(image: Array, right: Array, down: Array, cosines: Array, sines: Array) -> Array:
    """Return the histogram bins of each pixel from its colors and its derivatives, see `histogram_bins`.

    Parameters
    ----------
    image : float ndarray of shape (H, W, C)
        0 .. 255.
    right, down : ndarray of shape (H, W, C)
        Derivatives of the image to the right and downwards.
    cosines, sines : ndarray of shape (O,)
        Of the angle of each orientation: 0 is to the right, 90 degrees downwards.

    Returns
    -------
    bins : uint16 ndarray of shape (H, W, C + C O)
        The bin of each channel (25 of each), then that of each channel and orientation (10 of each), all numbered from
        the first bin of all.

    Raises
    ------
    ValueError
        If the shapes do not fit, or values are not finite or not from 0 to 255.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection.selective_search.region_histograms import choose_bins
    >>> image = np.array([[[0.0], [200.0]]])
    >>> choose_bins(image, np.full((1, 2, 1), 5.0), np.zeros((1, 2, 1)), np.array([1.0]), np.array([0.0])).tolist()
    [[[0, 34], [19, 34]]]
    """
    height, width, channels = image.shape
    orientations = len(cosines)
    colors = np.minimum((image * np.float32(COLOR_BINS / 256)).astype(np.uint16), COLOR_BINS - 1)
    # A derivative in any direction is a combination of two: (H, W, C, orientations)
    derivatives = cosines * right[..., None] + sines * down[..., None]
    largest = np.maximum(derivatives.max(axis=(0, 1)), np.float32(1e-6))
    scaled = np.maximum(derivatives, 0) * (np.float32(TEXTURE_BINS) / largest)
    textures = np.minimum(scaled.astype(np.uint16), TEXTURE_BINS - 1)
    bins = np.concatenate([colors, textures.reshape(height, width, -1)], axis=2)
    lengths = [COLOR_BINS] * channels + [TEXTURE_BINS] * (orientations * channels)
    return bins + (np.cumsum(lengths) - lengths).astype(np.uint16)


def _check_measure_regions(labels, bins, num_regions, num_bins):
    num_regions, num_bins = integer("num_regions", num_regions, minimum=1), integer("num_bins", num_bins, minimum=1)
    if num_bins > MAX_BINS:
        raise ValueError(f"num_bins: expected at most {MAX_BINS}, got {num_bins}")
    labels = as_array("labels", labels)
    check_shape("labels", labels, "H, W", meaning="the region of each pixel")
    if num_regions > labels.size:
        raise ValueError(
            f"num_regions: expected at most {labels.size}, one for each pixel, got {num_regions}; "
            "it is labels.max() + 1"
        )
    labels = integers_below("labels", labels, num_regions, np.int32, "they are numbers of regions, below num_regions")
    counts = np.bincount(labels.ravel(), minlength=num_regions)
    if not counts.all():
        raise ValueError(
            f"labels: expected a pixel of each of {num_regions} regions, but region {int(counts.argmin())} has none; "
            "number the regions without gaps, as np.unique(labels, return_inverse=True) does"
        )
    bins = integers_below("bins", bins, num_bins, np.uint16, "they are numbers of bins, below num_bins")
    if bins.ndim != 3 or bins.shape[:2] != labels.shape:
        raise ValueError(
            f"bins: expected shape {(*labels.shape, 'F')}, one for each pixel and feature, got {bins.shape}"
        )
    return labels, bins, num_regions, num_bins


@operation(check=_check_measure_regions, returns=("sizes", "boxes", "histograms"))
def measure_regions(labels: Array, bins: Array, *, num_regions: int, num_bins: int) -> tuple[Array, Array, Array]:
    """Return the size, the box and the histogram of each region of a segmentation.

    Parameters
    ----------
    labels : int32 ndarray of shape (H, W)
        The region of each pixel, from 0 and without gaps.
    bins : uint16 ndarray of shape (H, W, F)
        The bins that each pixel is counted in.
    num_regions : int
        R, the largest label + 1.
    num_bins : int
        B, number of bins of a histogram.

    Returns
    -------
    sizes : int64 ndarray of shape (R,)
        Numbers of pixels.
    boxes : int64 ndarray of shape (R, 4)
        ``x1, y1, x2, y2`` around the pixels of each region.
    histograms : int32 ndarray of shape (R, B)

    Raises
    ------
    ValueError
        If a label or a bin is out of range, or a region has no pixel.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection.selective_search.region_histograms import measure_regions
    >>> labels, bins = np.array([[0, 1, 1]]), np.array([[[2], [0], [0]]])
    >>> sizes, boxes, histograms = measure_regions(labels, bins, num_regions=2, num_bins=3)
    >>> sizes.tolist(), boxes.tolist(), histograms.tolist()
    ([1, 2], [[0, 0, 1, 1], [1, 0, 3, 1]], [[0, 0, 1], [2, 0, 0]])
    """
    sizes, boxes = np.zeros(num_regions, np.int64), np.zeros((num_regions, 4), np.int64)
    histograms = np.zeros((num_regions, num_bins), np.int32)
    for region in range(num_regions):
        y, x = np.nonzero(labels == region)
        sizes[region] = len(y)
        boxes[region] = x.min(), y.min(), x.max() + 1, y.max() + 1
        histograms[region] = np.bincount(bins[y, x].ravel(), minlength=num_bins)
    return sizes, boxes, histograms


def touching_pairs(labels: Array) -> Array:
    """Return the pairs of regions that touch, the smaller number first, in ascending order: int64 ``(P, 2)``."""
    count = np.int64(labels.max()) + 1
    codes = []
    for one, other in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])):
        border = one != other
        smaller, larger = np.minimum(one[border], other[border]), np.maximum(one[border], other[border])
        codes.append(count * smaller + larger)
    return np.stack(np.divmod(np.unique(np.concatenate(codes)), count), axis=1)
