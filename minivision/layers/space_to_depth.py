"""Space to depth: what lies side by side is laid behind one another, so that a fine map goes with a coarse one."""

from minivision.layers.layer import Layer


class PixelUnshuffle(Layer):
    """Make each block of r x r pixels one pixel of r * r times as many channels; nothing is lost.

    YOLOv2 takes a map past a pooling this way ("passthrough"). PyTorch's name; others say reorg or space to depth.

    Parameters
    ----------
    downscale_factor : int
        r.

    References
    ----------
    Redmon and Farhadi, "YOLO9000: better, faster, stronger", CVPR 2017, section 2, "Fine-grained features".
    """

    def __init__(self, downscale_factor=2):
        self.downscale_factor = downscale_factor

    def forward(self, x, training=False):
        """Return y ``(N, C * r * r, H / r, W / r)`` for x ``(N, C, H, W)``.

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

    def backward(self, dy):
        """Return dx: every number goes back to its place."""
        N, C, H, W = dy.shape
        r = self.downscale_factor
        # (N, C, r, r, H, W) -> (N, C, H, r, W, r)
        blocks = dy.reshape(N, C // (r * r), r, r, H, W).transpose(0, 1, 4, 2, 5, 3)
        return blocks.reshape(N, C // (r * r), H * r, W * r)
