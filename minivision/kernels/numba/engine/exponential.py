"""Exponential and logarithm that the compiler can vectorize.

In a kernel, ``math.exp`` is a call of the C library for each number. The float32 functions here are a few
multiplications without branches, so that loops over them use vector instructions. For float64 the functions of the C
library are used.
"""

import math

import numpy as np
from numba import types
from numba.extending import overload

from minivision.core.compile import jit

_LOG2_E = np.float32(1.44269504)
# log(2) in two parts: the first has so few digits that n times this part is exact
_LOG_2_HIGH, _LOG_2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
# 1.5 * 2**23: a float32 of this size has no digits after the point, so adding it rounds to an integer, which is then
# in the lowest bits.
_ROUNDER = np.float32(12582912.0)
_LOWEST, _HIGHEST = np.float32(-87.0), np.float32(88.0)  # exp of the lowest is the last that is no subnormal number
# exp(r) = 1 + r + r**2 * (c5 + r * (c4 + ...)) for |r| <= log(2) / 2, from the Cephes library (expf)
_C0, _C1, _C2 = np.float32(1.9875691500e-4), np.float32(1.3981999507e-3), np.float32(8.3334519073e-3)
_C3, _C4, _C5 = np.float32(4.1665795894e-2), np.float32(1.6666665459e-1), np.float32(5.0000001201e-1)


@jit(fastmath={"contract"})
def _exp_float32(x):
    """Compute exp(x) to about 1e-7 for x up to 88; below -87 the result is 0. NaN gives NaN."""
    vanishes = x < _LOWEST
    x = _LOWEST if vanishes else x  # written so that NaN, for which no comparison holds, passes
    x = _HIGHEST if x > _HIGHEST else x
    # exp(x) = 2**n * exp(r) with n = round(x / log(2)) and a small rest r
    rounded = x * _LOG2_E + _ROUNDER
    n = rounded - _ROUNDER
    r = x - n * _LOG_2_HIGH - n * _LOG_2_LOW
    p = ((((_C0 * r + _C1) * r + _C2) * r + _C3) * r + _C4) * r + _C5
    p = p * r * r + r + np.float32(1)
    # Times 2**n: add n to the exponent, which starts at bit 23 of a float32.
    power = np.int32(np.float32(rounded).view(np.int32) << 23)
    return np.float32(0) if vanishes else np.int32(np.float32(p).view(np.int32) + power).view(np.float32)


# Probabilities below this, 8e-31, count as 0 where gradients are computed from them: the product with a small number,
# such as 1 / pixels, would be subnormal, and those after it: on Intel's processors each takes 150 cycles.
NEGLIGIBLE = 2.0**-100


def exp(x):
    """Compute exp(x) of one number in a kernel, in the dtype of x."""
    return math.exp(x)


@overload(exp)
def _exp_for_kernels(x):
    if x == types.float32:
        return lambda x: _exp_float32(x)
    return lambda x: math.exp(x)


@jit(fastmath={"contract"})
def _log1p_float32(x):
    # log(1 + x) = 2 artanh(z) = 2 (z + z**3 / 3 + z**5 / 5 + ...) with z = x / (2 + x), at most 1/3: eight
    # terms suffice
    z = x / (np.float32(2) + x)
    square = z * z
    total = np.float32(1 / 15)
    total = total * square + np.float32(1 / 13)
    total = total * square + np.float32(1 / 11)
    total = total * square + np.float32(1 / 9)
    total = total * square + np.float32(1 / 7)
    total = total * square + np.float32(1 / 5)
    total = total * square + np.float32(1 / 3)
    total = total * square + np.float32(1)
    return np.float32(2) * z * total


def log1p(x):
    """Compute log(1 + x) of one number in 0 .. 1 in a kernel, in the dtype of x."""
    return math.log1p(x)


@overload(log1p)
def _log1p_for_kernels(x):
    if x == types.float32:
        return lambda x: _log1p_float32(x)
    return lambda x: math.log1p(x)


@jit(fastmath={"contract"})
def _log_float32(x):
    # x = 2**n * m with m in 2/3 .. 4/3 (whose bits are 0x3F2AAAAB .. 0x3FAAAAAB), so log(x) = n log(2) +
    # log(m)
    bits = np.float32(x).view(np.int32)
    n = np.int32(np.int32(bits - 0x3F2AAAAB) >> 23)
    m = np.int32(bits - np.int32(n << 23)).view(np.float32)
    # log(m) = 2 artanh(z) = 2 (z + z**3 / 3 + ...) with z = (m - 1) / (m + 1), at most 1/5: six terms suffice
    z = (m - np.float32(1)) / (m + np.float32(1))
    square = z * z
    total = np.float32(1 / 11)
    total = total * square + np.float32(1 / 9)
    total = total * square + np.float32(1 / 7)
    total = total * square + np.float32(1 / 5)
    total = total * square + np.float32(1 / 3)
    total = total * square + np.float32(1)
    logarithm = np.float32(2) * z * total + np.float32(n) * np.float32(math.log(2))
    return logarithm + (x - x)  # NaN if x is NaN, whose bits would give some number


def log(x):
    """Compute log(x) of one positive finite number in a kernel, in the dtype of x. NaN gives NaN."""
    return math.log(x)


@overload(log)
def _log_for_kernels(x):
    if x == types.float32:
        return lambda x: _log_float32(x)
    return lambda x: math.log(x)
