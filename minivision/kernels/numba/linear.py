"""Numba kernels of ``linear`` and ``linear_backward``: three matrix products.

NumPy would call its BLAS, whose threads keep spinning for a while after each product and take the cores from the Numba
kernels of the layers before and after. Alone BLAS is as fast as this, but in a network it was many times slower.
"""

import numpy as np

from minivision.kernels.numba.engine.matrix_product import matrix_product


def linear(x, w, b):
    return matrix_product(x, w, b, b_transposed=True)


def linear_backward(dy, x, w):
    return matrix_product(dy, w), matrix_product(dy, x, a_transposed=True), np.add.reduce(dy, axis=0)
