import numpy as np

from minivision import ops


def anchor_targets(anchors, boxes, *, high=0.7, low=0.3):
    overlaps = np.ascontiguousarray(ops.box_iou(anchors, boxes).T)
    matches = match(overlaps, high=high, low=low, best_for_each=True)  # noqa: F821 (of task 3.2)
    if len(boxes) == 0:
        return matches, np.zeros_like(anchors)
    found = matches >= 0
    # the others are sent to themselves: from an anchor to itself it is no way at all
    goals = np.where(found[:, None], boxes[np.maximum(matches, 0)], anchors)
    return matches, ops.encode_boxes(goals, anchors)
