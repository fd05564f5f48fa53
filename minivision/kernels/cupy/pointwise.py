"""CuPy kernels of ReLU, sigmoid and dropout: one pass over memory each (``pointwise.cu``)."""

import cupy
import numpy as np

from minivision.core.registry import reference
from minivision.kernels.cupy.launch import launch

dropout_backward = reference("dropout_backward")


def relu(x):
    return _elementwise("relu", x)


def relu_backward(dy, x):
    return _elementwise("relu_backward", dy, x)


def sigmoid(x):
    return _elementwise("sigmoid", x)


def sigmoid_backward(dy, y):
    return _elementwise("sigmoid_backward", dy, y)


def _elementwise(kernel, *arrays):
    result = cupy.empty_like(arrays[0])
    launch("pointwise", kernel, result.size, *arrays, result)
    return result


def dropout(x, p, rng, training):
    # Random numbers come from the CPU's generator, so that a seed drops the same numbers on CPU and GPU.
    _, mask = reference("dropout")(np.ones(x.shape, x.dtype), p, rng=rng, training=training)
    mask = cupy.asarray(mask)
    return x * mask, mask
