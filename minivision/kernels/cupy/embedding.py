"""CuPy kernels of ``embedding`` and its gradient (``embedding.cu``)."""

import cupy

from minivision.kernels.cupy.launch import launch


def embedding(tokens, w):
    return w[tokens]


def embedding_backward(dy, tokens, w):
    dw = cupy.empty_like(w)
    launch("embedding", "embedding_backward", dw.size, dy, tokens, dw, w.shape[1], tokens.size)
    return dw
