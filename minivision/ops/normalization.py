"""Batch normalization: each channel gets mean 0 and variance 1, then a learned scale and shift."""

from __future__ import annotations

import numpy as np

from minivision.core.arguments import FLOATS, as_array, check_same_shape, check_shape, flag, floats, number
from minivision.core.dispatch import operation
from minivision.core.saved import BatchStatistics
from minivision.core.types import Array


def _check_batch_norm2d(x, gamma, beta, running_mean, running_var, training, momentum, eps):
    x, gamma, beta = floats(x=x, gamma=gamma, beta=beta)
    check_shape("x", x, "N, C, H, W")
    if x.shape[1] == 0:
        raise ValueError(f"x: expected at least one channel, got shape {x.shape}")
    training = flag("training", training)
    momentum, eps = number("momentum", momentum, minimum=0), number("eps", eps, minimum=0)
    channels = x.shape[1:2]
    running = {"running_mean": running_mean, "running_var": running_var}
    for name, array in running.items():
        if training:
            _check_updatable(name, array)
        else:
            running[name] = as_array(name, array)
    for name, array in {"gamma": gamma, "beta": beta, **running}.items():
        check_same_shape(name, array, channels, "one number for each channel of x")
    values_per_channel = x.shape[0] * x.shape[2] * x.shape[3]
    if training and values_per_channel < 2:
        raise ValueError(
            f"x: expected more than one value per channel in training, got {values_per_channel} "
            f"(shape {x.shape}): that is too few for a variance; use a larger batch, or training=False"
        )
    return x, gamma, beta, *running.values(), training, momentum, eps


def _check_updatable(name, array):
    """Raise an error if a kernel cannot update the array in place: it would update a copy, which is lost."""
    if not hasattr(array, "dtype") or array.dtype not in FLOATS:
        got = array.dtype if hasattr(array, "dtype") else type(array).__name__
        raise TypeError(
            f"{name}: expected a float32 or float64 array to update in place, got {got}; "
            f"make one with np.zeros(C, np.float32)"
        )
    if isinstance(array, np.ndarray) and not (array.flags.carray and array.dtype.isnative):
        reason = "read-only" if not array.flags.writeable else "not contiguous"
        raise ValueError(
            f"{name}: in training it is updated in place, but this array is {reason}; pass a copy, as in {name}.copy()"
        )


@operation(check=_check_batch_norm2d, returns=("y", "saved"))
def batch_norm2d(
    x: Array,
    gamma: Array,
    beta: Array,
    running_mean: Array,
    running_var: Array,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Array, BatchStatistics]:
    """Batch normalization: normalize each channel over the batch and all pixels, then scale and shift it.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Feature maps.
    gamma, beta : ndarray of shape (C,)
        Learned scale and shift of each channel.
    running_mean, running_var : ndarray of shape (C,)
        Running statistics. In training they are updated **in place**, the variance with Bessel's correction
        (``n / (n - 1)``, as in PyTorch); otherwise they replace the statistics of the batch.
    training : bool
        Whether to normalize with the mean and variance of the batch.
    momentum : float
        Weight of the batch in the running statistics: ``running = (1 - momentum) * running + momentum * batch``.
    eps : float
        Added to the variance, to prevent a division by zero.

    Returns
    -------
    y : ndarray of shape (N, C, H, W)
        ``gamma * (x - mean) / sqrt(var + eps) + beta``.
    saved : BatchStatistics
        For :func:`batch_norm2d_backward`.

    Raises
    ------
    ValueError
        In training, if a channel has fewer than two values, or running arrays cannot be updated in place.

    References
    ----------
    Ioffe, Szegedy, "Batch Normalization", 2015, algorithms 1 and 2.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> x = np.array([1.0, 3.0]).reshape(1, 1, 1, 2)
    >>> one, zero = np.ones(1), np.zeros(1)
    >>> running_mean, running_var = np.zeros(1), np.ones(1)
    >>> y, saved = ops.batch_norm2d(x, one, zero, running_mean, running_var, training=True)
    >>> y.round(3).tolist(), running_mean.tolist()
    ([[[[-1.0, 1.0]]]], [0.2])
    """

    # (C,) -> (C, 1, 1), to broadcast with (N, C, H, W)
    def per_channel(v):
        return v[:, None, None]

    if training:
        count = x.size // x.shape[1]
        mean = x.mean(axis=(0, 2, 3))
        var = ((x - per_channel(mean)) ** 2).mean(axis=(0, 2, 3))
        running_mean[:] = (1 - momentum) * running_mean + momentum * mean
        running_var[:] = (1 - momentum) * running_var + momentum * var * (count / (count - 1))
    else:
        mean, var = running_mean.astype(x.dtype), running_var.astype(x.dtype)
    inv_std = 1 / (var + eps) ** 0.5
    normalized = (x - per_channel(mean)) * per_channel(inv_std)
    y = per_channel(gamma) * normalized + per_channel(beta)
    return y, BatchStatistics(mean, inv_std, training)


