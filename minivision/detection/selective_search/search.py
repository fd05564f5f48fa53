"""Selective search: boxes that may hold an object, found without knowing what objects look like.

Uijlings, van de Sande, Gevers and Smeulders, Selective search for object recognition, IJCV 2013.
"""

from typing import NamedTuple

import numpy as np

from minivision import ops
from minivision.detection.selective_search.color_spaces import to_color_space
from minivision.detection.selective_search.gaussian_filters import smooth
from minivision.detection.selective_search.graph_segmentation import merge_pixels, sorted_edges
from minivision.detection.selective_search.hierarchy import depths_and_heights
from minivision.detection.selective_search.image_checks import check_image, check_positive, check_rgb
from minivision.detection.selective_search.region_grouping import group
from minivision.detection.selective_search.region_histograms import describe_regions, histogram_bins, touching_pairs

SIGMA = 0.8  # pixels, of the blur before segmentation
NEAR_TWINS = 0.9  # the intersection over union above which a box says the same as a better one


class Mode(NamedTuple):
    """Strategies: every colour space with every threshold and every sum of similarities."""

    color_spaces: tuple
    thresholds: tuple  # k of the segmentation, which is also the smallest region's number of pixels
    similarities: tuple  # C colour, T texture, S size, F fill


# Uijlings et al., table 5.
MODES = {
    "single": Mode(("HSV",), (100,), ("CTSF",)),
    "fast": Mode(("HSV", "Lab"), (50, 100), ("CTSF", "TSF")),
    "quality": Mode(("HSV", "Lab", "rgI", "H", "I"), (50, 100, 150, 300), ("CTSF", "TSF", "F", "S")),
}


def selective_search(image, mode="fast", rng=None):
    """Propose boxes that may hold an object, the most promising first.

    Each strategy cuts the image into small regions and merges them into ever larger ones; the boxes around all of
    them, small and large, are the proposals. Several strategies see different things.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB.
    mode : str
        ``"single"``, ``"fast"`` (8 strategies) or ``"quality"`` (80).
    rng : numpy.random.Generator, optional
        For the order of the boxes. By default the same numbers each time.

    Returns
    -------
    (K, 4) float32 array
        ``x1, y1, x2, y2`` in pixels, no two alike.

    Raises
    ------
    TypeError, ValueError
        Where `image` is not such an array, or there is no such mode.

    Notes
    -----
    Colour spaces, thresholds and similarities are the paper's. `rank` says how the order differs from it. OpenCV
    (``cv2.ximgproc.segmentation``) differs in its segmentation: four neighbours instead of eight, k of 150, 300 and
    450 (up to 750 in ``"quality"``) and no region below 100 pixels; its hues go up to 180 and fill only part of the
    bins; its texture comes from Scharr's filter; and it ranks by height.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng: expected a numpy.random.Generator, got {type(rng).__name__}")
    return rank(list(hierarchies(image, mode)), rng)


def region_hierarchy(image, *, color_space="HSV", k=100, similarities="CTSF"):
    """Return the `Hierarchy` of one strategy.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB.
    color_space : str
        As in `to_color_space`.
    k : float
        Threshold of the segmentation, and the least number of pixels of a region.
    similarities : str
        Which are added up: some of ``"CTSF"``, colour, texture, size and fill.
    """
    check_rgb(image)
    check_positive("k", k)
    if not similarities or not set(similarities) <= set("CTSF"):
        raise ValueError(f"similarities: expected some of the letters C, T, S, F, got {similarities!r}")
    return next(_hierarchies(image, Mode((color_space,), (k,), (similarities,))))


def hierarchies(image, mode):
    """Return an iterator over the `Hierarchy` of each strategy of a mode."""
    check_rgb(image)
    if mode not in MODES:
        raise ValueError(f"mode: expected {', '.join(map(repr, MODES))}, got {mode!r}")
    return _hierarchies(image, MODES[mode])


def _hierarchies(image, mode):
    """What several strategies share is done once: edges for each colour space, regions for each threshold."""
    for name in mode.color_spaces:
        converted = check_image(to_color_space(image, name))
        edges, weights = sorted_edges(smooth(converted, SIGMA))
        bins = histogram_bins(converted)
        for k in mode.thresholds:
            labels = merge_pixels(edges, weights, image.shape[:2], k=k, min_size=k)
            regions, pairs = describe_regions(labels, bins), touching_pairs(labels)
            for used in mode.similarities:
                yield group(labels, regions, pairs, used)


def rank(hierarchies, rng):
    """Return the boxes of several hierarchies, each once, the most promising first.

    A region's value is its position times a random number from 0 to 1, and lower is better; so every strategy has
    its turn, and a box that several found is likely to come early. The paper's position is 1 for the whole image and
    grows towards the parts; OpenCV's is 1 for the parts. Each puts off what the other begins with, and here the
    position is their geometric mean. Boxes that are nearly the same as a better one come after all others.

    Parameters
    ----------
    hierarchies : list of Hierarchy
    rng : numpy.random.Generator

    Returns
    -------
    (K, 4) float32 array
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
    return _near_twins_last(boxes)


def _near_twins_last(boxes):
    order = np.arange(len(boxes))
    apart = ops.nms(boxes, -order.astype(np.float32), NEAR_TWINS)
    return boxes[np.concatenate([apart, np.setdiff1d(order, apart)])]
