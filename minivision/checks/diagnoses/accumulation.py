"""Sums that were overwritten: ``=`` where ``+=`` is needed, so that only one of the contributions is left."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.evidence import Evidence

MIN_EXPLAINED = 0.7  # fraction of the wrong elements; at a border two contributions may have become one
# Operations on maps add up contributions; what coordinates of boxes are made of is no such sum.
_SUMMING = {"convolution", "embedding", "linear", "normalization", "pooling", "recurrent", "regions", "upsampling"}
MAX_ELEMENTS = 60  # wrong elements that are examined


def overwritten(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose elements that hold one of their contributions (or those of one image, one filter...) instead of all.

    An element of ``dx`` is a sum of contributions, one of each element of ``dy``. Where there is only one, ``=`` does
    as well as ``+=``; elsewhere it leaves the last one.
    """
    left = _left(evidence)
    if left is None:
        return None
    for other in others:
        if other.is_right or not other.same_shape or other.contributions is None or other.wrong.sum() < 2:
            continue
        its = _left(other)
        if its is None or its[0] != left[0]:
            return None
    which, what = left
    return f"{evidence.result} holds only {what} {_ADVICE[which]}"


def _left(evidence):
    """Return which contribution is left, and that in words; None where that does not explain all wrong elements."""
    if not evidence.same_shape or evidence.op.family not in _SUMMING or evidence.contributions is None:
        return None
    wrong = np.argwhere(evidence.wrong)
    if len(wrong) < 2:
        return None
    places = tuple(wrong[:: -(-len(wrong) // MAX_ELEMENTS)].T)  # one array of indices for each axis
    first = evidence.values[evidence.first]
    # (axes of the first argument..., places): what each of its elements adds there
    contributions = evidence.contributions[(..., *places)]
    got = evidence.got[places] - (evidence.expected[places] - contributions.sum(axis=tuple(range(first.ndim))))
    names = evidence.axis_names(evidence.first)
    for count in range(first.ndim):
        for summed in itertools.combinations(range(first.ndim), count):
            if 1 in [first.shape[axis] for axis in summed]:
                continue  # nothing to sum
            which = _contribution_left(evidence, contributions.sum(axis=summed), got)
            if which is None:
                continue
            if count == 0:
                what = "of the contributions that should add up there; elements with a single one are right."
                return which, f"{which} {what}"
            left = [axis for axis in range(first.ndim) if axis not in summed and _adds_up_along(axis, contributions)]
            kept = " and ".join(_THINGS.get(names[axis], f"index of {names[axis]}") for axis in left)
            return which, f"what {which} {kept} adds, not the sum over all of them."
    return None


_THINGS = {"N": "image", "C": "channel", "F": "filter"}
_ADVICE = {
    "the last": "An `=` stands where a `+=` is needed (and `a[rows, columns] += ...` with index arrays adds only once "
    "where an index repeats: np.add.at adds each time).",
    "the first": "Is a step [::stride] taken where a sum over the window is meant, or is a `return` or a `break` "
    "inside of the loop?",
    "one": "An `=` stands where a `+=` is needed, or a sum is taken over too few.",
}


def _adds_up_along(axis, contributions):
    """Return whether several entries along an axis add to one element; elements are the last axis."""
    others = tuple(k for k in range(contributions.ndim - 1) if k != axis)
    return bool((np.abs(contributions).max(axis=others) > 0).sum(axis=0).max() > 1)


def _contribution_left(evidence, contributions, got):
    """Return which contribution is left: "the last", "the first" or "one"; None where it is no single one.

    The last axis of `contributions` are the places, the others those that were not summed over.
    """
    contributions = contributions.reshape(-1, len(got))
    adds = np.abs(contributions) > evidence.tolerance * evidence.scale
    left = adds & evidence.close(contributions, got)
    explained = left.any(axis=0)
    if explained.sum() < max(2, MIN_EXPLAINED * len(got)):
        return None
    adds, left = adds[:, explained], left[:, explained]
    if np.mean(left[::-1].argmax(axis=0) == adds[::-1].argmax(axis=0)) > MIN_EXPLAINED:
        return "the last"
    if np.mean(left.argmax(axis=0) == adds.argmax(axis=0)) > MIN_EXPLAINED:
        return "the first"
    return "one"
