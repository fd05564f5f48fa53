"""A table of a model's layers: output shapes, parameters, multiply-adds, activations kept for the backward pass."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.devices import is_on_gpu
from minivision.core.dispatch import observe
from minivision.layers.watching import named_layers, watch
from minivision.ops.work import forward_multiply_adds

if TYPE_CHECKING:
    from minivision.layers.layer import Layer


@dataclasses.dataclass
class LayerSummary:
    """One row of a :class:`Summary`.

    Attributes
    ----------
    name : str
        Where the layer stands in the model, such as ``"backbone.stem"``; empty for the model itself.
    label : str
        Its name within the layer that it is a part of.
    kind : str
        Its class.
    depth : int
        How deep it is nested; the model has 0.
    output_shape : str
        Shape of its output in its last forward pass; empty where that is no single array.
    calls : int
        How often its forward pass ran.
    parameters : int
        Trained numbers of the layer itself, without its parts.
    multiply_adds : int
        Multiply-adds of the layer itself, in all its forward passes.
    activation_bytes : int
        Memory that the layer itself keeps from its forward to its backward pass. An array that several layers keep is
        counted once, for the first.
    """

    name: str
    label: str
    kind: str
    depth: int
    output_shape: str = ""
    calls: int = 0
    parameters: int = 0
    multiply_adds: int = 0
    activation_bytes: int = 0


class Summary:
    """A table of a model's layers, ready to print.

    Attributes
    ----------
    rows : list of LayerSummary
        The model first, then its layers, depth first.
    parameters, multiply_adds, activation_bytes : int
        Sums over all rows.
    """

    def __init__(self, rows: list[LayerSummary]) -> None:
        self.rows = rows
        self.parameters = sum(row.parameters for row in rows)
        self.multiply_adds = sum(row.multiply_adds for row in rows)
        self.activation_bytes = sum(row.activation_bytes for row in rows)

    def __str__(self) -> str:
        table = [("layer", "output shape", "parameters", "multiply-adds", "activations")]
        for row in self.rows:
            label = f"{'  ' * row.depth}{row.label + ': ' if row.label else ''}{row.kind}"
            label += f" x {row.calls}" if row.calls > 1 else ""
            figures = (_count(row.parameters), _count(row.multiply_adds), _bytes(row.activation_bytes))
            table.append((label, row.output_shape, *figures))
        sums = (_count(self.parameters), _count(self.multiply_adds), _bytes(self.activation_bytes))
        table.append(("total", "", *sums))
        widths = [max(len(line[k]) for line in table) for k in range(5)]
        lines = [
            f"{line[0]:<{widths[0]}}  {line[1]:<{widths[1]}}  "
            + "  ".join(f"{text:>{width}}" for text, width in zip(line[2:], widths[2:], strict=True))
            for line in table
        ]
        rule = "-" * max(map(len, lines))
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])

    __repr__ = __str__


def summarize(model: Layer, run: Callable[[], Any]) -> Summary:
    """Run a model in training mode and write down what each of its layers makes and costs.

    Parameters
    ----------
    model : Layer
        A copy that may be changed: running means move, gradients stay in the parameters.
    run : callable
        Runs the forward pass in training mode, and the backward pass if it likes; takes no arguments.

    Returns
    -------
    Summary
    """
    rows: dict[str, LayerSummary] = {}
    for name, layer in named_layers(model):
        outer = [other for other in rows if other == "" or name.startswith(f"{other}.")]  # the layers it is a part of
        label = name.removeprefix(outer[-1]).lstrip(".") if outer else ""
        rows[name] = LayerSummary(name, label, type(layer).__name__, len(outer), parameters=_own_size(layer))
    active: list[str] = []  # names of the layers whose forward pass is running, the innermost last
    kept: set[int] = set()  # arrays that some layer keeps already
    alive: list[Any] = []  # keeps these alive, so that no other array gets the same id

    def after(name: str, layer: Layer, result: Any) -> None:
        active.pop()
        row = rows[name]
        row.calls += 1
        if hasattr(result, "shape"):
            row.output_shape = str(tuple(result.shape))
        for array in _arrays((layer.remembered() or [()])[-1]):
            if id(array) not in kept:
                kept.add(id(array))
                alive.append(array)
                row.activation_bytes += array.nbytes

    def count(op: Any, values: tuple, result: Any) -> None:
        if active:
            rows[active[-1]].multiply_adds += forward_multiply_adds(op, values, result)

    with watch(model, "forward", before=lambda name, layer: active.append(name), after=after), observe(count):
        run()
    model.forget()
    return Summary(list(rows.values()))


def _own_size(layer: Layer) -> int:
    return sum(parameter.value.size for parameter in layer.own_parameters().values())


def _arrays(value: Any) -> list:
    """Return the arrays anywhere in a nest of tuples, lists and dictionaries; of a view, the array that it shows."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (tuple, list)):
        return [array for part in value for array in _arrays(part)]
    while isinstance(value, np.ndarray) and isinstance(value.base, np.ndarray):
        value = value.base
    return [value] if isinstance(value, np.ndarray) or is_on_gpu(value) else []


def _count(number: int) -> str:
    return f"{number:,}" if number else ""


def _bytes(number: int) -> str:
    return f"{number / 1e6:.2f} MB" if number >= 1e4 else f"{number} B" if number else ""
