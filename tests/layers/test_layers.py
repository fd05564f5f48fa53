"""Layers: what they keep for the backward pass, their state, initial values, gradients, and how they are printed."""

import numpy as np
import pytest

from minivision import layers, ops
from minivision.layers.watching import watch


def numeric(function, array, step=1e-6):
    """Return the central differences of a number by each element of `array`, which is moved in place."""
    slopes = np.zeros_like(array)
    for index in np.ndindex(*array.shape):
        kept = array[index]
        array[index] = kept + step
        above = function()
        array[index] = kept - step
        slopes[index] = (above - function()) / (2 * step)
        array[index] = kept
    return slopes


def assert_gradients(layer, x, rng, forward=None):
    """Compare dx and every parameter's gradient with finite differences, in training mode."""
    layer.astype(np.float64)
    forward = forward or (lambda: layer.forward(x, training=True))
    dy = rng.normal(size=forward().shape)
    layer.forget()
    layer.zero_gradients()
    forward()
    dx = layer.backward(dy)
    assert layer.leftovers() == []

    def loss():
        y = forward()
        layer.forget()
        return float((y * dy).sum())

    np.testing.assert_allclose(dx, numeric(loss, x), atol=1e-6)
    for parameter in layer.parameters():
        np.testing.assert_allclose(parameter.grad, numeric(loss, parameter.value), atol=1e-6, err_msg=parameter.name)


