"""What is done to each number by itself, on the GPU: the textbook's bodies, whose NumPy functions hand CuPy arrays over
to CuPy.
"""

import cupy
import numpy as np

from minivision.ops import pointwise as textbook

relu = textbook.relu.reference
relu_backward = textbook.relu_backward.reference
sigmoid = textbook.sigmoid.reference
sigmoid_backward = textbook.sigmoid_backward.reference
dropout_backward = textbook.dropout_backward.reference


def dropout(x, p, rng, training):
    # Chance comes from the CPU's generator, so that a seed drops the same numbers wherever the arrays are.
    _, mask = textbook.dropout.reference(np.ones(x.shape, x.dtype), p, rng=rng, training=training)
    mask = cupy.asarray(mask)
    return x * mask, mask
