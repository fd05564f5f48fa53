"""Cases for the steps of recurrent networks: N, D and H all different, one of each, no sequences, shut gates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minivision import ops

if TYPE_CHECKING:
    from minivision.checks.cases import Cases

_SIZES = [  # sequences, numbers of the input, numbers of the state, deviation of the numbers
    (2, 3, 4, 1),
    (3, 4, 4, 1),
    (1, 1, 1, 1),
    (5, 2, 3, 30),  # gates that are fully open or shut
    (9, 33, 20, 0.3),
    (0, 4, 3, 1),
    (2, 0, 3, 1),
]


def _state(rng, N, H, deviation):
    return deviation * rng.standard_normal((N, H))


def _step(rng, N, D, H, deviation, gates, states):
    """Return the arguments of a step: the input, one or two states, the weights and the biases."""
    x, state = _state(rng, N, D, deviation), [_state(rng, N, H, 1) for _ in range(states)]
    return x, *state, *(rng.standard_normal(shape) for shape in [(gates * H, D), (gates * H, H), gates * H, gates * H])


def rnn_step(rng: np.random.Generator) -> Cases:
    for sizes in _SIZES:
        yield _step(rng, *sizes, gates=1, states=1), {}


def rnn_step_backward(rng: np.random.Generator) -> Cases:
    for N, D, H, deviation in _SIZES:
        arguments = _step(rng, N, D, H, deviation, gates=1, states=1)
        yield (_state(rng, N, H, 1), *arguments[:4], ops.rnn_step(*arguments)), {}


def lstm_step(rng: np.random.Generator) -> Cases:
    for sizes in _SIZES:
        yield _step(rng, *sizes, gates=4, states=2), {}


def lstm_step_backward(rng: np.random.Generator) -> Cases:
    for N, D, H, deviation in _SIZES:
        arguments = _step(rng, N, D, H, deviation, gates=4, states=2)
        _, c_next, gates = ops.lstm_step(*arguments)
        yield (_state(rng, N, H, 1), _state(rng, N, H, 1), *arguments[:5], c_next, gates), {}
