"""A wrong result with all that a diagnosis needs: the arguments, the right result, and results for other arguments."""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core import backends
from minivision.core.dispatch import call
from minivision.core.registry import operations
from minivision.core.signatures import signature

if TYPE_CHECKING:
    from minivision.core.types import Array, Operation

MAX_CONTRIBUTING_ELEMENTS = 600  # size of the first argument up to which the contribution of each element is computed

LARGEST_ERROR, SMALLEST_SCALE = 1e-5, 1e-3  # of numbers that count as right, and of what the error is relative to


class Evidence:
    """What an operation returned for some arguments, and what it should have returned.

    Parameters
    ----------
    op : operation
        The operation whose result is wrong.
    arguments : dict
        Its arguments by name.
    result : str
        Name of the wrong result, one of those of :func:`flat_results`.
    got : array_like
        The wrong result.
    expected : array_like, optional
        The right result; by default that of the oracle.
    tolerance : float, optional
        Largest difference between two numbers that count as the same, relative to the largest of `expected`; by
        default 1e-8, and 1e-5 in float32.
    oracle : str
        Name of the backend whose results are right.
    shared : dict, optional
        A cache, one for all results of a call.
    also : dict, optional
        All results that the call returned, by name.

    Attributes
    ----------
    values : dict
        The arguments by name, normalized as reference implementations and kernels get them.
    settings : set of str
        Names of the keywords that were given.
    first : str
        Name of the first argument, in which most operations are linear: ``x``, or ``dy`` in a backward pass.
    """

    def __init__(
        self,
        op: Operation,
        arguments: dict[str, Any],
        result: str,
        got: Any,
        expected: Any = None,
        *,
        tolerance: float | None = None,
        oracle: str = "reference",
        shared: dict[str, Any] | None = None,
        also: dict[str, Any] | None = None,
    ) -> None:
        names = list(signature(op).parameters)
        positional = [arguments[name] for name in names[: op.positional] if name in arguments]
        keywords = {name: arguments[name] for name in op.keywords if name in arguments}
        self.op = op
        self.oracle = oracle
        self.values: dict[str, Any] = dict(zip(names, op.normalize(*positional, **keywords), strict=True))
        self.settings = set(keywords)
        self.first = names[0]
        self.result = result
        self.got = np.asarray(got)
        self.expected: Array = np.asarray(self.reference() if expected is None else expected)
        self.tolerance = tolerance or (1e-5 if self.expected.dtype == np.float32 else 1e-8)
        self.also = also or {}
        self._shared = {} if shared is None else shared

    @property
    def same_shape(self) -> bool:
        """Whether the wrong result has the right shape."""
        return self.got.shape == self.expected.shape

    @functools.cached_property
    def scale(self) -> float:
        """Largest finite number of the right result, in absolute value."""
        return max(np.abs(self.expected[np.isfinite(self.expected)]).max(initial=0), 1e-12)

    @functools.cached_property
    def is_right(self) -> bool:
        """Whether nothing is wrong in this case, which a mistake has to explain too."""
        return self.same_shape and not self.wrong.any()

    @functools.cached_property
    def wrong(self) -> Array:
        """Mask of the wrong elements; only where the shape is right."""
        return ~self.close(self.got, self.expected)

    @property
    def column_names(self) -> list[str]:
        """Names of the columns of boxes or cells; none for other results."""
        return _columns(self.result, self.op.family, self.values) or []

    @functools.cached_property
    def wrong_columns(self) -> Array | slice:
        """Indices of the wrong columns of boxes or cells of which other columns are right; else all columns."""
        names = self.column_names
        if not names or not self.same_shape or self.expected.ndim == 0 or len(names) != self.expected.shape[-1]:
            return slice(None)
        axes = tuple(range(self.expected.ndim - 1))
        wrong = self.wrong.any(axis=axes)
        witnesses = [np.unique(self.expected[..., k]).size > 2 for k in np.flatnonzero(~wrong)]
        return np.flatnonzero(wrong) if any(witnesses) and wrong.any() else slice(None)

    @property
    def part(self) -> str:
        """What is wrong, in words: the result, or some of its columns."""
        columns = self.wrong_columns
        if isinstance(columns, slice):
            return self.result
        wrong = ", ".join(dict.fromkeys(self.column_names[k] for k in columns))
        return f"{self.result} is right but for {wrong}, which"

    def close(self, a: Array, b: Array) -> Array:
        """Return for each element whether two arrays hold the same number."""
        with np.errstate(invalid="ignore"):
            both_nan = (a != a) & (b != b)
            return both_nan | (a == b) | (np.abs(a - b) <= self.tolerance * self.scale)

    def same(self, a: Array, b: Array) -> bool:
        """Return whether two arrays hold the same numbers in the same shape."""
        return a.shape == b.shape and a.size > 0 and bool(self.close(a, b).all())

    def counts_as_right(self, result: Array) -> bool:
        """Return whether a check would take a result for the right one."""
        if result.shape != self.expected.shape:
            return False
        with np.errstate(invalid="ignore"):
            close = np.abs(result - self.expected) <= LARGEST_ERROR * max(self.scale, SMALLEST_SCALE)
        return bool((close | self.close(result, self.expected)).all())

    def reference(self, **changed: Any) -> Array | None:
        """Return this result of the reference implementation for changed arguments; None where it has none."""
        result = self._reference(changed).get(self.result)
        return None if result is None else np.asarray(result)

    def contradicts(self, **changed: Any) -> bool:
        """Return whether the other results show that the arguments were not confused with the changed ones.

        They do if such a result is right, and would not be, or has numbers, and would have NaN. A gradient is no
        witness: often it is computed apart.
        """
        if any(name.startswith("d") and name[1:] in self.values for name in self.op.returns):
            return False
        expected, other = self._reference({}), self._reference(changed)
        for name in self.op.returns:
            if name == self.result or name not in self.also or name not in other:
                continue
            right, got, confused = (np.asarray(each[name]) for each in (expected, self.also, other))
            if np.array_equal(got, right) and not np.array_equal(confused, right):
                return True
            if confused.dtype.kind == "f" and np.isnan(confused).any() and not np.isnan(got).any():
                return True
        return False

    def all_results(self) -> tuple[Array, ...]:
        """Return all results of the reference implementation, in their order."""
        results = self._reference({})
        return tuple(results[name] for name in self.op.returns)

    def _reference(self, changed):
        """Return all results of the reference implementation by name; {} for arguments that it cannot use."""
        values = copy.deepcopy({**self.values, **changed})
        with backends.backend(self.oracle), np.errstate(all="ignore"):
            try:
                found = call(self.op, tuple(values.values()))
            except Exception:  # the changed arguments did not pass the dispatcher's check
                return {}
        results = dict(zip(self.op.returns, found if len(self.op.returns) > 1 else (found,), strict=True))
        return flat_results(results, values)

    @functools.cached_property
    def contributions(self) -> Array | None:
        """What each element of the first argument adds to each element of the result; None if it is not such a sum.

        Shape: that of the first argument, then that of the result.
        """
        first = self.values[self.first]
        if not isinstance(first, np.ndarray) or first.dtype.kind != "f":
            return None
        if not 0 < first.size <= MAX_CONTRIBUTING_ELEMENTS:
            return None
        if "alone" not in self._shared:  # the results for each element by itself, and for zeros
            self._shared["zeros"] = self._reference({self.first: np.zeros_like(first)})
            self._shared["alone"] = [self._reference({self.first: part}) for part in _one_by_one(first)]
        for_zeros = self._shared["zeros"].get(self.result)
        if for_zeros is None or np.shape(for_zeros) != self.expected.shape:
            return None
        with np.errstate(all="ignore"):
            parts = np.array([results[self.result] - for_zeros for results in self._shared["alone"]])
            linear = self.same(parts.sum(axis=0) + for_zeros, self.expected)
        if not linear:
            return None
        return parts.reshape(first.shape + self.expected.shape)

    def axis_names(self, name: str) -> list[str]:
        """Return the names of the axes of an argument, or of the result ``d<argument>``, from the docstrings."""
        argument = name if name in self.values or not name.startswith("d") else name[1:]
        ndim = self.expected.ndim if name == self.result else np.ndim(self.values[argument])
        forward = operations().get(self.op.__name__.removesuffix("_backward"), self.op)
        for op in (self.op, forward):
            for line in (op.__doc__ or "").splitlines():
                names, colon, description = line.partition(" : ")  # x, w : ndarray of shape (N, C, H, W)
                if not colon or argument not in re.split(r",\s*", names.strip()):
                    continue
                for shape in re.findall(r"\(([^()]*)\)", description):
                    axes = [axis.strip() for axis in shape.split(",") if axis.strip()]
                    if len(axes) == ndim:
                        return axes
        return [f"axis {k}" for k in range(ndim)]


