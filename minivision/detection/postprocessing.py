"""From the scores of many boxes to a short list of objects: the last step of every detector."""

import numpy as np

from minivision import ops
from minivision.data.instances import Instances


def select_detections(boxes, scores, size, *, score_threshold=0.05, iou_threshold=0.5, most=100):
    """Keep the boxes that score well and that no better one of their class covers.

    Parameters
    ----------
    boxes : (K, 4) or (K, C, 4) array
        In pixels, x1 y1 x2 y2: one for all classes, or one for each.
    scores : (K, C) array
        Of each box for each class, from 0 to 1, the background left out: column c is for label c + 1.
    size : (int, int)
        Height and width of the image, to which boxes are clipped.
    score_threshold : float
        Scores must lie above it.
    iou_threshold : float
        Of two boxes of a class with a higher intersection over union, the one with the lower score goes.
    most : int
        How many objects are kept, the best.

    Returns
    -------
    Instances
        With ``scores``, the highest first.
    """
    K, C = scores.shape
    rows, columns = np.nonzero(scores > score_threshold)
    boxes = boxes[:, None] if boxes.ndim == 2 else boxes
    boxes = np.broadcast_to(boxes, (K, C, 4))[rows, columns]
    boxes = ops.clip_boxes_to_image(boxes, size)
    scores, labels = scores[rows, columns], columns + 1
    solid = np.flatnonzero((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
    kept = solid[ops.batched_nms(boxes[solid], scores[solid], labels[solid], iou_threshold)[:most]]
    return Instances(boxes[kept], labels[kept], scores=scores[kept])