LAYERS = {
    "Conv2d": lambda rng: layers.Conv2d(3, 4, 3, stride=2, padding=1, rng=rng),
    "ConvTranspose2d": lambda rng: layers.ConvTranspose2d(3, 2, 4, stride=2, padding=1, rng=rng),
    "BatchNorm2d": lambda rng: layers.BatchNorm2d(3),
    "MaxPool2d": lambda rng: layers.MaxPool2d(3, stride=2),
    "AvgPool2d": lambda rng: layers.AvgPool2d(3, stride=1, padding=1),
    "GlobalMaxPool2d": lambda rng: layers.GlobalMaxPool2d(),
    "GlobalAvgPool2d": lambda rng: layers.GlobalAvgPool2d(),
    "BedOfNails": lambda rng: layers.BedOfNails(),
    "NearestUpsample": lambda rng: layers.NearestUpsample((2, 3)),
    "BilinearUpsample": lambda rng: layers.BilinearUpsample(),
    "ReLU": lambda rng: layers.ReLU(),
    "Sigmoid": lambda rng: layers.Sigmoid(),
    "ResidualBlock": lambda rng: layers.ResidualBlock(3, rng=rng),
    "conv_block": lambda rng: layers.conv_block(3, 2, rng=rng),
    "AttentionPool2d": lambda rng: layers.AttentionPool2d(3, 2, rng=rng),
    "Flatten and Linear": lambda rng: layers.Sequential(layers.Flatten(), layers.Linear(108, 5, rng=rng)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_agree_with_differences(name, rng):
    layer = LAYERS[name](rng)
    assert_gradients(layer, rng.normal(size=(2, 3, 6, 6)), rng)


def test_dropout_passes_back_what_it_let_through():
    layer = layers.Dropout(0.5, rng=np.random.default_rng(0))
    x = np.ones((4, 50))
    y = layer.forward(x, training=True)
    np.testing.assert_array_equal(layer.backward(x), y)
    np.testing.assert_array_equal(layer.forward(x), x)


def test_unpooling_pairs_with_its_pooling(rng):
    pool, unpool = layers.MaxPool2d(2), layers.MaxUnpool2d()
    x = rng.normal(size=(2, 3, 6, 6))
    y, indices = pool.forward_with_indices(x, training=True)
    z = unpool.forward(y, indices, x.shape, training=True)
    np.testing.assert_array_equal(z[z != 0], x[z != 0])
    dz = rng.normal(size=z.shape)
    np.testing.assert_array_equal(pool.backward(unpool.backward(dz)), np.where(z != 0, dz, 0))


def test_a_layer_used_on_several_maps_is_backpropagated_in_reverse(rng):
    """A detector's head on k maps: its gradients add up, and each dx belongs to its own map."""
    head = layers.Conv2d(2, 3, 3, padding=1, rng=rng).astype(np.float64)
    maps = [rng.normal(size=(1, 2, size, size)) for size in (4, 6, 8)]
    outputs = [head.forward(x, training=True) for x in maps]
    gradients = [rng.normal(size=y.shape) for y in outputs]
    backs = [head.backward(dy) for dy in reversed(gradients)][::-1]
    expected = [ops.conv2d_backward(dy, x, head.w.value, padding=1) for dy, x in zip(gradients, maps, strict=True)]
    for dx, (wanted, _, _) in zip(backs, expected, strict=True):
        np.testing.assert_allclose(dx, wanted)
    np.testing.assert_allclose(head.w.grad, sum(dw for _, dw, _ in expected))


def test_backward_without_forward_and_forward_without_backward_are_noticed(rng):
    net = layers.Sequential(layers.Conv2d(1, 1, 3, rng=rng), layers.ReLU())
    x = np.ones((1, 1, 5, 5), np.float32)
    with pytest.raises(RuntimeError, match="ReLU.backward: nothing is remembered"):
        net.backward(x)
    net.forward(x)
    assert net.leftovers() == []  # inference remembers nothing
    net.forward(x, training=True)
    assert net.leftovers() == ["layers.0", "layers.1"]
    net.forget()
    assert net.leftovers() == []


def test_state_names_everything_and_loads_back(rng):
    def make(seed):
        rng = np.random.default_rng(seed)
        return layers.Sequential(layers.conv_block(3, 4, rng=rng), layers.Linear(2, 3, rng=rng))

    one, other = make(1), make(2)
    assert list(one.state()) == [
        "layers.0.layers.0.w",
        "layers.0.layers.1.gamma",
        "layers.0.layers.1.beta",
        "layers.0.layers.1.running_mean",
        "layers.0.layers.1.running_var",
        "layers.1.w",
        "layers.1.b",
    ]
    assert [parameter.name for parameter in one.parameters()] == [n for n in one.state() if "running" not in n]
    other.load_state(one.state())
    for name, array in one.state().items():
        np.testing.assert_array_equal(other.state()[name], array)


def test_a_state_that_does_not_fit_changes_nothing(rng):
    layer = layers.Linear(2, 3, rng=rng)
    before = {name: array.copy() for name, array in layer.state().items()}
    with pytest.raises(ValueError, match=r"missing \['b'\], unknown \['c'\]"):
        layer.load_state({"w": np.zeros((3, 2)), "c": np.zeros(3)})
    with pytest.raises(ValueError, match=r"b: expected shape \(3,\), got \(4,\)"):
        layer.load_state({"w": np.zeros((3, 2)), "b": np.zeros(4)})
    for name, array in layer.state().items():
        np.testing.assert_array_equal(array, before[name])


def test_the_same_seed_gives_the_same_weights_bit_for_bit():
    weights = [layers.Conv2d(3, 8, 3, rng=np.random.default_rng(5)).w.value for _ in range(2)]
    np.testing.assert_array_equal(*weights)
    assert not np.array_equal(weights[0], layers.Conv2d(3, 8, 3, rng=np.random.default_rng(6)).w.value)


def test_he_initialization_keeps_the_variance_through_relu():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 32, 16, 16)).astype(np.float32)
    for _ in range(6):
        x = ops.relu(layers.Conv2d(32, 32, 3, padding=1, rng=rng)(x))
    assert 0.3 < (x**2).mean() < 3  # without the factor 2 it would be 1/64 of that


@pytest.mark.parametrize(("kernel", "padding"), [(4, 1), (3, 1)])
def test_transpose_convolution_is_initialized_to_bilinear_interpolation(kernel, padding, rng):
    layer = layers.ConvTranspose2d(2, 2, kernel, stride=2, padding=padding)
    x = rng.normal(size=(1, 2, 6, 6)).astype(np.float32)
    if kernel == 4:
        expected = ops.upsample_bilinear(x)[:, :, 2:-2, 2:-2]
        np.testing.assert_allclose(layer(x)[:, :, 2:-2, 2:-2], expected, atol=1e-6)
    else:  # odd kernels interpolate between samples that stay where they are
        np.testing.assert_allclose(layer(x)[:, :, ::2, ::2], x, atol=1e-6)


def test_weights_decay_but_biases_and_norms_do_not(rng):
    net = layers.Sequential(layers.Conv2d(1, 2, 3, rng=rng), layers.BatchNorm2d(2))
    assert {parameter.name: parameter.decay for parameter in net.parameters()} == {
        "layers.0.w": True,
        "layers.0.b": False,
        "layers.1.gamma": False,
        "layers.1.beta": False,
    }


