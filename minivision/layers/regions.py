"""Regions of a feature map, whatever their size, as grids of a fixed size."""

from minivision import ops
from minivision.layers.layer import Layer


class RoIAlign(Layer):
    """Average interpolated samples in each cell of a region's grid; see :func:`minivision.ops.roi_align`.

    Parameters
    ----------
    output_size : int or pair of int
        Rows and columns of the grid.
    spatial_scale : float
        What brings boxes to the pixels of the map: 1 / stride.
    sampling_ratio : int
        Samples down and across each cell; -1 takes as many as the cell has pixels.
    """

    def __init__(self, output_size, *, spatial_scale=1.0, sampling_ratio=-1):
        self.output_size = output_size
        self.options = {"spatial_scale": spatial_scale, "sampling_ratio": sampling_ratio}

    def forward(self, x, rois, training=False):
        """Return y ``(K, C, *output_size)`` for maps ``(N, C, H, W)`` and regions ``(K, 5)``: image, then box."""
        if training:
            self.remember(rois, x.shape)
        return ops.roi_align(x, rois, self.output_size, **self.options)

    def backward(self, dy):
        """Return dx ``(N, C, H, W)``: the gradients of all regions, added where they overlap."""
        return ops.roi_align_backward(dy, *self.recall(), **self.options)


class RoIPool(Layer):
    """Keep the largest value in each cell of a region's grid, cut along pixels; see :func:`minivision.ops.roi_pool`.

    Parameters
    ----------
    output_size : int or pair of int
        Rows and columns of the grid.
    spatial_scale : float
        What brings boxes to the pixels of the map: 1 / stride.
    """

    def __init__(self, output_size, *, spatial_scale=1.0):
        self.output_size = output_size
        self.options = {"spatial_scale": spatial_scale}

    def forward(self, x, rois, training=False):
        """Return y ``(K, C, *output_size)`` for maps ``(N, C, H, W)`` and regions ``(K, 5)``: image, then box."""
        y, argmax = ops.roi_pool(x, rois, self.output_size, **self.options)
        if training:
            self.remember(rois, argmax, x.shape)
        return y

    def backward(self, dy):
        """Return dx ``(N, C, H, W)``: dy where the maxima were, added where several regions have the same one."""
        return ops.roi_pool_backward(dy, *self.recall())
