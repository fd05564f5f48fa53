"""One step of a recurrent network: the simple one, and long short-term memory.

Arguments have the names and the order of ``torch.nn.RNNCell`` and ``torch.nn.LSTMCell``, and so have the rows of the
weights.
"""

from __future__ import annotations

import numpy as np

from minivision.core.arguments import check_same_shape, check_shape, floats
from minivision.core.dispatch import operation
from minivision.core.types import Array
from minivision.ops.linear import linear, linear_backward
from minivision.ops.pointwise import sigmoid

GATES = 4  # of an LSTM: input, forget, cell, output


def _check_sizes(x, h, w_ih, w_hh, gates):
    check_shape("x", x, "N, D")
    check_shape("h", h, f"{len(x)}, H", meaning="a row for each row of x")
    rows = gates * h.shape[1]
    what = f"{gates} gates for each of the {h.shape[1]} numbers of h" if gates > 1 else "a row for each number of h"
    check_same_shape("w_ih", w_ih, (rows, x.shape[1]), f"{what}, a column for each number of x")
    check_same_shape("w_hh", w_hh, (rows, h.shape[1]), f"{what}, a column for each number of h")


def _check_biases(b_ih, b_hh, w_hh):
    check_same_shape("b_ih", b_ih, w_hh.shape[:1], "one number for each row of w_ih")
    check_same_shape("b_hh", b_hh, w_hh.shape[:1], "one number for each row of w_hh")


def _check_rnn_step(x, h, w_ih, w_hh, b_ih, b_hh):
    x, h, w_ih, w_hh, b_ih, b_hh = floats(x=x, h=h, w_ih=w_ih, w_hh=w_hh, b_ih=b_ih, b_hh=b_hh)
    _check_sizes(x, h, w_ih, w_hh, 1)
    _check_biases(b_ih, b_hh, w_hh)
    return x, h, w_ih, w_hh, b_ih, b_hh


@operation(check=_check_rnn_step, returns=("h_next",))
def rnn_step(x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Array, b_hh: Array) -> Array:
    """One step of a simple recurrent network.

    Parameters
    ----------
    x : ndarray of shape (N, D)
        The input of this step, for each of N sequences.
    h : ndarray of shape (N, H)
        The hidden state after the step before.
    w_ih : ndarray of shape (H, D)
        Weights from the input to the hidden state.
    w_hh : ndarray of shape (H, H)
        Weights from the hidden state to the next one.
    b_ih, b_hh : ndarray of shape (H,)
        Their biases.

    Returns
    -------
    h_next : ndarray of shape (N, H)
        ``tanh(x @ w_ih.T + b_ih + h @ w_hh.T + b_hh)``.

    Raises
    ------
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> one, none = np.ones((1, 1)), np.zeros(1)
    >>> ops.rnn_step(one, np.zeros((1, 1)), one, one, none, none).round(4).tolist()  # tanh(1)
    [[0.7616]]
    """
    return np.tanh(linear.reference(x, w_ih, b_ih) + linear.reference(h, w_hh, b_hh))


def _check_rnn_step_backward(dh_next, x, h, w_ih, w_hh, h_next):
    dh_next, x, h, w_ih, w_hh, h_next = floats(dh_next=dh_next, x=x, h=h, w_ih=w_ih, w_hh=w_hh, h_next=h_next)
    _check_sizes(x, h, w_ih, w_hh, 1)
    check_same_shape("dh_next", dh_next, h.shape, "the shape of h")
    check_same_shape("h_next", h_next, h.shape, "the shape of h")
    return dh_next, x, h, w_ih, w_hh, h_next


