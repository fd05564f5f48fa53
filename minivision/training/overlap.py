"""Gradients that are summed over the ranks while the backward pass goes on.

The backward pass completes the gradients of the last layers first. They are sent while those of the layers before are
computed: only what the first layers add has to be waited for. Which terms are added in which order stays the same, so
the sums have the same bits.

A layer that is used k times is backpropagated k times; when it remembers nothing more, it is through, and its gradients
are complete. In which order layers get through is seen in the first step of a model, in which nothing is sent early.
The order of rank 0 holds for all, so that all ranks send the same groups in the same order, whatever they compute.

MPI moves large messages on when it is called, not in between. So after each layer it is asked what has arrived.

Global state
------------
``_groups`` : for each model that several ranks train, the groups of parameters that are sent early.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minivision.core.ranks import Ranks, SumUnderWay, current_ranks
from minivision.core.types import Array
from minivision.layers.watching import named_layers, watch
from minivision.optim.optimizers import distinct

if TYPE_CHECKING:
    from minivision.layers.layer import Layer, Parameter
    from minivision.models.base.model import Model

GROUP = 256 * 1024  # bytes that are worth a sum of their own
MESSAGE = 32 * 1024  # bytes that are worth a message: at 1 Gbit/s three times what a message without any costs


class Group(NamedTuple):
    """Parameters whose gradients are sent together, and the ids of the layers that they belong to."""

    parameters: list[Parameter]
    owners: frozenset[int]


_groups: weakref.WeakKeyDictionary[Model, list[Group]] = weakref.WeakKeyDictionary()


def group_bytes(ranks: int) -> int:
    """Return of how many bytes at least a group is, for a number of ranks: each sends a part of it to every other."""
    return max(GROUP, MESSAGE * ranks)


@contextlib.contextmanager
def sums_during_backward(model: Model) -> Iterator[EarlySums]:
    """Begin to sum the gradients of a model over the ranks in the backward pass that runs inside a ``with`` block.

    Yields
    ------
    sums : EarlySums
        Those of no parameter where that does not pay (`Ranks.overlaps`), on a GPU, and in the model's first step.
    """
    ranks = current_ranks()
    if not ranks.overlaps or model.device != "numpy":
        yield EarlySums(ranks, ())
    elif model in _groups:
        sums = EarlySums(ranks, _groups[model])
        with watch(model, "backward", after=sums.layer_ends):
            yield sums
        sums.begin_all()
    else:
        order = _Order()
        with watch(model, "backward", after=order.layer_ends):
            yield EarlySums(ranks, ())
        _groups[model] = _groups_of(model, order, group_bytes(ranks.size))


class EarlySums:
    """The sums over the ranks of groups of parameters, each begun when its gradients are complete.

    Parameters
    ----------
    ranks : Ranks
    groups : sequence of Group
        In the order in which they are sent.
    """

    def __init__(self, ranks: Ranks, groups: Sequence[Group]) -> None:
        self.ranks, self.groups = ranks, groups
        self._through: set[int] = set()  # ids of layers
        self._begun: list[tuple[Array, SumUnderWay]] = []  # this rank's gradients, and their sum

    def layer_ends(self, name: str, layer: Layer, result: Any) -> None:
        """Begin the sums that a layer's backward pass has made possible, and move on those that have begun.

        Raises
        ------
        RuntimeError
            When a layer adds to gradients that were sent as complete.
        """
        if _is_through(layer):
            if any(id(layer) in group.owners for group in self.groups[: len(self._begun)]):
                raise RuntimeError(
                    f"{name}: backward once more, after its gradients were sent as complete; a layer that is used "
                    "several times in a step has to remember() something in each forward pass"
                )
            self._through.add(id(layer))
            while len(self._begun) < len(self.groups) and self.groups[len(self._begun)].owners <= self._through:
                self._begin()
        for _, each in self._begun:
            each.advance()

    def begin_all(self) -> None:
        """Begin the sums of groups that this rank had nothing to add to, such as those of a head without regions."""
        while len(self._begun) < len(self.groups):
            self._begin()

    def _begin(self) -> None:
        number = len(self._begun)
        own = np.concatenate([parameter.grad.ravel() for parameter in self.groups[number].parameters])
        # Meanwhile ranks may say other things to each other, with the tag 0, at unequal places in this order.
        self._begun.append((own, SumUnderWay(self.ranks, own, tag=1 + number)))

    def wait(self) -> Iterator[tuple[list[Parameter], Array, Array]]:
        """Yield for each group the parameters, the flat array of this rank's gradients, and its sum over all ranks."""
        for group, (own, each) in zip(self.groups, self._begun, strict=True):
            yield group.parameters, own, each.wait()


class _Order:
    """The layers in the order in which they get through a backward pass."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.again: set[int] = set()  # ids of those that seemed to be through, and were not

    def layer_ends(self, name: str, layer: Layer, result: Any) -> None:
        if _is_through(layer):
            if any(each is layer for each in self.layers):
                self.again.add(id(layer))
            self.layers.append(layer)


def _is_through(layer: Layer) -> bool:
    """Return whether the gradients of a layer's own parameters are complete after this call of its backward pass."""
    return bool(layer.own_parameters()) and not layer.remembered()


def _groups_of(model: Model, order: _Order, size: int) -> list[Group]:
    """Return groups of parameters of at least so many bytes, in rank 0's order.

    What is left at the end, the first layers, is in none.
    """
    parameters = distinct(model.parameters())
    owners: dict[int, set[int]] = {id(parameter): set() for parameter in parameters}
    for _, layer in named_layers(model):
        for parameter in layer.own_parameters().values():
            owners[id(parameter)].add(id(layer))
    completed: dict[int, Parameter] = {}
    for layer in order.layers:
        for parameter in layer.own_parameters().values():
            completed.pop(id(parameter), None)  # of a layer that shares it
            if not owners[id(parameter)] & order.again:
                completed[id(parameter)] = parameter
    places = {id(parameter): place for place, parameter in enumerate(parameters)}
    numbers = current_ranks().made_by_first(lambda: _cut(completed.values(), places, size))
    groups = [[parameters[place] for place in group] for group in numbers]
    return [Group(group, frozenset().union(*(owners[id(parameter)] for parameter in group))) for group in groups]


def _cut(parameters, places, size):
    """Cut parameters into groups of at least so many bytes; return their places. A rest is in no group."""
    groups: list[list[int]] = []
    group: list[int] = []
    group_size = 0
    for parameter in parameters:
        group.append(places[id(parameter)])
        group_size += parameter.grad.nbytes
        if group_size >= size:
            groups.append(group)
            group, group_size = [], 0
    return groups
