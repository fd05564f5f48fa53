"""Faces of mistakes with matches and targets: one value for another, too much or too little.

Each function is given an :class:`Evidence` and answers with what was probably written, or with None.
"""

import numpy as np

FEWEST, SEVERAL = 3, 6  # wrong elements, below which it may be chance; where less is known about them, more


def one_value_for_another(evidence, others=()):
    """Numbers that stand for something (an object, background): where one is right, always the same other is given."""
    cases = [case for case in (evidence, *others) if case.same_shape]
    got, expected = (np.concatenate([getattr(case, name).ravel() for case in cases]) for name in ("got", "expected"))
    wrong = got != expected
    if got.dtype.kind not in "iu" or wrong.sum() < FEWEST or len(np.unique(expected)) > len(expected) / 2:
        return None
    given = {}
    for right in np.unique(expected[wrong]):
        instead = np.unique(got[expected == right])
        if len(instead) > 1:
            return None
        given[int(right)] = int(instead[0])
    result, lead = evidence.result, "each time, and all else is right"
    if len(given) == 1:
        ((right, instead),) = given.items()
        return f"Where {result} should be {right} it is {instead}, {lead}: is that case left out, or asked too late?"
    if len(given) == 2 and all(given.get(instead) == right for right, instead in given.items()):
        one, other = given
        return f"Where {result} should be {one} it is {other}, and where it should be {other} it is {one}: swapped."
    shifts = {instead - right for right, instead in given.items()}
    if len(shifts) == 1 and len(given) == len(np.unique(expected)):
        (shift,) = shifts
        return f"{result} is {abs(shift)} too {'large' if shift > 0 else 'small'} everywhere: from where is it counted?"
    return None


def nothing_there(evidence):
    """All wrong elements are zero, and others are right: something was not written."""
    got, expected, wrong = evidence.got, evidence.expected, evidence.wrong
    right = ~wrong & (expected != 0)
    if wrong.sum() < SEVERAL or right.sum() < FEWEST or got[wrong].any():
        return None
    return (
        f"{evidence.result} is right but for {wrong.sum()} elements, which are 0 and should not be: what is to be "
        "written there is left out."
    )


def something_there(evidence):
    """All that should not be zero is right, but elsewhere there are zeros missing."""
    expected, wrong = evidence.expected, evidence.wrong
    right = ~wrong & (expected != 0)
    if wrong.sum() < SEVERAL or right.sum() < FEWEST or expected[wrong].any() or not np.isfinite(evidence.got).all():
        return None
    return (
        f"{evidence.result} is right wherever it should not be 0, but {wrong.sum()} elements that should be 0 are not: "
        "something is written, or counts, that should not."
    )
