"""Looking at a place: positions that gradients can flow through, and the features found there."""

import numpy as np

from minivision import ops
from minivision.core.devices import to_device_of
from minivision.layers.convolution import Conv2d
from minivision.layers.layer import Layer


class AttentionPool2d(Layer):
    """Let each of several glances say where it looks, and what the features are there.

    A glance is a map of its own, made by a 1 x 1 convolution. The softmax over its places says how much it looks at
    each; the mean place and the mean feature, weighed by that, are what is passed on. The place of the largest value
    (argmax) would move in jumps and have no gradient; this one moves smoothly with every value of the map.

    Parameters
    ----------
    channels : int
        Of the features.
    glances : int
    rng : numpy.random.Generator

    References
    ----------
    Places: Levine, Finn, Darrell and Abbeel, "End-to-end training of deep visuomotor policies", JMLR 2016, section
    5.1. Features: Xu et al., "Show, attend and tell", ICML 2015, section 4.2 (soft attention).
    """

    def __init__(self, channels, glances, *, rng):
        self.look = Conv2d(channels, glances, 1, rng=rng)
        self.out_features = glances * (channels + 2)

    def forward(self, x, training=False):
        """Return ``(N, glances * (C + 2))`` for maps ``(N, C, H, W)``: first all features, then all places.

        Places are x and y, from -2 at the left and upper edge of the map to 2 at the right and lower one.
        """
        N, C, H, W = x.shape
        p = self.attention(x, training).reshape(N, -1, H * W)
        features, places = x.reshape(N, C, H * W).transpose(0, 2, 1), to_device_of(_places(H, W, x.dtype), x)
        if training:
            self.remember(p, features, places, x.shape)
        return np.concatenate([(p @ features).reshape(N, -1), (p @ places).reshape(N, -1)], axis=1)

    def attention(self, x, training=False):
        """Return how much each glance looks at each place, ``(N, glances, H, W)``: each map sums to 1."""
        logits = self.look(x, training)
        N, maps, H, W = logits.shape
        return ops.softmax(logits.reshape(N * maps, H * W)).reshape(logits.shape)

    def backward(self, dy):
        """Return dx: through the features that were seen, and through the choice of where to look."""
        p, features, places, shape = self.recall()
        N, C, H, W = shape
        glances = p.shape[1]
        dseen, dplaces = np.split(dy, [glances * C], axis=1)
        dseen, dplaces = dseen.reshape(N, glances, C), dplaces.reshape(N, glances, 2)
        dp = dseen @ features.transpose(0, 2, 1) + dplaces @ places.T  # (N, glances, H*W)
        dlogits = ops.softmax_backward(dp.reshape(-1, H * W), p.reshape(-1, H * W))
        dx = self.look.backward(dlogits.reshape(N, glances, H, W))
        dx += (dseen.transpose(0, 2, 1) @ p).reshape(shape)  # (N, C, H*W): the features themselves
        return dx


def _places(H, W, dtype):
    """Return x and y of the middle of each place of a map, ``(H*W, 2)``."""
    y, x = np.mgrid[:H, :W].astype(dtype)
    return np.stack([(4 * x + 2) / W - 2, (4 * y + 2) / H - 2], axis=-1).reshape(H * W, 2).astype(dtype)
