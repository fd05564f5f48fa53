"""The fully connected layer: every output depends on every input."""

from __future__ import annotations

import numpy as np

from minivision.core.arguments import check_same_shape, check_shape, floats
from minivision.core.dispatch import operation
from minivision.core.types import Array


def _check_linear(x, w, b):
    x, w, b = floats("b", x=x, w=w, b=b)
    check_shape("x", x, "N, D", meaning="flatten feature maps with x.reshape(N, -1)")
    check_shape("w", w, "M, D")
    if w.shape[1] != x.shape[1]:
        raise ValueError(
            f"w: expected shape (M, {x.shape[1]}) to match x {x.shape}, got {w.shape}; "
            f"each row holds the weights of one output"
        )
    if b is not None:
        check_same_shape("b", b, w.shape[:1], "one number for each row of w")
    return x, w, b


@operation(check=_check_linear)
def linear(x: Array, w: Array, b: Array | None = None) -> Array:
    """Multiply each example by a matrix and add a bias (a fully connected layer).

    Parameters
    ----------
    x : ndarray of shape (N, D)
        D features for each of N examples.
    w : ndarray of shape (M, D)
        Weights, one row for each output, as in PyTorch.
    b : ndarray of shape (M,), optional
        Bias of each output.

    Returns
    -------
    y : ndarray of shape (N, M)
        ``x @ w.T + b``.

    Raises
    ------
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> x = np.array([[1.0, 2.0]])
    >>> w = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> ops.linear(x, w, np.array([0.0, 0.0, 10.0])).tolist()
    [[1.0, 2.0, 13.0]]
    """
    N, M = x.shape[0], w.shape[0]
    y = np.zeros((N, M), x.dtype)
    for n, m in np.ndindex(N, M):
        y[n, m] = (x[n] * w[m]).sum()
    if b is not None:
        y += b
    return y


def _check_linear_backward(dy, x, w):
    dy, x, w = floats(dy=dy, x=x, w=w)
    check_shape("x", x, "N, D")
    check_shape("w", w, f"M, {x.shape[1]}", meaning="D as in x")
    check_same_shape("dy", dy, (x.shape[0], w.shape[0]), "the shape of x @ w.T")
    return dy, x, w


@operation(check=_check_linear_backward, returns=("dx", "dw", "db"))
def linear_backward(dy: Array, x: Array, w: Array) -> tuple[Array, Array, Array]:
    """Gradients of :func:`linear`.

    Parameters
    ----------
    dy : ndarray of shape (N, M)
        Upstream gradient.
    x : ndarray of shape (N, D)
        Input of :func:`linear`.
    w : ndarray of shape (M, D)
        Its weights.

    Returns
    -------
    dx : ndarray of shape (N, D)
        ``dy @ w``.
    dw : ndarray of shape (M, D)
        ``dy.T @ x``.
    db : ndarray of shape (M,)
        Sum of `dy` over the examples.

    Raises
    ------
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> x, w = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]])
    >>> [gradient.tolist() for gradient in ops.linear_backward(np.array([[1.0, 10.0]]), x, w)]
    [[[53.0, 64.0]], [[1.0, 2.0], [10.0, 20.0]], [1.0, 10.0]]
    """
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    db = np.zeros(w.shape[0], x.dtype)
    for n, m in np.ndindex(dy.shape):
        dx[n] += dy[n, m] * w[m]
        dw[m] += dy[n, m] * x[n]
        db[m] += dy[n, m]
    return dx, dw, db
