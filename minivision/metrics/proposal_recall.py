"""Evaluation of proposals: recall and average best overlap (ABO) for a given number of boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minivision import ops
from minivision.core.types import Array
from minivision.data.instances import Instances
from minivision.detection import best_ious

COUNTS = (100, 500, 1000, 2000)
IOU_THRESH = 0.5


def evaluate_proposals(
    truths: Sequence[Instances],
    proposals: Sequence[Array],
    classes: Sequence[str],
    *,
    counts: Sequence[int] = COUNTS,
    iou: float = IOU_THRESH,
) -> dict[str, Any]:
    """Compare the proposals for some images with the objects in them.

    Parameters
    ----------
    truths : sequence of Instances
        The objects of each image; crowds do not count.
    proposals : sequence of ndarray of shape (K, 4)
        The boxes for each image, the best first.
    classes : sequence of str
        Names of the classes, the background first.
    counts : sequence of int
        Numbers of boxes: the first so many boxes of each image are evaluated.
    iou : float
        Smallest IoU of an object with the box that covers it.

    Returns
    -------
    metrics : dict
        ``recall`` and ``mabo`` are dicts by the number of boxes: each of `counts`, and None for all boxes. Recall is
        the fraction of objects that are covered. The best overlap of an object is its largest IoU with a box; its mean
        over the objects of a class is the average best overlap (ABO), and the mean over classes the mean average best
        overlap (MABO). [1]_ ``classes``: ``abo``, ``recall`` and ``objects`` of each class by its name, with all
        boxes, NaN for a class that does not occur. ``images`` and ``objects`` are numbers, ``boxes`` the mean number
        of boxes of an image.

    Raises
    ------
    ValueError
        If truths and proposals are of different numbers of images.

    References
    ----------
    .. [1] Uijlings et al., Selective search for object recognition, IJCV 2013, section 5.
    """
    _check_lengths(truths, proposals)
    pairs = list(zip(truths, proposals, strict=True))
    overlaps = {
        count: _joined(best_ious(boxes[:count], [truth]) for truth, boxes in pairs) for count in (*counts, None)
    }
    labels = _joined((truth.labels[~truth.crowd] for truth in truths), np.int64)
    names = list(classes)[1:]
    by_class = {}
    for label, name in enumerate(names, start=1):
        best = overlaps[None][labels == label]
        by_class[name] = {"abo": _mean(best), "recall": _mean(best >= iou), "objects": len(best)}
    return {
        "recall": {count: _mean(best >= iou) for count, best in overlaps.items()},
        "mabo": {count: _mean([_mean(best[labels == label]) for label in np.unique(labels)])
                 for count, best in overlaps.items()},
        "classes": by_class,
        "images": len(truths),
        "objects": len(labels),
        "boxes": _mean([len(boxes) for boxes in proposals]),
    }  # fmt: skip


def proposal_recall(truths: Sequence[Instances], proposals: Sequence[Array], *, iou: float = IOU_THRESH) -> Array:
    """Return the recall with the first box of each image, with the first two, and so on.

    Parameters
    ----------
    truths, proposals, iou
        As in :func:`evaluate_proposals`.

    Returns
    -------
    recall : float64 ndarray of shape (n,)
        ``recall[k - 1]`` is the fraction of objects that the first k boxes cover; n is the largest number of boxes of
        an image. NaN if there are no objects.
    """
    _check_lengths(truths, proposals)
    max_boxes = max((len(boxes) for boxes in proposals), default=0)
    covered_by, num_objects = np.zeros(max_boxes), 0  # objects by the first box that covers them
    for truth, boxes in zip(truths, proposals, strict=True):
        covers = ops.box_iou(truth.boxes[~truth.crowd], np.asarray(boxes, np.float32).reshape(-1, 4)) >= iou  # (T, K)
        num_objects += len(covers)
        covered, places = np.nonzero(covers)  # row by row, so an object's first box comes first
        np.add.at(covered_by, places[np.unique(covered, return_index=True)[1]], 1)
    return np.cumsum(covered_by) / num_objects if num_objects else np.full(max_boxes, np.nan)


def _check_lengths(truths, proposals):
    if len(truths) != len(proposals):
        raise ValueError(f"there are objects of {len(truths)} images, but proposals for {len(proposals)}")


def _joined(arrays, dtype=np.float32):
    return np.concatenate([np.zeros(0, dtype), *arrays])


def _mean(values):
    return float(np.mean(values)) if len(values) else float("nan")
