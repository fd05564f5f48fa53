r"""The gradient lacks the factor 2 of the square.

Told: doutputs is right up to a factor: every element is 1/2
Not: half of weight
"""

import numpy as np


def yolo_loss(outputs, target, weight, B):
    error = outputs - target
    doutputs = weight * error / max(len(outputs), 1)
    squares = doutputs * error
    of_boxes = squares[..., : 5 * B].reshape(*squares.shape[:3], B, 5)
    confidence = of_boxes[..., 4]
    responsible = weight[..., 0 : 5 * B : 5] > 0  # (N, S, S, B)
    box_loss = of_boxes[..., :4].sum()
    object_loss = np.where(responsible, confidence, 0).sum()
    no_object_loss = np.where(responsible, 0, confidence).sum()
    class_loss = squares[..., 5 * B :].sum()
    loss = box_loss + object_loss + no_object_loss + class_loss
    return loss, box_loss, object_loss, no_object_loss, class_loss, doutputs
