"""Numba kernels of ``embedding`` and its gradient: rows are copied, and added up where they were copied from."""

import numpy as np

from minivision.core.compile import jit


def embedding(tokens, w):
    return w.take(tokens, axis=0)


def embedding_backward(dy, tokens, w):
    dw = np.zeros_like(w)
    _add_rows(dy.reshape(tokens.size, w.shape[1]), tokens.reshape(-1), dw)
    return dw


@jit
def _add_rows(rows, numbers, total):
    """Add each row to the row of `total` with its number, in their order: the same bits each time."""
    for n in range(numbers.size):
        to = total[numbers[n]]
        row = rows[n]
        for d in range(row.size):
            to[d] += row[d]
