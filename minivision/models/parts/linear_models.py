"""R-CNN's linear models on fixed features: a support vector machine and a box regression for each class.

Both are given images as ``(features (B, D), boxes (B, 4), instances)``.

References
----------
Girshick et al., "Rich feature hierarchies ..." (R-CNN), CVPR 2014, section 2.3 and appendices B and C.
"""

import numpy as np

from minivision import ops
from minivision.layers import Linear
from minivision.optim.optimizers import Adam

OVERLAPS = 0.3  # SVMs: a box with less intersection over union with every object of a class is not one of it
MINING_ROUNDS = 3
FIRST_NEGATIVES = 3000
HARD, MOST_ADDED = -1.0, 5000  # a negative above this margin counts; how many are added in a round, the hardest
C = 1e3  # what violations of the margin cost beside the length of the weights
STEPS, RATE = 300, 0.05

NEAR = 0.6  # boxes: only proposals that overlap an object by more than this are improved
RIDGE = 1.0  # lambda; the paper's 1000 is for features of a length of about 20, ours have length 1


def fit_svms(images, classes):
    """Fit a linear classifier for each class: the true boxes on one side, what is none of it on the other.

    There are far more boxes of background than are needed, and most are easy. So a few are drawn at first, and
    then those are added that the classifier still takes for an object: hard negative mining.

    Parameters
    ----------
    images : list of (features, boxes, instances)
    classes : int
        Without the background.

    Returns
    -------
    weights : (classes, D) array
    biases : (classes,) array
    """
    features = np.concatenate([each for each, _, _ in images])
    weights, biases = np.zeros((classes, features.shape[1])), np.zeros(classes)
    biases -= 1  # of a class that never occurs: nothing is one of it
    for c in range(classes):
        positive, negative = (
            np.concatenate(each) for each in zip(*(_svm_examples(image, c + 1) for image in images), strict=True)
        )
        positive, negative = np.flatnonzero(positive), np.flatnonzero(negative)
        if not len(positive):
            continue
        hard = negative[:: max(1, len(negative) // FIRST_NEGATIVES)]
        for _ in range(MINING_ROUNDS):
            chosen = np.concatenate([positive, hard])
            targets = np.where(np.arange(len(chosen)) < len(positive), 1.0, -1.0)
            weights[c], biases[c] = fit_svm(features[chosen], targets)
            margins = features[negative] @ weights[c] + biases[c]
            hardest = np.argsort(-margins)[:MOST_ADDED]
            hard = np.union1d(hard, negative[hardest[margins[hardest] > HARD]])
    return weights, biases


def _svm_examples(image, label):
    """Return which boxes of an image are an object of a class and which are none: bool ``(B,)`` each.

    Only true boxes are examples of objects; proposals near them are neither.
    """
    _, boxes, instances = image
    own = instances.boxes[(instances.labels == label) & ~instances.crowd]
    is_true = np.zeros(len(boxes), bool)
    true_labels = np.where(instances.crowd, 0, instances.labels)
    is_true[len(boxes) - len(instances) :] = true_labels == label
    overlap = ops.box_iou(own, boxes).max(axis=0, initial=0)
    return is_true, overlap < OVERLAPS


def fit_svm(features, targets):
    """Fit one linear classifier by the hinge loss; objects count as much as all else together.

    Parameters
    ----------
    features : (B, D) array
    targets : (B,) array
        +1 or -1.

    Returns
    -------
    weights : (D,) array
    bias : float
    """
    svm = Linear(features.shape[1], 1).astype(features.dtype)
    svm.w.value[...] = 0
    positive = targets > 0
    share = np.where(positive, 0.5 / max(1, positive.sum()), 0.5 / max(1, (~positive).sum())).astype(features.dtype)
    optimizer = Adam(svm, weight_decay=1 / C)
    for step in range(STEPS):
        margins = svm.forward(features, training=True)[:, 0]
        _, dmargins = ops.hinge_loss(margins, targets.astype(margins.dtype), reduction="sum")
        svm.zero_gradients()
        svm.backward((share * dmargins)[:, None])
        optimizer.step(RATE * (1 - step / STEPS))
    return svm.w.value[0], svm.b.value[0]


def fit_boxes(images, classes):
    """Fit, for each class, how to get from a proposal near an object to the object's box: ridge regression.

    Parameters
    ----------
    images : list of (features, boxes, instances)
    classes : int
        Without the background.

    Returns
    -------
    weights : (classes, 4, D) array
        To be multiplied with features, for the deltas that ``decode_boxes`` reads.
    biases : (classes, 4) array
    """
    D = images[0][0].shape[1]
    weights, biases = np.zeros((classes, 4, D)), np.zeros((classes, 4))
    near = [_near_boxes(image) for image in images]
    features, deltas, labels = (np.concatenate(each) for each in zip(*near, strict=True))
    for c in range(classes):
        x, t = features[labels == c + 1].astype(np.float64), deltas[labels == c + 1].astype(np.float64)
        if not len(x):
            continue
        biases[c] = t.mean(axis=0)
        centre = x.mean(axis=0)
        centred = x - centre
        normal = centred.T @ centred + RIDGE * np.eye(D)
        weights[c] = np.linalg.solve(normal, centred.T @ (t - biases[c])).T  # (D, 4) -> (4, D)
        biases[c] -= weights[c] @ centre
    return weights, biases


def _near_boxes(image):
    """Return features, deltas and labels of the boxes that overlap an object much, each with the nearest one."""
    features, boxes, instances = image
    objects = instances[~instances.crowd]
    if not len(objects):
        return features[:0], np.zeros((0, 4)), np.zeros(0, np.int64)
    solid = ops.box_area(boxes) > 0
    iou = ops.box_iou(objects.boxes, boxes) * solid  # (G, B)
    near, nearest = np.flatnonzero(iou.max(axis=0) > NEAR), iou.argmax(axis=0)
    deltas = ops.encode_boxes(objects.boxes[nearest[near]], boxes[near])
    return features[near], deltas, objects.labels[nearest[near]]
