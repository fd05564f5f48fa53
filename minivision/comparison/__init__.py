"""Comparisons of systems that are trained in the same way: their accuracy and their costs."""

from __future__ import annotations

import importlib

from minivision.comparison.costs import (
    count_multiply_adds,
    count_parameters,
    measure_costs,
    median_seconds,
    peak_memory,
)
from minivision.comparison.rows import Comparison, ComparisonSettings, Row
from minivision.comparison.runner import run_comparison

__all__ = [
    "Comparison",
    "ComparisonSettings",
    "Row",
    "comparisons",
    "count_multiply_adds",
    "count_parameters",
    "get_comparison",
    "measure_costs",
    "median_seconds",
    "peak_memory",
    "run_comparison",
]

_COMPARISONS = ("segmentation", "detection", "yolov2")  # each is a module here with a COMPARISON


def comparisons() -> list[str]:
    """Return the names of the comparisons, in lecture order."""
    return list(_COMPARISONS)


def get_comparison(name: str) -> Comparison:
    """Return the :class:`Comparison` of the given name.

    Raises
    ------
    ValueError
        When there is none of that name; the message lists the existing ones.
    """
    if name not in _COMPARISONS:
        raise ValueError(f"no comparison is called {name!r}; there are {', '.join(_COMPARISONS)}")
    return importlib.import_module(f"minivision.comparison.{name}").COMPARISON
