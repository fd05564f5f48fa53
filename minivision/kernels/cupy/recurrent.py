"""CuPy kernels of the steps of recurrent networks: matrix products (cuBLAS), and ``recurrent.cu`` for the rest."""

import cupy

from minivision.kernels.cupy.launch import launch
from minivision.kernels.cupy.linear import linear, linear_backward


def rnn_step(x, h, w_ih, w_hh, b_ih, b_hh):
    h_next = cupy.empty_like(h)
    launch("recurrent", "rnn_step", h.size, linear(x, w_ih, b_ih), linear(h, w_hh, b_hh), h_next)
    return h_next


def rnn_step_backward(dh_next, x, h, w_ih, w_hh, h_next):
    return _through_both(dh_next * (1 - h_next * h_next), x, h, w_ih, w_hh)


def lstm_step(x, h, c, w_ih, w_hh, b_ih, b_hh):
    sums = linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh)
    h_next, c_next, gates = cupy.empty_like(h), cupy.empty_like(c), cupy.empty_like(sums)
    launch("recurrent", "lstm_step", c.size, sums, c, h_next, c_next, gates, c.shape[1])
    return h_next, c_next, gates


def lstm_step_backward(dh_next, dc_next, x, h, c, w_ih, w_hh, c_next, gates):
    dgates, dc = cupy.empty_like(gates), cupy.empty_like(c)
    launch("recurrent", "lstm_step_backward", c.size, dh_next, dc_next, c, c_next, gates, dgates, dc, c.shape[1])
    dx, dh, *others = _through_both(dgates, x, h, w_ih, w_hh)
    return dx, dh, dc, *others


def _through_both(dsum, x, h, w_ih, w_hh):
    """Return the gradients of the two matrix products whose sum has the gradient `dsum`."""
    dx, dw_ih, db = linear_backward(dsum, x, w_ih)
    dh, dw_hh, _ = linear_backward(dsum, h, w_hh)
    return dx, dh, dw_ih, dw_hh, db, db.copy()
