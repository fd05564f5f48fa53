"""Upsampling without parameters."""

from __future__ import annotations

from minivision import ops
from minivision.core.types import Array, IntOrPair
from minivision.layers.layer import Layer


class _Upsample(Layer):
    """Base of upsampling by a fixed scale; nothing is kept for the backward pass.

    Parameters
    ----------
    scale : int or pair of int
    """

    def __init__(self, scale: IntOrPair = 2) -> None:
        self.scale = scale

    def extra_repr(self) -> str:
        """Return the scale."""
        return f"scale={self.scale}"


class BedOfNails(_Upsample):
    """Put each value into the upper left corner of its block, and zeros elsewhere."""

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y of shape ``(N, C, scale * H, scale * W)``."""
        return ops.bed_of_nails(x, self.scale)

    def backward(self, dy: Array) -> Array:
        """Return dx: dy at the upper left corner of each block."""
        return ops.bed_of_nails_backward(dy, self.scale)


class NearestUpsample(_Upsample):
    """Copy each value to all pixels of its block."""

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y of shape ``(N, C, scale * H, scale * W)``."""
        return ops.upsample_nearest(x, self.scale)

    def backward(self, dy: Array) -> Array:
        """Return dx: dy summed over each block."""
        return ops.upsample_nearest_backward(dy, self.scale)


class BilinearUpsample(_Upsample):
    """Interpolate linearly between the centers of the pixels."""

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y of shape ``(N, C, scale * H, scale * W)``."""
        return ops.upsample_bilinear(x, self.scale)

    def backward(self, dy: Array) -> Array:
        """Return dx: dy weighted with the weights of the interpolation."""
        return ops.upsample_bilinear_backward(dy, self.scale)
