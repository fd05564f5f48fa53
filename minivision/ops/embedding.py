"""The embedding of words: a table with a row of numbers for each word of the vocabulary."""

from __future__ import annotations

import numpy as np

from minivision.core.arguments import check_range, check_same_shape, check_shape, floats, integers
from minivision.core.dispatch import operation
from minivision.core.types import Array


def _check_tokens(tokens, w):
    check_shape("w", w, "V, D", meaning="one row for each word of the vocabulary")
    check_range("tokens", tokens, len(w), "w has one row for each word of the vocabulary")


def _check_embedding(tokens, w):
    tokens = integers("tokens", tokens)
    (w,) = floats(w=w)
    _check_tokens(tokens, w)
    return tokens, w


@operation(check=_check_embedding)
def embedding(tokens: Array, w: Array) -> Array:
    """Look up the vector of each word.

    It is the product of `w` with one-hot rows, without the multiplications by zero.

    Parameters
    ----------
    tokens : int ndarray of any shape
        Numbers of words, 0 .. V - 1.
    w : ndarray of shape (V, D)
        The vectors, one row for each of V words.

    Returns
    -------
    y : ndarray of shape (..., D)
        ``w[tokens]``.

    Raises
    ------
    ValueError
        If a number is not that of a word.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.embedding(np.array([2, 0, 2]), np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])).tolist()
    [[4.0, 5.0], [0.0, 1.0], [4.0, 5.0]]
    """
    y = np.zeros((*tokens.shape, w.shape[1]), w.dtype)
    for place in np.ndindex(tokens.shape):
        y[place] = w[tokens[place]]
    return y


def _check_embedding_backward(dy, tokens, w):
    tokens = integers("tokens", tokens)
    dy, w = floats(dy=dy, w=w)
    _check_tokens(tokens, w)
    check_same_shape("dy", dy, (*tokens.shape, w.shape[1]), "a row of w for each of tokens")
    return dy, tokens, w


@operation(check=_check_embedding_backward, returns=("dw",))
def embedding_backward(dy: Array, tokens: Array, w: Array) -> Array:
    """Gradient of :func:`embedding`: a word that occurs several times gets the sum.

    Parameters
    ----------
    dy : ndarray of shape (..., D)
        Upstream gradient.
    tokens : int ndarray of shape (...)
        Input of :func:`embedding`.
    w : ndarray of shape (V, D)
        Its vectors; only their number counts.

    Returns
    -------
    dw : ndarray of shape (V, D)
        0 for words that do not occur.

    Raises
    ------
    ValueError
        If the shapes do not match, or a number is not that of a word.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.embedding_backward(np.array([[1.0], [10.0], [100.0]]), np.array([2, 0, 2]), np.zeros((3, 1))).tolist()
    [[10.0], [0.0], [101.0]]
    """
    dw = np.zeros_like(w)
    for place in np.ndindex(tokens.shape):
        dw[tokens[place]] += dy[place]
    return dw
