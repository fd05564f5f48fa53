"""RoIAlign and RoI pooling: features of regions of any size, as grids of one fixed size."""

from __future__ import annotations

from typing import Any

from minivision import ops
from minivision.core.types import Array, IntOrPair
from minivision.layers.layer import Layer


class RoIAlign(Layer):
    """Average bilinear samples in each cell of a region's grid; see :func:`minivision.ops.roi_align`.

    Parameters
    ----------
    output_size : int or pair of int
        Rows and columns of the grid.
    spatial_scale : float
        Scale from image to map coordinates: 1 / stride.
    sampling_ratio : int
        Samples down and across each cell; -1 takes as many as the cell has pixels.
    """

    def __init__(self, output_size: IntOrPair, *, spatial_scale: float = 1.0, sampling_ratio: int = -1) -> None:
        self.output_size = output_size
        self.options: dict[str, Any] = {"spatial_scale": spatial_scale, "sampling_ratio": sampling_ratio}

    def extra_repr(self) -> str:
        """Return the size of the grid and the scale."""
        return f"{self.output_size}, spatial_scale={self.options['spatial_scale']:g}"

    def forward(self, x: Array, rois: Array, training: bool = False) -> Array:  # type: ignore[override]
        """Return y of shape ``(K, C, *output_size)`` for maps ``(N, C, H, W)``, rois ``(K, 5)`` (batch index, box)."""
        if training:
            self.remember(rois, x.shape)
        return ops.roi_align(x, rois, self.output_size, **self.options)

    def backward(self, dy: Array) -> Array:
        """Return dx of shape ``(N, C, H, W)``: the gradients of all regions, added where they overlap."""
        return ops.roi_align_backward(dy, *self.recall(), **self.options)


class RoIPool(Layer):
    """Keep the largest value in each cell of a region's grid, rounded to pixels; see :func:`minivision.ops.roi_pool`.

    Parameters
    ----------
    output_size : int or pair of int
        Rows and columns of the grid.
    spatial_scale : float
        Scale from image to map coordinates: 1 / stride.
    """

    def __init__(self, output_size: IntOrPair, *, spatial_scale: float = 1.0) -> None:
        self.output_size = output_size
        self.options: dict[str, Any] = {"spatial_scale": spatial_scale}

    def extra_repr(self) -> str:
        """Return the size of the grid and the scale."""
        return f"{self.output_size}, spatial_scale={self.options['spatial_scale']:g}"

    def forward(self, x: Array, rois: Array, training: bool = False) -> Array:  # type: ignore[override]
        """Return y of shape ``(K, C, *output_size)`` for maps ``(N, C, H, W)``, rois ``(K, 5)`` (batch index, box)."""
        y, argmax = ops.roi_pool(x, rois, self.output_size, **self.options)
        if training:
            self.remember(rois, argmax, x.shape)
        return y

    def backward(self, dy: Array) -> Array:
        """Return dx of shape ``(N, C, H, W)``: dy at the maxima, added where several regions have the same one."""
        return ops.roi_pool_backward(dy, *self.recall())
