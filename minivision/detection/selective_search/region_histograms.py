"""What selective search knows about regions: size, box, and histograms of colour and texture.

Uijlings et al., Selective search for object recognition, IJCV 2013, section 3.2.
"""

from typing import NamedTuple

import numpy as np

from minivision.core.constants import COLOR_BINS, TEXTURE_BINS
from minivision.detection.selective_search.gaussian_filters import gradients
from minivision.detection.with_kernel import with_kernel

ORIENTATIONS = 8
DERIVATIVE_SIGMA = 1.0  # pixels, of the Gaussian derivatives


class Regions(NamedTuple):
    """R regions of an image. Histograms are counts of pixels: where regions merge, they add up.

    Attributes
    ----------
    sizes : (R,) int64 array
        Pixels.
    boxes : (R, 4) int64 array
        ``x1, y1, x2, y2`` around their pixels.
    colors : (R, 25 C) int32 array
        For each channel, how many pixels have a value in each bin.
    textures : (R, 80 C) int32 array
        For each channel and orientation, how many pixels have a derivative in each bin.
    """

    sizes: np.ndarray
    boxes: np.ndarray
    colors: np.ndarray
    textures: np.ndarray

    def with_room(self, count):
        """Return a copy with room for so many regions more: all their numbers are 0."""
        return Regions(*(np.concatenate([each, np.zeros_like(each, shape=(count, *each.shape[1:]))]) for each in self))


def describe_regions(labels, bins):
    """Return the `Regions` of a segmentation.

    Parameters
    ----------
    labels : (H, W) int32 array
        As `graph_segmentation` returns it.
    bins : (H, W, 9 C) uint16 array
        As `histogram_bins` returns it.
    """
    channels = bins.shape[2] // (1 + ORIENTATIONS)
    colors = COLOR_BINS * channels
    count, length = int(labels.max()) + 1, colors + TEXTURE_BINS * ORIENTATIONS * channels
    sizes, boxes, histograms = measure_regions(labels, bins, count, length)
    return Regions(sizes, boxes, histograms[:, :colors].copy(), histograms[:, colors:].copy())


def histogram_bins(image):
    """Return the bins of the histograms that each pixel counts in: of its colours, then of its derivatives.

    Texture is told by Gaussian derivatives in eight orientations, 45 degrees apart; what is negative counts as 0,
    since it is positive in the opposite orientation. The bins of each go from 0 to its largest value in the image.

    Parameters
    ----------
    image : (H, W, C) float32 array
        Of a colour space, 0 .. 255.

    Returns
    -------
    (H, W, 9 C) uint16 array
        For each channel its bin, and for each channel and orientation, counted from the first bin of all.
    """
    right, down = gradients(image, DERIVATIVE_SIGMA)
    angles = 2 * np.pi * np.arange(ORIENTATIONS) / ORIENTATIONS
    cosines, sines = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
    return choose_bins(image, right, down, cosines, sines)


@with_kernel
def choose_bins(image, right, down, cosines, sines):
    """Do what `histogram_bins` says, with the derivatives to the right and downwards at hand."""
    height, width, channels = image.shape
    colors = np.minimum((image * np.float32(COLOR_BINS / 256)).astype(np.uint16), COLOR_BINS - 1)
    # A derivative in any direction is a mixture of two: (H, W, C, orientations)
    derivatives = cosines * right[..., None] + sines * down[..., None]
    largest = np.maximum(derivatives.max(axis=(0, 1)), np.float32(1e-6))
    scaled = np.maximum(derivatives, 0) * (np.float32(TEXTURE_BINS) / largest)
    textures = np.minimum(scaled.astype(np.uint16), TEXTURE_BINS - 1)
    bins = np.concatenate([colors, textures.reshape(height, width, -1)], axis=2)
    lengths = [COLOR_BINS] * channels + [TEXTURE_BINS] * (ORIENTATIONS * channels)
    return bins + (np.cumsum(lengths) - lengths).astype(np.uint16)


@with_kernel
def measure_regions(labels, bins, count, length):
    """Return sizes ``(R,)``, boxes ``(R, 4)`` and histograms ``(R, length)`` of `count` regions."""
    sizes, boxes = np.zeros(count, np.int64), np.zeros((count, 4), np.int64)
    histograms = np.zeros((count, length), np.int32)
    for region in range(count):
        y, x = np.nonzero(labels == region)
        sizes[region] = len(y)
        boxes[region] = x.min(), y.min(), x.max() + 1, y.max() + 1
        histograms[region] = np.bincount(bins[y, x].ravel(), minlength=length)
    return sizes, boxes, histograms


def touching_pairs(labels):
    """Return which regions touch: pairs ``(P, 2)`` of numbers, int64, the smaller first, in ascending order."""
    count = np.int64(labels.max()) + 1
    codes = []
    for one, other in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])):
        border = one != other
        smaller, larger = np.minimum(one[border], other[border]), np.maximum(one[border], other[border])
        codes.append(count * smaller + larger)
    return np.stack(np.divmod(np.unique(np.concatenate(codes)), count), axis=1)
