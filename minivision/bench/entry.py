"""One line of the benchmark: the same call with Numba, PyTorch and the reference implementation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minivision.core.backends import backend, get_backend
from minivision.core.types import Operation


class Entry(NamedTuple):
    """The functions that one line of the benchmark times; none takes arguments.

    The reference implementation is thousands of times slower, so it is compared with Numba on smaller arrays.

    Attributes
    ----------
    name, shape : str
        The operation, and the shape of its arrays.
    ours : callable
        Calls the operation.
    theirs : callable or None
        Does the same with PyTorch.
    small_shape : str
        Shape of the smaller arrays.
    ours_small, reference : callable or None
        Call the operation on the smaller arrays, with Numba and with the reference implementation.
    seconds : float
        Length of a turn.
    call : tuple or None
        The operation, its positional and its keyword arguments, to make the same call on a GPU.
    """

    name: str
    shape: str
    ours: Callable
    theirs: Callable | None = None
    small_shape: str = ""
    ours_small: Callable | None = None
    reference: Callable | None = None
    seconds: float = 0.05
    call: tuple | None = None


def entry(
    op: Operation,
    arguments: tuple,
    small: tuple,
    *,
    of: tuple[np.ndarray, np.ndarray] | None = None,
    theirs: Callable | None = None,
    note: str = "",
    **keywords: Any,
) -> Entry:
    """Return the entry of an operation.

    Parameters
    ----------
    op : Operation
    arguments, small : tuple
        Its positional arguments: to compare with PyTorch, and smaller ones to compare with the reference.
    of : pair of ndarray, optional
        The arrays in `arguments` and in `small` whose shapes are shown; by default the first ones.
    theirs : callable, optional
        Does the same as ``op(*arguments)`` with PyTorch.
    note : str
        Text after the shape in the table.
    **keywords
        Keyword arguments of the operation.

    Returns
    -------
    entry : Entry
    """

    def reference():
        with backend("reference"):
            return op(*small, **keywords)

    shape, small_shape = ("x".join(map(str, np.shape(array))) for array in of or map(_first_array, (arguments, small)))
    call = op, arguments, keywords
    line = Entry(op.__name__, shape + note, lambda: op(*arguments, **keywords), theirs, call=call)
    if get_backend("numba").kernel(op) is None:
        return line  # it runs the reference implementation
    return line._replace(small_shape=small_shape + note, ours_small=lambda: op(*small, **keywords), reference=reference)


def _first_array(arguments):
    return next((value for value in arguments if isinstance(value, np.ndarray)), None)


def draw(*shape: int) -> np.ndarray:
    """Draw normally distributed float32 numbers, the same in every run."""
    return np.random.default_rng(0).standard_normal(shape, np.float32)
