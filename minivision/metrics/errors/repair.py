"""Average precision after errors of one kind are repaired."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minivision.core.types import Array
from minivision.metrics.average_precision import COCO_RECALLS
from minivision.metrics.errors import matching
from minivision.metrics.errors.matching import CLASSIFICATION, CORRECT, LOCALIZATION, NOTHING, ImageErrors
from minivision.metrics.precision_recall import average_at, precision_recall
from minivision.metrics.sorting import best_first

SPECIAL = ("false positives", "false negatives")
_CODES = {name: getattr(matching, name.upper()) for name in matching.KINDS[:-1]}


class Pooled(NamedTuple):
    """The N detections that count, of all images, the best score first, and the objects T.

    Attributes
    ----------
    labels, kinds : int64 ndarray of shape (N,)
    objects : int64 ndarray of shape (N,)
        Places in `object_labels`, or ``NOTHING``.
    object_labels : int64 ndarray of shape (T,)
    counted, found, missed : bool ndarray of shape (T,)
        Of `ImageErrors`; objects that count are no crowds.
    """

    labels: Array
    kinds: Array
    objects: Array
    object_labels: Array
    counted: Array
    found: Array
    missed: Array


def pool(images: Sequence[ImageErrors]) -> Pooled:
    """Put the images one after the other, and sort the detections by score; of equal ones the earlier comes first."""
    return pool_scores(images)[0]


def pool_scores(images: Sequence[ImageErrors]) -> tuple[Pooled, Array]:
    """Return also the scores of the detections: ``(N,)``, falling; float64 if those of an image are."""
    counts = np.array([len(image.object_labels) for image in images], np.int64)
    starts = np.cumsum(counts) - counts
    places = [
        np.where(image.objects == NOTHING, NOTHING, image.objects + start)
        for image, start in zip(images, starts, strict=True)
    ]
    labels, kinds, objects = (
        _joined(each, np.int64)
        for each in ([image.labels for image in images], [image.kinds for image in images], places)
    )
    scores = _joined([image.scores for image in images], np.float32)
    order = best_first(scores) if scores.dtype == np.float32 else np.argsort(-scores, kind="stable")
    order = order[kinds[order] < matching.IGNORED]
    pooled = Pooled(
        labels[order], kinds[order], objects[order], _joined([image.object_labels for image in images], np.int64),
        ~_joined([image.crowd for image in images], bool), _joined([image.found for image in images], bool),
        _joined([image.missed for image in images], bool),
    )  # fmt: skip
    return pooled, scores[order]


def _joined(arrays, dtype):
    return np.concatenate([np.zeros(0, dtype), *arrays])


def average_precisions(labels: Array, true: Array, positives: Array) -> Array:
    """Return the average precision of each class, as COCO computes it.

    Parameters
    ----------
    labels : int64 ndarray of shape (n,)
        Of detections, the best score first.
    true : bool ndarray of shape (n,)
        Which are true positives; the others are false.
    positives : int64 ndarray of shape (C,)
        Number of objects of each class.

    Returns
    -------
    average : float64 ndarray of shape (C,)
        NaN for a class without objects.
    """
    average = np.full(len(positives), np.nan)
    for label in np.flatnonzero(positives):
        matched = true[labels == label]
        curve = precision_recall(matched, np.zeros(len(matched), bool), positives[label])
        average[label] = average_at(COCO_RECALLS, *curve)
    return average


def repaired(pooled: Pooled, classes: int) -> dict[str, Array]:
    """Return the average precision of each class after one kind of error is repaired, by the name of the kind.

    Parameters
    ----------
    pooled : Pooled
    classes : int
        Number of classes C, with the background.

    Returns
    -------
    average : dict of str to float64 ndarray of shape (C,)
        ``""`` is without a repair.
    """
    labels, kinds = pooled.labels, pooled.kinds
    true = kinds == CORRECT
    positives = np.bincount(pooled.object_labels[pooled.counted], minlength=classes)
    average = {"": average_precisions(labels, true, positives)}
    repairable = _best_of_each_object(pooled)
    for name, code in _CODES.items():
        chosen = kinds == code
        becomes_true = chosen & repairable
        new_labels = labels.copy()
        new_labels[becomes_true] = pooled.object_labels[pooled.objects[becomes_true]]
        keep = ~chosen | becomes_true
        average[name] = average_precisions(new_labels[keep], (true | becomes_true)[keep], positives)
    missed = np.bincount(pooled.object_labels[pooled.missed], minlength=classes)
    unfound = np.bincount(pooled.object_labels[pooled.counted & ~pooled.found], minlength=classes)
    average["missed"] = average_precisions(labels, true, positives - missed)
    average["false positives"] = average_precisions(labels[true], true[true], positives)
    average["false negatives"] = average_precisions(labels, true, positives - unfound)
    return average


def _best_of_each_object(pooled):
    """Return which errors of class or place would become true: of those at an object that is not found, the first."""
    candidates = np.isin(pooled.kinds, (CLASSIFICATION, LOCALIZATION))
    places = np.flatnonzero(candidates)
    places = places[~pooled.found[pooled.objects[places]]]
    _, first = np.unique(pooled.objects[places], return_index=True)
    result = np.zeros(len(pooled.kinds), bool)
    result[places[first]] = True
    return result
