"""Regions of interest (RoI): the part of a map in a box of any size becomes a grid of fixed size.

R-CNN warps the image in the box (:func:`crop_and_resize`), Fast R-CNN takes the maximum in each cell of a grid on
the feature map (:func:`roi_pool`), Mask R-CNN interpolates at points that are never rounded (:func:`roi_align`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from minivision.core.arguments import (
    as_array,
    check_range,
    check_same_shape,
    check_shape,
    flag,
    floats,
    integer,
    integers,
    number,
    pair,
)
from minivision.core.dispatch import operation
from minivision.core.types import Array, IntOrPair

# Beyond this number, float32 cannot represent every pixel.
LARGEST_PIXEL = 2**24
MAX_SAMPLES = 256  # per side of a cell


def _check_rois(rois, images, spatial_scale):
    """Check that the boxes are finite and belong to images of the batch; return the scale as a float."""
    spatial_scale = number("spatial_scale", spatial_scale)
    if not 0 < spatial_scale < math.inf:
        raise ValueError(
            f"spatial_scale: expected the size of the map relative to the boxes' image, as in 1 / 16, "
            f"got {spatial_scale}"
        )
    check_shape("rois", rois, "K, 5", meaning="the number of the image in the batch, then x1, y1, x2, y2")
    reachable = abs(rois) <= LARGEST_PIXEL / max(spatial_scale, 1)  # NaN is not
    if not reachable.all():
        row, column = (int(i) for i in np.argwhere(~reachable)[0])
        raise ValueError(
            f"rois: expected finite coordinates within {LARGEST_PIXEL} pixels, got {rois[row, column]} "
            f"at ({row}, {column}); clip boxes to the image first (clip_boxes_to_image)"
        )
    image = rois[:, 0].astype(np.int64)
    known = (image >= 0) & (image < images) & (image == rois[:, 0])
    if not known.all():
        row = int(np.argmin(known))
        batch = f"the batch has the images 0 .. {images - 1}" if images else "the batch has no image"
        raise ValueError(
            f"rois: row {row} belongs to image {rois[row, 0]}, but {batch}; the first number of each row says which "
            f"image the box lies in"
        )
    return spatial_scale


def _check_forward(x, rois, output_size, spatial_scale):
    x, rois = floats(x=x, rois=rois)
    check_shape("x", x, "N, C, H, W")
    _check_pixels("x", x.shape)
    spatial_scale = _check_rois(rois, len(x), spatial_scale)
    return x, rois, pair("output_size", output_size), spatial_scale


def _check_backward(dy, rois, input_shape, spatial_scale=1.0):
    dy, rois = floats(dy=dy, rois=rois)
    check_shape("dy", dy, "K, C, H', W'")
    _check_pixels("dy", dy.shape)
    input_shape = _map_shape(input_shape)
    spatial_scale = _check_rois(rois, input_shape[0], spatial_scale)
    expected = (len(rois), input_shape[1], *dy.shape[2:])
    check_same_shape("dy", dy, expected, "a grid for each of rois, with the channels of input_shape")
    return dy, rois, input_shape, spatial_scale


def _map_shape(input_shape):
    if isinstance(input_shape, np.ndarray):
        input_shape = input_shape.tolist()
    if not isinstance(input_shape, (tuple, list)) or len(input_shape) != 4:
        raise ValueError(f"input_shape: expected the shape (N, C, H, W) of x, got {input_shape!r}")
    input_shape = tuple(integer("input_shape", size, minimum=0) for size in input_shape)
    _check_pixels("input_shape", input_shape)
    return input_shape


def _check_pixels(name, shape):
    if shape[2] * shape[3] == 0:
        raise ValueError(f"{name}: expected at least one row and one column, got shape {tuple(shape)}")


# ---- RoI pooling ----


def round_half_away(value: float) -> int:
    """Round to the nearest integer, halves away from zero, as ``round`` of C does; those of Python and NumPy do not."""
    whole = math.floor(abs(value))
    whole += abs(value) - whole >= 0.5
    return whole if value >= 0 else -whole


def _check_roi_pool(x, rois, output_size, spatial_scale):
    return _check_forward(x, rois, output_size, spatial_scale)


@operation(check=_check_roi_pool, returns=("y", "argmax"))
def roi_pool(x: Array, rois: Array, output_size: IntOrPair, *, spatial_scale: float = 1.0) -> tuple[Array, Array]:
    """RoI pooling: maximum of each cell of a grid on each region, with its position.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Feature maps.
    rois : ndarray of shape (K, 5)
        Index of the image in the batch, then ``x1, y1, x2, y2``.
    output_size : int or (int, int)
        Rows and columns of the grid.
    spatial_scale : float
        Size of the map relative to the image of the boxes: 1 / 16 if the image is 16 times as large.

    Returns
    -------
    y : ndarray of shape (K, C, H', W')
        The maxima. The corners are rounded to pixels, halves away from zero, and both belong to the region, so it
        has at least one pixel; cells overlap if its size is no multiple of the grid's. A cell outside the map gives
        0, one with a NaN gives NaN.
    argmax : int32 ndarray of shape (K, C, H', W')
        Position of each maximum in its plane of x, as ``row * W + column``; -1 outside the map. Of equal values it
        is the first one; of several NaNs the last one.

    Raises
    ------
    ValueError
        If a box belongs to no image of the batch, or is not finite.

    References
    ----------
    Girshick, "Fast R-CNN", 2015, section 2.1.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> y, argmax = ops.roi_pool(x, np.array([[0.0, 0, 0, 3, 1]]), (1, 2))  # the upper two rows
    >>> y.tolist(), argmax.tolist()
    ([[[[5.0, 7.0]]]], [[[[5, 7]]]])
    """
    N, C, H, W = x.shape
    rows, cols = output_size
    y = np.zeros((len(rois), C, rows, cols), x.dtype)
    argmax = np.full(y.shape, -1, np.int32)
    number = rois.dtype.type
    for k, box in enumerate(rois[:, 1:] * spatial_scale):
        n = int(rois[k, 0])
        left, top, right, bottom = (round_half_away(corner) for corner in box)
        # In the dtype of the boxes: rounding decides whether an edge falls on a pixel or just beyond it.
        row_edges = np.arange(rows + 1, dtype=number) * (number(max(bottom - top + 1, 1)) / number(rows))
        col_edges = np.arange(cols + 1, dtype=number) * (number(max(right - left + 1, 1)) / number(cols))
        for c, i, j in np.ndindex(C, rows, cols):
            first_row, end_row = top + math.floor(row_edges[i]), top + math.ceil(row_edges[i + 1])
            first_col, end_col = left + math.floor(col_edges[j]), left + math.ceil(col_edges[j + 1])
            best = None
            for row in range(max(first_row, 0), min(end_row, H)):
                for col in range(max(first_col, 0), min(end_col, W)):
                    value = x[n, c, row, col]
                    if best is None or value > best or value != value:  # only NaN differs from itself
                        best = value
                        argmax[k, c, i, j] = row * W + col
            if best is not None:
                y[k, c, i, j] = best
    return y, argmax


def _check_roi_pool_backward(dy, rois, argmax, input_shape):
    dy, rois, input_shape, _ = _check_backward(dy, rois, input_shape)
    argmax = as_array("argmax", argmax)
    check_same_shape("argmax", argmax, dy.shape, "one for each value of dy")
    H, W = input_shape[2:]
    if argmax.dtype != np.int32 or argmax.size and not (argmax.min() >= -1 and argmax.max() < H * W):
        hint = f"they are row * W + column in a plane of ({H}, {W}), or -1; pass what roi_pool returned"
        argmax = integers("argmax", argmax)
        check_range("argmax", np.where(argmax == -1, 0, argmax), H * W, hint)
        argmax = argmax.astype(np.int32)
    return dy, rois, argmax, input_shape


@operation(check=_check_roi_pool_backward, returns=("dx",))
def roi_pool_backward(dy: Array, rois: Array, argmax: Array, input_shape: Sequence[int]) -> Array:
    """Gradient of :func:`roi_pool`: each value of `dy` is added at the position of its maximum.

    Parameters
    ----------
    dy : ndarray of shape (K, C, H', W')
        Upstream gradient.
    rois : ndarray of shape (K, 5)
        As given to :func:`roi_pool`.
    argmax : int ndarray of shape (K, C, H', W')
        Second result of :func:`roi_pool`.
    input_shape : sequence of 4 ints
        ``(N, C, H, W)`` of the maps.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
        Gradient of the maps. Where regions overlap, their gradients are added.

    Raises
    ------
    ValueError
        If an index lies outside the plane, a box belongs to no image, or the shapes do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> dy, argmax = np.array([[[[10.0, 20.0]]]]), np.array([[[[1, 3]]]])
    >>> ops.roi_pool_backward(dy, np.array([[0.0, 0, 0, 3, 0]]), argmax, (1, 1, 1, 4)).tolist()
    [[[[0.0, 10.0, 0.0, 20.0]]]]
    """
    dx = np.zeros(input_shape, dy.dtype)
    for k, c, i, j in np.ndindex(dy.shape):
        if argmax[k, c, i, j] >= 0:
            row, col = divmod(argmax[k, c, i, j], input_shape[3])
            dx[int(rois[k, 0]), c, row, col] += dy[k, c, i, j]
    return dx


# ---- RoIAlign ----
#
# A bilinear interpolation is a linear one along the rows times a linear one along the columns.


def neighbors(position: float, size: int) -> list[tuple[int, float]]:
    """Return the two pixels next to a position along an axis, with their weights: ``[(pixel, share), ...]``.

    Up to one pixel beyond the outermost pixels, these are repeated; further outside the list is empty.
    """
    if position < -1 or position > size:
        return []
    position = min(max(position, 0), size - 1)
    lower = math.floor(position)
    share = position - lower
    return [(lower, 1 - share), (min(lower + 1, size - 1), share)]


def _sample_points(start, stop, cells, sampling_ratio, aligned, dtype):
    """Return the positions of the samples of each cell along an axis, an array of shape (cells, samples)."""
    number = dtype.type
    length = stop - start if aligned else max(stop - start, number(1))
    cell = length / number(cells)
    samples = sampling_ratio if sampling_ratio > 0 else max(math.ceil(cell), 0)
    cell_numbers, sample_numbers = np.arange(cells, dtype=number)[:, None], np.arange(samples, dtype=number)
    return start + cell_numbers * cell + (sample_numbers + 0.5) * cell / number(samples)


def count_samples(
    rois: Array, grid: Sequence[int], spatial_scale: float, sampling_ratio: int = -1, aligned: bool = True
) -> int:
    """Return how many samples :func:`roi_align` takes of each channel, all regions and cells together."""
    total = 0
    for x1, y1, x2, y2 in rois[:, 1:] * spatial_scale:
        down = _sample_points(y1, y2, grid[0], sampling_ratio, aligned, rois.dtype)
        across = _sample_points(x1, x2, grid[1], sampling_ratio, aligned, rois.dtype)
        total += down.size * across.size
    return total


def _check_roi_align(x, rois, output_size, spatial_scale, sampling_ratio, aligned):
    x, rois, output_size, spatial_scale = _check_forward(x, rois, output_size, spatial_scale)
    return x, rois, output_size, spatial_scale, _sampling_ratio(sampling_ratio), flag("aligned", aligned)


def _sampling_ratio(value):
    return max(integer("sampling_ratio", value, minimum=-1, maximum=MAX_SAMPLES), 0) or -1  # in PyTorch 0 means -1


@operation(check=_check_roi_align)
def roi_align(
    x: Array,
    rois: Array,
    output_size: IntOrPair,
    *,
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = True,
) -> Array:
    """RoIAlign: mean of interpolated samples in each cell of a grid on each region, without any rounding.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Feature maps.
    rois : ndarray of shape (K, 5)
        Index of the image in the batch, then ``x1, y1, x2, y2``.
    output_size : int or (int, int)
        Rows and columns of the grid.
    spatial_scale : float
        Size of the map relative to the image of the boxes: 1 / 16 if the image is 16 times as large.
    sampling_ratio : int
        Number of samples along each side of a cell; -1 means the size of the cell in pixels, rounded up.
    aligned : bool
        Whether the center of pixel 0 lies at 0.5, which is correct. False puts it at 0, as the first implementations
        did (half a pixel off), and makes each region at least one pixel high and wide.

    Returns
    -------
    y : ndarray of shape (K, C, H', W')
        The means. A sample beyond the outermost pixel centers gets the value of the nearest pixel; more than a pixel
        beyond them it counts as 0. The samples of an inverted box run backwards; with ``sampling_ratio=-1`` and
        ``aligned`` it has no samples and gives 0.

    Raises
    ------
    ValueError
        If a box belongs to no image of the batch, or is not finite.

    References
    ----------
    He et al., "Mask R-CNN", 2017, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> ops.roi_align(x, np.array([[0.0, 0.5, 1, 2.5, 3]]), (1, 2)).tolist()
    [[[[6.5, 7.5]]]]
    """
    N, C, H, W = x.shape
    rows, cols = output_size
    y = np.zeros((len(rois), C, rows, cols), x.dtype)
    offset = 0.5 if aligned else 0.0
    for k, (x1, y1, x2, y2) in enumerate(rois[:, 1:] * spatial_scale - offset):
        n = int(rois[k, 0])
        down = _sample_points(y1, y2, rows, sampling_ratio, aligned, rois.dtype)  # (rows, samples)
        across = _sample_points(x1, x2, cols, sampling_ratio, aligned, rois.dtype)  # (cols, samples)
        for i, j in np.ndindex(rows, cols):
            for sample_y, sample_x in itertools.product(down[i], across[j]):
                corners = itertools.product(neighbors(sample_y, H), neighbors(sample_x, W))
                for (row, share_y), (col, share_x) in corners:
                    y[k, :, i, j] += share_y * share_x * x[n, :, row, col] / (down[i].size * across[j].size)
    return y


def _check_roi_align_backward(dy, rois, input_shape, spatial_scale, sampling_ratio, aligned):
    dy, rois, input_shape, spatial_scale = _check_backward(dy, rois, input_shape, spatial_scale)
    return dy, rois, input_shape, spatial_scale, _sampling_ratio(sampling_ratio), flag("aligned", aligned)


@operation(check=_check_roi_align_backward, returns=("dx",))
def roi_align_backward(
    dy: Array,
    rois: Array,
    input_shape: Sequence[int],
    *,
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = True,
) -> Array:
    """Gradient of :func:`roi_align`: each value of `dy` is distributed over the pixels of its samples.

    There is no gradient for the boxes: their positions are constants.

    Parameters
    ----------
    dy : ndarray of shape (K, C, H', W')
        Upstream gradient.
    rois : ndarray of shape (K, 5)
        As given to :func:`roi_align`.
    input_shape : sequence of 4 ints
        ``(N, C, H, W)`` of the maps.
    spatial_scale, sampling_ratio, aligned
        As given to :func:`roi_align`.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
        Gradient of the maps. Where regions overlap, their gradients are added.

    Raises
    ------
    ValueError
        If a box belongs to no image of the batch, or the shapes do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> dy, rois = np.array([[[[8.0]]]]), np.array([[0.0, 0.5, 0, 1.5, 1]])  # halves of two pixels
    >>> ops.roi_align_backward(dy, rois, (1, 1, 1, 3)).tolist()
    [[[[4.0, 4.0, 0.0]]]]
    """
    H, W = input_shape[2:]
    rows, cols = dy.shape[2:]
    dx = np.zeros(input_shape, dy.dtype)
    offset = 0.5 if aligned else 0.0
    for k, (x1, y1, x2, y2) in enumerate(rois[:, 1:] * spatial_scale - offset):
        n = int(rois[k, 0])
        down = _sample_points(y1, y2, rows, sampling_ratio, aligned, rois.dtype)  # (rows, samples)
        across = _sample_points(x1, x2, cols, sampling_ratio, aligned, rois.dtype)  # (cols, samples)
        for i, j in np.ndindex(rows, cols):
            for sample_y, sample_x in itertools.product(down[i], across[j]):
                corners = itertools.product(neighbors(sample_y, H), neighbors(sample_x, W))
                for (row, share_y), (col, share_x) in corners:
                    dx[n, :, row, col] += share_y * share_x * dy[k, :, i, j] / (down[i].size * across[j].size)
    return dx


# ---- R-CNN's warp ----


def _crop_taps(start, stop, bins, size, dtype):
    """Return the input pixels of each output pixel along an axis, with their weights: ``[(pixel, share), ...]``."""
    half = dtype.type(0.5)
    centers = start + (np.arange(bins, dtype=dtype) + half) * ((stop - start) / dtype.type(bins))
    first, last = start + half, stop - half  # outermost pixel centers of the crop; beyond, they repeat
    if first > last:
        first = last = (start + stop) * half
    taps = []
    for center in centers:
        position = min(max(center, first), last) - half  # the center of pixel i lies at i + 0.5
        lower = math.floor(position)
        share = position - lower
        beside = [(lower, 1 - share), (lower + 1, share)]
        taps.append([(pixel, share) for pixel, share in beside if 0 <= pixel < size])
    return taps


def _check_crop_and_resize(x, rois, output_size, spatial_scale):
    return _check_forward(x, rois, output_size, spatial_scale)


@operation(check=_check_crop_and_resize)
def crop_and_resize(x: Array, rois: Array, output_size: IntOrPair, *, spatial_scale: float = 1.0) -> Array:
    """Crop each region and resize it to a fixed size, as the input of R-CNN's network.

    Each output pixel is interpolated from the four pixels nearest to its center. Pixel centers lie at half a pixel, in
    the crop as in the output. So for a box of whole pixels the result is that of
    ``interpolate(mode="bilinear", align_corners=False)`` in PyTorch and of ``resize`` in OpenCV on the crop, without
    smoothing before it gets smaller. (``crop_and_resize`` of TensorFlow puts the corners of the output on pixel
    centers and takes normalized boxes, y first.)

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Images or feature maps.
    rois : ndarray of shape (K, 5)
        Index of the image in the batch, then ``x1, y1, x2, y2``.
    output_size : int or (int, int)
        Rows and columns of the result.
    spatial_scale : float
        Size of the map relative to the image of the boxes: 1 / 16 if the image is 16 times as large.

    Returns
    -------
    y : ndarray of shape (K, C, H', W')
        The crops. Pixels outside the map are 0, the mean color of a normalized image, as in R-CNN. A box less than a
        pixel wide is read along its middle, an inverted one too.

    Raises
    ------
    ValueError
        If a box belongs to no image of the batch, or is not finite.

    References
    ----------
    Girshick et al., "Rich feature hierarchies for accurate object detection and semantic segmentation" (R-CNN),
    2014, appendix A.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> ops.crop_and_resize(x, np.array([[0.0, 0, 0, 4, 2]]), (1, 2)).tolist()
    [[[[2.5, 4.5]]]]
    """
    N, C, H, W = x.shape
    rows, cols = output_size
    y = np.zeros((len(rois), C, rows, cols), x.dtype)
    for k, (x1, y1, x2, y2) in enumerate(rois[:, 1:] * spatial_scale):
        n = int(rois[k, 0])
        row_taps, col_taps = _crop_taps(y1, y2, rows, H, rois.dtype), _crop_taps(x1, x2, cols, W, rois.dtype)
        for i, j in np.ndindex(rows, cols):
            for (row, down), (col, across) in itertools.product(row_taps[i], col_taps[j]):
                y[k, :, i, j] += down * across * x[n, :, row, col]
    return y


def _check_crop_and_resize_backward(dy, rois, input_shape, spatial_scale):
    return _check_backward(dy, rois, input_shape, spatial_scale)


@operation(check=_check_crop_and_resize_backward, returns=("dx",))
def crop_and_resize_backward(
    dy: Array, rois: Array, input_shape: Sequence[int], *, spatial_scale: float = 1.0
) -> Array:
    """Gradient of :func:`crop_and_resize`: each pixel of `dy` is distributed over the pixels of its interpolation.

    Parameters
    ----------
    dy : ndarray of shape (K, C, H', W')
        Upstream gradient.
    rois : ndarray of shape (K, 5)
        As given to :func:`crop_and_resize`.
    input_shape : sequence of 4 ints
        ``(N, C, H, W)`` of the maps.
    spatial_scale : float
        As given to :func:`crop_and_resize`.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
        Gradient of the maps. Where regions overlap, their gradients are added.

    Raises
    ------
    ValueError
        If a box belongs to no image of the batch, or the shapes do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> dy, rois = np.array([[[[8.0]]]]), np.array([[0.0, 0, 0, 2, 1]])
    >>> ops.crop_and_resize_backward(dy, rois, (1, 1, 1, 3)).tolist()
    [[[[4.0, 4.0, 0.0]]]]
    """
    H, W = input_shape[2:]
    rows, cols = dy.shape[2:]
    dx = np.zeros(input_shape, dy.dtype)
    for k, (x1, y1, x2, y2) in enumerate(rois[:, 1:] * spatial_scale):
        n = int(rois[k, 0])
        row_taps, col_taps = _crop_taps(y1, y2, rows, H, rois.dtype), _crop_taps(x1, x2, cols, W, rois.dtype)
        for i, j in np.ndindex(rows, cols):
            for (row, down), (col, across) in itertools.product(row_taps[i], col_taps[j]):
                dx[n, :, row, col] += down * across * dy[k, :, i, j]
    return dx