def test_an_unknown_device_is_named():
    with pytest.raises(ValueError, match="device: expected 'cupy' or 'numpy', got 'tpu'"):
        layers.ReLU().to("tpu")


def test_normalization_folded_into_filters_gives_what_the_layers_give_one_by_one(rng):
    blocks = {
        "conv_block": layers.conv_block(3, 4, stride=2, rng=rng),
        "with a bias": layers.NormalizedConvs(layers.Conv2d(3, 3, 3, padding=1, rng=rng), layers.BatchNorm2d(3)),
        "ResidualBlock": layers.ResidualBlock(3, rng=rng).residual,
        "no pair": layers.NormalizedConvs(layers.BatchNorm2d(3), layers.Conv2d(3, 2, 1, rng=rng)),
    }
    x = rng.normal(size=(2, 3, 6, 6))
    for name, block in blocks.items():
        block.astype(np.float64)
        for array in block.state().values():
            array += rng.uniform(0.1, 1, array.shape)  # nothing is as it was made, and variances stay positive
        with watch(block, "forward"):  # each layer by itself
            expected = block(x)
        np.testing.assert_allclose(block(x), expected, atol=1e-10, err_msg=name)
        assert block.leftovers() == []


def test_a_layer_that_stands_in_two_places_is_watched_once(rng):
    shared = layers.Linear(3, 3, rng=rng)
    net, seen = layers.Sequential(shared, layers.ReLU(), shared), []
    with watch(net, "forward", after=lambda name, *_: seen.append(name)):
        net(rng.normal(size=(2, 3)), training=True)
    assert seen == ["layers.0", "layers.1", "layers.0", ""] and "forward" not in vars(shared)


def test_a_printed_layer_is_a_tree_with_shapes_and_counts(rng):
    net = layers.Sequential(layers.conv_block(3, 4, stride=2, rng=rng), layers.Flatten(), layers.Linear(16, 5, rng=rng))
    lines = repr(net).splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "Sequential 201",
        "├── layers.0: NormalizedConvs 116",
        "│ ├── layers.0: Conv2d(stride=2, padding=1) w (4, 3, 3, 3) 108",
        "│ ├── layers.1: BatchNorm2d gamma (4,), beta (4,) 8",
        "│ └── layers.2: ReLU",
        "├── layers.1: Flatten",
        "└── layers.2: Linear w (5, 16), b (5,) 85",
    ]
    assert len({len(line) for line in lines if line[-1].isdigit()}) == 1  # the counts are one column


def test_a_summary_counts_what_each_layer_makes_and_keeps_and_changes_nothing(rng):
    net = layers.Sequential(layers.conv_block(3, 4, stride=2, rng=rng), layers.Flatten(), layers.Linear(16, 5, rng=rng))
    before = {name: array.copy() for name, array in net.state().items()}
    summary = net.summary((2, 3, 4, 4))
    rows = {row.name: row for row in summary.rows}
    assert rows["layers.0.layers.0"].output_shape == "(2, 4, 2, 2)" and rows[""].output_shape == "(2, 5)"
    assert rows["layers.0.layers.0"].multiply_adds == 2 * 4 * 2 * 2 * 27 and rows["layers.2"].multiply_adds == 2 * 80
    assert (summary.parameters, summary.multiply_adds) == (201, 864 + 160)
    # The convolution keeps its input, batch norm its own with the statistics, ReLU its output, which Linear keeps too.
    kept = [row.activation_bytes for row in summary.rows]
    assert kept == [0, 0, 4 * 96, 4 * (32 + 4 + 4), 4 * 32, 0, 0], kept
    assert str(summary).splitlines()[-1].split() == ["total", "201", "1,024", "672", "B"]
    for name, array in net.state().items():
        np.testing.assert_array_equal(array, before[name])
    assert net.leftovers() == [] and "forward" not in vars(net)


def test_a_layer_that_runs_twice_says_so(rng):
    class Twice(layers.Layer):
        def __init__(self):
            self.head = layers.Linear(2, 2, rng=rng)

        def forward(self, x, training=False):
            return self.head(self.head(x, training), training)

    row = Twice().summary((3, 2)).rows[1]
    assert (row.calls, row.multiply_adds) == (2, 24)
    assert "head: Linear x 2" in str(Twice().summary((3, 2)))
