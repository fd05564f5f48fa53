"""Steps must be those of torch.optim, take only what is theirs, and go on after a restart."""

import math
import time

import numpy as np
import pytest

from minivision.layers.layer import Layer, Parameter, Sequential
from minivision.optim.optimizers import gradient_norm
from minivision.training import SGD, Adam, AdamW, clip_gradients

SHAPES = [(4, 3, 3, 3), (4,), (5, 4), (5,)]


class Bag(Layer):
    """Parameters and nothing else; those of one dimension do not decay."""

    def __init__(self, dtype=np.float64, shapes=SHAPES):
        rng = np.random.default_rng(7)
        for i, shape in enumerate(shapes):
            setattr(self, f"p{i}", Parameter(rng.normal(size=shape).astype(dtype), decay=len(shape) > 1))


def gradients(step):
    rng = np.random.default_rng([1, step])
    return [rng.normal(size=shape) for shape in SHAPES]


def walk(optimizer, bag, steps, first=0):
    for step in range(first, first + steps):
        for parameter, gradient in zip(bag.parameters(), gradients(step), strict=True):
            parameter.grad[...] = gradient
        optimizer.step(0.1 / (step + 1))


CASES = {
    "sgd": (SGD, dict(momentum=0.0), "SGD", {}),
    "momentum": (SGD, dict(momentum=0.9), "SGD", dict(momentum=0.9)),
    "nesterov": (SGD, dict(momentum=0.8, nesterov=True), "SGD", dict(momentum=0.8, nesterov=True)),
    "adam": (Adam, {}, "Adam", {}),
    "adam-betas": (Adam, dict(betas=(0.8, 0.99), eps=1e-4), "Adam", dict(betas=(0.8, 0.99), eps=1e-4)),
    "adamw": (AdamW, {}, "AdamW", {}),
}


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("case", CASES)
def test_steps_are_those_of_torch(case, weight_decay):
    torch = pytest.importorskip("torch")
    ours, our_options, name, options = CASES[case]
    bag = Bag()
    theirs = [torch.tensor(p.value.copy(), requires_grad=True) for p in bag.parameters()]
    groups = [
        {"params": [t for t in theirs if t.ndim > 1], "weight_decay": weight_decay},
        {"params": [t for t in theirs if t.ndim == 1], "weight_decay": 0.0},
    ]
    oracle = getattr(torch.optim, name)(groups, lr=1.0, **options)
    for step in range(6):
        for tensor, gradient in zip(theirs, gradients(step), strict=True):
            tensor.grad = torch.tensor(gradient)
        for group in oracle.param_groups:
            group["lr"] = 0.1 / (step + 1)
        oracle.step()
    walk(ours(bag, weight_decay=weight_decay, **our_options), bag, 6)
    for parameter, tensor in zip(bag.parameters(), theirs, strict=True):
        np.testing.assert_allclose(parameter.value, tensor.detach().numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("optimizer", [SGD, Adam, AdamW])
def test_state_goes_on_bit_for_bit(optimizer):
    whole, halved = Bag(np.float32), Bag(np.float32)
    walk(optimizer(whole, weight_decay=0.1), whole, 6)
    first = optimizer(halved, weight_decay=0.1)
    walk(first, halved, 3)
    second = optimizer(halved, weight_decay=0.1)
    second.load_state({name: array.copy() for name, array in first.state().items()})
    walk(second, halved, 3, first=3)
    for a, b in zip(whole.parameters(), halved.parameters(), strict=True):
        assert a.value.tobytes() == b.value.tobytes()


def test_loaded_state_is_a_copy():
    bag = Bag()
    first, second = AdamW(bag), AdamW(bag)
    walk(first, bag, 1)
    kept = {name: array.copy() for name, array in first.state().items()}
    second.load_state(first.state())
    walk(second, bag, 1, first=1)
    np.testing.assert_array_equal(first.state()["mean"], kept["mean"])


@pytest.mark.parametrize("state", [{"count": np.array(3)}, {"count": np.array(1), "velocity": np.zeros(3)}])
def test_foreign_state_is_refused_and_changes_nothing(state):
    optimizer = SGD(Bag())
    with pytest.raises(ValueError, match="another optimizer|expected shape"):
        optimizer.load_state(state)
    assert optimizer.count == 0 and optimizer.velocity is None


@pytest.mark.parametrize("optimizer", [SGD, Adam, AdamW])
def test_float32_stays_float32(optimizer):
    bag = Bag(np.float32)
    one = optimizer(bag, weight_decay=0.1)
    walk(one, bag, 2)
    assert all(p.value.dtype == np.float32 for p in bag.parameters())
    assert all(array.dtype == np.float32 for name, array in one.state().items() if name != "count")


@pytest.mark.parametrize("case", ["momentum", "nesterov", "adam", "adamw"])
def test_moments_of_weights_without_gradient_become_zero_and_never_subnormal(case):
    kind, options, *_ = CASES[case]
    bag = Bag(np.float32)
    optimizer = kind(bag, **options)
    for parameter in bag.parameters():
        parameter.grad[...] = 1e-3
    optimizer.step(0.1)
    for parameter in bag.parameters():
        parameter.grad[...] = 0
    first = next(name for name in optimizer.moments)
    for _ in range(1500):
        optimizer.step(0.1)
        for name in optimizer.moments:
            moment = abs(getattr(optimizer, name))
            assert not ((moment > 0) & (moment < np.finfo(np.float32).tiny)).any()
    assert not getattr(optimizer, first).any()


def test_survives_a_change_of_precision_that_rebinds_the_arrays():
    bag = Bag(np.float32)
    optimizer = AdamW(bag)
    walk(optimizer, bag, 1)
    bag.astype(np.float64)
    before = bag.p0.value.copy()
    walk(optimizer, bag, 1)
    assert bag.p0.value.dtype == np.float64 and not np.array_equal(bag.p0.value, before)


def test_shared_parameter_moves_once():
    bag = Bag()
    pair = Sequential(bag, bag)
    before = bag.p0.value.copy()
    for parameter in bag.parameters():
        parameter.grad[...] = 1
    SGD(pair, momentum=0.0).step(0.5)
    np.testing.assert_allclose(bag.p0.value, before - 0.5)


def test_forward_that_was_not_walked_back_is_named():
    bag = Bag()
    model = Sequential(bag)
    bag.remember("something")
    with pytest.raises(RuntimeError, match=r"layers\.0"):
        SGD(model).step(0.1)


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match="weight_decay"):
        SGD(Bag(), weight_decay=-1)
    with pytest.raises(ValueError, match="momentum"):
        SGD(Bag(), momentum=1.0)
    with pytest.raises(ValueError, match="no parameters"):
        SGD(Sequential())


