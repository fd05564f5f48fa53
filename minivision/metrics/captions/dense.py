"""Average precision of boxes with sentences, as DenseCap is evaluated."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from minivision import ops
from minivision.core.types import Array
from minivision.metrics.captions.sentences import meteor_exact_stem
from minivision.metrics.compatibility import pairs
from minivision.metrics.precision_recall import average_at, precision_recall

if TYPE_CHECKING:
    from minivision.data.instances import Instances

__all__ = ["IOUS", "METEORS", "dense_captioning_ap"]

IOUS = (0.3, 0.4, 0.5, 0.6, 0.7)
METEORS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25)  # 0: any sentence will do
RECALLS = np.linspace(0, 1, 101)
MERGED = 0.7  # IoU from which true boxes count as one, with all their captions


def dense_captioning_ap(truths: Iterable[Instances], predictions: Iterable[Instances]) -> Array:
    """Return the average precision for each threshold of the boxes and of the sentences.

    Detections of all images are ranked by their scores; the classes do not count. Each belongs to the true box with
    which its IoU is largest. It is right if it is the first of that box, its IoU reaches one threshold, and the METEOR
    score of its sentence the other.

    Parameters
    ----------
    truths, predictions : iterable of Instances
        Of each image, with captions; predictions with scores and one caption each.

    Returns
    -------
    ndarray of shape (5, 6)
        For `IOUS` and `METEORS`; its mean is the metric of the paper. NaN if there is no true box. The first column is
        that of the boxes alone.

    Notes
    -----
    METEOR is `meteor_exact_stem`, so values cannot be compared with those of the paper. Its published code leaves the
    threshold 0 out of the mean.

    References
    ----------
    Johnson, Karpathy and Fei-Fei, "DenseCap", CVPR 2016, section 4.2.
    """
    parts = [_image(*pair) for pair in pairs(truths, predictions)]
    scores, overlaps, meteors, first = (np.concatenate([part[k] for part in parts]) for k in range(4))
    positives = sum(part[4] for part in parts)
    if positives == 0:
        return np.full((len(IOUS), len(METEORS)), np.nan)
    order = np.argsort(-scores, kind="stable")
    overlaps, meteors, first = overlaps[order], meteors[order], first[order]
    result = np.zeros((len(IOUS), len(METEORS)))
    for i, iou in enumerate(IOUS):
        for j, meteor in enumerate(METEORS):
            right = first & (overlaps >= iou) & (meteors >= meteor)
            recall, precision = precision_recall(right, np.zeros_like(right), positives)
            result[i, j] = average_at(RECALLS, recall, precision)
    return result


def _image(truth, prediction):
    """Return score, IoU, METEOR and whether it is the first of its true box for each detection; the number of boxes."""
    boxes, captions = merge_boxes(truth)
    scores = np.asarray(prediction.scores, np.float64)
    overlaps, meteors, first = np.zeros(len(scores)), np.zeros(len(scores)), np.zeros(len(scores), bool)
    if len(boxes) and len(scores):
        iou = ops.box_iou(prediction.boxes, boxes)  # (detections, true boxes)
        taken = set()
        for k in np.argsort(-scores, kind="stable"):
            j = int(iou[k].argmax())
            overlaps[k] = iou[k, j]
            if overlaps[k] > 0 and j not in taken:
                taken.add(j)
                first[k] = True
                meteors[k] = meteor_exact_stem(prediction.captions[k][0].split(), captions[j])
    return scores, overlaps, meteors, first, len(boxes)


def merge_boxes(truth: Instances) -> tuple[Array, list[list[list[str]]]]:
    """Return the boxes of objects that are no crowds, and the words of their captions; nearly equal boxes become one.

    The box with the most others on it is merged with them first; the merged box is their mean.
    """
    kept = np.flatnonzero(~truth.crowd)
    boxes = truth.boxes[kept].astype(np.float64)
    near = ops.box_iou(boxes, boxes) >= MERGED if len(boxes) else np.zeros((0, 0), bool)
    captions = [() if truth.captions is None else truth.captions[k] for k in kept]
    merged, texts = [], []
    while near.any():
        group = np.flatnonzero(near[near.sum(axis=1).argmax()])
        merged.append(boxes[group].mean(axis=0))
        texts.append([caption.split() for member in group for caption in captions[member]])
        near[group], near[:, group] = False, False
    return np.array(merged).reshape(-1, 4), texts
