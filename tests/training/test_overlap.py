"""Gradients that are summed while the backward pass goes on: the bits of those that are summed after it."""

import copy

import numpy as np
import pytest
from test_ranks_of_systems import RATE, prepared
from thread_ranks import on_ranks
from tiny_system import Blobs, PixelLinear, TinySystem

from minivision.core.ranks import current_ranks
from minivision.layers import BatchNorm2d, Sequential
from minivision.layers.layer import Layer, Parameter
from minivision.layers.watching import named_layers
from minivision.models import systems
from minivision.tasks import get_task
from minivision.training import Settings, TrainingError, overlap
from minivision.training.batches import Batches
from minivision.training.step import make_optimizer, take_step

STEPS = 3


@pytest.fixture(autouse=True)
def small_groups(monkeypatch):
    monkeypatch.setattr(overlap, "group_bytes", lambda ranks: 128)


def trained(ranks, model, batches, settings):
    """Return the state and the losses of a model after some steps, and the names of parameters that are sent early."""
    model = copy.deepcopy(model)
    for _, layer in named_layers(model):
        if isinstance(layer, BatchNorm2d):
            layer.synchronized = settings.sync_batch_norm
    optimizer = make_optimizer(model, settings)
    losses = [take_step(model, optimizer, batches, step, RATE, settings) for step in range(STEPS)]
    sent = [id(parameter) for group in overlap._groups.get(model, []) for parameter in group.parameters]
    assert len(sent) == len(set(sent))
    early = {
        f"{layer_name}.{name}"
        for layer_name, layer in named_layers(model)
        for name, parameter in layer.own_parameters().items()
        if id(parameter) in sent
    }
    return {name: array.tobytes() for name, array in model.state().items()}, losses, early


def on_two(train, overlaps):
    def one(ranks):
        ranks.overlaps = overlaps
        return train(ranks)

    return on_ranks(2, one)


@pytest.mark.parametrize("name", systems())
def test_every_system_has_the_bits_of_sums_after_the_backward_pass(name):
    model, dataset = prepared(name)
    settings = Settings(sync_batch_norm=True, clip=5.0).complete()

    def train(ranks):
        batches = Batches(dataset, 4, instances=get_task(model.task).uses_instances)
        return trained(ranks, model, batches, settings)

    (after, losses, none), _ = on_two(train, False)
    for state, of_rank, early in on_two(train, True):
        assert state == after and of_rank == losses
        assert len(early) > 3 and not none


def steps(ranks, model, count=STEPS):
    ranks.overlaps = True
    optimizer, settings = make_optimizer(model, SETTINGS), SETTINGS
    return [take_step(model, optimizer, Batches(Blobs(), 4), step, RATE, settings) for step in range(count)]


SETTINGS = Settings(optimizer="sgd", weight_decay=0.0).complete({"batch_size": 4})


def test_a_sum_begins_before_the_layers_below_are_backpropagated():
    class Telling(PixelLinear):
        def backward(self, dy):
            said.setdefault(current_ranks().rank, []).append(self.w.value.shape)
            return super().backward(dy)

    def order(ranks):
        model, rng = TinySystem(Blobs.classes, noisy=False), np.random.default_rng(0)
        model.net = Sequential(Telling(3, 30, rng), Telling(30, 40, rng), Telling(40, 3, rng))
        steps(ranks, model)
        begin = ranks.begin_trade

        def begin_trade(sent, received, tag=0):
            said[ranks.rank].append(tag)
            return begin(sent, received, tag)

        said[ranks.rank], ranks.begin_trade = [], begin_trade
        steps(ranks, model, 1)
        return said[ranks.rank]

    said = {}
    for each in on_ranks(2, order):
        assert each.index((3, 40)) < each.index(1) < each.index((40, 30)) < each.index(2) < each.index((30, 3))
        assert each.index((30, 3)) < each.index(0)  # what is left goes with the losses


class Shared(TinySystem):
    """Two layers with one weight, and a layer that is used twice."""

    def __init__(self, forgetful=False):
        rng = np.random.default_rng(3)
        super().__init__(Blobs.classes, noisy=False)
        first, second = PixelLinear(3, 20, rng), PixelLinear(20, 20, rng)
        third, last = PixelLinear(20, 20, rng), PixelLinear(20, 3, rng)
        third.w = second.w
        shift = Forgetful(20) if forgetful else PixelLinear(20, 20, rng)
        self.net = Sequential(first, second, shift, shift, third, last)


class Forgetful(Layer):
    """Adds a constant: its backward pass needs nothing of the forward pass."""

    def __init__(self, channels):
        self.b = Parameter(np.zeros(channels, np.float32))

    def forward(self, x, training=False):
        return x + self.b.value[:, None, None]

    def backward(self, dy):
        self.b.grad += dy.sum(axis=(0, 2, 3))
        return dy


@pytest.mark.parametrize("forgetful", [False, True])
def test_what_is_used_twice_is_complete_after_the_last_use(forgetful):
    def train(ranks):
        return trained(ranks, Shared(forgetful), Batches(Blobs(), 4), SETTINGS)

    (after, losses, _), _ = on_two(train, False)
    for state, of_rank, early in on_two(train, True):
        assert state == after and of_rank == losses
        assert {"net.layers.1.w", "net.layers.4.w", "net.layers.5.w"} <= early  # the first two are one
        assert ("net.layers.2.b" in early) is not forgetful


def test_a_layer_that_is_used_once_more_than_it_seemed_is_an_error_and_no_wrong_sum():
    class Changing(TinySystem):
        more = False

        def backward(self, dscores):
            super().backward(dscores)
            if self.more:
                self.net.layers[-1].remember(np.zeros((1, 30, 1, 1), np.float32))
                self.net.layers[-1].backward(np.zeros((1, 3, 1, 1), np.float32))

    def train(ranks):
        model = Changing(Blobs.classes, noisy=False, width=30)
        steps(ranks, model)
        model.more = True
        with pytest.raises(RuntimeError, match=r"net.layers.2: backward once more.*has to remember\(\)"):
            steps(ranks, model, 1)
        return True

    assert on_ranks(2, train) == [True, True]


class Uneven(TinySystem):
    """Rank 1 does not backpropagate into its last layers in the second step, as a head without regions."""

    step_number = 0

    def backward(self, dscores):
        self.step_number += 1
        if current_ranks().rank == 1 and self.step_number == 2:
            self.net.forget()
        else:
            super().backward(dscores)


def test_a_rank_that_has_nothing_to_add_to_a_group_sends_zeros():
    def train(ranks):
        return trained(ranks, Uneven(Blobs.classes, noisy=False, width=30), Batches(Blobs(), 4), SETTINGS)

    (after, losses, _), _ = on_two(train, False)
    for state, of_rank, early in on_two(train, True):
        assert state == after and of_rank == losses and early


def test_nan_in_what_was_sent_early_is_found_on_its_rank():
    class Broken(PixelLinear):
        broken = False

        def backward(self, dy):
            dx = super().backward(dy)
            if self.broken:
                self.w.grad[0, 0] = np.nan  # and in no other gradient
            return dx

    def train(ranks):
        model = TinySystem(Blobs.classes, noisy=False, width=30)
        model.net.layers[-1] = Broken(30, 3, np.random.default_rng(0))
        steps(ranks, model)
        model.net.layers[-1].broken = ranks.rank == 1
        with pytest.raises(TrainingError, match=r"on rank 1 .*net\.layers\.2"):
            steps(ranks, model, 1)
        return True

    assert on_ranks(2, train) == [True, True]