def _check_batch_norm2d_backward(dy, x, gamma, saved):
    if not isinstance(saved, tuple) or len(saved) != 3:
        raise TypeError(f"saved: expected the second result of batch_norm2d, got {type(saved).__name__}")
    mean, inv_std, training = saved
    dy, x, gamma, mean, inv_std = floats(dy=dy, x=x, gamma=gamma, mean=mean, inv_std=inv_std)
    check_shape("x", x, "N, C, H, W")
    check_same_shape("dy", dy, x.shape, "the shape of x")
    for name, array in {"gamma": gamma, "saved.mean": mean, "saved.inv_std": inv_std}.items():
        check_same_shape(name, array, x.shape[1:2], "one number for each channel of x")
    return dy, x, gamma, BatchStatistics(mean, inv_std, flag("training", training))


@operation(check=_check_batch_norm2d_backward, returns=("dx", "dgamma", "dbeta"))
def batch_norm2d_backward(dy: Array, x: Array, gamma: Array, saved: BatchStatistics) -> tuple[Array, Array, Array]:
    """Gradients of :func:`batch_norm2d`.

    In training the mean and the variance depend on every value of the channel, so each value influences the output in
    three ways. What remains of the upstream gradient is the part that neither shifts nor scales the channel.

    Parameters
    ----------
    dy : ndarray of shape (N, C, H, W)
        Upstream gradient.
    x : ndarray of shape (N, C, H, W)
        Input of :func:`batch_norm2d`.
    gamma : ndarray of shape (C,)
        Its scale.
    saved : BatchStatistics
        Its second result.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
        In training ``gamma * inv_std * (dy - mean(dy) - normalized * mean(dy * normalized))``, else
        ``gamma * inv_std * dy``.
    dgamma : ndarray of shape (C,)
        ``sum(dy * normalized)``.
    dbeta : ndarray of shape (C,)
        ``sum(dy)``.

    Raises
    ------
    ValueError
        If the shapes do not match.

    References
    ----------
    Ioffe, Szegedy, "Batch Normalization", 2015, section 3, the equations of the backward pass, simplified.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> x = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 1, 3)
    >>> one = np.ones(1)
    >>> _, saved = ops.batch_norm2d(x, one, np.zeros(1), np.zeros(1), np.ones(1), training=True)
    >>> dx, dgamma, dbeta = ops.batch_norm2d_backward(np.ones_like(x), x, one, saved)
    >>> abs(dx).round(3).tolist(), dbeta.tolist()  # a shift of all outputs cannot come from the input
    ([[[[0.0, 0.0, 0.0]]]], [3.0])
    """

    def per_channel(v):
        return v[:, None, None]

    normalized = (x - per_channel(saved.mean)) * per_channel(saved.inv_std)
    dgamma = (dy * normalized).sum(axis=(0, 2, 3))
    dbeta = dy.sum(axis=(0, 2, 3))
    rest = dy
    if saved.training:
        count = x.size // x.shape[1]
        rest = dy - per_channel(dbeta) / count - normalized * per_channel(dgamma) / count
    dx = per_channel(gamma * saved.inv_std) * rest
    return dx, dgamma, dbeta
