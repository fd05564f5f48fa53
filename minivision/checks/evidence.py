"""A wrong result beside the right one, and what can be asked about it."""

import copy
import functools
import inspect
import re

import numpy as np

from minivision.core.dispatch import call
from minivision.core.registry import operations

MOST_CONTRIBUTIONS = 600  # elements of the first argument, up to which each one's share is worked out


class Evidence:
    """What an operation gave for some arguments, and what it should have given.

    Parameters
    ----------
    op : operation
        Whose result is wrong.
    arguments : dict
        What it was called with, by name.
    result : str
        The name of the wrong result, one of those of :func:`flat_results`.
    got, expected : array
        What it gave and what it should have given; by default what the textbook gives.
    tolerance : float, optional
        How far apart two numbers may be and count as the same, relative to the largest of `expected`; by default
        1e-8, and 1e-5 in float32.
    shared : dict, optional
        The same for all results of one call: what is worked out for one of them serves the others.

    Attributes
    ----------
    values : dict
        The arguments by name, in the one form that bodies and kernels see.
    settings : set of str
        The keywords that were given.
    first : str
        The name of the first argument, in which most operations are linear: ``x``, or ``dy`` on the way back.
    """

    def __init__(self, op, arguments, result, got, expected=None, *, tolerance=None, shared=None):
        names = list(inspect.signature(op).parameters)
        positional = [arguments[name] for name in names[: op.positional] if name in arguments]
        keywords = {name: arguments[name] for name in op.keywords if name in arguments}
        self.op = op
        self.values = dict(zip(names, op.normalize(*positional, **keywords), strict=True))
        self.settings = set(keywords)
        self.first = names[0]
        self.result = result
        self.got = np.asarray(got)
        self.expected = self.textbook() if expected is None else np.asarray(expected)
        self.tolerance = tolerance or (1e-5 if self.expected.dtype == np.float32 else 1e-8)
        self._shared = {} if shared is None else shared

    @property
    def same_shape(self):
        """Whether at least the shape is right."""
        return self.got.shape == self.expected.shape

    @functools.cached_property
    def scale(self):
        """The largest finite number that was expected."""
        return max(np.abs(self.expected[np.isfinite(self.expected)]).max(initial=0), 1e-12)

    @functools.cached_property
    def wrong(self):
        """Which elements are wrong; only where the shape is right."""
        return ~self.close(self.got, self.expected)

    def close(self, a, b):
        """Return for each element whether two arrays hold the same number."""
        with np.errstate(invalid="ignore"):
            both_nan = (a != a) & (b != b)
            return both_nan | (a == b) | (np.abs(a - b) <= self.tolerance * self.scale)

    def same(self, a, b):
        """Return whether two arrays hold the same numbers in the same shape."""
        return a.shape == b.shape and a.size > 0 and bool(self.close(a, b).all())

    def textbook(self, **changed):
        """Return this result of the textbook body for other arguments, or None where it has none for them."""
        result = self._textbook(changed).get(self.result)
        return None if result is None else np.asarray(result)

    def _textbook(self, changed):
        """Return all results of the textbook body, by name; none for arguments that make no sense to it."""
        values = copy.deepcopy({**self.values, **changed})
        try:
            with np.errstate(all="ignore"):
                found = call(self.op, tuple(values.values()), self.op.reference)
        except Exception:  # whatever a body says to arguments that its door would have refused
            return {}
        results = dict(zip(self.op.returns, found if len(self.op.returns) > 1 else (found,), strict=True))
        return flat_results(results, values)

    @functools.cached_property
    def contributions(self):
        """What each element of the first argument adds to each element of the result; None if it is no such sum.

        Shape: that of the first argument, then that of the result.
        """
        first = self.values[self.first]
        if not isinstance(first, np.ndarray) or first.dtype.kind != "f" or not 0 < first.size <= MOST_CONTRIBUTIONS:
            return None
        if "alone" not in self._shared:  # the textbook's results for each element by itself, and for none
            self._shared["nothing"] = self._textbook({self.first: np.zeros_like(first)})
            self._shared["alone"] = [self._textbook({self.first: part}) for part in _one_by_one(first)]
        nothing = self._shared["nothing"].get(self.result)
        if nothing is None or np.shape(nothing) != self.expected.shape:
            return None
        with np.errstate(all="ignore"):
            parts = np.array([results[self.result] - nothing for results in self._shared["alone"]])
            linear = self.same(parts.sum(axis=0) + nothing, self.expected)
        if not linear:
            return None
        return parts.reshape(first.shape + self.expected.shape)

    def axis_names(self, name):
        """Return what the axes of an argument (or of the result ``d<argument>``) are called in the docstrings."""
        argument = name if name in self.values or not name.startswith("d") else name[1:]
        ndim = self.expected.ndim if name == self.result else np.ndim(self.values[argument])
        forward = operations().get(self.op.__name__.removesuffix("_backward"), self.op)
        for op in (self.op, forward):
            for line in (op.__doc__ or "").splitlines():
                names, colon, description = line.partition(" : ")  # x, w : ndarray, (N, C, H, W)
                if not colon or argument not in re.split(r",\s*", names.strip()):
                    continue
                for shape in re.findall(r"\(([^()]*)\)", description):
                    axes = [axis.strip() for axis in shape.split(",") if axis.strip()]
                    if len(axes) == ndim:
                        return axes
        return [f"axis {k}" for k in range(ndim)]


def _one_by_one(array):
    """Yield copies of an array in which all elements but one are zero."""
    for k in range(array.size):
        alone = np.zeros_like(array)
        alone.flat[k] = array.flat[k]
        yield alone


def flat_results(results, arguments):
    """Return results by name, the parts of tuples too; and the arguments, some of which an operation may update.

    Parameters
    ----------
    results : dict
        By name.
    arguments : dict
        By name, as they are after the call.

    Returns
    -------
    dict
        ``{"y": ..., "saved.mean": ..., "running_mean": ...}``
    """
    flat = dict(arguments)
    for name, value in results.items():
        parts = value._asdict() if hasattr(value, "_fields") else None
        flat |= {name: value} if parts is None else {f"{name}.{field}": part for field, part in parts.items()}
    return flat
