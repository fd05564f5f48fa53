"""Non-maximum suppression by another rule: > or >=, the order of equal scores, a fixed threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minivision.checks.diagnoses.other_arguments import agreed

if TYPE_CHECKING:
    from minivision.checks.evidence import Evidence
    from minivision.core.types import Array


def suppressed_otherwise(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose by which other rule boxes were suppressed or sorted."""
    if evidence.op.__name__ != "nms" or not len(evidence.expected):
        return None
    rule = agreed(_rules, evidence, others)
    return rule and f"keep is what the reference gives {rule}"


def _rules(evidence: Evidence) -> dict[str, bool]:
    """Return for each rule whether it explains the result; rules that change nothing here are left out."""
    values, got, expected = evidence.values, evidence.got, evidence.expected
    boxes, scores, threshold = values["boxes"], values["scores"], values["iou_threshold"]
    last = len(scores) - 1
    from_behind = evidence.reference(boxes=boxes[::-1].copy(), scores=scores[::-1].copy())
    rules: dict[str, Array | None] = {
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
    return {
        rule: np.array_equal(keep, got) and (keep.dtype == bool) == (got.dtype == bool)
        for rule, keep in rules.items()
        if keep is not None and not (np.array_equal(keep, expected) and keep.dtype != bool)
    }
