"""The gradient of the corner of each block is multiplied by the number of its pixels, instead of a sum over the block.

Told: all four gradients add up
"""


def upsample_nearest_backward(dy, scale=2):
    sh, sw = scale
    return dy[:, :, ::sh, ::sw] * (sh * sw)
