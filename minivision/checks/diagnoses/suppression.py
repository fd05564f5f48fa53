"""Non-maximum suppression by another rule: > or >=, the order of equal scores, a fixed threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minivision.checks.diagnoses.other_arguments import either, undisputed

if TYPE_CHECKING:
    from minivision.checks.evidence import Evidence
    from minivision.core.types import Array


def suppressed_otherwise(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose by which other rule boxes were suppressed or sorted."""
    if evidence.op.__name__ != "nms" or not len(evidence.expected):
        return None
    explaining = [rule for rule, keep in _rules(evidence).items() if _is(keep, evidence.got)]
    found = undisputed(explaining, lambda rule, case: _agrees(_rules(case)[rule], case), others)
    return either([f"keep is what the reference gives {rule}" for rule in found]) if found else None


def _agrees(keep, evidence):
    return _is(keep, evidence.got) if keep is not None and evidence.expected.size else None


def _is(keep, got):
    return keep is not None and np.array_equal(keep, got) and (keep.dtype == bool) == (got.dtype == bool)


def _rules(evidence: Evidence) -> dict[str, Array | None]:
    """Return what each other rule gives; None where the reference has no result."""
    values, expected = evidence.values, evidence.expected
    boxes, scores, threshold = values["boxes"], values["scores"], values["iou_threshold"]
    last = len(scores) - 1
    from_behind = evidence.reference(boxes=boxes[::-1].copy(), scores=scores[::-1].copy())
    return {
        "where an IoU equal to the threshold is too much: a box goes when its IoU is above (>), not when it is equal.":
            evidence.reference(iou_threshold=float(np.nextafter(threshold, -1))),
        'where of equal scores the last box wins: sort by np.argsort(-scores, kind="stable").':
            None if from_behind is None else last - from_behind,
        "for the threshold 0.5: iou_threshold is ignored.": evidence.reference(iou_threshold=0.5),
        "for the opposite scores: begin with the highest one, not with the lowest.":
            evidence.reference(scores=-scores),
        "where all scores are equal: they are not used.": evidence.reference(scores=np.zeros_like(scores)),
        "where nothing is suppressed.": np.argsort(-scores, kind="stable"),
        "in the order of the indices: sort them by descending score.": np.sort(expected),
        "as a mask: return the indices, the best first.": np.isin(np.arange(last + 1), expected),
    }  # fmt: skip
