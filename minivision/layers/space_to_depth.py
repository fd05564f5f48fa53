"""Space to depth: blocks of pixels become channels, so that a fine map can be joined with a coarse one."""

from __future__ import annotations

from minivision.core.types import Array
from minivision.layers.layer import Layer


class PixelUnshuffle(Layer):
    """Turn each block of r x r pixels into one pixel with r * r times as many channels.

    YOLOv2's passthrough layer. The name is PyTorch's; others call it reorg or space to depth.

    Parameters
    ----------
    downscale_factor : int
        Rows and columns of a block: r.

    References
    ----------
    Redmon and Farhadi, "YOLO9000: better, faster, stronger", CVPR 2017, section 2, "Fine-grained features".
    """

    def __init__(self, downscale_factor: int = 2) -> None:
        self.downscale_factor = downscale_factor

    def extra_repr(self) -> str:
        """Return the factor."""
        return str(self.downscale_factor)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y of shape ``(N, C * r * r, H / r, W / r)`` for x of shape ``(N, C, H, W)``.

        Raises
        ------
        ValueError
            When H or W does not divide by r.
        """
        N, C, H, W = x.shape
        r = self.downscale_factor
        if H % r or W % r:
            raise ValueError(f"x: expected height and width that divide by {r}, got {H} x {W}")
        # (N, C, H/r, r, W/r, r) -> (N, C, r, r, H/r, W/r)
        blocks = x.reshape(N, C, H // r, r, W // r, r).transpose(0, 1, 3, 5, 2, 4)
        return blocks.reshape(N, C * r * r, H // r, W // r)

    def backward(self, dy: Array) -> Array:
        """Return dx: every element at its old position."""
        N, C, H, W = dy.shape
        r = self.downscale_factor
        # (N, C, r, r, H, W) -> (N, C, H, r, W, r)
        blocks = dy.reshape(N, C // (r * r), r, r, H, W).transpose(0, 1, 4, 2, 5, 3)
        return blocks.reshape(N, C // (r * r), H * r, W * r)