def _columns(result: str, family: str, values: dict[str, Any]) -> list[str] | None:
    """Return the names of the columns of boxes, of their offsets, or of YOLO's cells."""
    if result == "deltas" or result == "ddeltas":
        return ["tx", "ty", "tw", "th"]
    if result in ("boxes", "anchors", "all_boxes"):
        return ["x1", "y1", "x2", "y2"]
    if family.startswith("yolo") and "B" in values and result in ("tensor", "target", "weight", "doutputs"):
        classes = values.get("C")
        if classes is None:
            classes = values["outputs"].shape[-1] - 5 * values["B"]
        return ["x", "y", "w", "h", "the confidence"] * values["B"] + ["the classes"] * classes
    return None


def _one_by_one(array: Array) -> Iterator[Array]:
    """Yield copies of an array in which all elements but one are zero."""
    for k in range(array.size):
        alone = np.zeros_like(array)
        alone.flat[k] = array.flat[k]
        yield alone


def flat_results(results: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """Return results by name, with the parts of named tuples; and the arguments, which an operation may update.

    Parameters
    ----------
    results : dict
        By name.
    arguments : dict
        By name, as they are after the call.

    Returns
    -------
    flat : dict
        ``{"y": ..., "saved.mean": ..., "running_mean": ...}``
    """
    flat = dict(arguments)
    for name, value in results.items():
        parts = value._asdict() if hasattr(value, "_fields") else None
        flat |= {name: value} if parts is None else {f"{name}.{field}": part for field, part in parts.items()}
    return flat
