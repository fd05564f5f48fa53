"""Systems side by side: all trained alike, what each reaches and what it costs."""

import importlib

from minivision.comparison.costs import (
    count_multiply_adds,
    count_parameters,
    measure_costs,
    median_seconds,
    peak_memory,
)
from minivision.comparison.rows import Comparison, Row, Settings
from minivision.comparison.runner import run_comparison

__all__ = [
    "Comparison",
    "Row",
    "Settings",
    "comparisons",
    "count_multiply_adds",
    "count_parameters",
    "get_comparison",
    "measure_costs",
    "median_seconds",
    "peak_memory",
    "run_comparison",
]

_COMPARISONS = ("segmentation", "detection")  # each is a module here, with a COMPARISON in it


def comparisons():
    """Return the names of the comparisons, in lecture order."""
    return list(_COMPARISONS)


def get_comparison(name):
    """Return the :class:`Comparison` called `name`.

    Raises
    ------
    ValueError
        When there is none of that name; the message lists those there are.
    """
    if name not in _COMPARISONS:
        raise ValueError(f"no comparison is called {name!r}; there are {', '.join(_COMPARISONS)}")
    return importlib.import_module(f"minivision.comparison.{name}").COMPARISON
