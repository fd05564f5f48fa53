"""Numba kernels of ReLU, sigmoid, dropout and their backward passes.

Memory bandwidth limits them, so each array is read once and written once. Arrays are flattened and divided into blocks,
one after the other for each thread. Indices start from 0 in each block, which lets the compiler use vector
instructions. Both values of a condition are loaded before it, otherwise it would become a branch.
"""

import numpy as np
from numba import prange

from minivision.core.compile import jit
from minivision.kernels.numba.engine.exponential import NEGLIGIBLE, exp

_BLOCK = 8192  # numbers


@jit
def _number_of_blocks(size):
    return (size + _BLOCK - 1) // _BLOCK


def relu(x):
    y = np.empty_like(x)
    _relu(x.reshape(-1), y.reshape(-1))
    return y


@jit(parallel=True)
def _relu(x, y):
    for block in prange(_number_of_blocks(x.size)):
        values = x[block * _BLOCK : (block + 1) * _BLOCK]
        out = y[block * _BLOCK : (block + 1) * _BLOCK]
        zero = values.dtype.type(0)
        for i in range(values.size):
            v = values[i]
            out[i] = zero if v <= zero else v


def relu_backward(dy, x):
    dx = np.empty_like(dy)
    _relu_backward(dy.reshape(-1), x.reshape(-1), dx.reshape(-1))
    return dx


@jit(parallel=True)
def _relu_backward(dy, x, dx):
    for block in prange(_number_of_blocks(x.size)):
        gradient = dy[block * _BLOCK : (block + 1) * _BLOCK]
        values = x[block * _BLOCK : (block + 1) * _BLOCK]
        out = dx[block * _BLOCK : (block + 1) * _BLOCK]
        zero = values.dtype.type(0)
        for i in range(values.size):
            v, g = values[i], gradient[i]
            out[i] = zero if v <= zero else g


def sigmoid(x):
    y = np.empty_like(x)
    _sigmoid(x.reshape(-1), y.reshape(-1))
    return y


@jit(parallel=True)
def _sigmoid(x, y):
    for block in prange(_number_of_blocks(x.size)):
        values = x[block * _BLOCK : (block + 1) * _BLOCK]
        out = y[block * _BLOCK : (block + 1) * _BLOCK]
        one = values.dtype.type(1)
        for i in range(values.size):
            v = values[i]
            small = exp(-abs(v))
            out[i] = (small if v < 0 else one) / (one + small)


def sigmoid_backward(dy, y):
    dx = np.empty_like(dy)
    _sigmoid_backward(dy.reshape(-1), y.reshape(-1), dx.reshape(-1))
    return dx


@jit(parallel=True)
def _sigmoid_backward(dy, y, dx):
    for block in prange(_number_of_blocks(y.size)):
        gradient = dy[block * _BLOCK : (block + 1) * _BLOCK]
        values = y[block * _BLOCK : (block + 1) * _BLOCK]
        out = dx[block * _BLOCK : (block + 1) * _BLOCK]
        zero, one, negligible = values.dtype.type(0), values.dtype.type(1), values.dtype.type(NEGLIGIBLE)
        for i in range(values.size):
            v = zero if values[i] < negligible else values[i]
            out[i] = gradient[i] * v * (one - v)


def dropout(x, p, rng, training):
    if not training or p == 0:
        return x.copy(), np.ones_like(x)
    draws = rng.random(x.shape, np.float32)
    y, mask = np.empty_like(x), np.empty_like(x)
    scale = x.dtype.type(1 / (1 - p) if p < 1 else 0)
    _drop(x.reshape(-1), draws.reshape(-1), np.float32(p), scale, y.reshape(-1), mask.reshape(-1))
    return y, mask


@jit(parallel=True)
def _drop(x, draws, p, scale, y, mask):
    for block in prange(_number_of_blocks(x.size)):
        values = x[block * _BLOCK : (block + 1) * _BLOCK]
        draw = draws[block * _BLOCK : (block + 1) * _BLOCK]
        out = y[block * _BLOCK : (block + 1) * _BLOCK]
        factors = mask[block * _BLOCK : (block + 1) * _BLOCK]
        zero = values.dtype.type(0)
        for i in range(values.size):
            factors[i] = scale if draw[i] >= p else zero
            out[i] = values[i] * factors[i]


def dropout_backward(dy, mask):
    dx = np.empty_like(dy)
    _multiply(dy.reshape(-1), mask.reshape(-1), dx.reshape(-1))
    return dx


@jit(parallel=True)
def _multiply(a, b, product):
    for block in prange(_number_of_blocks(a.size)):
        left = a[block * _BLOCK : (block + 1) * _BLOCK]
        right = b[block * _BLOCK : (block + 1) * _BLOCK]
        out = product[block * _BLOCK : (block + 1) * _BLOCK]
        for i in range(left.size):
            out[i] = left[i] * right[i]
