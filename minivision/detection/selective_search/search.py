"""Selective search: region proposals from a hierarchical grouping of regions, without training.

Uijlings, van de Sande, Gevers and Smeulders, Selective search for object recognition, IJCV 2013.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from minivision import ops
from minivision.core.constants import SIMILARITIES
from minivision.core.types import Array, Size
from minivision.data.transforms import resize_image
from minivision.detection.selective_search.color_spaces import to_color_space
from minivision.detection.selective_search.gaussian_filters import smooth
from minivision.detection.selective_search.graph_segmentation import merge_pixels, sorted_edges
from minivision.detection.selective_search.hierarchy import Hierarchy, depths_and_heights
from minivision.detection.selective_search.image_checks import check_image, check_positive, check_rgb
from minivision.detection.selective_search.region_grouping import group
from minivision.detection.selective_search.region_histograms import describe_regions, histogram_bins, touching_pairs

SIGMA = 0.8  # pixels, of the Gaussian that smooths the image before segmentation
MAX_SEARCHED_PIXELS = 4_000_000
NEAR_DUPLICATE_IOU = 0.9  # IoU with a better box above which a box is nearly the same


class Mode(NamedTuple):
    """Strategies: each color space with each threshold and each sum of similarities."""

    color_spaces: tuple[str, ...]
    thresholds: tuple[float, ...]  # k of the segmentation, also the number of pixels of the smallest region
    similarities: tuple[str, ...]  # C color, T texture, S size, F fill


# Uijlings et al., table 4.
MODES = {
    "single": Mode(("HSV",), (100,), ("CTSF",)),
    "fast": Mode(("HSV", "Lab"), (50, 100), ("CTSF", "TSF")),
    "quality": Mode(("HSV", "Lab", "rgI", "H", "I"), (50, 100, 150, 300), ("CTSF", "TSF", "F", "S")),
}


def selective_search(image: Array, mode: str = "fast", rng: np.random.Generator | None = None) -> Array:
    """Return region proposals of selective search, the most promising first.

    Each strategy segments the image into small regions and merges them into larger and larger ones; the boxes of all
    these regions, small and large, are the proposals. Different strategies find different objects.

    Parameters
    ----------
    image : uint8 ndarray of shape (H, W, 3)
        RGB.
    mode : str
        ``"single"``, ``"fast"`` (8 strategies) or ``"quality"`` (80).
    rng : numpy.random.Generator, optional
        For the order of the boxes. By default the same numbers each time.

    Returns
    -------
    boxes : float32 ndarray of shape (K, 4)
        ``x1, y1, x2, y2`` in pixels, without duplicates.

    Raises
    ------
    TypeError, ValueError
        If `image` is not such an array, or there is no such mode.

    Notes
    -----
    Images of more than 4 million pixels are searched at that size, and the boxes enlarged: the smallest region of the
    paper has 50 pixels, and the time to group regions grows with the square of their number.

    Color spaces, thresholds and similarities are those of the paper; the order differs, see `rank`. OpenCV
    (``cv2.ximgproc.segmentation``) has another segmentation: four neighbors instead of eight, k of 150, 300 and 450 (up
    to 750 in ``"quality"``) and no region below 100 pixels; its hues reach 180 and fill only part of the bins; its
    texture is that of Scharr's filter; and it ranks by height.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import selective_search
    >>> image = np.zeros((40, 60, 3), np.uint8)
    >>> image[10:30, 20:50] = 255
    >>> [20.0, 10.0, 50.0, 30.0] in selective_search(image).tolist()
    True
    """
    rng = np.random.default_rng(0) if rng is None else rng
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng: expected a numpy.random.Generator, got {type(rng).__name__}")
    check_rgb(image)
    size = searched_size(image.shape[:2])
    boxes = rank(list(hierarchies(resize_image(image, size), mode)), rng)
    return boxes if size == image.shape[:2] else _enlarged(boxes, size, image.shape[:2])


def searched_size(size: Size) -> Size:
    """Return the size at which an image is searched: its own, or one of `MAX_SEARCHED_PIXELS` if it has more."""
    height, width = size
    scale = (MAX_SEARCHED_PIXELS / (height * width)) ** 0.5
    return (height, width) if scale >= 1 else (max(1, int(height * scale)), max(1, int(width * scale)))


def _enlarged(boxes, size, image_size):
    """Return boxes in an image of `size` as boxes in the image of `image_size`, on whole pixels."""
    scale = np.array(image_size, float)[::-1] / size[::-1]
    return np.round(boxes * np.tile(scale, 2)).astype(np.float32)


def region_hierarchy(
    image: Array, *, color_space: str = "HSV", k: float = 100, similarities: str = "CTSF"
) -> Hierarchy:
    """Return the `Hierarchy` of one strategy.

    Parameters
    ----------
    image : uint8 ndarray of shape (H, W, 3)
        RGB.
    color_space : str
        As in `to_color_space`.
    k : float
        Threshold of the segmentation, and the smallest number of pixels of a region.
    similarities : str
        Those that are added: some of ``"CTSF"``, color, texture, size and fill.

    Returns
    -------
    hierarchy : Hierarchy

    Raises
    ------
    TypeError, ValueError
        If `image` is not such an array, or a parameter is out of its range.
    """
    check_rgb(image)
    check_positive("k", k)
    if not similarities or not set(similarities) <= set(SIMILARITIES):
        raise ValueError(f"similarities: expected some of the letters C, T, S, F, got {similarities!r}")
    return next(_hierarchies(image, Mode((color_space,), (k,), (similarities,))))


def hierarchies(image: Array, mode: str) -> Iterator[Hierarchy]:
    """Return an iterator over the `Hierarchy` of each strategy of a mode."""
    check_rgb(image)
    if mode not in MODES:
        raise ValueError(f"mode: expected {', '.join(map(repr, MODES))}, got {mode!r}")
    return _hierarchies(image, MODES[mode])


def _hierarchies(image, mode):
    """Run all strategies; edges are computed once for each color space, regions once for each threshold."""
    for name in mode.color_spaces:
        converted = check_image(to_color_space(image, name))
        edges, weights = sorted_edges(smooth(converted, SIGMA))
        bins = histogram_bins(converted)
        for k in mode.thresholds:
            labels = merge_pixels(edges, weights, image.shape[:2], k=k, min_size=k)
            regions, pairs = describe_regions(labels, bins), touching_pairs(labels)
            for used in mode.similarities:
                yield group(labels, regions, pairs, used)


def rank(hierarchies: Sequence[Hierarchy], rng: np.random.Generator) -> Array:
    """Return the boxes of several hierarchies without duplicates, the most promising first.

    A region's value is its position times a random number from 0 to 1, and lower is better; so the boxes of all
    strategies are mixed, and a box of several strategies is likely to come early. In the paper the position is 1 for
    the whole image and grows towards the parts, in OpenCV it is 1 for the parts: large regions come first, or small
    ones. Here the position is the geometric mean of the two. Boxes that are nearly the same as a better one come last.

    Parameters
    ----------
    hierarchies : list of Hierarchy
    rng : numpy.random.Generator

    Returns
    -------
    boxes : float32 ndarray of shape (K, 4)
        ``x1, y1, x2, y2`` in pixels.
    """
    boxes = np.concatenate([each.boxes for each in hierarchies])
    positions = []
    for each in hierarchies:
        depths, heights = depths_and_heights(each.children)
        positions.append(np.sqrt(depths * heights))
    values = np.concatenate(positions) * rng.random(len(boxes))
    boxes = boxes[np.argsort(values, kind="stable")]
    codes = boxes @ (1 << np.array([0, 16, 32, 48]))
    first = np.sort(np.unique(codes, return_index=True)[1])
    boxes = boxes[first].astype(np.float32)
    return _near_duplicates_last(boxes)


def _near_duplicates_last(boxes):
    order = np.arange(len(boxes))
    kept = ops.nms(boxes, -order.astype(np.float32), NEAR_DUPLICATE_IOU)
    return boxes[np.concatenate([kept, np.setdiff1d(order, kept)])]
