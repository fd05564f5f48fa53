"""Which object each detection in an image found, and of what kind the others are; compiled, one image at a time.

The compiled functions do not check their arguments.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minivision.core.compile import jit
from minivision.core.types import Array
from minivision.data.instances import Instances
from minivision.metrics.objects import compare_boxes, compare_masks

CORRECT, CLASSIFICATION, LOCALIZATION, BOTH, DUPLICATE, BACKGROUND, IGNORED, LEFT_OUT = range(8)
KINDS = ("classification", "localization", "both", "duplicate", "background", "missed")  # Bolya et al.'s names
NOTHING = -1  # no object


class ImageErrors(NamedTuple):
    """D detections in an image, compared with its T objects.

    Attributes
    ----------
    labels, scores : ndarray of shape (D,)
    object_labels : int64 ndarray of shape (T,)
    crowd : bool ndarray of shape (T,)
        Which objects do not count.
    similarity : float64 ndarray of shape (D, T)
        IoU, also of different classes; with a crowd the fraction of the detection that is inside of it.
    kinds : int64 ndarray of shape (D,)
        ``CORRECT``, one of the kinds of errors, ``IGNORED`` inside a crowd, or ``LEFT_OUT`` if its class has too many
        detections with better scores in the image.
    objects : int64 ndarray of shape (D,)
        The object that a detection found, that it would have found (errors of class and of place), or that another one
        found before it (duplicates); else ``NOTHING``.
    """

    labels: Array
    scores: Array
    object_labels: Array
    crowd: Array
    similarity: Array
    kinds: Array
    objects: Array

    @property
    def found(self) -> Array:
        """Which objects a detection found: bool ``(T,)``."""
        found = np.zeros(len(self.object_labels), bool)
        found[self.objects[self.kinds == CORRECT]] = True
        return found

    @property
    def unfound(self) -> Array:
        """Which objects count, and no detection found them (false negatives): bool ``(T,)``."""
        return ~(self.found | self.crowd)

    @property
    def missed(self) -> Array:
        """Which of them no error of class or of place would find either, if it were repaired: bool ``(T,)``."""
        missed = self.unfound
        missed[self.objects[(self.kinds == CLASSIFICATION) | (self.kinds == LOCALIZATION)]] = False
        return missed


def compare(truth: Instances, prediction: Instances, kind: str) -> Array:
    """Return the IoU of the D detections in an image with its T objects, of whatever class: float64 ``(D, T)``."""
    if kind == "box":
        return compare_boxes(prediction.boxes, truth.boxes, truth.crowd)
    ours, theirs = (each.replace(labels=np.ones(len(each), np.int64)) for each in (truth, prediction))  # any class
    return compare_masks(ours, theirs, truth.crowd).similarity


def image_errors(
    truth: Instances,
    prediction: Instances,
    kind: str,
    iou: float,
    background_iou: float,
    most: int,
    scores: Array | None = None,
) -> ImageErrors:
    """Match the detections in an image with its objects, and name the kind of each error.

    Parameters
    ----------
    truth, prediction : Instances
    kind : {"box", "mask"}
    iou, background_iou : float
        An IoU of `iou` or more is a match; one of `background_iou` or less is with the background.
    most : int
        Number of detections of a class that take part, those with the best scores.
    scores : ndarray of shape (D,), optional
        Scores in place of those of the prediction, which are rounded to float32.
    """
    if scores is None:
        scores = np.zeros(0, np.float32) if prediction.scores is None else prediction.scores.copy()  # None if empty
    similarity, crowd = compare(truth, prediction, kind), truth.crowd.copy()
    labels, object_labels = prediction.labels.copy(), truth.labels.copy()
    order = np.argsort(-scores, kind="stable")
    kinds, objects = match_in_image(similarity, labels, order, object_labels, crowd, iou, most)
    name_errors(similarity, labels, object_labels, crowd, iou, background_iou, kinds, objects)
    return ImageErrors(labels, scores, object_labels, crowd, similarity, kinds, objects)


@jit
def match_in_image(
    similarity: Array, labels: Array, order: Array, object_labels: Array, crowd: Array, iou: float, most: int
) -> tuple[Array, Array]:
    """Match detections as COCO does: from the best score to the worst, with the most similar free object of the class.

    Of two objects with equal similarity, the later one is taken. A detection without object is ignored if it is inside
    a crowd.

    Parameters
    ----------
    similarity : float64 ndarray of shape (D, T)
    labels, object_labels : int64 ndarray of shape (D,), (T,)
    order : int64 ndarray of shape (D,)
        The detections, the best score first.
    crowd : bool ndarray of shape (T,)
    iou : float
        Smallest IoU of a match.
    most : int
        Number of detections of a class that take part.

    Returns
    -------
    kinds : int64 ndarray of shape (D,)
        ``CORRECT``, ``IGNORED``, ``LEFT_OUT``, or ``BACKGROUND`` for all others.
    objects : int64 ndarray of shape (D,)
        The object of a correct detection, else ``NOTHING``.
    """
    D, T = similarity.shape
    kinds, objects = np.full(D, BACKGROUND), np.full(D, NOTHING)
    free = ~crowd
    taking_part = np.zeros(max(labels.max() if D else 0, 0) + 1, np.int64)
    for d in order:
        if taking_part[labels[d]] == most:
            kinds[d] = LEFT_OUT
            continue
        taking_part[labels[d]] += 1
        best, best_iou, inside = NOTHING, iou, False
        for t in range(T):
            if object_labels[t] != labels[d]:
                continue
            if free[t] and similarity[d, t] >= best_iou:
                best, best_iou = t, similarity[d, t]
            inside |= crowd[t] and similarity[d, t] >= iou
        if best != NOTHING:
            free[best] = False
            kinds[d], objects[d] = CORRECT, best
        elif inside:
            kinds[d] = IGNORED
    return kinds, objects


@jit
def name_errors(
    similarity: Array,
    labels: Array,
    object_labels: Array,
    crowd: Array,
    iou: float,
    background_iou: float,
    kinds: Array,
    objects: Array,
) -> None:
    """Replace ``BACKGROUND`` in `kinds` by the kind of the error, and write its object into `objects`.

    The first that holds is the kind: an object of the class overlaps, though not enough (localization); one of another
    class overlaps enough (classification); one of the class does, which is taken (duplicate); none overlaps
    (background); else one of another class overlaps, though not enough (both).
    """
    for d in range(len(labels)):
        if kinds[d] != BACKGROUND:
            continue
        same = _most_similar(similarity[d], object_labels == labels[d], crowd)
        other = _most_similar(similarity[d], object_labels != labels[d], crowd)
        same_iou = similarity[d, same] if same != NOTHING else 0.0
        other_iou = similarity[d, other] if other != NOTHING else 0.0
        if background_iou <= same_iou <= iou:
            kinds[d], objects[d] = LOCALIZATION, same
        elif other_iou >= iou:
            kinds[d], objects[d] = CLASSIFICATION, other
        elif same_iou >= iou:
            kinds[d], objects[d] = DUPLICATE, same
        elif max(same_iou, other_iou) > background_iou:
            kinds[d] = BOTH


@jit
def _most_similar(similarity, candidates, crowd):
    """Return the first of the most similar objects among the candidates that count; ``NOTHING`` if none overlaps."""
    best, best_iou = NOTHING, 0.0
    for t in range(len(similarity)):
        if candidates[t] and not crowd[t] and similarity[t] > best_iou:
            best, best_iou = t, similarity[t]
    return best
