"""Graph-based segmentation: pixels grow into regions along the weakest edges between them.

Felzenszwalb and Huttenlocher, Efficient graph-based image segmentation, IJCV 2004.
"""

import numpy as np

from minivision.detection.selective_search.gaussian_filters import smooth
from minivision.detection.selective_search.image_checks import check_image, check_positive
from minivision.detection.with_kernel import with_kernel

NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))  # rows and columns from a pixel to the four after it, of its eight


def graph_segmentation(image, k, *, sigma=0.8, min_size=None):
    """Cut an image into regions, each darker or brighter within itself by less than it differs from its neighbours.

    Parameters
    ----------
    image : (H, W, C) array
        uint8, or floats from 0 to 255.
    k : float
        How much regions hold together, in units of the image: larger values make larger regions.
    sigma : float
        Standard deviation of the Gaussian that takes out noise first, in pixels.
    min_size : int, optional
        Pixels of the smallest region; smaller ones are joined to a neighbour in the end. By default `k`, as in
        selective search.

    Returns
    -------
    (H, W) int32 array
        The number of each pixel's region, from 0, in the order of their first pixels.

    Notes
    -----
    Neighbours are all eight pixels around a pixel, and an edge weighs the Euclidean distance of their colours, as in
    the paper. It is exactly the partition of ``skimage.segmentation.felzenszwalb(image / 255, scale=k)`` where no two
    edges weigh the same. OpenCV's has edges to four neighbours only.
    """
    image = check_image(image)
    check_positive("k", k)
    if not 0 <= sigma < float("inf"):
        raise ValueError(f"sigma: expected a number, 0 or more, got {sigma!r}")
    min_size = k if min_size is None else min_size
    smoothed = smooth(image, sigma)
    edges, weights = sorted_edges(smoothed)
    return merge_pixels(edges, weights, image.shape[:2], image.dtype.type(k), min_size)


@with_kernel
def sorted_edges(image):
    """Return the edges between neighbouring pixels, the weakest first.

    Parameters
    ----------
    image : (H, W, C) float array

    Returns
    -------
    edges : (E, 2) int32 array
        Two pixels each, counted row by row.
    weights : (E,) float array
        How far apart their colours are.
    """
    height, width, _ = image.shape
    pixels = np.arange(height * width, dtype=np.int32).reshape(height, width)
    edges, weights = [], []
    for down, right in NEIGHBOURS:
        here = np.s_[: height - down, max(0, -right) : width - max(0, right)]
        there = np.s_[down:, max(0, right) : width - max(0, -right)]
        edges.append(np.stack([pixels[here].ravel(), pixels[there].ravel()], axis=1))
        weights.append(np.sqrt(((image[there] - image[here]) ** 2).sum(axis=2)).ravel())
    edges, weights = np.concatenate(edges), np.concatenate(weights)
    order = np.argsort(weights, kind="stable")
    return edges[order], weights[order]


@with_kernel
def merge_pixels(edges, weights, size, k, min_size):
    """Join pixels along edges, from the weakest to the strongest, where their regions allow it.

    A region's internal difference is the strongest edge within it so far. An edge joins two regions if it is weaker
    than the internal difference of both, each plus k / pixels: small regions are generous (equations 3 to 5).

    Parameters
    ----------
    edges, weights : (E, 2), (E,) arrays
        As `sorted_edges` returns them.
    size : (int, int)
        Height and width of the image.
    k, min_size : float
        As in `graph_segmentation`.

    Returns
    -------
    (H, W) int32 array
        The number of each pixel's region.
    """
    parent = list(range(size[0] * size[1]))  # of each pixel, on the way to the one that stands for its region
    pixels = [1] * len(parent)
    limit = [k] * len(parent)  # internal difference + k / pixels

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
            limit[a] = weight + k / weights.dtype.type(pixels[a])
    for first, second in edges.tolist():
        a, b = region(first), region(second)
        if a != b and min(pixels[a], pixels[b]) < min_size:
            join(a, b)

    numbers = {}
    labels = [numbers.setdefault(region(pixel), len(numbers)) for pixel in range(len(parent))]
    return np.array(labels, np.int32).reshape(size)
