"""Results of a wrong shape: a sum or a reshape is missing, the last rows are missing."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.evidence import Evidence


def sum_missing(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose a result that is not summed over some axes, or that has the right numbers in another shape."""
    got, expected = evidence.got, evidence.expected
    result = evidence.result
    if got.size == expected.size > 1 and evidence.same(got.reshape(expected.shape), expected):
        return (
            f"The numbers of {result} are right, only the shape is not: {got.shape} instead of {expected.shape}. "
            f"Was keepdims=True used, or a reshape forgotten?"
        )
    for count in range(1, got.ndim + 1) if got.size > expected.size else ():
        for axes in itertools.combinations(range(got.ndim), count):
            if evidence.same(got.sum(axis=axes).reshape(-1), expected.reshape(-1)):
                names = [f"axis {axis}" for axis in range(got.ndim)]
                if "dy" in evidence.values and np.shape(evidence.values["dy"])[-got.ndim :] == got.shape:
                    names = evidence.axis_names("dy")[-got.ndim :]
                over = " and ".join(names[axis] for axis in axes)
                tuple_of_axes = axes[0] if count == 1 else axes
                return (
                    f"{result} is left unsummed over {over}: the forward pass used one number there many times, so its "
                    f"gradient is the sum over all of them. Add .sum(axis={tuple_of_axes})."
                )
    return None


def last_rows_missing(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose maps whose last rows or columns are missing."""
    got, expected = evidence.got, evidence.expected
    if got.ndim != 4 or expected.ndim != 4 or any(a > b for a, b in zip(got.shape, expected.shape, strict=True)):
        return None
    if not evidence.same(expected[tuple(slice(n) for n in got.shape)], got):
        return None
    missing = [b - a for a, b in zip(got.shape, expected.shape, strict=True)]
    names = evidence.axis_names(evidence.result)
    lost = " and ".join(f"the last {n} of {name}" for n, name in zip(missing, names, strict=True) if n)
    return (
        f"The rest is right, but {lost} is missing. Check the formula of the output size: is its + 1 there, and "
        "is the padding of both sides in it?"
    )
