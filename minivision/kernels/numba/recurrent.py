"""Numba kernels of the steps of recurrent networks: matrix products, and all that follows number by number at once."""

import numpy as np
from numba import prange

from minivision.core.compile import jit
from minivision.kernels.numba.engine.exponential import exp
from minivision.kernels.numba.engine.matrix_product import matrix_product
from minivision.kernels.numba.linear import linear_backward


def rnn_step(x, h, w_ih, w_hh, b_ih, b_hh):
    h_next = matrix_product(x, w_ih, b_ih, b_transposed=True)
    _tanh_of_sum(h_next, matrix_product(h, w_hh, b_hh, b_transposed=True))
    return h_next


def rnn_step_backward(dh_next, x, h, w_ih, w_hh, h_next):
    dsum = dh_next * (1 - h_next * h_next)
    return _through_both(dsum, x, h, w_ih, w_hh)


def lstm_step(x, h, c, w_ih, w_hh, b_ih, b_hh):
    gates = matrix_product(x, w_ih, b_ih, b_transposed=True)
    h_next, c_next = np.empty_like(h), np.empty_like(c)
    _open_gates(gates, matrix_product(h, w_hh, b_hh, b_transposed=True), c, h_next, c_next)
    return h_next, c_next, gates


def lstm_step_backward(dh_next, dc_next, x, h, c, w_ih, w_hh, c_next, gates):
    dgates, dc = np.empty_like(gates), np.empty_like(c)
    _gradients_of_gates(dh_next, dc_next, c, c_next, gates, dgates, dc)
    dx, dh, *others = _through_both(dgates, x, h, w_ih, w_hh)
    return dx, dh, dc, *others


def _through_both(dsum, x, h, w_ih, w_hh):
    """Return the gradients of the two matrix products whose sum has the gradient `dsum`."""
    dx, dw_ih, db = linear_backward(dsum, x, w_ih)
    dh, dw_hh, _ = linear_backward(dsum, h, w_hh)
    return dx, dh, dw_ih, dw_hh, db, db.copy()


@jit
def _tanh(x, one):
    """Compute tanh(x) by an exponential that cannot overflow, so that loops over it use vector instructions.

    `one` is 1 in the dtype of x: a plain 1 would make float64 of float32.
    """
    small = exp(-abs(x) - abs(x))
    y = (one - small) / (one + small)
    return -y if x < 0 else y


@jit
def _sigmoid(x, one):
    small = exp(-abs(x))
    return (small if x < 0 else one) / (one + small)


@jit(parallel=True)
def _tanh_of_sum(a, b):
    for n in prange(len(a)):
        left, right, one = a[n], b[n], a.dtype.type(1)
        for k in range(left.size):
            left[k] = _tanh(left[k] + right[k], one)


@jit(parallel=True)
def _open_gates(gates, from_hidden, c, h_next, c_next):
    """Add up the sums of the gates, and replace them by the gates; write the next state."""
    N, H = c.shape
    for n in prange(N):
        i, f, g, o = gates[n, :H], gates[n, H : 2 * H], gates[n, 2 * H : 3 * H], gates[n, 3 * H :]
        more, one = from_hidden[n], c.dtype.type(1)
        for k in range(H):
            i[k] = _sigmoid(i[k] + more[k], one)
        for k in range(H):
            f[k] = _sigmoid(f[k] + more[H + k], one)
        for k in range(H):
            g[k] = _tanh(g[k] + more[2 * H + k], one)
        for k in range(H):
            o[k] = _sigmoid(o[k] + more[3 * H + k], one)
        old, cell, hidden = c[n], c_next[n], h_next[n]
        for k in range(H):
            cell[k] = f[k] * old[k] + i[k] * g[k]
            hidden[k] = o[k] * _tanh(cell[k], one)


@jit(parallel=True)
def _gradients_of_gates(dh_next, dc_next, c, c_next, gates, dgates, dc):
    """Write the gradients of the sums of the gates, before sigmoid and tanh, and that of the cell before."""
    N, H = c.shape
    for n in prange(N):
        i, f, g, o = gates[n, :H], gates[n, H : 2 * H], gates[n, 2 * H : 3 * H], gates[n, 3 * H :]
        di, df, dg, do = dgates[n, :H], dgates[n, H : 2 * H], dgates[n, 2 * H : 3 * H], dgates[n, 3 * H :]
        one = c.dtype.type(1)
        for k in range(H):
            shown = _tanh(c_next[n, k], one)
            dcell = dc_next[n, k] + dh_next[n, k] * o[k] * (one - shown * shown)
            di[k] = dcell * g[k] * i[k] * (one - i[k])
            df[k] = dcell * c[n, k] * f[k] * (one - f[k])
            dg[k] = dcell * i[k] * (one - g[k] * g[k])
            do[k] = dh_next[n, k] * shown * o[k] * (one - o[k])
            dc[n, k] = dcell * f[k]
