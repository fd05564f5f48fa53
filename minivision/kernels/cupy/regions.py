"""CuPy kernels of ``roi_pool``, ``roi_align`` and ``crop_and_resize`` (R-CNN's warp) in ``regions.cu``.

In the backward passes each pixel gathers the gradients of all regions that read it, so no atomic sums are needed.
"""

import cupy
import numpy as np

from minivision.kernels.cupy.launch import launch


def roi_pool(x, rois, output_size, spatial_scale):
    y = _grids(x, rois, output_size)
    argmax = cupy.empty(y.shape, np.int32)
    launch("regions", "roi_pool", y.size, x, rois, y, argmax, *x.shape[1:], *output_size, spatial_scale)
    return y, argmax


def roi_pool_backward(dy, rois, argmax, input_shape):
    (K, C, rows, cols), (N, _, H, W) = dy.shape, input_shape
    tables = []  # for each row of the map, the first and last row of bins of each region; also for columns
    for size, bins in ((H, rows), (W, cols)):
        tables += [cupy.full((K, size), bins, np.int32), cupy.full((K, size), -1, np.int32)]
    launch("regions", "bins_of_maxima", argmax.size, argmax, *tables, C, H, W, rows, cols)
    dx = cupy.empty(input_shape, dy.dtype)
    regions = _by_image(rois, N)
    launch("regions", "roi_pool_backward", dx.size, dy, *regions, argmax, *tables, dx, C, H, W, rows, cols)
    return dx


def roi_align(x, rois, output_size, spatial_scale, sampling_ratio, aligned):
    y = _grids(x, rois, output_size)
    launch(
        "regions", "roi_align", y.size, x, rois, y, *x.shape[1:], *output_size, spatial_scale, sampling_ratio, aligned
    )
    return y


def roi_align_backward(dy, rois, input_shape, spatial_scale, sampling_ratio, aligned):
    return _add_weighted("align_weights", dy, rois, input_shape, spatial_scale, sampling_ratio, aligned)


def crop_and_resize(x, rois, output_size, spatial_scale):
    y = _grids(x, rois, output_size)
    launch("regions", "crop_and_resize", y.size, x, rois, y, *x.shape[1:], *output_size, spatial_scale)
    return y


def crop_and_resize_backward(dy, rois, input_shape, spatial_scale):
    return _add_weighted("crop_weights", dy, rois, input_shape, spatial_scale)


def _grids(x, rois, output_size):
    return cupy.empty((len(rois), x.shape[1], *output_size), x.dtype)


def _add_weighted(kernel, dy, rois, input_shape, *sampling):
    """Compute the gradient of the maps; `kernel` computes the weight of each row and column in each bin."""
    (K, C, rows, cols), (N, _, H, W) = dy.shape, input_shape
    tables = []
    for corner, size, bins in ((2, H, rows), (1, W, cols)):
        weights = cupy.empty((K, size, bins), dy.dtype)
        first_bin, last_bin = cupy.empty((K, size), np.int32), cupy.empty((K, size), np.int32)
        launch("regions", kernel, K * size, rois, weights, first_bin, last_bin, corner, size, bins, *sampling)
        tables += [weights, first_bin, last_bin]
    dx = cupy.empty(input_shape, dy.dtype)
    launch("regions", "add_weighted", dx.size, dy, *_by_image(rois, N), *tables, dx, C, H, W, rows, cols)
    return dx


def _by_image(rois, N):
    """Return the indices of the regions sorted by image, and where the regions of each image start."""
    images = rois[:, 0].astype(np.int32)
    order = cupy.argsort(images)  # stable
    start = cupy.searchsorted(images[order], cupy.arange(N + 1, dtype=np.int32))
    return order.astype(np.int32), start.astype(np.int32)
