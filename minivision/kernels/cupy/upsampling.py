"""CuPy kernels of bed of nails, nearest and bilinear upsampling (``upsampling.cu``)."""

import cupy

from minivision.kernels.cupy.launch import launch


def bed_of_nails(x, scale):
    return _enlarged("bed_of_nails", x, scale)


def bed_of_nails_backward(dy, scale):
    return _reduced("bed_of_nails_backward", dy, scale)


def upsample_nearest(x, scale):
    return _enlarged("upsample_nearest", x, scale)


def upsample_nearest_backward(dy, scale):
    return _reduced("upsample_nearest_backward", dy, scale)


def upsample_bilinear(x, scale):
    return _enlarged("upsample_bilinear", x, scale)


def upsample_bilinear_backward(dy, scale):
    return _reduced("upsample_bilinear_backward", dy, scale)


def _enlarged(kernel, x, scale):
    (N, C, H, W), (sh, sw) = x.shape, scale
    y = cupy.empty((N, C, H * sh, W * sw), x.dtype)
    launch("upsampling", kernel, y.size, x, y, H, W, sh, sw)
    return y


def _reduced(kernel, dy, scale):
    (N, C, H, W), (sh, sw) = dy.shape, scale
    dx = cupy.empty((N, C, H // sh, W // sw), dy.dtype)
    launch("upsampling", kernel, dx.size, dy, dx, H // sh, W // sw, sh, sw)
    return dx
