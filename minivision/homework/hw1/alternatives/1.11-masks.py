"""One mask for each class of the truth and of the prediction; a product of matrices counts where both are true."""

import numpy as np


def confusion_matrix(truth, prediction, num_classes):
    valid = truth.ravel() < num_classes
    real = truth.ravel()[valid, None] == np.arange(num_classes)
    guess = prediction.ravel()[valid, None] == np.arange(num_classes)
    return real.astype(np.int64).T @ guess.astype(np.int64)


def class_iou(confusion):
    hits = confusion.diagonal().astype(float)
    missed, wrong = confusion.sum(1) - hits, confusion.sum(0) - hits
    total = hits + missed + wrong
    return np.where(total > 0, hits / np.maximum(total, 1), np.nan)
