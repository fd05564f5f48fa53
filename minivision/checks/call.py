"""An operation with its arguments: evaluate it, also with a changed argument, and compute its gradients."""

from __future__ import annotations

import contextlib
import copy
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.checks.diagnoses import input_diagnosis, paragraph
from minivision.core import backends
from minivision.core.registry import find
from minivision.core.signatures import signature

if TYPE_CHECKING:
    from minivision.core.types import Array, Operation


class CheckError(AssertionError):
    """A result, a gradient or a transpose is wrong; the message says where, by how much, and the likely mistake.

    Attributes
    ----------
    result : str or None
        Name of what is wrong: ``"dx"``.
    error : float
        The largest relative error.
    details : str
        Table of the worst elements; may be empty.
    diagnosis : str or None
        The likely mistake, where it is a known one.
    """

    def __init__(
        self,
        message: str,
        *,
        result: str | None = None,
        error: float = np.inf,
        details: str = "",
        diagnosis: str | None = None,
    ) -> None:
        super().__init__("\n".join(filter(None, [message, textwrap.indent(details, "  ")])) + paragraph(diagnosis))
        self.result, self.error, self.details, self.diagnosis = result, error, details, diagnosis


class NotRecordedError(LookupError):
    """An oracle that only has recorded answers has none for these arguments."""


class Call:
    """An operation with its arguments.

    Parameters
    ----------
    op : operation
    arrays, keywords
        Its positional and its keyword arguments.
    double : bool
        Whether float arrays are converted to float64.
    forward : str, optional
        Name of the backend of the operation itself; by default the active one, on which the backward pass always runs.
    oracle : str
        Name of the backend whose results are right.
    """

    def __init__(
        self,
        op: Operation,
        arrays: Sequence[Any],
        keywords: Mapping[str, Any],
        *,
        double: bool = True,
        forward: str | None = None,
        oracle: str = "reference",
    ) -> None:
        if not hasattr(op, "returns"):
            raise TypeError(_no_operation(op))
        self.op = op
        self.forward = forward
        self.oracle = oracle
        self.title = f"{op.__name__} on backend {backends.active_backend()[0].name!r}"
        bound = signature(op).bind(*arrays, **keywords)
        bound.apply_defaults()
        self.arguments = {name: _prepared(value, double) for name, value in bound.arguments.items()}
        self.backward = find(f"{op.__name__}_backward")
        # The results whose upstream gradients the backward pass takes: y, or the states of a recurrent step.
        taken = signature(self.backward).parameters if self.backward else ()
        self.upstream = [name for name in op.returns if f"d{name}" in taken] or [op.returns[0]]
        # Gradients are called d<argument>; an optional argument that was not given (a bias) has no gradient.
        returned = (self.backward or op).returns
        self.differentiable = [
            name for name, value in self.arguments.items() if f"d{name}" in returned and value is not None
        ]
        if not self.differentiable:
            raise LookupError(f"{op.__name__} has no gradient: there is no {op.__name__}_backward")

    def results(self, **changed: Any) -> dict[str, Any]:
        """Call the operation on fresh copies of the arguments; return its results by name."""
        arguments = copy.deepcopy({**self.arguments, **changed})
        with backends.backend(self.forward) if self.forward else contextlib.nullcontext():
            return named_results(self.op, arguments)

    def output(self, **changed: Any) -> Any:
        """Return the result that has a gradient, ``y`` or the loss; several, such as states, as one row of numbers."""
        results = self.results(**changed)
        parts = [results[name] for name in self.upstream]
        return parts[0] if len(parts) == 1 else np.concatenate([part.ravel() for part in parts])

    def backward_arguments(self, dy: Array) -> dict[str, Any]:
        """Return the arguments of the backward pass, by the names of its parameters.

        They are arguments and results of the forward pass, the gradient `dy`, and the size of the first argument.
        """
        first = next(iter(self.arguments.values()))
        parameters = signature(self.backward or self.op).parameters
        results = self.results()
        known = {
            **self.arguments,
            **results,
            **self._upstream_gradients(dy, results),
            "input_shape": first.shape,
            "input_size": first.shape[-2:],
        }
        return {name: known[name] for name in parameters if name in known}

    def _upstream_gradients(self, dy, results):
        """Return the gradients of the results by name, out of the gradient of :meth:`output`."""
        if len(self.upstream) == 1:
            return {f"d{self.upstream[0]}": dy}
        ends = np.cumsum([results[name].size for name in self.upstream])
        return {
            f"d{name}": part.reshape(results[name].shape)
            for name, part in zip(self.upstream, np.split(dy, ends[:-1]), strict=True)
        }

    def gradients(self, dy: Array) -> dict[str, Any]:
        """Return the gradients by the name of their argument; a loss returns its own, and `dy` is not used.

        Raises
        ------
        CheckError
            When the operation that computes them wrote to one of its inputs.
        """
        op = self.backward or self.op
        arguments = copy.deepcopy(self.arguments if self.backward is None else self.backward_arguments(dy))
        before = copy.deepcopy(arguments)
        results = named_results(op, arguments)
        for name in written_inputs(op, before, arguments, self.oracle):
            raise CheckError(
                f"{self.title}: {op.__name__} wrote to its input {name}", result=name, diagnosis=input_diagnosis(name)
            )
        return {name: results[f"d{name}"] for name in self.differentiable}


def _no_operation(value):
    name = getattr(value, "__name__", type(value).__name__)
    message = f"{name} is no operation: expected one of minivision.ops, or a function with the decorator @operation"
    if hasattr(value, "backward"):
        message += "; a layer's gradients are those of the operations that it calls"
    return message


def named_results(op: Operation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Call `op` with arguments by name; return its results by name.

    Raises
    ------
    CheckError
        When it returns more or fewer results than it should.
    """
    result = call_by_name(op, arguments)
    results = result if isinstance(result, tuple) else (result,)
    names = ", ".join(op.returns)
    if result is None:
        raise CheckError(f"{op.__name__} returned None: is a `return {names}` missing at its end?")
    if len(results) != len(op.returns):
        raise CheckError(
            f"{op.__name__} returned {_count(len(results), 'result')}, expected {len(op.returns)}: return {names}"
        )
    return dict(zip(op.returns, results, strict=True))


def _count(number, noun):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def call_by_name(op: Operation, arguments: Mapping[str, Any]) -> Any:
    """Call `op` with arguments by name; its positional parameters are passed by position."""
    parameters = signature(op).parameters.values()
    by_position = [arguments[p.name] for p in parameters if p.kind is not p.KEYWORD_ONLY and p.name in arguments]
    by_name = {p.name: arguments[p.name] for p in parameters if p.kind is p.KEYWORD_ONLY and p.name in arguments}
    return op(*by_position, **by_name)


def written_inputs(
    op: Operation, before: Mapping[str, Any], after: Mapping[str, Any], oracle: str = "reference"
) -> list[str]:
    """Return the names of the arguments that a call changed, except those that it should update."""
    changed = [name for name in before if not unchanged(before[name], after[name])]
    if changed:
        arguments = copy.deepcopy(dict(before))
        with backends.backend(oracle):
            call_by_name(op, arguments)
        changed = [name for name in changed if unchanged(before[name], arguments[name])]
    return changed


def unchanged(a: Any, b: Any) -> bool:
    """Return whether two arguments are equal; what is neither an array nor a tuple always is."""
    if isinstance(a, tuple):
        return all(map(unchanged, a, b))
    return not isinstance(a, np.ndarray) or np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def _prepared(value, double):
    """Return a float array in float64 if `double`, anything else as it is."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and double:
        return value.astype(np.float64)
    return value
