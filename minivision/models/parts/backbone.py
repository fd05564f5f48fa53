"""The convolutions that the systems from here on share: an image becomes a small map of features.

::

    image ─ 3 x 3 ─ pool ─┬──────┬─ pool ─ 3 x 3 ─┬──────┬─ pool ─ 3 x 3 ─┬──────┬─ features
            16 channels   blocks of                 blocks of 32             blocks of 64
                          half size                 a quarter                an eighth

Each pooling halves height and width; then the channels double. Most of the work is done where the map is small.
"""

from minivision.layers import BatchNorm2d, Conv2d, MaxPool2d, ReLU, ResidualBlock, Sequential, conv_block


class Backbone(Sequential):
    """Features ``(N, C, H / stride, W / stride)`` of images ``(N, 3, H, W)``.

    Parameters
    ----------
    widths : sequence of int
        Channels at half the image's size, at a quarter, and so on.
    depths : sequence of int
        Residual blocks at each of these sizes.
    rng : numpy.random.Generator

    Attributes
    ----------
    layers : list of Sequential
        One for each size, the largest first.
    stride : int
        Pixels of the image from one feature to the next.
    channels : int
        Of the features.

    References
    ----------
    He, Zhang, Ren and Sun, "Deep residual learning for image recognition", CVPR 2016.
    """

    def __init__(self, widths=(16, 32, 64), depths=(0, 1, 2), *, rng):
        stages = []
        for k, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            if k == 0:
                # Normalised after the pooling: there are a quarter as many numbers, and the maxima stay the maxima.
                stem = Conv2d(3, width, 3, padding=1, bias=False, needs_input_grad=False, rng=rng)
                begin = [stem, MaxPool2d(2), BatchNorm2d(width), ReLU()]
            else:
                begin = [MaxPool2d(2), conv_block(widths[k - 1], width, rng=rng)]
            stages.append(Sequential(*begin, *(ResidualBlock(width, rng=rng) for _ in range(depth))))
        super().__init__(*stages)
        self.stride, self.channels = 2 ** len(widths), widths[-1]
