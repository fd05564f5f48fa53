"""R-CNN's linear models on fixed features: a support vector machine (SVM) and a box regression for each class.

Both are fitted to images given as ``(features (B, D), boxes (B, 4), instances)``: proposals first, true boxes last.

References
----------
Girshick et al., "Rich feature hierarchies ..." (R-CNN), CVPR 2014, section 2.3 and appendices B and C.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from minivision import ops
from minivision.core.types import Array
from minivision.layers import Linear
from minivision.optim.optimizers import Adam

if TYPE_CHECKING:
    from minivision.data.instances import Instances

ImageFeatures: TypeAlias = "tuple[Array, Array, Instances]"  # features (B, D), boxes (B, 4), instances

# SVMs
NEGATIVE_IOU = 0.3  # a box whose IoU with every object of a class is lower is a negative example of the class
MINING_ROUNDS = 3
FIRST_NEGATIVES = 3000  # negative examples of the first round
HARD_NEGATIVE_MARGIN = -1.0  # a negative example above this margin is hard
MAX_ADDED_NEGATIVES = 5000  # hard negatives that are added in a round, at most: the hardest
SVM_C = 1e3  # weight of violations of the margin compared with the squared length of the weights
SVM_STEPS, SVM_LEARNING_RATE = 300, 0.05

# Box regression
BOX_REGRESSION_IOU = 0.6  # it is fitted to proposals whose IoU with an object is higher
RIDGE_LAMBDA = 1.0  # the paper's 1000 is for features of a length of about 20, ours have length 1


def fit_svms(images: Sequence[ImageFeatures], classes: int) -> tuple[Array, Array]:
    """Fit a linear classifier for each class: true boxes against boxes that are not of the class.

    There are far more background boxes than are needed, and most are easy. So a few are taken at first, and then those
    are added that the classifier still takes for an object: hard negative mining.

    Parameters
    ----------
    images : list of (features, boxes, instances)
    classes : int
        Number of classes without the background.

    Returns
    -------
    weights : ndarray of shape (classes, D)
    biases : ndarray of shape (classes,)
    """
    features = np.concatenate([each for each, _, _ in images])
    weights, biases = np.zeros((classes, features.shape[1])), np.zeros(classes)
    biases -= 1  # of a class that never occurs: no box is one of it
    for c in range(classes):
        is_positive, is_negative = (
            np.concatenate(each) for each in zip(*(_svm_examples(image, c + 1) for image in images), strict=True)
        )
        positive, negative = np.flatnonzero(is_positive), np.flatnonzero(is_negative)
        if not len(positive):
            continue
        hard = negative[:: max(1, len(negative) // FIRST_NEGATIVES)]
        for _ in range(MINING_ROUNDS):
            chosen = np.concatenate([positive, hard])
            targets = np.where(np.arange(len(chosen)) < len(positive), 1.0, -1.0)
            weights[c], biases[c] = fit_svm(features[chosen], targets)
            margins = features[negative] @ weights[c] + biases[c]
            hardest = np.argsort(-margins)[:MAX_ADDED_NEGATIVES]
            hard = np.union1d(hard, negative[hardest[margins[hardest] > HARD_NEGATIVE_MARGIN]])
    return weights, biases


def fit_svms_seconds(features: Array, positives: int, classes: int) -> float:
    """Estimate how long :func:`fit_svms` takes, by fitting one classifier once.

    Parameters
    ----------
    features : ndarray of shape (B, D)
        Features of some boxes.
    positives : int
        Positive examples of a class.
    classes : int
        Number of classes without the background.

    Returns
    -------
    seconds : float
    """
    if not len(features):
        return 0.0
    negatives = FIRST_NEGATIVES + MAX_ADDED_NEGATIVES * (MINING_ROUNDS - 1) // 2  # on the average of all rounds
    examples = features[np.arange(positives + negatives) % len(features)]
    start = time.perf_counter()
    fit_svm(examples, np.where(np.arange(len(examples)) < positives, 1.0, -1.0))
    return (time.perf_counter() - start) * MINING_ROUNDS * classes


def _svm_examples(image, label):
    """Return which boxes of an image are positive and negative examples of a class: bool ``(B,)`` each.

    Only true boxes are positive; proposals near them are neither.
    """
    _, boxes, instances = image
    objects = instances.boxes[(instances.labels == label) & ~instances.crowd]
    is_positive = np.zeros(len(boxes), bool)
    true_labels = np.where(instances.crowd, 0, instances.labels)
    is_positive[len(boxes) - len(instances) :] = true_labels == label
    iou = ops.box_iou(objects, boxes).max(axis=0, initial=0)
    return is_positive, iou < NEGATIVE_IOU


def fit_svm(features: Array, targets: Array) -> tuple[Array, Array]:
    """Fit one linear classifier by the hinge loss; positive and negative examples have the same total weight.

    Parameters
    ----------
    features : ndarray of shape (B, D)
    targets : ndarray of shape (B,)
        +1 or -1.

    Returns
    -------
    weights : ndarray of shape (D,)
    bias : scalar
    """
    svm = Linear(features.shape[1], 1).astype(features.dtype)
    svm.w.value[...] = 0
    positive = targets > 0
    share = np.where(positive, 0.5 / max(1, positive.sum()), 0.5 / max(1, (~positive).sum())).astype(features.dtype)
    optimizer = Adam(svm, weight_decay=1 / SVM_C)
    for step in range(SVM_STEPS):
        margins = svm.forward(features, training=True)[:, 0]
        _, dmargins = ops.hinge_loss(margins, targets.astype(margins.dtype), reduction="sum")
        svm.zero_gradients()
        svm.backward((share * dmargins)[:, None])
        optimizer.step(SVM_LEARNING_RATE * (1 - step / SVM_STEPS))
    assert svm.b is not None
    return svm.w.value[0], svm.b.value[0]


def fit_boxes(images: Sequence[ImageFeatures], classes: int) -> tuple[Array, Array]:
    """Fit, for each class, the offsets from a proposal near an object to the object's box: ridge regression.

    Parameters
    ----------
    images : list of (features, boxes, instances)
    classes : int
        Number of classes without the background.

    Returns
    -------
    weights : ndarray of shape (classes, 4, D)
        Multiplied with features they give the deltas for ``decode_boxes``.
    biases : ndarray of shape (classes, 4)
    """
    D = images[0][0].shape[1]
    weights, biases = np.zeros((classes, 4, D)), np.zeros((classes, 4))
    near = [_boxes_near_objects(image) for image in images]
    features, deltas, labels = (np.concatenate(each) for each in zip(*near, strict=True))
    for c in range(classes):
        x, t = features[labels == c + 1].astype(np.float64), deltas[labels == c + 1].astype(np.float64)
        if not len(x):
            continue
        biases[c] = t.mean(axis=0)
        center = x.mean(axis=0)
        centered = x - center
        normal = centered.T @ centered + RIDGE_LAMBDA * np.eye(D)
        weights[c] = np.linalg.solve(normal, centered.T @ (t - biases[c])).T  # (D, 4) -> (4, D)
        biases[c] -= weights[c] @ center
    return weights, biases


def _boxes_near_objects(image):
    """Return features, deltas and labels of the boxes with a high IoU with an object, each for its best object."""
    features, boxes, instances = image
    objects = instances[~instances.crowd]
    if not len(objects):
        return features[:0], np.zeros((0, 4)), np.zeros(0, np.int64)
    has_area = ops.box_area(boxes) > 0
    iou = ops.box_iou(objects.boxes, boxes) * has_area  # (G, B)
    near, best = np.flatnonzero(iou.max(axis=0) > BOX_REGRESSION_IOU), iou.argmax(axis=0)
    deltas = ops.encode_boxes(objects.boxes[best[near]], boxes[near])
    return features[near], deltas, objects.labels[best[near]]
