"""Steps of recurrent networks compared with PyTorch's cells, whose names and order of arguments they have."""

import types

import numpy as np
import pytest

import minivision
from minivision import ops
from minivision.checks import CheckError, check_gradients


@pytest.fixture(params=["reference", "numba"], autouse=True)
def on_backend(request):
    with minivision.backend(request.param):
        yield


def arguments_of(rng, N, D, H, gates, dtype=np.float64):
    """Return x, the states, w_ih, w_hh, b_ih, b_hh."""
    shapes = [(N, D), *[(N, H)] * (1 if gates == 1 else 2), (gates * H, D), (gates * H, H), (gates * H,), (gates * H,)]
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def in_cell(torch, kind, arguments):
    """Return a cell of torch.nn with the weights, its leaves, and the states that it returns."""
    x, *states, w_ih, w_hh, b_ih, b_hh = [torch.from_numpy(array.copy()) for array in arguments]
    cell = getattr(torch.nn, kind)(x.shape[1], states[0].shape[1], dtype=x.dtype)
    with torch.no_grad():
        for name, value in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), (w_ih, w_hh, b_ih, b_hh), strict=True):
            getattr(cell, name).copy_(value)
    leaves = [x.requires_grad_(), *(state.requires_grad_() for state in states), *cell.parameters()]
    result = cell(x, tuple(states) if len(states) == 2 else states[0])
    return leaves, result if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [(3, 5, 4), (1, 1, 1), (17, 40, 33)])
def test_a_step_of_an_lstm_and_its_gradients_equal_those_of_pytorchs_cell(sizes, dtype, rng):
    torch = pytest.importorskip("torch")
    arguments = arguments_of(rng, *sizes, gates=4, dtype=dtype)
    leaves, states = in_cell(torch, "LSTMCell", arguments)
    *ours, gates = ops.lstm_step(*arguments)
    tolerance = 1e-4 if dtype == np.float32 else 1e-8
    for got, expected in zip(ours, states, strict=True):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, expected.detach(), atol=tolerance)
    upstream = [rng.standard_normal(state.shape).astype(dtype) for state in states]
    torch.autograd.backward(states, [torch.from_numpy(each) for each in upstream])
    gradients = ops.lstm_step_backward(*upstream, *arguments[:5], ours[1], gates)
    for got, leaf in zip(gradients, leaves, strict=True):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, leaf.grad, atol=tolerance * max(1, float(leaf.grad.abs().max())))


def test_a_simple_step_and_its_gradients_equal_those_of_pytorchs_cell(rng):
    torch = pytest.importorskip("torch")
    arguments = arguments_of(rng, 6, 5, 4, gates=1)
    leaves, (state,) = in_cell(torch, "RNNCell", arguments)
    h_next = ops.rnn_step(*arguments)
    np.testing.assert_allclose(h_next, state.detach(), atol=1e-12)
    dh_next = rng.standard_normal(h_next.shape)
    state.backward(torch.from_numpy(dh_next))
    for got, leaf in zip(ops.rnn_step_backward(dh_next, *arguments[:4], h_next), leaves, strict=True):
        np.testing.assert_allclose(got, leaf.grad, atol=1e-12)


def test_gradients_of_both_states_are_checked(rng):
    """A check that looked only at the hidden state would not see that the gradient of the cell is lost."""
    arguments = arguments_of(rng, 3, 2, 4, gates=4)
    assert max(check_gradients(ops.lstm_step, *arguments).values()) < 1e-6

    lossy = types.ModuleType("lossy")
    lossy.lstm_step_backward = lambda dh_next, dc_next, x, h, c, w_ih, w_hh, c_next, gates: (
        ops.lstm_step_backward.reference(dh_next, 0 * dc_next, x, h, c, w_ih, w_hh, c_next, gates)
    )
    minivision.register_backend("lossy", lossy)
    with minivision.backend("lossy"), pytest.raises(CheckError, match="dc_next is ignored"):
        check_gradients(ops.lstm_step, *arguments)


def test_gates_that_are_far_open_or_shut_neither_overflow_nor_become_nan(rng):
    arguments = [1000 * array for array in arguments_of(rng, 4, 3, 5, gates=4, dtype=np.float32)]
    with np.errstate(over="raise", invalid="raise"):
        h_next, c_next, gates = ops.lstm_step(*arguments)
    assert all(np.isfinite(each).all() for each in (h_next, c_next, gates)) and abs(gates).max() <= 1


@pytest.mark.parametrize(
    "message, change",
    [
        (r"x: expected shape \(N, D\)", {0: np.zeros(3)}),
        (r"h: expected shape \(2, H\)", {1: np.zeros((3, 4))}),
        ("c: expected shape", {2: np.zeros((2, 5))}),
        (r"w_ih: expected shape \(16, 3\) \(4 gates for each of the 4 numbers of h", {3: np.zeros((4, 3))}),
        ("w_hh: expected shape", {4: np.zeros((16, 3))}),
        ("b_hh: expected shape", {6: np.zeros(4)}),
    ],
)
def test_errors_name_the_wrong_argument(message, change, rng):
    arguments = arguments_of(rng, 2, 3, 4, gates=4)
    for place, wrong in change.items():
        arguments[place] = wrong
    with pytest.raises(ValueError, match=message):
        ops.lstm_step(*arguments)
