"""Wrong values: NaN, low precision, cut off at 0, or one label instead of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minivision.checks.diagnoses.other_arguments import undisputed

if TYPE_CHECKING:
    from minivision.checks.evidence import Evidence

MIN_WRONG_LABELS = 3  # fewer wrong labels may be chance


def not_finite(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose NaN or infinity where the right numbers are finite."""
    count = np.sum(~np.isfinite(evidence.got) & np.isfinite(evidence.expected))
    if not count:
        return None
    some = f"{count} of the elements of {evidence.result} are" if evidence.got.ndim else f"{evidence.result} is"
    return (
        f"{some} NaN or infinite where the right numbers are finite: a division by zero, the log of 0, or an exp that "
        "overflows (subtract the largest score first: it changes nothing and no exponent is above 0). An array from "
        "np.empty that was not filled also looks like this."
    )


def low_precision(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose numbers that are right to some digits, as after a conversion to float32."""
    errors = np.abs(evidence.got - evidence.expected) / evidence.scale
    largest, errors = float(errors.max(initial=0)), errors[evidence.expected != 0]  # a 0 is easily right
    if not 1e-10 < largest < 1e-5 or errors.size < 4 or np.mean(errors > 1e-3 * largest) < 0.7:
        return None
    return (
        f"{evidence.result} is right to {-int(np.floor(np.log10(largest)))} digits only. Something on the way has "
        "lower precision: an array of np.float32 (or float16), or a rounded constant; or a small number is added to a "
        "denominator."
    )


def cut_at_zero(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose a search for the largest value that starts from 0, and so never returns a negative one."""
    got, expected = evidence.got, evidence.expected
    if np.sum(expected < 0) < 3 or not evidence.same(np.maximum(expected, 0), got):
        return None
    seen = f"{evidence.result} is right where it is positive and 0 where it should be negative"
    if evidence.result != "y" or evidence.op.family not in ("pooling", "regions"):
        return f"{seen}." if undisputed([seen], _is_cut_at_zero, others) else None
    return f"{seen}: {_SEARCH}" if undisputed([seen], _is_cut_at_zero, others) else None


_SEARCH = (
    "the search for the largest value begins with 0, or zeros around the map take part in it. Begin with -np.inf, and "
    "pad with it."
)


def _is_cut_at_zero(_, evidence):
    """Return whether another result has no negative number either; None where it has few that should be."""
    if evidence.same_shape and np.sum(evidence.expected < 0) < 3:
        return None
    return evidence.same(np.maximum(evidence.expected, 0), evidence.expected if evidence.is_right else evidence.got)


# What is compared in place of the numbers, and what the search then finds.
_COMPARED = {
    "the number of the largest absolute value": np.abs,
    "the smallest number": np.negative,
}


def compared_otherwise(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose a search for the largest number that compares absolute values, or finds the smallest."""
    if evidence.op.__name__ not in ("max_pool2d", "roi_pool"):
        return None
    explaining = [what for what in _COMPARED if _finds(what, evidence)]
    found = undisputed(explaining, _finds, others)
    return f"{evidence.result} is that of {found[0]} of each window; the largest number is meant." if found else None


def _finds(what, evidence):
    """Return whether a result is what another search gives; None where that cannot be told."""
    x, transform = evidence.values["x"], _COMPARED[what]
    result = evidence.reference(x=transform(x))
    if result is None or not result.size:
        return None
    got = evidence.expected if evidence.is_right else evidence.got
    if evidence.result != "y":
        return got.shape == result.shape and bool(np.array_equal(got, result))
    return evidence.same(result, transform(got))


def one_label_for_another(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose labels (an object, background): where one label is right, always the same other one is given."""
    cases = [case for case in (evidence, *others) if case.same_shape and case.got.dtype.kind in "iu"]
    got = np.concatenate([case.got.ravel() for case in cases])
    expected = np.concatenate([case.expected.ravel() for case in cases])
    wrong = got != expected
    if got.dtype.kind not in "iu" or wrong.sum() < MIN_WRONG_LABELS or len(np.unique(expected)) > len(expected) / 2:
        return None
    given = {}  # right label -> what is given instead
    for label in np.unique(expected[wrong]):
        labels_given = np.unique(got[expected == label])
        if len(labels_given) > 1:
            return None
        given[int(label)] = int(labels_given[0])
    result, lead = evidence.result, "each time, and all else is right"
    if len(given) == 1:
        ((right, instead),) = given.items()
        return (
            f"Where {result} should be {right} it is {instead}, {lead}: is that case left out, or tested after another "
            "one that is also true?"
        )
    if len(given) == 2 and all(given.get(instead) == right for right, instead in given.items()):
        one, other = given
        return f"Where {result} should be {one} it is {other}, and where it should be {other} it is {one}: swapped."
    shifts = {instead - right for right, instead in given.items()}
    if len(shifts) == 1 and len(given) == len(np.unique(expected)):
        (shift,) = shifts
        return (
            f"{result} is {abs(shift)} too {'large' if shift > 0 else 'small'} everywhere: does your count start from "
            "another number?"
        )
    return None


def dtype_diagnosis(got: np.dtype, expected: np.dtype) -> str:
    """Return the diagnosis of a wrong dtype; `got` and `expected` are dtypes of arrays."""
    if got.kind in "iub":
        return (
            f"The array was made for whole numbers, so everything after the decimal point is cut off. "
            f"Make it with dtype=x.dtype, here {expected}."
        )
    if got.itemsize > expected.itemsize:
        return (
            f"{expected} went in, {got} came out: np.zeros(shape) and np.empty(shape) make float64 unless they are "
            "given dtype=x.dtype; np.zeros_like(x) keeps it."
        )
    return f"The precision of {expected} is lost on the way: look for a fixed dtype such as np.float32."
