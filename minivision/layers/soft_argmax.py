"""Where a map is largest, softly: positions that gradients can flow through."""

import numpy as np

from minivision.layers.layer import Layer


class SoftArgmax2d(Layer):
    """Turn each map into one point: the mean place, every place weighed by the softmax of the map's values.

    Where a map has one clear peak the point lies on it, between pixels if need be. The place of the largest value
    itself (argmax) would move in jumps and so have no gradient; this one moves smoothly with every value of the map.
    (N, C, H, W) becomes (N, 2 C): x and y of each channel, from -1 at the left and upper edge of the map to 1 at the
    right and lower one.

    References
    ----------
    Levine, Finn, Darrell and Abbeel, "End-to-end training of deep visuomotor policies", JMLR 2016, section 5.1.
    """

    def forward(self, x, training=False):
        """Return points ``(N, 2 C)``, ``x0, y0, x1, y1, ...``."""
        N, C, H, W = x.shape
        places = _places(H, W, x.dtype)  # (H*W, 2)
        values = x.reshape(N, C, H * W)
        p = np.exp(values - values.max(axis=2, keepdims=True))
        p /= p.sum(axis=2, keepdims=True)
        if training:
            self.remember(p, places, x.shape)
        return (p @ places).reshape(N, 2 * C)  # (N, C, H*W) @ (H*W, 2)

    def backward(self, dy):
        """Return dx: a value grows if its place lies on the side to which the point shall move."""
        p, places, shape = self.recall()
        N, C, _, _ = shape
        dp = dy.reshape(N, C, 2) @ places.T  # (N, C, 2) @ (2, H*W)
        dx = p * (dp - (dp * p).sum(axis=2, keepdims=True))
        return dx.reshape(shape)


def _places(H, W, dtype):
    """Return x and y of the middle of each pixel of a map, ``(H*W, 2)``."""
    y, x = np.mgrid[:H, :W].astype(dtype)
    return np.stack([(2 * x + 1) / W - 1, (2 * y + 1) / H - 1], axis=-1).reshape(H * W, 2).astype(dtype)
