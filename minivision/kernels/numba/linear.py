"""Numba kernels of ``linear`` and ``linear_backward``: three matrix products.

NumPy would call its BLAS, whose threads keep spinning for a while after each product and take the cores from the Numba
kernels of the layers before and after. Alone BLAS is fast, but in a network it was many times slower than these plain
loops. They use each number that is loaded from memory for four multiplications, and leave the rest to the compiler.
"""

import numpy as np
from numba import prange

from minivision.core.compile import jit
from minivision.kernels.numba.engine.sums import SUMS

_ROWS, _COLUMNS = 32, 512  # block of the result that is one task: its operands fit the second-level cache


@jit
def _number_of_blocks(size, block):
    return (size + block - 1) // block


def linear(x, w, b):
    y = np.empty((x.shape[0], w.shape[0]), x.dtype)
    _rows_times_rows(x, w, np.zeros(w.shape[0], x.dtype) if b is None else b, y)
    return y


@jit(parallel=True)
def _rows_times_rows(x, w, b, y):
    """Compute y[n, m] = x[n] . w[m] + b[m]."""
    N, M = y.shape
    across = _number_of_blocks(M, 4)
    for task in prange(_number_of_blocks(N, _ROWS) * across):
        start, m = task // across * _ROWS, task % across * 4
        stop = min(start + _ROWS, N)
        if m + 4 > M:  # fewer than four outputs remain
            for n in range(start, stop):
                for k in range(m, M):
                    y[n, k] = _dot(x[n], w[k]) + b[k]
            continue
        for n in range(start, stop, 2):
            other = min(n + 1, stop - 1)  # the last of an odd number is paired with itself
            sums, other_sums = _eight_dots(x[n], x[other], w[m], w[m + 1], w[m + 2], w[m + 3])
            for k in range(4):
                y[n, m + k] = sums[k] + b[m + k]
                y[other, m + k] = other_sums[k] + b[m + k]


@jit(fastmath=SUMS)
def _eight_dots(x, other, w0, w1, w2, w3):
    zero = x.dtype.type(0)
    a0, a1, a2, a3 = zero, zero, zero, zero
    b0, b1, b2, b3 = zero, zero, zero, zero
    for i in range(x.size):
        u, v = x[i], other[i]
        a0 += u * w0[i]
        a1 += u * w1[i]
        a2 += u * w2[i]
        a3 += u * w3[i]
        b0 += v * w0[i]
        b1 += v * w1[i]
        b2 += v * w2[i]
        b3 += v * w3[i]
    return (a0, a1, a2, a3), (b0, b1, b2, b3)


@jit(fastmath=SUMS)
def _dot(x, w):
    total = x.dtype.type(0)
    for i in range(x.size):
        total += x[i] * w[i]
    return total


def linear_backward(dy, x, w):
    dx, dw = np.empty_like(x), np.empty_like(w)
    dy_transposed = np.ascontiguousarray(dy.T)
    _matrix_product(dy, w, dx)
    _matrix_product(dy_transposed, x, dw)
    return dx, dw, dy.sum(axis=0)


@jit(parallel=True)
def _matrix_product(factors, rows, result):
    """Compute result[i] = sum over k of factors[i, k] * rows[k], two rows at a time."""
    I, J = result.shape
    K = len(rows)
    across = _number_of_blocks(J, _COLUMNS)
    for task in prange(_number_of_blocks(I, _ROWS) * across):
        first, left = task // across * _ROWS, task % across * _COLUMNS
        right, stop = min(left + _COLUMNS, J), min(first + _ROWS, I)
        spare = np.empty(_COLUMNS, result.dtype)
        for i in range(first, stop, 2):
            other = min(i + 1, stop - 1)
            f, g = factors[i], factors[other]
            total = result[i, left:right]
            other_total = result[other, left:right] if other > i else spare[: right - left]
            total[:] = 0
            other_total[:] = 0
            for k in range(0, K - 3, 4):
                _add_four(
                    (f[k], f[k + 1], f[k + 2], f[k + 3]),
                    (g[k], g[k + 1], g[k + 2], g[k + 3]),
                    rows[k, left:right],
                    rows[k + 1, left:right],
                    rows[k + 2, left:right],
                    rows[k + 3, left:right],
                    total,
                    other_total,
                )
            for k in range(K // 4 * 4, K):
                _add_one(f[k], g[k], rows[k, left:right], total, other_total)


@jit(fastmath={"contract"})
def _add_four(f, g, row0, row1, row2, row3, total, other_total):
    f0, f1, f2, f3 = f
    g0, g1, g2, g3 = g
    for j in range(total.size):
        a, b, c, d = row0[j], row1[j], row2[j], row3[j]
        t = total[j] + f0 * a + f1 * b + f2 * c + f3 * d
        o = other_total[j] + g0 * a + g1 * b + g2 * c + g3 * d
        total[j] = t
        other_total[j] = o


@jit(fastmath={"contract"})
def _add_one(f, g, row, total, other_total):
    for j in range(total.size):
        total[j] += f * row[j]
    for j in range(total.size):
        other_total[j] += g * row[j]
