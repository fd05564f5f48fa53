"""Results of which a part is missing or too much: zeros that were never written, only one image of the batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.evidence import Evidence

MIN_WRONG, MIN_RIGHT = 6, 3  # fewer wrong or right elements may be chance


def all_zero(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose an array that was made and never written to."""
    if evidence.got.any() or np.sum(evidence.expected != 0) < 3:
        return None
    if any(other.is_right and np.sum(other.expected != 0) >= 3 for other in others):
        return None
    return f"{evidence.result} is zero everywhere: it was made, but nothing was written to it."


def only_one_image(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose a batch of which only the first or the last image is right."""
    wrong = evidence.wrong
    if wrong.ndim != 4 or wrong.shape[0] < 2 or any(map(_is_right_batch, others)):
        return None
    share = wrong.reshape(len(wrong), -1).mean(axis=1)
    for right, which in ((0, "first"), (-1, "last")):
        rest = np.delete(share, right)
        if share[right] == 0 and rest.min() > 0.9:
            return (
                f"Only the {which} image of the batch is right: is a `return` inside of the loop over the images, or "
                f"an index [{right}] where [n] was meant?"
            )
    return None


def _is_right_batch(evidence, axis=0):
    """Return whether several images (or channels) are right, which no mistake about them would leave so."""
    expected = evidence.expected
    several = expected.ndim > axis and expected.shape[axis] > 1
    return evidence.is_right and several and np.unique(expected).size >= MIN_WRONG


def all_images_together(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose images, or channels, that all hold the sum over them: an index is missing where they are written."""
    got, expected = evidence.got, evidence.expected
    if got.ndim != 4 or not evidence.same_shape:
        return None
    for axis, (thing, things, index) in enumerate(_TOGETHER):
        if any(_is_right_batch(other, axis) for other in others):
            continue
        together = np.broadcast_to(expected.sum(axis=axis, keepdims=True), expected.shape)
        if evidence.same(together, got) and not evidence.same(together, expected):
            return (
                f"{evidence.result} of each {thing} is the sum over all {things}: an index {index} is missing where it "
                "is added up."
            )
    return None


_TOGETHER = (
    ("image", "images of the batch", "n, [n, ...] instead of [:, ...],"),
    ("channel", "channels", "c, [n, c, ...] instead of [n, :, ...],"),
)


def zeros_left(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose elements that were not written: all wrong elements are zero, and others are right."""
    got, expected, wrong = evidence.got, evidence.expected, evidence.wrong
    right = ~wrong & (expected != 0)
    if wrong.sum() < MIN_WRONG or right.sum() < MIN_RIGHT or got[wrong].any():
        return None
    return f"{evidence.result} is right but for {wrong.sum()} elements, which are 0 and should not be."


def zeros_expected(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose elements that should have stayed zero: all others are right."""
    expected, wrong = evidence.expected, evidence.wrong
    right = ~wrong & (expected != 0)
    if wrong.sum() < MIN_WRONG or right.sum() < MIN_RIGHT:
        return None
    if expected[wrong].any() or not np.isfinite(evidence.got).all():
        return None
    return (
        f"{evidence.result} is right wherever it should not be 0, but {wrong.sum()} elements that should be 0 are not."
    )
