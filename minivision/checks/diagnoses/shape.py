"""Results of a wrong shape: a sum or a reshape is missing, the last rows are missing."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minivision.checks.diagnoses.other_arguments import undisputed

if TYPE_CHECKING:
    from minivision.checks.evidence import Evidence


def sum_missing(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose a result that is not summed over some axes, or that has the right numbers in another shape."""
    got, expected, result = evidence.got, evidence.expected, evidence.result
    others = [other for other in others if not other.is_right and other.got.size and other.expected.size]
    if got.size == expected.size > 1 and all(map(_is_reshaped, (evidence, *others))):
        return (
            f"The numbers of {result} are right, only the shape is not: {got.shape} instead of {expected.shape}. "
            f"Was keepdims=True used, or a reshape forgotten?"
        )
    for count in range(1, got.ndim + 1) if got.size > expected.size else ():
        for axes in itertools.combinations(range(got.ndim), count):
            if all(_is_unsummed(each, axes, got.ndim) for each in (evidence, *others)):
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


def _is_reshaped(evidence):
    return evidence.same(evidence.got.reshape(-1), evidence.expected.reshape(-1))


def _is_unsummed(evidence, axes, ndim):
    """Return whether a sum over these axes is all that is missing; over an axis of length 1 it changes nothing."""
    got = evidence.got
    return got.ndim == ndim and evidence.same(got.sum(axis=axes).reshape(-1), evidence.expected.reshape(-1))


def cut_to_nothing(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose padding that is cut off with ``[p:-p]``, which leaves nothing where p is 0."""
    if evidence.got.size or not evidence.expected.size or "padding" not in evidence.values:
        return None
    (_, bottom), (_, right) = evidence.values["padding"]
    empty = [
        axis for axis, after in ((-2, bottom), (-1, right)) if after == 0 and evidence.got.shape[axis:][:1] == (0,)
    ]
    if not empty or evidence.got.ndim != evidence.expected.ndim:
        return None
    return (
        f"{evidence.result} is empty where the padding is 0: a slice [p:-p] is empty for p = 0, since -0 is 0. Write "
        "its end in full, as in [top : top + H]."
    )


def size_rounded_up(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose a pooling whose output size is rounded up, so that a rest of the map has a window of its own."""
    values, got = evidence.values, evidence.got
    if not {"kernel_size", "stride", "padding"} <= set(values) or got.ndim != 4:
        return None
    if any(a < b for a, b in zip(got.shape, evidence.expected.shape, strict=True)):
        return None
    (top, bottom), (left, right) = values["padding"]
    kernel, stride = values["kernel_size"], values["stride"]
    sizes = [
        n + before + after
        for n, before, after in zip(values[evidence.first].shape[2:], (top, left), (bottom, right), strict=True)
    ]
    up = tuple(-(-(n - k) // s) + 1 for n, k, s in zip(sizes, kernel, stride, strict=True))
    if got.shape[2:] != up or got.shape[:2] != evidence.expected.shape[:2]:
        return None
    rest = tuple(slice(n) for n in evidence.expected.shape)
    if not evidence.same(got[rest], evidence.expected):
        return None
    return (
        f"The rest is right, but {evidence.result} has rows or columns too many: its size is rounded up (ceil_mode). "
        "Windows that reach beyond the padding are left out: the division by the stride rounds down, //."
    )


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
    lead = f"The rest is right, but {lost} is missing."
    if "scale" in evidence.values:
        return f"{lead} The output has scale[0] rows and scale[1] columns for each of the input, the last one too."
    return f"{lead} Check the formula of the output size: is its + 1 there, and is the padding of both sides in it?"


def padding_added(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose a transpose convolution whose padding is put around the result, where it should be taken away."""
    if evidence.op.__name__ != "conv_transpose2d":
        return None
    explaining = [_ADDED] if _is_padding_added(evidence) else []
    found = undisputed(explaining, lambda _, case: _is_padding_added(case), others)
    return found[0] if found else None


_ADDED = (
    "y is what the reference gives without padding, with the padding as zeros around it. In a transpose convolution "
    "`padding` is what is removed from the result at each side."
)


def _is_padding_added(evidence):
    """Return whether a result has zeros around it in place of a border that is removed; None where that is the same."""
    b, around = evidence.values["b"], ((0, 0), (0, 0), *evidence.values["padding"])
    whole = evidence.reference(padding=((0, 0), (0, 0)), b=None)
    if whole is None or not np.any(around):
        return None
    bias = 0 if b is None else b.reshape(-1, 1, 1)
    return any(evidence.same(y, evidence.got) for y in (np.pad(whole + bias, around), np.pad(whole, around) + bias))


def shape_of_another_array(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose a result that has the shape of another argument than it should."""
    got, expected = evidence.got, evidence.expected
    arrays = {name: value.shape for name, value in evidence.values.items() if isinstance(value, np.ndarray)}
    taken = [name for name, shape in arrays.items() if shape == got.shape]
    meant = [name for name, shape in arrays.items() if shape == expected.shape]
    if not taken or got.ndim < 2 or expected.ndim < 2:
        return None
    should = f"that of {meant[0]}, {expected.shape}" if meant else f"{expected.shape}"
    return f"{evidence.result} has the shape of {taken[0]}, {got.shape}; it should be {should}."
