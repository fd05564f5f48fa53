"""Elementwise operations: ReLU, sigmoid, dropout."""

from __future__ import annotations

import numpy as np

from minivision.core.arguments import check_same_shape, flag, floats, number
from minivision.core.dispatch import operation
from minivision.core.types import Array


def _check_one(x):
    return tuple(floats(x=x))


@operation(check=_check_one)
def relu(x: Array) -> Array:
    """Rectified linear unit: replace negative numbers by zero.

    Parameters
    ----------
    x : ndarray of any shape

    Returns
    -------
    y : ndarray of the same shape
        ``max(x, 0)``; NaN stays NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.relu(np.array([-1.0, 0.0, 2.0])).tolist()
    [0.0, 0.0, 2.0]
    """
    return np.where(x <= 0, x.dtype.type(0), x)


def _check_relu_backward(dy, x):
    dy, x = floats(dy=dy, x=x)
    check_same_shape("x", x, dy.shape, "the shape of dy")
    return dy, x


@operation(check=_check_relu_backward, returns=("dx",))
def relu_backward(dy: Array, x: Array) -> Array:
    """Gradient of :func:`relu`: `dy` where the input was positive, else 0.

    Parameters
    ----------
    dy : ndarray
        Upstream gradient.
    x : ndarray of the same shape
        Input of :func:`relu`. Its output can be used as well: it is positive at the same places.

    Returns
    -------
    dx : ndarray of the same shape
        Gradient of the input; 0 at ``x == 0``.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.relu_backward(np.array([5.0, 6.0, 7.0]), np.array([-1.0, 0.0, 2.0])).tolist()
    [0.0, 0.0, 7.0]
    """
    return np.where(x <= 0, x.dtype.type(0), dy)


@operation(check=_check_one)
def sigmoid(x: Array) -> Array:
    """Logistic function: map numbers to (0, 1).

    Parameters
    ----------
    x : ndarray of any shape

    Returns
    -------
    y : ndarray of the same shape
        ``1 / (1 + exp(-x))``.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.sigmoid(np.array([-2.0, 0.0, 2.0])).round(4).tolist()
    [0.1192, 0.5, 0.8808]
    """
    small = np.exp(-abs(x))  # at most 1, so it cannot overflow: sigmoid(-x) = exp(-x) / (1 + exp(-x))
    return np.where(x < 0, small, x.dtype.type(1)) / (1 + small)


def _check_sigmoid_backward(dy, y):
    dy, y = floats(dy=dy, y=y)
    check_same_shape("y", y, dy.shape, "the shape of dy")
    return dy, y


@operation(check=_check_sigmoid_backward, returns=("dx",))
def sigmoid_backward(dy: Array, y: Array) -> Array:
    """Gradient of :func:`sigmoid`, computed from its output: the derivative is ``y (1 - y)``.

    Parameters
    ----------
    dy : ndarray
        Upstream gradient.
    y : ndarray of the same shape
        Output of :func:`sigmoid`.

    Returns
    -------
    dx : ndarray of the same shape
        ``dy * y * (1 - y)``.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.sigmoid_backward(np.array([1.0, 1.0]), np.array([0.5, 1.0])).tolist()
    [0.25, 0.0]
    """
    return dy * y * (1 - y)


def _check_dropout(x, p, rng, training):
    (x,) = floats(x=x)
    training = flag("training", training)
    p = number("p", p)
    if not 0 <= p <= 1:
        raise ValueError(f"p: expected a probability in 0 .. 1, got {p!r}; it is the fraction that is dropped")
    if not isinstance(rng, np.random.Generator) and training:
        raise TypeError(
            f"rng: expected a numpy.random.Generator, got {type(rng).__name__}; make one with np.random.default_rng(0)"
        )
    return x, p, rng, training


@operation(check=_check_dropout, returns=("y", "mask"))
def dropout(x: Array, p: float, *, rng: np.random.Generator | None, training: bool) -> tuple[Array, Array]:
    """Inverted dropout: in training set random numbers to zero, and scale the others to keep the expected value.

    Parameters
    ----------
    x : ndarray of any shape
    p : float
        Probability that a number is dropped.
    rng : numpy.random.Generator
        Source of the random numbers. May be None if `training` is False.
    training : bool
        If False, nothing is dropped, and nothing is drawn from `rng`.

    Returns
    -------
    y : ndarray of the same shape
        ``x * mask``.
    mask : ndarray of the same shape
        0 for dropped numbers, ``1 / (1 - p)`` for the others.

    Raises
    ------
    ValueError
        If `p` is no probability.

    References
    ----------
    Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014, section 10.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> y, mask = ops.dropout(np.ones(1000), 0.5, rng=np.random.default_rng(0), training=True)
    >>> sorted(set(y.tolist()))
    [0.0, 2.0]
    """
    mask = np.ones_like(x)
    if training and p > 0:
        kept = rng.random(x.shape, np.float32) >= p  # in [0, 1): p = 0 keeps all, p = 1 drops all
        mask[kept] = 1 / (1 - p) if p < 1 else 0
        mask[~kept] = 0
    return x * mask, mask


def _check_dropout_backward(dy, mask):
    dy, mask = floats(dy=dy, mask=mask)
    check_same_shape("mask", mask, dy.shape, "the shape of dy")
    return dy, mask


@operation(check=_check_dropout_backward, returns=("dx",))
def dropout_backward(dy: Array, mask: Array) -> Array:
    """Gradient of :func:`dropout`: `dy` times the mask of the forward pass.

    Parameters
    ----------
    dy : ndarray
        Upstream gradient.
    mask : ndarray of the same shape
        Second result of :func:`dropout`.

    Returns
    -------
    dx : ndarray of the same shape
        ``dy * mask``.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.dropout_backward(np.array([1.0, 1.0, 3.0]), np.array([0.0, 2.0, 2.0])).tolist()
    [0.0, 2.0, 6.0]
    """
    return dy * mask
