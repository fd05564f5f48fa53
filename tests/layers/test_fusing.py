"""Layers that run at once in prediction give what they give one by one, and notice every change of a parameter."""

import types

import numpy as np
import pytest

import minivision
from minivision import layers, ops
from minivision.core.dispatch import fused_kernel, observe
from minivision.layers.watching import named_layers

CHAINS = {
    "Winograd": lambda rng: [layers.Conv2d(16, 24, 3, padding=1, bias=False, rng=rng), norm(24, rng), layers.ReLU()],
    "direct": lambda rng: [layers.Conv2d(16, 12, 5, stride=2, padding=1, rng=rng), norm(12, rng), layers.ReLU()],
    "groups": lambda rng: [layers.Conv2d(16, 8, 3, groups=4, dilation=2, rng=rng), layers.ReLU()],
    "one filter a channel": lambda rng: [layers.Conv2d(16, 16, 3, groups=16, padding=1, rng=rng), layers.ReLU()],
    "1 x 1": lambda rng: [layers.Conv2d(16, 9, 1, rng=rng), norm(9, rng), layers.ReLU(), layers.BilinearUpsample()],
    "stem": lambda rng: [
        layers.Conv2d(16, 10, 3, padding=1, bias=False, rng=rng), layers.MaxPool2d(2), norm(10, rng), layers.ReLU()
    ],
    "a 1 x 1 stem": lambda rng: [layers.Conv2d(16, 5, 1, rng=rng), layers.MaxPool2d(2)],
    "pool": lambda rng: [layers.MaxPool2d(2), norm(16, rng)],
    "larger windows": lambda rng: [layers.MaxPool2d(3, stride=2, padding=1), norm(16, rng), layers.ReLU()],
    "two of a kind": lambda rng: [norm(16, rng), norm(16, rng), layers.ReLU(), layers.ReLU()],
    "none": lambda rng: [],
}  # fmt: skip


def norm(channels, rng):
    """Return a normalization in which nothing is as it was made; some scales are negative."""
    layer = layers.BatchNorm2d(channels)
    layer.gamma.value[...], layer.beta.value[...] = rng.normal(size=(2, channels))
    layer.running_mean[...], layer.running_var[...] = rng.normal(size=channels), rng.uniform(0.2, 3, channels)
    return layer


def one_by_one(chain, x):
    for layer in chain:
        x = layer.forward(x)
    return x


def assert_close(y, expected):
    assert y.dtype == expected.dtype
    tolerance = 1e-5 if y.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(y, expected, rtol=0, atol=tolerance * np.abs(expected).max(initial=1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(2, 16, 33, 47), (1, 16, 8, 6), (0, 16, 9, 9)])
@pytest.mark.parametrize("name", CHAINS)
def test_layers_at_once_give_what_they_give_one_by_one(name, shape, dtype, rng):
    chain = layers.Sequential(*CHAINS[name](rng)).astype(dtype)
    x = rng.normal(size=shape).astype(dtype)
    before = x.copy()
    assert_close(chain(x), one_by_one(chain.layers, x))
    np.testing.assert_array_equal(x, before)  # nothing is written to the input


@pytest.mark.parametrize("convolutions", [1, 2])
def test_a_residual_block_adds_its_input(convolutions, rng):
    block = layers.ResidualBlock(16, convolutions=convolutions, rng=rng)
    for _, layer in named_layers(block):
        if isinstance(layer, layers.BatchNorm2d):
            vars(layer).update(vars(norm(16, rng)))
    for size in (32, 5):
        x = rng.normal(size=(2, 16, size, size)).astype(np.float32)
        flat = [part for _, part in named_layers(block.residual) if not part.parts()]
        assert_close(block(x), np.maximum(x + one_by_one(flat, x), 0))


def test_nan_stays_nan(rng):
    x = rng.normal(size=(1, 16, 32, 32)).astype(np.float32)
    x[0, 3, 10, 10] = np.nan
    for name in ("Winograd", "direct", "stem", "pool"):
        chain = CHAINS[name](rng)
        there = np.isnan(layers.Sequential(*chain)(x))
        assert there[np.isnan(one_by_one(chain, x))].all() and there.any() and not there.all(), name


