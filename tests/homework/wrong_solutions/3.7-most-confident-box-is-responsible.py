r"""The box with the largest predicted confidence is responsible, not the one with the largest IoU.

Told: does not match any mistake
Not: negative of truth|always the first|→ The first box
"""

import numpy as np

from minivision import ops
from minivision.detection import paired_iou


def yolo_targets(outputs, truth, B, *, coordinates=5.0, no_object=0.5):
    rows, columns = outputs.shape[1:3]
    cells = np.nonzero(truth[..., 4])  # those with an object: K of them
    predicted, true = (tensor[cells][:, : 5 * B].reshape(-1, B, 5) for tensor in (outputs, truth))  # (K, B, 5)
    predicted_boxes, true_boxes = predicted[..., :4].copy(), true[..., :4].copy()
    predicted_boxes[..., 2:] **= 2
    for boxes in (predicted_boxes, true_boxes):  # fractions of the image, from the corner of the cell
        boxes[..., :2] /= (columns, rows)
    predicted_boxes, true_boxes = (ops.box_convert(boxes, "cxcywh", "xyxy") for boxes in (predicted_boxes, true_boxes))
    iou = paired_iou(predicted_boxes[:, None], true_boxes[:, :, None])  # (K, B true, B predicted)

    box_targets, box_weights = np.zeros_like(true), np.zeros_like(true)
    box_weights[..., 4] = no_object
    for t in range(B):
        (k,) = np.nonzero(true[:, t, 4])
        confidence = np.where(iou[k, t] < 0, -np.inf, predicted[k, :, 4])
        best = confidence.argmax(axis=1)
        box_targets[k, best, :2] = true[k, t, :2]
        box_targets[k, best, 2:4] = np.sqrt(true[k, t, 2:4])
        box_targets[k, best, 4] = iou[k, t, best]
        box_weights[k, best] = (*4 * [coordinates], 1)
        iou[k, :, best] = -1  # no longer free

    target, weight = np.zeros_like(outputs), np.zeros_like(outputs)
    weight[..., 4 : 5 * B : 5] = no_object
    target[cells] = np.concatenate([box_targets.reshape(-1, 5 * B), truth[cells][:, 5 * B :]], axis=1)
    weight[cells] = 1  # the classes; the boxes follow
    weight[..., : 5 * B][cells] = box_weights.reshape(-1, 5 * B)
    return target, weight
