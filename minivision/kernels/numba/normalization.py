"""Numba kernels of ``batch_norm2d`` and its backward pass: one thread reads each channel twice and writes it once."""

import numpy as np
from numba import prange

from minivision.core.compile import jit
from minivision.core.saved import BatchStatistics
from minivision.kernels.numba.engine.sums import SUMS

_BLOCK = 2048  # numbers that are summed in the dtype of the array; the sums of blocks are added in float64


def _flat_maps(array):
    """(N, C, H, W) -> (N, C, H * W)"""
    N, C, H, W = array.shape
    return array.reshape(N, C, H * W)


def batch_norm2d(x, gamma, beta, running_mean, running_var, training, momentum, eps):
    if training:
        mean, var = np.empty(x.shape[1]), np.empty(x.shape[1])
        _mean_and_variance(_flat_maps(x), mean, var)
        count = x.size // x.shape[1]
        running_mean[:] = (1 - momentum) * running_mean + momentum * mean
        running_var[:] = (1 - momentum) * running_var + momentum * var * (count / (count - 1))
    else:
        mean, var = running_mean, running_var
    inv_std = (1 / np.sqrt(var + eps)).astype(x.dtype)
    mean = mean.astype(x.dtype)
    y = np.empty_like(x)
    _normalize(_flat_maps(x), mean, gamma * inv_std, beta, _flat_maps(y))
    return y, BatchStatistics(mean, inv_std, training)


@jit(parallel=True)
def _mean_and_variance(x, mean, var):
    N, C, L = x.shape
    for c in prange(C):
        # Mean and variance in one pass. d is the difference from a guess of the mean: the closer the guess, the fewer
        # digits are lost in E[d**2] - E[d]**2.
        guess = _mean_of_start(x[0, c])
        total, total_squares = 0.0, 0.0
        for n in range(N):
            for start in range(0, L, _BLOCK):
                block_sum, block_squares = _sum_deviations(x[n, c, start : start + _BLOCK], guess)
                total += block_sum
                total_squares += block_squares
        offset = total / (N * L)
        mean[c] = guess + offset
        var[c] = max(total_squares / (N * L) - offset * offset, 0.0)


@jit(fastmath=SUMS)
def _sum_deviations(values, guess):
    total, squares = values.dtype.type(0), values.dtype.type(0)
    for i in range(values.size):
        d = values[i] - guess
        total += d
        squares += d * d
    return total, squares


@jit
def _mean_of_start(values):
    count = min(values.size, 64)
    total = values.dtype.type(0)
    for i in range(count):
        total += values[i]
    return values.dtype.type(total / count)


@jit(parallel=True, fastmath={"contract"})
def _normalize(x, mean, scale, beta, y):
    N, C, L = x.shape
    for c in prange(C):
        m, a, b = mean[c], scale[c], beta[c]
        for n in range(N):
            values, out = x[n, c], y[n, c]
            for i in range(L):
                out[i] = (values[i] - m) * a + b


def batch_norm2d_backward(dy, x, gamma, saved):
    dgamma, dbeta = np.empty_like(gamma), np.empty_like(gamma)
    _scale_and_shift_gradients(_flat_maps(dy), _flat_maps(x), saved.mean, saved.inv_std, dgamma, dbeta)
    # dx = scale * dy - slope * (x - mean) - shift, where slope and shift are 0 unless the forward pass was in training
    scale = gamma * saved.inv_std
    slope, shift = np.zeros_like(scale), np.zeros_like(scale)
    if saved.training:
        count = x.dtype.type(x.size // x.shape[1])
        slope = scale * saved.inv_std * dgamma / count
        shift = scale * dbeta / count
    dx = np.empty_like(x)
    _input_gradient(_flat_maps(dy), _flat_maps(x), saved.mean, scale, slope, shift, _flat_maps(dx))
    return dx, dgamma, dbeta


@jit(parallel=True)
def _scale_and_shift_gradients(dy, x, mean, inv_std, dgamma, dbeta):
    N, C, L = x.shape
    for c in prange(C):
        m = mean[c]
        total, total_products = 0.0, 0.0
        for n in range(N):
            for start in range(0, L, _BLOCK):
                values, gradient = x[n, c, start : start + _BLOCK], dy[n, c, start : start + _BLOCK]
                block_sum, block_products = _sum_products(gradient, values, m)
                total += block_sum
                total_products += block_products
        dbeta[c] = total
        dgamma[c] = total_products * inv_std[c]


@jit(fastmath=SUMS)
def _sum_products(gradient, values, mean):
    total, products = values.dtype.type(0), values.dtype.type(0)
    for i in range(values.size):
        total += gradient[i]
        products += gradient[i] * (values[i] - mean)
    return total, products


@jit(parallel=True, fastmath={"contract"})
def _input_gradient(dy, x, mean, scale, slope, shift, dx):
    N, C, L = x.shape
    for c in prange(C):
        m, a, b, d = mean[c], scale[c], slope[c], shift[c]
        for n in range(N):
            values, gradient, out = x[n, c], dy[n, c], dx[n, c]
            for i in range(L):
                out[i] = a * gradient[i] - b * (values[i] - m) - d
