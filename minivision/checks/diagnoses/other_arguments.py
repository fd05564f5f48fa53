"""Does the reference implementation give the wrong result for other arguments? Then that is the mistake."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.evidence import Evidence

Explanation = TypeVar("Explanation")

# A mistake, and the arguments for which the reference gives what the mistake gives.
Mistakes = list[tuple[str, dict[str, Any]]]

MAX_OTHER_CASES = 5  # cases that must agree where one case does not decide


def explains(evidence: Evidence, **changed: Any) -> bool:
    """Return whether the reference gives the wrong result for changed arguments."""
    result, got = evidence.reference(**changed), evidence.got
    if result is None or result.ndim != got.ndim:
        return False
    # A loop may keep the right size although its windows are those of another stride. Then one of the two is a corner
    # of the other, and the rest is as for an input of zeros.
    corner = tuple(slice(min(a, b)) for a, b in zip(result.shape, got.shape, strict=True))
    if result.shape == got.shape and result.ndim:
        columns = evidence.wrong_columns
        alike = evidence.same(result[..., columns], got[..., columns])
        return alike and not evidence.same(result[..., columns], evidence.expected[..., columns])
    if not evidence.same(result[corner], got[corner]) or evidence.same(result, evidence.expected):
        return False
    if result[corner].size < got.size:
        rest = evidence.reference(**{evidence.first: np.zeros_like(evidence.values[evidence.first])})
        if rest is None or rest.shape != got.shape:
            return False
        rest[corner] = result[corner]
        return evidence.same(rest, got)
    return True


def agreed(
    explanations: Callable[[Evidence], Mapping[Explanation, bool]], evidence: Evidence, others: Sequence[Evidence]
) -> Explanation | None:
    """Return an explanation of a case that no other case refutes.

    Parameters
    ----------
    explanations : callable
        ``explanations(evidence)`` returns for each explanation whether it explains that case.
    evidence, others
        The case, and others whose result is wrong too.
    """
    here = explanations(evidence)
    if not any(here.values()):
        return None
    elsewhere = [explanations(other) for other in others[:MAX_OTHER_CASES]]
    for what, is_explained in here.items():
        if is_explained and all(rules.get(what, True) for rules in elsewhere):
            return what
    return None


def explained_by(
    mistakes_of: Callable[[dict[str, Any], str], Mistakes], evidence: Evidence, others: Sequence[Evidence]
) -> str | None:
    """Return a sentence about the first mistake that gives the wrong result, and that no other case refutes.

    Parameters
    ----------
    mistakes_of : callable
        ``mistakes_of(values, name)`` returns the mistakes that are possible for these arguments of an operation.
    evidence, others
        The case, and others whose result is wrong too.
    """

    def explanations(evidence):
        """Return for each mistake whether it gives this wrong result, without those that change nothing here."""
        explained = {}
        for what, changed in mistakes_of(evidence.values, evidence.op.__name__):
            result = evidence.reference(**changed)
            if result is not None and not evidence.same(result, evidence.expected):
                fits = explains(evidence, **changed) and not evidence.contradicts(**changed)
                explained[what] = explained.get(what, False) or fits
        return explained

    mistake = agreed(explanations, evidence, others)
    return mistake and f"{evidence.part} is what the reference gives if {mistake}"
