"""The detections among many scored boxes: threshold, clipping, suppression for each class, the best ones."""

import numpy as np

from minivision.core.compile import jit
from minivision.kernels.numba.boxes import _clip
from minivision.kernels.numba.suppression import _suppress_groups


def select(boxes, scores, size, score_threshold, max_candidates, iou_threshold, max_detections):
    """Return boxes, labels and scores as ``select_detections`` does, for boxes ``(K, 4)`` or ``(K, C, 4)``."""
    dtype, (height, width) = boxes.dtype.type, size
    boxes = boxes[:, None] if boxes.ndim == 2 else boxes
    lowest = dtype(score_threshold)  # as NumPy compares; IoU are compared without rounding the threshold
    return _select(
        boxes, scores, dtype(height), dtype(width), lowest, max_candidates, float(iou_threshold), max_detections
    )


@jit
def _select(boxes, scores, height, width, score_threshold, max_candidates, iou_threshold, max_detections):
    candidates, values, labels = _candidates(boxes, scores, score_threshold, max_candidates)
    _clip(candidates, height, width, candidates)
    count = 0
    for k in range(len(candidates)):
        if candidates[k, 2] > candidates[k, 0] and candidates[k, 3] > candidates[k, 1]:
            candidates[count], values[count], labels[count] = candidates[k], values[k], labels[k]
            count += 1
    candidates, values, labels = candidates[:count], values[:count], labels[:count]
    order = np.argsort(-values, kind="mergesort")  # stable, as the two sorts of ``batched_nms``
    by_label = np.argsort(labels[order], kind="mergesort")
    keep = np.empty(count, np.bool_)
    _suppress_groups(candidates, order[by_label], labels, iou_threshold, keep)
    by_score = np.empty_like(keep)
    by_score[by_label] = keep
    kept = order[by_score][:max_detections]
    return candidates[kept], labels[kept], values[kept]


@jit
def _candidates(boxes, scores, threshold, most):
    """Return boxes, scores and labels of the scores above a threshold, or above a higher one if they were too many."""
    K, C = scores.shape
    numbers = scores.reshape(scores.size)
    above = _keep_above(numbers, threshold, np.empty(numbers.size + 1, scores.dtype))
    if above.size > most:
        threshold = _largest_but(above, most)
    count = 0
    for k in range(numbers.size):
        count += numbers[k] > threshold
    candidates = np.empty((count, 4), boxes.dtype)
    values, labels, k = np.empty(count, scores.dtype), np.empty(count, np.int64), 0
    for row in range(K):
        for column in range(C):
            if scores[row, column] > threshold:
                candidates[k] = boxes[row, column if boxes.shape[1] > 1 else 0]
                values[k], labels[k] = scores[row, column], column + 1
                k += 1
    return candidates, values, labels


@jit
def _largest_but(values, most):
    """Return the largest of the values but `most`; those below the mean are left out while enough remain."""
    while values.size > 4 * most:
        fewer = _keep_above(values, values.dtype.type(values.mean()), np.empty(values.size + 1, values.dtype))
        if not most < fewer.size < values.size:
            break
        values = fewer
    rank = values.size - most - 1  # counted from the lowest
    return np.partition(values, rank)[rank]


@jit
def _keep_above(values, threshold, kept):
    """Return the values above a threshold, copied into `kept`, which is one longer: so nothing branches."""
    count = 0
    for k in range(values.size):
        kept[count] = values[k]
        count += values[k] > threshold
    return kept[:count]
