import numpy as np

from minivision import ops


def anchor_targets(anchors, boxes, *, fg_iou_thresh=0.7, bg_iou_thresh=0.3):
    overlaps = np.ascontiguousarray(ops.box_iou(anchors, boxes).T)
    matches = match(overlaps, fg_iou_thresh=fg_iou_thresh, bg_iou_thresh=bg_iou_thresh, allow_low_quality_matches=True)  # noqa: F821 (of task 3.2)
    if len(boxes) == 0:
        return matches, np.zeros_like(anchors)
    found = matches >= 0
    # the others are sent to themselves: from an anchor to itself it is no way at all
    goals = np.where(found[:, None], boxes[np.maximum(matches, 0)], anchors)
    return matches, ops.encode_boxes(goals, anchors)
