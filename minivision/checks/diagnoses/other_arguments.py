"""Does the reference implementation give the wrong result for other arguments? Then that is the mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.evidence import Evidence

Explanation = TypeVar("Explanation")

# A mistake, and the arguments for which the reference gives what the mistake gives.
Mistakes = list[tuple[str, dict[str, Any]]]


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


def agrees(evidence: Evidence, changes: Iterable[dict[str, Any]]) -> bool | None:
    """Return whether a mistake gives what was returned in a case, right or wrong; None where that cannot be told.

    Parameters
    ----------
    evidence : Evidence
    changes : iterable of dict
        The arguments that the mistake may have changed here, each possibility by itself. Where there is none, it
        changes nothing.
    """
    if evidence.is_right and not evidence.expected.size:
        return None
    changes = list(changes)
    results = [evidence.reference(**changed) for changed in changes]
    if changes and all(result is None for result in results):
        return None
    if evidence.is_right:
        return not results or any(result is not None and evidence.counts_as_right(result) for result in results)
    if not evidence.got.size:  # without numbers the shape is all that can agree
        return any(result is not None and result.shape == evidence.got.shape for result in results)
    return any(
        explains(evidence, **changed) or (result is not None and _have_in_common(evidence, result))
        for changed, result in zip(changes, results, strict=True)
    )


def _have_in_common(evidence, result):
    """Return whether two results of different sizes hold the same numbers as far as both reach.

    A mistake that changes the size of a result may not do so in a function that computes the size apart.
    """
    if result.ndim != evidence.got.ndim or result.shape == evidence.got.shape:
        return False
    common = tuple(slice(min(sizes)) for sizes in zip(result.shape, evidence.got.shape, strict=True))
    return evidence.same(result[common], evidence.got[common])


def undisputed(
    mistakes: Iterable[Explanation],
    agrees_with: Callable[[Explanation, Evidence], bool | None],
    others: Sequence[Evidence],
) -> list[Explanation]:
    """Return the mistakes that no other case disputes; those that explain the most cases.

    Parameters
    ----------
    mistakes : iterable
        Mistakes that explain a case.
    agrees_with : callable
        ``agrees_with(mistake, other)`` returns whether a mistake explains another case, in which the result is wrong or
        right; None where that cannot be told.
    others : sequence of Evidence
    """
    votes = {}
    for mistake in mistakes:
        answers = [agrees_with(mistake, other) for other in others]
        if False not in answers:
            votes[mistake] = answers.count(True)
    return [mistake for mistake, count in votes.items() if count == max(votes.values())]


def either(sentences: Sequence[str]) -> str:
    """Return one sentence, or several mistakes that explain every number equally well."""
    return sentences[0] if len(sentences) == 1 else "Either: " + " Or: ".join(sentences)


def explained_by(
    mistakes_of: Callable[[dict[str, Any], str], Mistakes], evidence: Evidence, others: Sequence[Evidence]
) -> str | None:
    """Return a sentence about the mistake that gives the wrong result, and that no other case disputes.

    Parameters
    ----------
    mistakes_of : callable
        ``mistakes_of(values, name)`` returns the mistakes that are possible for these arguments of an operation.
    evidence, others
        The case, and others, in which the result is wrong or right.
    """

    def changes(what, case):
        return [changed for each, changed in mistakes_of(case.values, case.op.__name__) if each == what]

    explaining = [
        what
        for what, changed in mistakes_of(evidence.values, evidence.op.__name__)
        if explains(evidence, **changed) and not evidence.contradicts(**changed)
    ]
    found = undisputed(dict.fromkeys(explaining), lambda what, case: agrees(case, changes(what, case)), others)
    return either([f"{evidence.part} is what the reference gives if {what}" for what in found]) if found else None
