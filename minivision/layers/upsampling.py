"""Upsampling without parameters."""

from minivision import ops
from minivision.layers.layer import Layer


class _Upsample(Layer):
    """An upsampling operation by a fixed scale, which needs to remember nothing.

    Parameters
    ----------
    scale : int or pair of int
    """

    def __init__(self, scale=2):
        self.scale = scale


class BedOfNails(_Upsample):
    """Put each value in the upper left of its block, zeros elsewhere."""

    def forward(self, x, training=False):
        """Return y ``(N, C, scale * H, scale * W)``."""
        return ops.bed_of_nails(x, self.scale)

    def backward(self, dy):
        """Return dx: dy under the nails."""
        return ops.bed_of_nails_backward(dy, self.scale)


class NearestUpsample(_Upsample):
    """Fill each block with its value."""

    def forward(self, x, training=False):
        """Return y ``(N, C, scale * H, scale * W)``."""
        return ops.upsample_nearest(x, self.scale)

    def backward(self, dy):
        """Return dx: dy summed over each block."""
        return ops.upsample_nearest_backward(dy, self.scale)


class BilinearUpsample(_Upsample):
    """Interpolate linearly between the centres of the pixels."""

    def forward(self, x, training=False):
        """Return y ``(N, C, scale * H, scale * W)``."""
        return ops.upsample_bilinear(x, self.scale)

    def backward(self, dy):
        """Return dx: dy weighted as the values were."""
        return ops.upsample_bilinear_backward(dy, self.scale)
