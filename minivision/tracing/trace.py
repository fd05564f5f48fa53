"""Run an operation on traced numbers, and split the run into steps."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.registry import operations
from minivision.core.signatures import signature
from minivision.tracing.number import Traced, traced
from minivision.tracing.panels import lay_out
from minivision.tracing.recording import record
from minivision.tracing.source import read_source
from minivision.tracing.steps import find_steps

if TYPE_CHECKING:
    from minivision.core.types import Array
    from minivision.tracing.panels import Panel
    from minivision.tracing.steps import Step

MAX_ELEMENTS = 4096  # of all arguments together; more cannot be shown
MAX_RESULTS = 16 * MAX_ELEMENTS  # of all results together: those of upsampling are larger than its arguments


class Trace:
    """One run of a function on traced numbers.

    Parameters
    ----------
    function : operation or function
        An operation of ``minivision.ops``, whose reference implementation runs; or any function of yours, right or
        wrong. If it has the name and the parameters of an operation, that operation checks its arguments.
    *arguments, **keywords
        Small arrays. Arrays of floats become traced numbers named after the parameter; arrays of objects (such as
        :func:`minivision.tracing.symbols` makes) and whole numbers stay as they are.

    Attributes
    ----------
    title : str
        Name of the function.
    result : object
        What the function returned; its arrays hold traced numbers.
    values : dict
        All arguments by name, as the function got them.
    panels : list of Panel
        The arguments, then the results.
    first_elements : list of list
        For each panel its elements before the first step.
    steps : list of Step
    source : Source
        Lines and loops of the function.

    Raises
    ------
    ValueError
        When the arrays or results are too large to be shown.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.ops import max_pool2d
    >>> from minivision.tracing import Trace
    >>> trace = Trace(max_pool2d, np.array([[[[1.0, 4.0], [3.0, 2.0]]]]), 2)
    >>> trace.expressions("y").ravel().tolist()
    ['x[0,1]']
    """

    def __init__(self, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> None:
        body = inspect.unwrap(getattr(function, "reference", function))
        if not inspect.isfunction(body):
            raise TypeError(
                "expected an operation of minivision.ops or a function of your own, written with def, got "
                f"{function!r:.80}; call anything else inside such a function"
            )
        names, values, keyword_names, returns = _bind(body, arguments, keywords)
        size = sum(value.size for value in values.values() if isinstance(value, np.ndarray))
        if size > MAX_ELEMENTS:
            raise ValueError(
                f"trace is for arrays small enough to look at: these hold {size:,} numbers, at most {MAX_ELEMENTS:,} "
                "can be shown; cut a few rows, columns and channels out of them"
            )
        values = {name: _trace_floats(value, name) for name, value in values.items()}
        self.values = values
        positional = [values[name] for name in names]
        self.title = body.__name__
        self.source = read_source(body)
        recording = record(body, positional, {name: values[name] for name in keyword_names})
        self.result = recording.result
        self._arguments = {part: array for name, value in values.items() for part, array in _arrays_of(value, name)}
        self._results = dict(_named_results(self.result, returns))
        size = sum(array.size for array in self._results.values())
        if size > MAX_RESULTS:
            raise ValueError(
                f"{self.title} returned {size:,} numbers, at most {MAX_RESULTS:,} can be shown; is the shape right?"
            )
        self.panels: list[Panel] = lay_out(recording, self._arguments, self._results)
        run = find_steps(recording, self.panels, self.source)
        self.steps: list[Step] = run.steps
        self.first_elements = run.start

    # ---- which inputs and outputs belong together

    @property
    def results(self) -> dict[str, Array]:
        """The results by name, as arrays of traced numbers."""
        return self._results

    def expressions(self, name: str | None = None) -> Array:
        """Return the formula of each element of a result (by default the first): an object ndarray of str."""
        array = self._results[self._result_name(name)]
        texts = [one.expression() if isinstance(one, Traced) else str(one) for one in array.ravel().tolist()]
        return np.array(texts, dtype=object).reshape(array.shape)

    def inputs_of(self, index: tuple[int, ...], name: str | None = None) -> dict[str, Array]:
        """Return the elements of the arguments that one element of a result depends on.

        Parameters
        ----------
        index : tuple of int
            Index of the element.
        name : str, optional
            Name of the result; by default the first.

        Returns
        -------
        masks : dict of str to bool ndarray
            For each argument, in its shape.
        """
        element = self._results[self._result_name(name)][index]
        leaves = {id(leaf) for leaf in element.leaves()} if isinstance(element, Traced) else set()
        return {name: _mask(array, lambda one: id(one) in leaves) for name, array in self._arguments.items()}

    def outputs_of(self, index: tuple[int, ...], name: str) -> dict[str, Array]:
        """Return the elements of the results that depend on one element of the argument `name`: a mask for each."""
        if name not in self._arguments:
            raise ValueError(f"name: {self.title} has no argument {name!r}; it has {', '.join(self._arguments)}")
        leaf = self._arguments[name][index]
        return {
            name: _mask(array, lambda one: isinstance(one, Traced) and any(leaf is other for other in one.leaves()))
            for name, array in self._results.items()
        }

    def _result_name(self, name):
        if name is None:
            return next(iter(self._results))
        if name not in self._results:
            raise ValueError(f"name: {self.title} has no result {name!r}; it has {', '.join(self._results)}")
        return name


def _bind(body, arguments, keywords):
    """Return the names of positional arguments, all values by name, the names of keywords, and of the results."""
    op = operations().get(body.__name__)
    parameters = signature(body).parameters
    if op is not None and list(parameters) == list(signature(op).parameters):
        values = op.normalize(*arguments, **keywords)
        names = list(parameters)
        return names[: op.positional], dict(zip(names, values, strict=True)), op.keywords, op.returns
    bound = signature(body).bind(*arguments, **keywords)
    bound.apply_defaults()
    only = [name for name, parameter in parameters.items() if parameter.kind is parameter.KEYWORD_ONLY]
    names = [name for name in parameters if name not in only]
    return names, dict(bound.arguments), only, None


def _trace_floats(value, name):
    """Return arrays of floats as arrays of traced numbers, also inside a named tuple; anything else as it is."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return traced(value, name)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_trace_floats(part, field) for field, part in zip(value._fields, value, strict=True)))
    return value


def _arrays_of(value, name):
    """Yield the arrays in a value, with their names."""
    if isinstance(value, np.ndarray):
        yield name, value
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        for field, part in zip(value._fields, value, strict=True):
            yield from _arrays_of(part, field)


def _named_results(result, returns):
    """Yield the results by name; a single number becomes an array without axes."""
    if not isinstance(result, tuple) or hasattr(result, "_fields"):
        result = (result,)
    if returns is None or len(returns) != len(result):
        returns = [f"result {k}" for k in range(len(result))] if len(result) > 1 else ["result"]
    for name, value in zip(returns, result, strict=True):
        if isinstance(value, Traced | int | float | np.number):
            scalar = np.empty((), object)
            scalar[()] = value
            value = scalar
        yield from _arrays_of(value, name)


def _mask(array, chosen):
    flat = [chosen(one) for one in array.ravel().tolist()]
    return np.array(flat, bool).reshape(array.shape)
