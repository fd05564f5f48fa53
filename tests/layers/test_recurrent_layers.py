"""The layers for sequences compared with PyTorch's, backpropagated through time over sequences of several lengths."""

import numpy as np
import pytest

from minivision import ops
from minivision.layers import LSTM, Embedding, Linear

LENGTHS = [6, 1, 4]  # of three sequences
T, N, V, D, H = max(LENGTHS), len(LENGTHS), 9, 5, 7


def network():
    """Return an embedding, an LSTM and scores of words, in float64."""
    rng = np.random.default_rng(0)
    return [part.astype(np.float64) for part in (Embedding(V, D, rng=rng), LSTM(D, H, rng=rng), Linear(H, V, rng=rng))]


def words(rng):
    """Return inputs (T, N), padded with 0, and targets, padded with -100."""
    tokens, target = rng.integers(0, V, (T, N)), rng.integers(0, V, (T, N))
    for n, length in enumerate(LENGTHS):
        tokens[length:, n], target[length:, n] = 0, -100
    return tokens, target


def loss_and_gradients(layers, tokens, target):
    embedding, lstm, scores = layers
    for layer in layers:
        layer.zero_gradients()
    states = lstm(embedding(tokens, training=True), training=True)
    logits = scores(states.reshape(-1, H), training=True)  # (T, N, H) -> (T N, H)
    loss, dlogits = ops.softmax_cross_entropy(logits, target.reshape(-1))
    embedding.backward(lstm.backward(scores.backward(dlogits).reshape(states.shape)))
    assert not any(layer.leftovers() for layer in layers)
    return loss, [parameter.grad.copy() for layer in layers for parameter in layer.parameters()]


def test_an_lstm_over_padded_sequences_equals_pytorchs(rng):
    torch = pytest.importorskip("torch")
    layers, (tokens, target) = network(), words(rng)
    theirs = [torch.nn.Embedding(V, D), torch.nn.LSTM(D, H), torch.nn.Linear(H, V)]
    with torch.no_grad():
        for layer, module in zip(layers, theirs, strict=True):
            module.double()
            for parameter, tensor in zip(layer.parameters(), module.parameters(), strict=True):
                tensor.copy_(torch.from_numpy(parameter.value))
    states, _ = theirs[1](theirs[0](torch.from_numpy(tokens)))
    expected = torch.nn.functional.cross_entropy(theirs[2](states).flatten(0, 1), torch.from_numpy(target).flatten())
    expected.backward()
    loss, gradients = loss_and_gradients(layers, tokens, target)
    assert float(loss) == pytest.approx(expected.item(), abs=1e-8)
    tensors = [tensor for module in theirs for tensor in module.parameters()]
    for gradient, tensor in zip(gradients, tensors, strict=True):
        np.testing.assert_allclose(gradient, tensor.grad, atol=1e-8)


def test_what_stands_in_the_padding_changes_nothing(rng):
    layers, (tokens, target) = network(), words(rng)
    loss, gradients = loss_and_gradients(layers, tokens, target)
    other = np.where(target == -100, 5, tokens)
    assert (other != tokens).any()
    again, others = loss_and_gradients(layers, other, target)
    assert loss == again
    for gradient, changed in zip(gradients, others, strict=True):
        np.testing.assert_array_equal(gradient, changed)


def test_each_sequence_of_a_batch_is_computed_as_if_it_were_alone(rng):
    layers, (tokens, target) = network(), words(rng)
    _, together = loss_and_gradients(layers, tokens, target)
    alone = [np.zeros_like(gradient) for gradient in together]
    for n, length in enumerate(LENGTHS):
        _, gradients = loss_and_gradients(layers, tokens[:length, n : n + 1], target[:length, n : n + 1])
        for total, gradient in zip(alone, gradients, strict=True):
            total += gradient * length / sum(LENGTHS)
    for gradient, total in zip(together, alone, strict=True):
        np.testing.assert_allclose(gradient, total, atol=1e-12)


def test_gradients_through_time_equal_differences(rng):
    layers, (tokens, target) = network(), words(rng)
    _, gradients = loss_and_gradients(layers, tokens, target)
    parameters = [parameter for layer in layers for parameter in layer.parameters()]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        place, step = int(abs(gradient).argmax()), 1e-6
        values = []
        for sign in (1, -1):
            parameter.value.flat[place] += sign * step
            values.append(loss_and_gradients(layers, tokens, target)[0])
            parameter.value.flat[place] -= sign * step
        slope = (values[0] - values[1]) / (2 * step)
        assert slope == pytest.approx(gradient.flat[place], rel=1e-6), parameter


def test_steps_are_the_sequence(rng):
    _, lstm, _ = network()
    x = rng.standard_normal((T, N, D))
    states, (h, c) = lstm(x), lstm.start(N)
    for t in range(T):
        h, c = lstm.step(x[t], h, c)
        np.testing.assert_array_equal(h, states[t])
    assert not lstm.leftovers()  # in prediction nothing is kept


def test_the_forget_gate_begins_open():
    lstm = LSTM(D, H)
    assert (lstm.b_ih.value[H : 2 * H] == 1).all() and lstm.b_ih.value.sum() == H and not lstm.b_hh.value.any()
