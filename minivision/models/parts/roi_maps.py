"""What the mask branch and the keypoint branch share: a small convolutional network on each region.

::

    features ─┐
              ├─ RoIAlign 7 x 7 ─ 3 x 3 ─ 3 x 3 ─ transpose convolution ─ 1 x 1 ─ maps of 14 x 14
    regions ──┘  (or RoI pooling)

A fully convolutional network, as those that label the pixels of an image; here the image is one region.
"""

from minivision.core.devices import to_device_of
from minivision.layers import Conv2d, ConvTranspose2d, Layer, ReLU, Sequential
from minivision.models.parts.roi_head import POOLINGS


class RoIMaps(Layer):
    """Maps for regions of an image: numbers for each of the cells that a grid over the region has.

    Parameters
    ----------
    channels : int
        Of the features.
    maps : int
        For each region.
    size : int
        Rows and columns of the maps; even.
    stride : int
        Pixels of the image from one feature to the next.
    pooling : str
        ``"align"`` or ``"pool"``.
    width : int
        Channels inside.
    convolutions : int
        3 x 3, before the map grows.
    bias : bool
        Whether each map has one.
    rng : numpy.random.Generator
    """

    def __init__(self, channels, maps, *, size, stride, pooling="align", width=64, convolutions=2, bias=True, rng=None):
        if size < 2 or size % 2:
            raise ValueError(f"size: expected an even number of at least 2 (the last layer doubles it), got {size}")
        if pooling not in POOLINGS:
            raise ValueError(f"pooling: expected one of {', '.join(POOLINGS)}, got {pooling!r}")
        self.size = size
        self.pool = POOLINGS[pooling](size // 2, spatial_scale=1 / stride)
        layers = []
        for k in range(convolutions):
            layers += [Conv2d(width if k else channels, width, 3, padding=1, rng=rng), ReLU()]
        grow = ConvTranspose2d(width, width, 2, stride=2, rng=rng)
        self.body = Sequential(*layers, grow, ReLU(), Conv2d(width, maps, 1, bias=bias, rng=rng))
        self.body.layers[-1].w.value *= 0.1  # begin undecided

    def forward(self, features, rois, training=False):
        """Return the maps ``(K, maps, size, size)`` of regions ``(K, 5)``, as in :class:`RoIHead`."""
        return self.body(self.pool.forward(features, to_device_of(rois, features), training), training)

    def backward(self, dmaps):
        """Return the gradient for the features, all regions of all images added into it."""
        return self.pool.backward(self.body.backward(dmaps))
