"""Detections of all images, ranked in each class and matched with the objects: average precision is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minivision.core.types import Array
from minivision.data.instances import Instances
from minivision.metrics.objects import (
    box_areas,
    compare_boxes,
    compare_keypoints,
    compare_masks,
    compiled_boxes,
    given_areas,
)


class ImageRecord(NamedTuple):
    """What is kept of an image: D detections and T objects.

    Attributes
    ----------
    labels, scores, boxes : ndarray of shape (D,), (D,), (D, 4)
    object_labels, object_boxes : ndarray of shape (T,), (T, 4)
    crowd : bool ndarray of shape (T,)
    uncounted : bool ndarray of shape (T,)
        Which objects never count.
    areas, object_areas : ndarray of shape (D,), (T,), or None
        In pixels; None for the areas of the boxes.
    similarity : float64 ndarray of shape (D, T), or None
        IoU of masks or OKS of joints. Without it boxes are compared.
    """

    labels: Array
    scores: Array
    boxes: Array
    object_labels: Array
    object_boxes: Array
    crowd: Array
    uncounted: Array
    areas: Array | None
    object_areas: Array | None
    similarity: Array | None


class Ranking(NamedTuple):
    """N detections of C classes with the outcomes of their matching.

    Attributes
    ----------
    order : int64 ndarray of shape (n,)
        Which detections take part: class after class, in each the best score first.
    starts : int64 ndarray of shape (C + 1,)
        Where each class starts in `order`, and where the last one ends.
    matched, ignored : uint64 ndarray of shape (W, N, A)
        Of `match_images`, for each range of areas: W words of 64 bits, with a bit for each threshold.
    positives : int64 ndarray of shape (A, C)
        Number of objects that count.
    ranks : int64 ndarray of shape (N,)
        How many detections of the class in the same image have a better score.
    scores : float32 ndarray of shape (n,)
        In the order of `order`.
    thresholds : int
        Number of thresholds I.
    """

    order: Array
    starts: Array
    matched: Array
    ignored: Array
    positives: Array
    ranks: Array
    scores: Array
    thresholds: int


def record(
    truth: Instances, prediction: Instances, kind: str, is_coco: bool, sigmas: Array | Sequence[float] | None = None
) -> ImageRecord:
    """Return what is kept of an image; nothing of it changes if the arrays do.

    Parameters are those of `average_precision`; VOC's difficult objects are no crowds.
    """
    labels, object_labels, crowd = prediction.labels.copy(), truth.labels.copy(), truth.crowd.copy()
    scores = np.zeros(0, np.float32) if prediction.scores is None else prediction.scores.copy()  # None if empty
    if kind == "box":
        boxes, object_boxes, areas = prediction.boxes.copy(), truth.boxes.copy(), given_areas(truth)
        similarity = None if compiled_boxes() else compare_boxes(boxes, object_boxes, crowd & is_coco)
        return ImageRecord(labels, scores, boxes, object_labels, object_boxes, crowd, crowd, None, areas, similarity)
    if kind == "mask":
        compared = compare_masks(truth, prediction, crowd & is_coco)
    else:
        compared = compare_keypoints(truth, prediction, None if sigmas is None else np.asarray(sigmas))
    return ImageRecord(
        labels, scores, _NO_BOXES, object_labels, _NO_BOXES, crowd, crowd | ~compared.comparable,
        compared.detection_areas, compared.object_areas, compared.similarity,
    )  # fmt: skip


def rank(
    images: Sequence[ImageRecord], classes: int, ranges: Array, most: float, thresholds: Array, is_coco: bool
) -> Ranking:
    """Rank the detections of all images in each class, and match them with the objects.

    Parameters
    ----------
    images : sequence of ImageRecord
    classes : int
        Number of classes C, with the background.
    ranges : ndarray of shape (A, 2)
        Ranges of areas, evaluated separately.
    most : float
        Number of detections of a class in an image that take part, those with the best scores.
    thresholds : float64 ndarray of shape (I,)
        Smallest similarities of a match.
    is_coco : bool
        Whether to match as COCO does, else as VOC.
    """
    from minivision.metrics.sorting import best_first, sort_by

    images = [_NOTHING, *images]  # so that there is something to concatenate
    columns = dict(zip(ImageRecord._fields, zip(*images, strict=True), strict=True))
    labels, scores, object_labels, crowd, uncounted = (
        np.concatenate(columns[name]) for name in ("labels", "scores", "object_labels", "crowd", "uncounted")
    )
    order = sort_by(labels, best_first(scores), classes)
    objects_in_order = sort_by(object_labels, np.arange(len(object_labels)), classes)
    all_count = np.zeros(len(labels), bool)
    detections = _pool(columns, "", order, all_count, all_count, classes, ranges)
    objects = _pool(columns, "object_", objects_in_order, uncounted, crowd, classes, ranges)
    similarities = _similarities(columns)
    matched, ignored, ranks = _match(detections, objects, similarities, thresholds, most, is_coco)

    order = order[ranks[order] < most]
    starts = np.concatenate([[0], np.cumsum(np.bincount(labels[order], minlength=classes))])
    positives = np.array([np.bincount(object_labels[~these], minlength=classes) for these in objects.excluded.T])
    return Ranking(order, starts, matched, ignored, positives, ranks, scores[order], len(thresholds))


def _pool(columns, prefix, order, uncounted, crowd, classes, ranges):
    """Return the `Pool` of all detections, or, with a prefix, objects; `order` has class after class."""
    from minivision.metrics.detection_matching import Pool
    from minivision.metrics.sorting import sort_by

    labels, boxes, areas = (columns[prefix + name] for name in ("labels", "boxes", "areas"))
    counts = np.array([len(each) for each in labels])
    numbers = np.repeat(np.arange(len(counts)), counts)  # (n,), of the images
    boxes = np.concatenate(boxes).astype(np.float64)
    areas = _areas(areas, counts, boxes)[:, None]
    excluded = uncounted[:, None] | (areas < ranges[:, 0]) | (areas > ranges[:, 1])  # (n, A)
    cells = numbers * classes + np.concatenate(labels)
    return Pool(cells, sort_by(numbers, order, len(counts)), boxes, excluded, crowd)


def _areas(given, counts, boxes):
    """Return the areas in all images: those that are given, else those of the boxes."""
    if all(areas is not None for areas in given[1:]):  # but for _NOTHING
        return np.concatenate([np.zeros(0), *given[1:]])
    result = box_areas(boxes)
    ends = np.cumsum(counts)
    for areas, start, end in zip(given, ends - counts, ends, strict=True):
        if areas is not None:
            result[start:end] = areas
    return result


def _similarities(columns):
    """Return the `Similarities` of all images."""
    from minivision.metrics.detection_matching import Similarities

    matrices = [matrix for matrix in columns["similarity"] if matrix is not None]
    if not matrices:
        return Similarities(np.zeros(0), np.zeros(0, np.int64))
    counts, object_counts = (np.array([len(each) for each in columns[name]]) for name in ("labels", "object_labels"))
    widths = np.repeat(object_counts, counts)  # (N,), of the row of each detection
    first_objects = np.repeat(np.cumsum(object_counts) - object_counts, counts)
    return Similarities(np.concatenate([each.ravel() for each in matrices]), np.cumsum(widths) - widths - first_objects)


def _match(detections, objects, similarities, thresholds, most, is_coco):
    """Match in as many calls as the thresholds have words: matched and ignored ``(W, N, A)``, ranks ``(N,)``."""
    from minivision.metrics.detection_matching import MAX_THRESHOLDS, match_images

    words = [thresholds[i : i + MAX_THRESHOLDS] for i in range(0, len(thresholds), MAX_THRESHOLDS)]
    matched, ignored = (np.zeros((len(words), *detections.excluded.shape), np.uint64) for _ in range(2))
    ranks = np.zeros(len(detections.cells), np.int64)
    most = int(min(most, len(ranks)))
    for w, part in enumerate(words):
        match_images(detections, objects, similarities, part, most, is_coco, matched[w], ignored[w], ranks)
    return matched, ignored, ranks


_NO_BOXES = np.zeros((0, 4), np.float32)
_NOTHING = ImageRecord(
    np.zeros(0, np.int64), np.zeros(0, np.float32), _NO_BOXES, np.zeros(0, np.int64), _NO_BOXES, np.zeros(0, bool),
    np.zeros(0, bool), None, None, None,
)  # fmt: skip
