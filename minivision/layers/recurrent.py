"""Layers for sequences: the embedding of words, and long short-term memory."""

from __future__ import annotations

import numpy as np

from minivision import ops
from minivision.core.devices import get_array_module, to_device_of
from minivision.core.types import Array
from minivision.layers.layer import Layer, Parameter
from minivision.ops.recurrent import GATES


class Embedding(Layer):
    """Look up a vector for each word; see :func:`minivision.ops.embedding`.

    Parameters
    ----------
    num_embeddings : int
        Number of words.
    embedding_dim : int
        Length of each vector.
    rng : numpy.random.Generator, optional
        Draws the vectors, from a normal distribution. Without one the seed is 0.
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, *, rng: np.random.Generator | None = None) -> None:
        rng = np.random.default_rng(0) if rng is None else rng
        self.w = Parameter(rng.standard_normal((num_embeddings, embedding_dim)).astype(np.float32))

    def forward(self, tokens: Array, training: bool = False) -> Array:
        """Return y of shape ``(..., embedding_dim)`` for numbers of words of shape ``(...)``."""
        tokens = to_device_of(tokens, self.w.value)
        if training:
            self.remember(tokens)
        return ops.embedding(tokens, self.w.value)

    def backward(self, dy: Array) -> None:
        """Add to the gradient of the vectors; words are no numbers, and have none."""
        (tokens,) = self.recall()
        self.w.grad += ops.embedding_backward(dy, tokens, self.w.value)


class LSTM(Layer):
    """Long short-term memory: a state that each step reads and changes; see :func:`minivision.ops.lstm_step`.

    A sequence is run at once (:meth:`forward`), or step by step (:meth:`step`) where the next input is not known before
    the last output: while a caption is generated. Either way each step pushes what its backward pass needs, and
    backpropagation through time pops the steps in reverse order. The state begins with zeros.

    Parameters
    ----------
    input_size, hidden_size : int
        Length of an input, and of the state.
    rng : numpy.random.Generator, optional
        Draws the weights, uniformly from ``-1 / sqrt(hidden_size)`` to ``1 / sqrt(hidden_size)`` as PyTorch does.
        Without one the seed is 0.

    Notes
    -----
    Biases begin with zeros, those of the forget gate with 1, so that the cell keeps what it has until training says
    otherwise (Jozefowicz, Zaremba and Sutskever, "An Empirical Exploration of Recurrent Network Architectures", ICML
    2015).
    """

    def __init__(self, input_size: int, hidden_size: int, *, rng: np.random.Generator | None = None) -> None:
        rng = np.random.default_rng(0) if rng is None else rng
        self.hidden_size, rows, bound = hidden_size, GATES * hidden_size, hidden_size**-0.5
        self.w_ih = Parameter(rng.uniform(-bound, bound, (rows, input_size)).astype(np.float32))
        self.w_hh = Parameter(rng.uniform(-bound, bound, (rows, hidden_size)).astype(np.float32))
        self.b_ih = Parameter(np.zeros(rows, np.float32), decay=False)
        self.b_hh = Parameter(np.zeros(rows, np.float32), decay=False)
        self.b_ih.value[hidden_size : 2 * hidden_size] = 1

    def start(self, count: int) -> tuple[Array, Array]:
        """Return the state before the first step of `count` sequences: h and c, zeros of shape (count, hidden_size)."""
        xp = get_array_module(self.w_hh.value)
        h, c = (xp.zeros((count, self.hidden_size), self.w_hh.value.dtype) for _ in range(2))
        return h, c

    def step(self, x: Array, h: Array, c: Array, training: bool = False) -> tuple[Array, Array]:
        """Return the next state, h and c, for an input of shape ``(N, input_size)``."""
        weights = self.w_ih.value, self.w_hh.value
        h_next, c_next, gates = ops.lstm_step(x, h, c, *weights, self.b_ih.value, self.b_hh.value)
        if training:
            self.remember(x, h, c, *weights, c_next, gates)
        return h_next, c_next

    def step_backward(self, dh: Array, dc: Array) -> tuple[Array, Array, Array]:
        """Return dx and the gradients of the state before the latest step, dh and dc; add to those of the weights.

        Parameters
        ----------
        dh, dc : ndarray of shape (N, hidden_size)
            Gradients of the state after that step.
        """
        dx, dh, dc, dw_ih, dw_hh, db_ih, db_hh = ops.lstm_step_backward(dh, dc, *self.recall())
        self.w_ih.grad += dw_ih
        self.w_hh.grad += dw_hh
        self.b_ih.grad += db_ih
        self.b_hh.grad += db_hh
        return dx, dh, dc

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the hidden states ``(T, N, hidden_size)`` after T steps, for x of shape ``(T, N, input_size)``.

        Shorter sequences are padded at the end: nothing flows back from there if the loss ignores it.
        """
        h, c = self.start(x.shape[1])
        y = get_array_module(x).zeros((*x.shape[:2], self.hidden_size), x.dtype)
        for t in range(len(x)):
            h, c = self.step(x[t], h, c, training)
            y[t] = h
        return y

    def backward(self, dy: Array) -> Array:
        """Return dx ``(T, N, input_size)``: backpropagation through time, from the last step to the first."""
        dh, dc = self.start(dy.shape[1])  # from after the last step comes nothing
        dx = get_array_module(dy).zeros((*dy.shape[:2], self.w_ih.value.shape[1]), dy.dtype)
        for t in reversed(range(len(dy))):
            # h goes two ways: to the output of this step, and to the next step
            dx[t], dh, dc = self.step_backward(dy[t] + dh, dc)
        return dx
