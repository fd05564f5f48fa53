"""What is done to each number by itself: ReLU, sigmoid, dropout."""

from __future__ import annotations

import numpy as np

from minivision.core.arguments import check_same_shape, floats
from minivision.core.dispatch import operation
from minivision.core.types import Array


def _check_one(x):
    return tuple(floats(x=x))


@operation(check=_check_one)
def relu(x: Array) -> Array:
    """Replace negative numbers by zero.

    Parameters
    ----------
    x : ndarray
        Any shape.

    Returns
    -------
    y : ndarray
        ``max(x, 0)``; NaN stays NaN.
    """
    return np.where(x <= 0, x.dtype.type(0), x)


def _check_relu_backward(dy, x):
    dy, x = floats(dy=dy, x=x)
    check_same_shape("x", x, dy.shape, "the shape of dy")
    return dy, x


@operation(check=_check_relu_backward, returns=("dx",))
def relu_backward(dy: Array, x: Array) -> Array:
    """Let the gradient pass where the input was positive.

    Parameters
    ----------
    dy : ndarray
        Upstream gradient.
    x : ndarray
        The input of :func:`relu`. Its output serves as well: it is positive at the same places.

    Returns
    -------
    dx : ndarray
        Gradient of the input; at ``x == 0`` it is zero.
    """
    return np.where(x <= 0, x.dtype.type(0), dy)


@operation(check=_check_one)
def sigmoid(x: Array) -> Array:
    """Squash numbers into (0, 1).

    Parameters
    ----------
    x : ndarray
        Any shape.

    Returns
    -------
    y : ndarray
        ``1 / (1 + exp(-x))``.
    """
    small = np.exp(-abs(x))  # at most 1, so it cannot overflow: sigmoid(-x) = exp(-x) / (1 + exp(-x))
    return np.where(x < 0, small, x.dtype.type(1)) / (1 + small)


def _check_sigmoid_backward(dy, y):
    dy, y = floats(dy=dy, y=y)
    check_same_shape("y", y, dy.shape, "the shape of dy")
    return dy, y


@operation(check=_check_sigmoid_backward, returns=("dx",))
def sigmoid_backward(dy: Array, y: Array) -> Array:
    """Multiply by the slope of the sigmoid, which its output tells: ``y (1 - y)``.

    Parameters
    ----------
    dy : ndarray
        Upstream gradient.
    y : ndarray
        The output of :func:`sigmoid`.

    Returns
    -------
    dx : ndarray
        Gradient of the input.
    """
    return dy * y * (1 - y)


def _check_dropout(x, p, rng, training):
    (x,) = floats(x=x)
    if not 0 <= p <= 1:
        raise ValueError(f"p: expected a probability in 0 .. 1, got {p!r}; it is the share that is dropped")
    if not isinstance(rng, np.random.Generator) and training:
        raise TypeError(
            f"rng: expected a numpy.random.Generator, got {type(rng).__name__}; make one with np.random.default_rng(0)"
        )
    return x, float(p), rng, bool(training)


@operation(check=_check_dropout, returns=("y", "mask"))
def dropout(x: Array, p: float, *, rng: np.random.Generator | None, training: bool) -> tuple[Array, Array]:
    """Drop numbers at random in training, and enlarge the others so that the mean stays (inverted dropout).

    Parameters
    ----------
    x : ndarray
        Any shape.
    p : float
        Probability of dropping a number.
    rng : numpy.random.Generator
        Where chance comes from. May be None when not training.
    training : bool
        Whether to drop at all: otherwise nothing changes, and nothing is drawn from `rng`.

    Returns
    -------
    y : ndarray
        ``x * mask``.
    mask : ndarray
        0 where a number was dropped, ``1 / (1 - p)`` where it was kept.

    Raises
    ------
    ValueError
        If `p` is no probability.

    References
    ----------
    Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014, section 10.
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
    """Let the gradient pass where a number was kept, enlarged as the number was.

    Parameters
    ----------
    dy : ndarray
        Upstream gradient.
    mask : ndarray
        What :func:`dropout` returned.

    Returns
    -------
    dx : ndarray
        ``dy * mask``.
    """
    return dy * mask
