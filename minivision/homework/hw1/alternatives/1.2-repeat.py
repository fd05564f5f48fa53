"""np.repeat, and its transpose: a reshape and a sum."""


def upsample_nearest(x, scale=2):
    sh, sw = scale
    return x.repeat(sh, axis=2).repeat(sw, axis=3)


def upsample_nearest_backward(dy, scale=2):
    (N, C, H, W), (sh, sw) = dy.shape, scale
    return dy.reshape(N, C, H // sh, sh, W // sw, sw).sum(axis=(3, 5))