@operation(check=_check_rnn_step_backward, returns=("dx", "dh", "dw_ih", "dw_hh", "db_ih", "db_hh"))
def rnn_step_backward(
    dh_next: Array, x: Array, h: Array, w_ih: Array, w_hh: Array, h_next: Array
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Gradients of :func:`rnn_step`.

    Parameters
    ----------
    dh_next : ndarray of shape (N, H)
        Upstream gradient: of the losses of this step and of all later ones.
    x, h, w_ih, w_hh : ndarray
        Arguments of :func:`rnn_step`.
    h_next : ndarray of shape (N, H)
        Its result.

    Returns
    -------
    dx, dh, dw_ih, dw_hh, db_ih, db_hh : ndarray
        Each in the shape of its argument; `dh` goes to the step before.

    Raises
    ------
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> x, h, w = np.array([[2.0]]), np.array([[0.5]]), np.array([[3.0]])
    >>> dx, dh, dw_ih, dw_hh, _, _ = ops.rnn_step_backward(np.ones((1, 1)), x, h, w, w, np.zeros((1, 1)))
    >>> dx.item(), dh.item(), dw_ih.item(), dw_hh.item()
    (3.0, 3.0, 2.0, 0.5)
    """
    dsum = dh_next * (1 - h_next**2)  # tanh' = 1 - tanh**2
    dx, dw_ih, db_ih = linear_backward.reference(dsum, x, w_ih)
    dh, dw_hh, db_hh = linear_backward.reference(dsum, h, w_hh)
    return dx, dh, dw_ih, dw_hh, db_ih, db_hh


def _check_lstm_step(x, h, c, w_ih, w_hh, b_ih, b_hh):
    x, h, c, w_ih, w_hh, b_ih, b_hh = floats(x=x, h=h, c=c, w_ih=w_ih, w_hh=w_hh, b_ih=b_ih, b_hh=b_hh)
    _check_sizes(x, h, w_ih, w_hh, GATES)
    check_same_shape("c", c, h.shape, "the shape of h")
    _check_biases(b_ih, b_hh, w_hh)
    return x, h, c, w_ih, w_hh, b_ih, b_hh


@operation(check=_check_lstm_step, returns=("h_next", "c_next", "gates"))
def lstm_step(
    x: Array, h: Array, c: Array, w_ih: Array, w_hh: Array, b_ih: Array, b_hh: Array
) -> tuple[Array, Array, Array]:
    """One step of long short-term memory.

    Four gates decide: how much of the new input is written (i), how much of the cell is kept (f), what is written (g),
    and how much of the cell is shown (o). The cell is only multiplied and added to, so its gradient survives many
    steps.

    Parameters
    ----------
    x : ndarray of shape (N, D)
        The input of this step, for each of N sequences.
    h, c : ndarray of shape (N, H)
        The hidden state and the cell after the step before.
    w_ih : ndarray of shape (4 H, D)
        Weights from the input to the gates: H rows each for i, f, g and o, in PyTorch's order.
    w_hh : ndarray of shape (4 H, H)
        Weights from the hidden state to the gates.
    b_ih, b_hh : ndarray of shape (4 H,)
        Their biases.

    Returns
    -------
    h_next : ndarray of shape (N, H)
        ``o * tanh(c_next)``.
    c_next : ndarray of shape (N, H)
        ``f * c + i * g``.
    gates : ndarray of shape (N, 4 H)
        i, f, g and o, after sigmoid (i, f, o) and tanh (g); the backward pass needs them.

    Raises
    ------
    ValueError
        If the shapes do not match.

    References
    ----------
    Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 9, 1997; with the forget gate of Gers,
    Schmidhuber and Cummins, "Learning to Forget", Neural Computation 12, 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> zero, one, none = np.zeros((1, 1)), np.ones((1, 1)), np.zeros(4)
    >>> h, c, gates = ops.lstm_step(zero, zero, one, np.zeros((4, 1)), np.zeros((4, 1)), none, none)
    >>> c.item(), gates.tolist()  # without weights each gate is half open, and nothing is written
    (0.5, [[0.5, 0.5, 0.0, 0.5]])
    """
    gates = linear.reference(x, w_ih, b_ih) + linear.reference(h, w_hh, b_hh)
    i, f, g, o = np.split(gates, GATES, axis=1)  # (N, 4 H) -> four of (N, H)
    i, f, g, o = sigmoid.reference(i), sigmoid.reference(f), np.tanh(g), sigmoid.reference(o)
    c_next = f * c + i * g
    h_next = o * np.tanh(c_next)
    return h_next, c_next, np.concatenate([i, f, g, o], axis=1)


def _check_lstm_step_backward(dh_next, dc_next, x, h, c, w_ih, w_hh, c_next, gates):
    dh_next, dc_next, x, h, c, w_ih, w_hh, c_next, gates = floats(
        dh_next=dh_next, dc_next=dc_next, x=x, h=h, c=c, w_ih=w_ih, w_hh=w_hh, c_next=c_next, gates=gates
    )
    _check_sizes(x, h, w_ih, w_hh, GATES)
    for name, array in (("dh_next", dh_next), ("dc_next", dc_next), ("c", c), ("c_next", c_next)):
        check_same_shape(name, array, h.shape, "the shape of h")
    check_same_shape("gates", gates, (len(h), GATES * h.shape[1]), "i, f, g, o of each number of h")
    return dh_next, dc_next, x, h, c, w_ih, w_hh, c_next, gates


@operation(check=_check_lstm_step_backward, returns=("dx", "dh", "dc", "dw_ih", "dw_hh", "db_ih", "db_hh"))
def lstm_step_backward(
    dh_next: Array,
    dc_next: Array,
    x: Array,
    h: Array,
    c: Array,
    w_ih: Array,
    w_hh: Array,
    c_next: Array,
    gates: Array,
) -> tuple[Array, Array, Array, Array, Array, Array, Array]:
    """Gradients of :func:`lstm_step`.

    Parameters
    ----------
    dh_next : ndarray of shape (N, H)
        Upstream gradient of the hidden state: of the losses of this step, and of the next step.
    dc_next : ndarray of shape (N, H)
        Upstream gradient of the cell, from the next step.
    x, h, c, w_ih, w_hh : ndarray
        Arguments of :func:`lstm_step`.
    c_next, gates : ndarray
        Its results.

    Returns
    -------
    dx, dh, dc, dw_ih, dw_hh, db_ih, db_hh : ndarray
        Each in the shape of its argument; `dh` and `dc` go to the step before.

    Raises
    ------
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> zero, one, w = np.zeros((1, 1)), np.ones((1, 1)), np.zeros((4, 1))
    >>> gates = np.array([[0.5, 0.25, 0.0, 0.5]])
    >>> ops.lstm_step_backward(zero, one, zero, zero, one, w, w, zero, gates)[2].item()  # the forget gate
    0.25
    """
    i, f, g, o = np.split(gates, GATES, axis=1)  # (N, 4 H) -> four of (N, H)
    shown = np.tanh(c_next)
    dcell = dc_next + dh_next * o * (1 - shown**2)  # the cell goes to the next step, and into h_next
    dgates = np.concatenate(  # of the sums before sigmoid and tanh: sigmoid' = y (1 - y), tanh' = 1 - y**2
        [
            dcell * g * i * (1 - i),
            dcell * c * f * (1 - f),
            dcell * i * (1 - g**2),
            dh_next * shown * o * (1 - o),
        ],
        axis=1,
    )
    dx, dw_ih, db_ih = linear_backward.reference(dgates, x, w_ih)
    dh, dw_hh, db_hh = linear_backward.reference(dgates, h, w_hh)
    return dx, dh, dcell * f, dw_ih, dw_hh, db_ih, db_hh