def test_clipping_is_that_of_torch():
    torch = pytest.importorskip("torch")
    for max_norm in (0.5, 1e3):
        bag = Bag()
        tensors = []
        for parameter, gradient in zip(bag.parameters(), gradients(0), strict=True):
            parameter.grad[...] = gradient
            tensors.append(torch.zeros(gradient.shape, dtype=torch.float64))
            tensors[-1].grad = torch.tensor(gradient)
        expected = torch.nn.utils.clip_grad_norm_(tensors, max_norm)
        assert clip_gradients(bag.parameters(), max_norm) == pytest.approx(float(expected), rel=1e-12)
        for parameter, tensor in zip(bag.parameters(), tensors, strict=True):
            np.testing.assert_allclose(parameter.grad, tensor.grad.numpy(), rtol=1e-12)


def test_norm_of_large_float32_gradients_does_not_overflow():
    bag = Bag(np.float32)
    bag.p0.grad[...] = 1e25
    assert math.isfinite(gradient_norm(bag.parameters()))


def test_step_is_quick():
    bag = Bag(np.float32, shapes=[(6666,), (10,)] * 30)
    optimizer = AdamW(bag)
    times = []
    for _ in range(30):
        start = time.perf_counter()
        optimizer.step(1e-3)
        times.append(time.perf_counter() - start)
    assert min(times) < 5e-3  # about 0.6 ms; a loop over elements would take 100 ms
