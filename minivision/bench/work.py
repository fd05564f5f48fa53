"""How much work a call is: the multiply-adds of its operations, and the bytes that they must move at least.

A call is watched, so there is one count for all lines of the benchmark and for training steps: multiply-adds are those
of :func:`minivision.ops.work.multiply_adds`, and bytes those of the arrays that each operation gets and returns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minivision.bench.entry import Entry
from minivision.core.dispatch import observe
from minivision.ops.work import multiply_adds

# What operations of other families do depends on the values that they meet: suppression, matching, selective search.
FAMILIES = (
    "boxes", "convolution", "linear", "losses", "normalization", "pointwise", "pooling", "regions", "upsampling",
)  # fmt: skip


class Work(NamedTuple):
    """The work of an operation: multiply-adds, and bytes read and written when each array is moved once."""

    multiply_adds: int
    bytes: int


def work_of(op: Any, values: tuple, result: Any) -> Work | None:
    """Return the work of one call of an operation; None where it depends on what its arrays hold."""
    if op.family not in FAMILIES:
        return None
    arrays = {id(array): array.nbytes for array in _arrays((values, result))}  # an array that is returned counts once
    return Work(multiply_adds(op, values, result), sum(arrays.values()))


def _arrays(value):
    if isinstance(value, (tuple, list)):
        return [array for part in value for array in _arrays(part)]
    return [value] if isinstance(value, np.ndarray) else []


def works_of(function: Callable[[], Any]) -> list[Work | None]:
    """Call a function, and return the work of each operation that it calls, in order."""
    works = []
    with observe(lambda *call: works.append(work_of(*call))):
        function()
    return works


def works_of_entry(entry: Entry) -> list[Work] | None:
    """Return the work of the operation of a line, or of those of a training step; None where there is no count."""
    works = works_of(entry.ours)
    if entry.call:
        works = works[-1:]  # a reference implementation may call other operations, which are its own work
    return None if not works or None in works else [work for work in works if work is not None]
