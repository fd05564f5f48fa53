"""Non-maximum suppression as a story: box by box, for every threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minivision import ops
from minivision.core.types import Array
from minivision.viz.stories.story import Story, as_link

MAX_BOXES = 80  # more could not be told apart
MARGIN = 0.04  # of the picture's size, around boxes without an image
THRESHOLDS = tuple(round(0.05 * k, 2) for k in range(1, 20))
LEGEND = [["kept", "kept"], ["dropped", "suppressed"], ["now", "looked at"], ["waiting", "not yet seen"]]


def play_nms(
    boxes: npt.ArrayLike, scores: npt.ArrayLike, iou_threshold: float = 0.5, *, image: Array | None = None
) -> Story:
    """Play non-maximum suppression box by box, with a slider of the threshold.

    Parameters
    ----------
    boxes : ndarray of shape (K, 4)
        ``x1, y1, x2, y2`` in pixels, at most `MAX_BOXES`.
    scores : ndarray of shape (K,)
    iou_threshold : float
        The threshold to begin with; the slider has others too.
    image : uint8 ndarray of shape (H, W, 3), optional
        What the boxes lie on.

    Returns
    -------
    Story
        A notebook displays it; ``save("nms.html")`` writes a page.

    Raises
    ------
    ValueError
        If there is no box, or there are too many to be told apart.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.viz import play_nms
    >>> story = play_nms(np.array([[0.0, 0, 10, 10], [1, 1, 11, 11]]), np.array([0.8, 0.9]))
    >>> [step["say"] for step in story.data["tracks"][story.data["setting"]["start"]]][1]
    'Box 1 is kept: it has the best score, 0.90.'
    """
    boxes, scores = np.asarray(boxes, np.float64), np.asarray(scores, np.float64)
    ops.nms(boxes, scores, iou_threshold)  # says what is wrong with its arguments
    if not 0 < len(boxes) <= MAX_BOXES:
        raise ValueError(
            f"boxes: expected 1 to {MAX_BOXES} boxes, got {len(boxes)}; take those with the best scores, as in "
            f"boxes[np.argsort(-scores)[:{MAX_BOXES}]]"
        )
    link = None if image is None else as_link(image)
    order = np.argsort(-scores, kind="stable")
    boxes, scores = boxes[order], scores[order]  # box 1 has the best score
    thresholds = sorted({*THRESHOLDS, float(iou_threshold)})
    iou = ops.box_iou(boxes, boxes)
    return Story(
        {
            "title": "Non-maximum suppression",
            "view": _view(boxes, image),
            "image": link,
            "boxes": [
                {"box": box, "name": str(k + 1), "about": f"score {score:.2f}"}
                for k, (box, score) in enumerate(zip(boxes.tolist(), scores.tolist(), strict=True))
            ],
            "legend": LEGEND,
            "setting": {
                "label": "IoU above which a box is suppressed",
                "values": [f"{threshold:.2f}" for threshold in thresholds],
                "start": thresholds.index(float(iou_threshold)),
            },
            "tracks": [_steps(boxes, scores, iou, threshold) for threshold in thresholds],
        }
    )


def _view(boxes, image):
    """Return ``x, y, width, height`` of what is shown: the image, or all boxes with a margin."""
    if image is not None:
        return [0, 0, image.shape[1], image.shape[0]]
    corner, opposite = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    margin = max(MARGIN * (opposite - corner).max(), 1)
    return [*(corner - margin).tolist(), *(opposite - corner + 2 * margin).tolist()]


def _steps(boxes, scores, iou, threshold) -> list[dict[str, Any]]:
    """Return the steps of one threshold: first nothing is decided, then a box is decided in each."""
    keep = ops.nms(boxes, scores, threshold).tolist()
    marks = ["waiting"] * len(boxes)
    steps = [{"say": "Nothing is decided. The box with the best score comes first.", "marks": list(marks)}]
    for k in range(len(boxes)):
        before = [other for other in keep if other < k]
        if k in keep:
            about, by = _kept(k, scores, iou, threshold, before), None
        else:
            by = next(other for other in before if iou[k, other] > threshold)
            about = f"Box {k + 1} is suppressed by box {by + 1}: IoU {iou[k, by]:.2f} > {threshold:.2f}."
        marks[k] = "dropped" if by is not None else "kept"
        focus = [[k, "now"]] + ([[by, "rival"]] if by is not None else [])
        steps.append({"say": about, "marks": list(marks), "focus": focus})
    return steps


def _kept(k, scores, iou, threshold, before):
    if not before:
        return f"Box {k + 1} is kept: it has the best score, {scores[k]:.2f}."
    closest = max(before, key=lambda other: iou[k, other])
    if iou[k, closest] == 0:
        return f"Box {k + 1} is kept: it touches no kept box."
    most = f"{iou[k, closest]:.2f} with box {closest + 1}"
    return f"Box {k + 1} is kept: its largest IoU with a kept box, {most}, is not above {threshold:.2f}."
