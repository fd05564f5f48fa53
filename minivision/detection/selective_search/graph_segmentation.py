"""Graph-based segmentation: pixels are merged into regions along the edges between them, the weakest first.

Felzenszwalb and Huttenlocher, Efficient graph-based image segmentation, IJCV 2004.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from minivision.core.arguments import check_same_shape, check_shape, floats, number, pair
from minivision.core.dispatch import operation
from minivision.core.types import Array, Size
from minivision.detection.selective_search.gaussian_filters import smooth
from minivision.detection.selective_search.image_checks import (
    MAX_PIXELS,
    check_finite,
    check_image,
    check_positive,
    float_image,
    integers_below,
)

NEIGHBORS = ((0, 1), (1, 0), (1, 1), (1, -1))  # rows and columns from a pixel to the four after it, of its eight


def graph_segmentation(image: npt.ArrayLike, k: float, *, sigma: float = 0.8, min_size: float | None = None) -> Array:
    """Segment an image into regions whose colors vary less within a region than across its border.

    Parameters
    ----------
    image : ndarray of shape (H, W, C)
        uint8, or floats from 0 to 255.
    k : float
        Scale of the regions, in units of the image: larger values give larger regions.
    sigma : float
        Standard deviation of the Gaussian that smooths the image first, in pixels.
    min_size : int, optional
        Number of pixels of the smallest region; smaller ones are merged with a neighbor in the end. By default `k`,
        as in selective search.

    Returns
    -------
    labels : int32 ndarray of shape (H, W)
        The number of each pixel's region, from 0, in the order of their first pixels.

    Raises
    ------
    TypeError, ValueError
        If `image` is no image, or a parameter is out of its range.

    Notes
    -----
    The neighbors of a pixel are all eight around it, and the weight of an edge is the Euclidean distance of the two
    colors, as in the authors' published code. The paper segments each color channel by itself and intersects the three
    results, and it also merges two regions if the edge is exactly as strong as allowed. The result is exactly the
    partition of ``skimage.segmentation.felzenszwalb(image / 255, scale=k)`` if no two edges have the same weight.
    OpenCV's implementation has edges to four neighbors only.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import graph_segmentation
    >>> image = np.zeros((2, 4, 3), np.uint8)
    >>> image[:, 2:] = 200
    >>> graph_segmentation(image, 2, sigma=0).tolist()
    [[0, 0, 1, 1], [0, 0, 1, 1]]
    """
    image = check_image(image)
    check_positive("k", k)
    if not 0 <= sigma < float("inf"):
        raise ValueError(f"sigma: expected a number, 0 or more, got {sigma!r}")
    min_size = k if min_size is None else min_size
    edges, weights = sorted_edges(smooth(image, sigma))
    return merge_pixels(edges, weights, image.shape[:2], k=k, min_size=min_size)


def _check_sorted_edges(image):
    (image,) = float_image(image=image)
    check_finite("image", image)
    return (image,)


@operation(check=_check_sorted_edges, returns=("edges", "weights"))
def sorted_edges(image: Array) -> tuple[Array, Array]:
    """Return the edges between neighboring pixels, sorted by weight.

    Parameters
    ----------
    image : float ndarray of shape (H, W, C)

    Returns
    -------
    edges : int32 ndarray of shape (E, 2)
        The two pixels of each edge, numbered row by row; a pixel has edges to its eight neighbors.
    weights : float ndarray of shape (E,)
        Euclidean distance of the two colors, ascending. Equal ones are in the order of `NEIGHBORS`, then of their
        first pixels.

    Raises
    ------
    ValueError
        If the image is empty, too large, or has values that are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection.selective_search.graph_segmentation import sorted_edges
    >>> edges, weights = sorted_edges(np.array([[[0.0], [7.0], [9.0]]]))
    >>> edges.tolist(), weights.tolist()
    ([[1, 2], [0, 1]], [2.0, 7.0])
    """
    height, width, _ = image.shape
    pixels = np.arange(height * width, dtype=np.int32).reshape(height, width)
    edges, weights = [], []
    for down, right in NEIGHBORS:
        here = np.s_[: height - down, max(0, -right) : width - max(0, right)]
        there = np.s_[down:, max(0, right) : width - max(0, -right)]
        edges.append(np.stack([pixels[here].ravel(), pixels[there].ravel()], axis=1))
        weights.append(np.sqrt(((image[there] - image[here]) ** 2).sum(axis=2)).ravel())
    all_edges, all_weights = np.concatenate(edges), np.concatenate(weights)
    order = np.argsort(all_weights, kind="stable")
    return all_edges[order], all_weights[order]


def _check_merge_pixels(edges, weights, size, k, min_size):
    size = height, width = pair("size", size)
    if height * width > MAX_PIXELS:
        raise ValueError(f"size: {height} x {width} pixels are too many, at most {MAX_PIXELS} are possible")
    edges = integers_below("edges", edges, height * width, np.int32, "they are numbers of pixels, row by row")
    check_shape("edges", edges, "E, 2", meaning="the two pixels of an edge in each row")
    (weights,) = floats(weights=weights)
    if weights.dtype.kind != "f":
        raise TypeError(f"weights: expected float32 or float64, got {weights.dtype}")
    check_same_shape("weights", weights, (len(edges),), "one for each edge")
    if not (weights[1:] >= weights[:-1]).all() or np.isnan(weights[:1]).any():  # also if one is NaN
        raise ValueError("weights: expected ascending numbers without NaN; sort the edges first, see sorted_edges")
    check_positive("k", k)
    return edges, weights, size, number("k", k), number("min_size", min_size)


@operation(check=_check_merge_pixels, returns=("labels",))
def merge_pixels(edges: Array, weights: Array, size: Size, *, k: float, min_size: float) -> Array:
    """Merge pixels into regions along sorted edges.

    The internal difference of a region is the largest weight of the edges that made it. An edge merges two regions if
    its weight is below the internal difference of both, each plus k / pixels; so small regions merge easily
    (equations 3 to 5).

    Parameters
    ----------
    edges : int ndarray of shape (E, 2)
        The two pixels of each edge, numbered row by row, as `sorted_edges` returns them.
    weights : float ndarray of shape (E,)
        Their weights, ascending.
    size : (int, int)
        Height and width of the image.
    k, min_size : float
        As in `graph_segmentation`.

    Returns
    -------
    labels : int32 ndarray of shape (H, W)
        The number of each pixel's region, from 0, in the order of their first pixels.

    Raises
    ------
    ValueError
        If an edge names a pixel outside of the image, the weights are not sorted, or `k` is not positive.

    References
    ----------
    Felzenszwalb and Huttenlocher, "Efficient graph-based image segmentation", IJCV 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection.selective_search.graph_segmentation import merge_pixels, sorted_edges
    >>> edges, weights = sorted_edges(np.array([[[0.0], [1.0], [90.0], [93.0]]]))
    >>> merge_pixels(edges, weights, (1, 4), k=8, min_size=1).tolist()
    [[0, 0, 1, 1]]
    """
    scale = weights.dtype.type(k)
    parent = list(range(size[0] * size[1]))  # of each pixel, on the path to the root of its region
    pixels = [1] * len(parent)
    limit = [scale] * len(parent)  # internal difference + k / pixels

    def region(pixel):
        while parent[pixel] != pixel:
            pixel = parent[pixel]
        return pixel

    def join(a, b):
        a, b = (a, b) if pixels[a] >= pixels[b] else (b, a)
        parent[b] = a
        pixels[a] += pixels[b]
        return a

    for (first, second), weight in zip(edges.tolist(), weights, strict=True):
        a, b = region(first), region(second)
        if a != b and weight < limit[a] and weight < limit[b]:
            a = join(a, b)
            limit[a] = weight + scale / weights.dtype.type(pixels[a])
    for first, second in edges.tolist():
        a, b = region(first), region(second)
        if a != b and min(pixels[a], pixels[b]) < min_size:
            join(a, b)

    numbers: dict[int, int] = {}
    labels = [numbers.setdefault(region(pixel), len(numbers)) for pixel in range(len(parent))]
    return np.array(labels, np.int32).reshape(size)
