"""CuPy kernels of softmax and of the losses, each with its gradient in one pass (``losses.cu``).

A loss is a 0-dimensional CuPy array, so the CPU does not wait for the GPU.
"""

import math

import cupy

from minivision.kernels.cupy.launch import launch


def softmax(x):
    y = cupy.empty_like(x)
    C, L = x.shape[1], math.prod(x.shape[2:])
    launch("losses", "softmax", x.size // C, x, y, C, L)
    return y


def softmax_backward(dy, y):
    dx = cupy.empty_like(y)
    C, L = y.shape[1], math.prod(y.shape[2:])
    launch("losses", "softmax_backward", y.size // C, dy, y, dx, C, L)
    return dx


def softmax_cross_entropy(scores, target, weight, ignore_index, reduction):
    C, L = scores.shape[1], math.prod(scores.shape[2:])
    ignored = target == ignore_index
    label = cupy.where(ignored, -1, target)
    w = cupy.ones(target.shape, scores.dtype) if weight is None else weight[cupy.maximum(label, 0)]
    norm = cupy.where(ignored, 0, w).sum() if reduction == "mean" else cupy.ones((), scores.dtype)
    losses, dscores = cupy.empty(target.shape, scores.dtype), cupy.empty_like(scores)
    launch("losses", "softmax_cross_entropy", target.size, scores, label, w, norm, losses, dscores, C, L)
    return losses.sum(), dscores


def binary_cross_entropy_with_logits(x, target, reduction):
    return _loss_and_gradient("binary_cross_entropy_with_logits", x, target, reduction)


def smooth_l1_loss(x, target, beta, reduction):
    return _loss_and_gradient("smooth_l1_loss", x, target, reduction, beta)


def mse_loss(x, target, reduction):
    return _loss_and_gradient("mse_loss", x, target, reduction)


def hinge_loss(scores, target, margin, reduction):
    return _loss_and_gradient("hinge_loss", scores, target, reduction, margin)


def _loss_and_gradient(kernel, x, target, reduction, *settings):
    """Return the mean or the sum of the losses of all numbers, and the gradient."""
    losses, dx = cupy.empty_like(x), cupy.empty_like(x)
    divisor = float(max(x.size, 1)) if reduction == "mean" else 1.0
    launch("losses", kernel, x.size, x, target, losses, dx, divisor, *settings)
    return losses.sum(), dx
