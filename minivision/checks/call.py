"""An operation with its arguments, ready to be evaluated, moved by an element, and walked back."""

import contextlib
import copy
import inspect
import textwrap

import numpy as np

from minivision.checks.diagnoses.diagnose import input_diagnosis, paragraph
from minivision.core import backends
from minivision.core.registry import operations


class CheckError(AssertionError):
    """A result, a gradient or a transpose that is wrong; the message says where, by how much, and what it looks like.

    Attributes
    ----------
    result : str or None
        The name of what is wrong: ``"dx"``.
    error : float
        The largest relative error.
    details : str
        The worst elements, as a table; may be empty.
    diagnosis : str or None
        What the mistake looks like, where it has a known face.
    """

    def __init__(self, message, *, result=None, error=np.inf, details="", diagnosis=None):
        super().__init__("\n".join(filter(None, [message, textwrap.indent(details, "  ")])) + paragraph(diagnosis))
        self.result, self.error, self.details, self.diagnosis = result, error, details, diagnosis


class NotRecordedError(LookupError):
    """The textbook's body is not in this installation, and what it gives here was not written down."""


class Call:
    """An operation with its arguments: evaluate it, move an element, walk it back.

    Parameters
    ----------
    op : operation
    arrays, keywords
        Its positional and its keyword arguments.
    double : bool
        Whether arrays of floats are brought to float64.
    forward : str, optional
        The backend that the operation itself runs on; by default the active one, on which its backward pass
        always runs.
    """

    def __init__(self, op, arrays, keywords, *, double=True, forward=None):
        self.op = op
        self.forward = forward
        self.title = f"{op.__name__} on backend {backends.active_backend()[0].name!r}"
        bound = inspect.signature(op).bind(*arrays, **keywords)
        bound.apply_defaults()
        self.arguments = {name: _prepared(value, double) for name, value in bound.arguments.items()}
        self.backward = operations().get(f"{op.__name__}_backward")
        # Gradients are called d<argument>; an optional argument that was not given (a bias) has none to check.
        returned = (self.backward or op).returns
        self.differentiable = [
            name for name, value in self.arguments.items() if f"d{name}" in returned and value is not None
        ]
        if not self.differentiable:
            raise LookupError(f"{op.__name__} has no gradient: there is no {op.__name__}_backward")

    def results(self, **changed):
        """Call the operation, every time on fresh copies; return its results by name."""
        arguments = copy.deepcopy({**self.arguments, **changed})
        with backends.backend(self.forward) if self.forward else contextlib.nullcontext():
            return named_results(self.op, arguments)

    def output(self, **changed):
        """Return the first result: ``y``, or the loss."""
        return self.results(**changed)[self.op.returns[0]]

    def backward_arguments(self, dy):
        """Return what the backward pass asks for: arguments, results, and the input's size, found by their names."""
        first = next(iter(self.arguments.values()))
        known = {
            **self.arguments,
            **self.results(),
            "dy": dy,
            "input_shape": first.shape,
            "input_size": first.shape[-2:],
        }
        return {name: known[name] for name in inspect.signature(self.backward).parameters if name in known}

    def gradients(self, dy):
        """Return the gradients by the name of their argument; a loss knows its own, whatever `dy`.

        Raises
        ------
        CheckError
            When the operation that computes them wrote to one of its inputs.
        """
        op = self.backward or self.op
        arguments = copy.deepcopy(self.arguments if self.backward is None else self.backward_arguments(dy))
        before = copy.deepcopy(arguments)
        found = named_results(op, arguments)
        for name in written_inputs(op, before, arguments):
            raise CheckError(
                f"{self.title}: {op.__name__} wrote to its input {name}", result=name, diagnosis=input_diagnosis(name)
            )
        return {name: found[f"d{name}"] for name in self.differentiable}


def named_results(op, arguments):
    """Call `op` with arguments by name; return its results by name.

    Raises
    ------
    CheckError
        When there are more or fewer results than there should be.
    """
    result = call_by_name(op, arguments)
    results = result if isinstance(result, tuple) else (result,)
    wanted = ", ".join(op.returns)
    if result is None:
        raise CheckError(f"{op.__name__} returned None: is a `return {wanted}` missing at its end?")
    if len(results) != len(op.returns):
        raise CheckError(
            f"{op.__name__} returned {_count(len(results), 'result')}, expected {len(op.returns)}: return {wanted}"
        )
    return dict(zip(op.returns, results, strict=True))


def _count(number, noun):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def call_by_name(op, arguments):
    """Call `op` with arguments by name: the leading ones by position, as many as it takes so."""
    parameters = inspect.signature(op).parameters.values()
    by_position = [arguments[p.name] for p in parameters if p.kind is not p.KEYWORD_ONLY and p.name in arguments]
    by_name = {p.name: arguments[p.name] for p in parameters if p.kind is p.KEYWORD_ONLY and p.name in arguments}
    return op(*by_position, **by_name)


def written_inputs(op, before, after):
    """Return the names of the arrays that changed in a call, but for those that the textbook changes too."""
    changed = [name for name in before if not unchanged(before[name], after[name])]
    if changed:
        textbook = copy.deepcopy(before)
        with backends.backend("reference"):
            call_by_name(op, textbook)
        changed = [name for name in changed if unchanged(before[name], textbook[name])]
    return changed


def unchanged(a, b):
    if isinstance(a, tuple):
        return all(map(unchanged, a, b))
    return not isinstance(a, np.ndarray) or np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def _prepared(value, double):
    """Return arrays of floats in float64 where that is wanted, all else as it is."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and double:
        return value.astype(np.float64)
    return value
