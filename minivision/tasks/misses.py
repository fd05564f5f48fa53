"""Why an object was not found: the first step of a detector that lost it.

Each step is looked at with the boxes that the detector computed on the images, its `DetectionTrace`.
"""

from __future__ import annotations

import numpy as np

from minivision import ops
from minivision.core.types import Array
from minivision.data.instances import Instances
from minivision.detection.postprocessing import detection_candidates, suppress_candidates
from minivision.models.base.detection_trace import DetectionTrace

__all__ = ["CAUSES", "CAUSE_GROUPS", "explain_misses", "possible_causes"]

CAUSES = {  # in the order in which a detector works
    "no proposal": "no proposed box overlaps enough with the object",
    "proposal ranked low": "a proposal overlaps enough, and too many others have better scores",
    "proposal suppressed": "the proposals that overlap enough are suppressed by better ones, which do not",
    "no default box": "no default box or anchor overlaps enough with the object",
    "cell taken": "a larger object has its center in the same cell, which predicts one class and few boxes",
    "taken for background": "the box on it is taken for background",
    "taken for another class": "the box on it is taken for another class",
    "score too low": "the box on it has the right class, with a score below the threshold",
    "moved away": "a box on it has the class, and the box regression moves it off the object, or not onto it",
    "suppressed": "a right box is suppressed by a better one of the class",
    "beyond the limit": "a right box with the right class is left out, because too many have better scores",
    "shared detection": "the detection on it belongs to another object, with which it overlaps",
    "coarse mask": "the box is right, and its mask overlaps too little with that of the object",
}
CAUSE_GROUPS = {  # what systems have in common, however they come to their boxes
    "no candidate box": ("no proposal", "proposal ranked low", "proposal suppressed", "no default box", "cell taken"),
    "not recognized": ("taken for background", "taken for another class", "score too low"),
    "badly placed": ("moved away", "coarse mask"),
    "lost in the selection": ("suppressed", "beyond the limit", "shared detection"),
}
COMMON_CAUSES = frozenset(  # of every detector; the others depend on how it comes to its boxes
    (*CAUSE_GROUPS["not recognized"], "moved away", *CAUSE_GROUPS["lost in the selection"])
)


def possible_causes(trace: DetectionTrace, kind: str = "box") -> frozenset[str]:
    """Return the causes that a detector with such traces can have: one without proposals loses none of them.

    Parameters
    ----------
    trace : DetectionTrace
        Of any image.
    kind : {"box", "mask"}
        What is compared.
    """
    own = {cause for cause, _ in trace.stages}
    if trace.grid is not None:
        own.add("cell taken")
    if kind == "mask":
        own.add("coarse mask")
    return COMMON_CAUSES | own


def explain_misses(trace: DetectionTrace, truth: Instances, unfound: Array, iou: float = 0.5) -> list[str]:
    """Return for each object that was not found the first step that lost it.

    The steps are gone through from the end: if a box with the object's class was right, it was lost in the choice among
    the boxes. If none was, the proposals or anchors that they came from are examined: does one overlap enough with the
    object, which class was predicted for it, and where did the box regression move it?

    Parameters
    ----------
    trace : DetectionTrace
    truth : Instances
        All objects of the image.
    unfound : bool ndarray of shape (T,)
        The objects to explain.
    iou : float
        From which IoU on a box is right.

    Returns
    -------
    causes : list of str
        A key of `CAUSES` for each object to explain, in their order.
    """
    rows, columns, boxes, scores = detection_candidates(trace.boxes, trace.scores, trace.size, **trace.selection)
    kept = suppress_candidates(boxes, scores, columns, **trace.selection)
    every_box = np.broadcast_to(
        trace.boxes if trace.boxes.ndim == 3 else trace.boxes[:, None], (*trace.scores.shape, 4)
    )  # (K, C, 4)
    threshold = trace.selection["score_threshold"]
    causes = []
    for t in np.flatnonzero(unfound):
        box, column = truth.boxes[t : t + 1].astype(np.float64), truth.labels[t] - 1
        final = ops.clip_boxes_to_image(np.ascontiguousarray(every_box[:, column], np.float64), trace.size)
        right = _overlaps(final, box, iou)  # (K,)
        above = right & (trace.scores[:, column] > threshold)
        if above.any():
            chosen = np.flatnonzero((columns == column) & right[rows])
            causes.append(_lost_in_selection(chosen, *kept) or _held_to_be(trace, above, column) or "beyond the limit")
        else:
            causes.append(_lost_before(trace, truth, t, right, iou))
    return causes


def _lost_in_selection(chosen, unsuppressed, selected):
    """Return why none of the `chosen` candidates became a detection of the object; None if others had better scores."""
    if not len(chosen):
        return None
    if not np.isin(chosen, unsuppressed).any():
        return "suppressed"
    if not np.isin(chosen, selected).any():
        return None
    return "shared detection" if np.isin(chosen, unsuppressed).all() else "suppressed"


def _lost_before(trace, truth, t, right, iou):
    """Return why no box on the object has its class, and a score above the threshold."""
    box, column = truth.boxes[t : t + 1].astype(np.float64), truth.labels[t] - 1
    for cause, boxes in trace.stages:
        if not _overlaps(boxes, box, iou).any():
            return cause
    if trace.grid is not None and _cell_is_taken(trace, truth, t):
        return "cell taken"
    on_object = right | _starts_at(trace, box, iou)
    of_class = trace.scores[:, column]
    if np.any(on_object & (of_class > trace.selection["score_threshold"])):
        return "moved away"
    return _held_to_be(trace, on_object, column) or "score too low"


def _held_to_be(trace, candidates, column):
    """Return what the candidate least like background is taken for instead of a class; None if for that class."""
    best = np.flatnonzero(candidates)[trace.background[candidates].argmin()]
    own, others = trace.scores[best, column], np.delete(trace.scores[best], column).max(initial=0)
    if trace.background[best] >= max(own, others):
        return "taken for background"
    return "taken for another class" if others >= own else None


def _starts_at(trace, box, iou):
    """Return which of the K boxes were predicted from a place at the object: bool ``(K,)``."""
    if trace.sources is not None:
        return _overlaps(trace.sources, box, iou)
    rows, columns, count = trace.grid
    row, column = _cells(trace, box)[0]
    starts = np.zeros((rows, columns, count), bool)
    starts[row, column] = True
    return starts.ravel()


def _cell_is_taken(trace, truth, t):
    """Return whether larger objects in the same cell fill it, or one of them has another class."""
    cells, area = _cells(trace, truth.boxes), ops.box_area(truth.boxes.astype(np.float64))
    before = (area > area[t]) | ((area == area[t]) & (np.arange(len(area)) < t))
    larger = before & (cells == cells[t]).all(axis=1) & ~truth.crowd
    return larger.sum() >= trace.grid[2] or bool(np.any(truth.labels[larger] != truth.labels[t]))


def _cells(trace, boxes):
    """Return row and column of the cells with the centers of boxes: int64 ``(T, 2)``."""
    height, width = trace.size
    clipped = np.clip(boxes, 0, (width, height, width, height))
    centers = (clipped[:, 1::-1] + clipped[:, 3:1:-1]) / 2  # y, x
    return np.minimum((centers / trace.stride).astype(np.int64), np.array(trace.grid[:2]) - 1)


def _overlaps(boxes, box, iou):
    """Return which of some boxes ``(n, 4)`` have at least this IoU with a box ``(1, 4)``."""
    return ops.box_iou(np.asarray(boxes, np.float64), box)[:, 0] >= iou
