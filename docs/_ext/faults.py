"""Classic faults of gradients, each a function in place of a kernel: what the page of failures trains with.

The first line of a docstring is the heading, the rest says why it is written. They are fast, so that networks can be
trained with them: the right kernel computes, and then the fault is put in.
"""

import numpy as np

from minivision.core.backends import get_backend
from minivision.core.registry import find


def right(name, *values, **keywords):
    """Call the right kernel of an operation."""
    return get_backend("numba").kernel(find(name))(*values, **keywords)


def conv2d_backward_last_image(dy, x, w, **settings):
    """`=` instead of `+=`: the filters learn from the last image

    In the loop over the images `dw[f] = ...` overwrites what the images before had added.
    """
    dx, _, db = right("conv2d_backward", dy, x, w, **settings)
    _, dw, _ = right("conv2d_backward", dy[-1:], x[-1:], w, **settings)
    return dx, dw, db


def conv2d_backward_unflipped(dy, x, w, **settings):
    """The filter is not turned in the backward pass

    The backward pass of a convolution is a convolution too, but with the filter turned by 180 degrees.
    """
    dx, _, _ = right("conv2d_backward", dy, x, np.ascontiguousarray(w[:, :, ::-1, ::-1]), **settings)
    _, dw, db = right("conv2d_backward", dy, x, w, **settings)
    return dx, dw, db


def relu_backward(dy, x):
    """ReLU lets every gradient pass

    `dx = dy`: the mask is forgotten, so values that the forward pass set to zero get a gradient as well.
    """
    return dy.copy()


def batch_norm2d_backward(dy, x, gamma, saved):
    """Mean and variance are taken for constants

    `dx = dy * gamma / std`: every value also moves the mean and the variance of its channel, and these
    two terms are missing.
    """
    _, dgamma, dbeta = right("batch_norm2d_backward", dy, x, gamma, saved)
    scale = gamma / np.sqrt(x.var(axis=(0, 2, 3)) + 1e-5)
    return np.ascontiguousarray(dy * scale[:, None, None], dy.dtype), dgamma, dbeta


def softmax_cross_entropy_no_target(scores, target, **settings):
    """The 1 of the right class is not subtracted

    The gradient of the scores is `p - 1` for the right class and `p` for all others. Here it is `p` for all.
    """
    loss, dscores = right("softmax_cross_entropy", scores, target, **settings)
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return loss, np.ascontiguousarray(p / max(target.size, 1), dscores.dtype)


def softmax_cross_entropy_sum(scores, target, **settings):
    """A factor too much: the gradient of a sum beside the loss of a mean

    Nothing divides by the number of pixels. Adam divides every gradient by its own size, so it trains like the right
    one; any other optimizer, a second loss beside this one, or a limit on gradients would not forgive it.
    """
    loss, dscores = right("softmax_cross_entropy", scores, target, **settings)
    return loss, dscores * dscores.dtype.type(target.size)


FAULTS = {  # the function that takes the place of which operation
    conv2d_backward_last_image: "conv2d_backward",
    conv2d_backward_unflipped: "conv2d_backward",
    relu_backward: "relu_backward",
    batch_norm2d_backward: "batch_norm2d_backward",
    softmax_cross_entropy_no_target: "softmax_cross_entropy",
    softmax_cross_entropy_sum: "softmax_cross_entropy",
}
