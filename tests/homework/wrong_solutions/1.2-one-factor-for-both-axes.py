"""The factor of the height is used for the width too.

Told: used for the width too
"""


def upsample_nearest(x, scale=2):
    return x.repeat(scale[0], axis=2).repeat(scale[0], axis=3)
