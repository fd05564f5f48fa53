"""A stroke for every pixel."""

import numpy as np


def confusion_matrix(truth, prediction, num_classes):
    table = np.zeros((num_classes, num_classes), int)
    for real, guess in zip(truth.ravel(), prediction.ravel(), strict=True):
        if real != 255:
            table[real, guess] += 1
    return table


def class_iou(confusion):
    result = []
    for c in range(len(confusion)):
        both = confusion[c, c]
        either = sum(confusion[c, :]) + sum(confusion[:, c]) - both
        result.append(both / either if either else float("nan"))
    return np.array(result)