def changes():
    """Yield what a person may do to a convolution with normalization between two predictions."""

    def at(place, value):
        def change(conv, norm):
            place(conv, norm)[...] = value

        return change

    yield "w", lambda conv, norm: conv.w.value.__setitem__((0, 0, 1, 1), 9)
    yield "b", at(lambda conv, norm: conv.b.value, 2)
    yield "gamma", at(lambda conv, norm: norm.gamma.value, 2)
    yield "beta", at(lambda conv, norm: norm.beta.value, 2)
    yield "running_mean", at(lambda conv, norm: norm.running_mean, 2)
    yield "running_var", at(lambda conv, norm: norm.running_var[-1:], 7)
    yield "eps", lambda conv, norm: setattr(norm, "eps", 3.0)
    yield "no b", lambda conv, norm: setattr(conv, "b", None)
    yield "stride", lambda conv, norm: conv.geometry.__setitem__("stride", 2)
    yield "another w", lambda conv, norm: setattr(conv.w, "value", conv.w.value[::-1].copy())
    yield "float64", lambda conv, norm: (conv.astype(np.float64), norm.astype(np.float64))
    yield "w in another order", lambda conv, norm: setattr(conv.w, "value", np.asfortranarray(conv.w.value + 1))


@pytest.mark.parametrize(("name", "change"), list(changes()), ids=[name for name, _ in changes()])
def test_every_change_of_a_layer_is_noticed(name, change, rng):
    conv, normalization = layers.Conv2d(16, 16, 3, padding=1, rng=rng), norm(16, rng)
    conv.b.value[...] = rng.normal(size=16)
    block = layers.Sequential(conv, normalization, layers.ReLU())
    x = rng.normal(size=(1, 16, 32, 32)).astype(np.float32)
    first = block(x)
    change(conv, normalization)
    x = x.astype(conv.w.value.dtype)
    assert_close(block(x), one_by_one(block.layers, x))
    assert block(x).shape != first.shape or np.abs(block(x) - first).max() > 1e-3 or name == "float64"


def test_filters_are_kept_while_nothing_changes_and_training_changes_them(rng):
    block = layers.Sequential(layers.Conv2d(16, 16, 3, padding=1, rng=rng), norm(16, rng), layers.ReLU())
    x = rng.normal(size=(1, 16, 32, 32)).astype(np.float32)
    if fused_kernel("convolution.conv2d", x) is not None:
        block(x)
        kept = block.layers[0]._kept
        block(x)
        assert block.layers[0]._kept is kept
    block.backward(np.ones_like(block(x, training=True)))  # running statistics move
    for parameter in block.parameters():
        parameter.value -= 0.1 * parameter.grad
    assert_close(block(x), one_by_one(block.layers, x))


def test_a_backend_of_ones_own_and_the_reference_run_their_operations(rng):
    calls = []

    def conv2d(x, w, b, stride, padding, dilation, groups):
        calls.append(w.shape)
        return ops.conv2d.reference(x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups)

    module = types.ModuleType("mine")
    conv2d.__module__, module.conv2d = "mine", conv2d
    chain = layers.Sequential(*CHAINS["stem"](rng))
    x = rng.normal(size=(1, 16, 6, 6)).astype(np.float32)
    expected = one_by_one(chain.layers, x)
    minivision.register_backend("mine", module)
    try:
        with minivision.backend("mine"):
            assert fused_kernel("convolution.conv2d", x) is None
            assert_close(chain(x), expected)
    finally:
        minivision.unregister_backend("mine")
    assert calls == [(10, 16, 3, 3)]
    with minivision.backend("reference"):
        assert_close(chain(x), expected)


def test_somebody_who_observes_operations_sees_them(rng):
    chain, seen = layers.Sequential(*CHAINS["stem"](rng)), []
    with observe(lambda op, values, result: seen.append(op.__name__)):
        chain(rng.normal(size=(1, 16, 6, 6)).astype(np.float32))
    assert seen == ["conv2d", "max_pool2d", "batch_norm2d", "relu"]


def test_a_layer_of_ones_own_runs_its_forward(rng):
    class Doubled(layers.Conv2d):
        def forward(self, x, training=False):
            return 2 * super().forward(x, training)

    conv = Doubled(4, 4, 3, rng=rng)
    x = rng.normal(size=(1, 4, 6, 6)).astype(np.float32)
    plain = ops.relu(ops.conv2d(x, conv.w.value, conv.b.value))
    assert_close(layers.Sequential(conv, layers.ReLU())(x), 2 * plain)


def test_wrong_input_is_named_as_by_the_operation(rng):
    chain = layers.Sequential(*CHAINS["Winograd"](rng))
    with pytest.raises(ValueError, match=r"x: expected 16 channels for w of shape \(24, 16, 3, 3\)"):
        chain(np.zeros((1, 3, 8, 8), np.float32))
    with pytest.raises(ValueError, match=r"x: expected shape \(N, C, H, W\)"):
        chain(np.zeros((16, 8, 8), np.float32))
    with pytest.raises(ValueError, match="kernel"):
        layers.Sequential(layers.Conv2d(16, 8, 5, rng=rng), layers.ReLU())(np.zeros((1, 16, 4, 8), np.float32))
