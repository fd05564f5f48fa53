"""Matching of detections with the objects of an image, by the rules of COCO and of PASCAL VOC.

A detection is *matched* with an object (a true positive), *ignored* (neither true nor false), or else false. Both
rules go through the detections from the best score to the worst and give each at most one object; they differ in
which object. `match_images` applies a rule to each class in each image.

An evaluation asks for several thresholds on the similarity. Each is one bit of a word, so that all are matched at
once: bit i of ``matched`` says whether the detection is matched at threshold i.

These functions are compiled with `minivision.core.compile.jit` directly. They are no operations: they have one
implementation, which no backend replaces, and they do not check their arguments.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minivision.core.compile import jit
from minivision.core.types import Array

try:
    from minivision.metrics.box_similarity import box_similarity
except ImportError:  # in a handout; then all similarities are given

    @jit
    def box_similarity(a, i, b, j, is_crowd):
        """Return no similarity."""
        return np.nan


MAX_THRESHOLDS = 64  # the bits of a word


class Pool(NamedTuple):
    """The detections of all images, one after the other, or the objects.

    Attributes
    ----------
    cells : int64 ndarray of shape (n,)
        Number of the image times the number of classes, plus the class.
    order : int64 ndarray of shape (n,)
        All of them, sorted by cell; in a cell the best score comes first, or the earliest object.
    boxes : float64 ndarray of shape (n, 4)
    excluded : bool ndarray of shape (n, A)
        For each range of areas, which do not count: those outside of it, and objects that never count.
    crowd : bool ndarray of shape (n,)
        Which objects are crowds; not used for detections.
    """

    cells: Array
    order: Array
    boxes: Array
    excluded: Array
    crowd: Array


class Similarities(NamedTuple):
    """Similarities of masks or joints of all images, one after the other.

    Attributes
    ----------
    values : float64 ndarray of shape (n,)
        Of each detection with each object of its image, row by row; empty if the boxes shall be compared.
    places : int64 ndarray of shape (N,)
        Where the row of a detection starts, less the number of its image's first object: the similarity of detection d
        with object t is ``values[places[d] + t]``.
    """

    values: Array
    places: Array


@jit
def match_images(
    detections: Pool,
    objects: Pool,
    similarities: Similarities,
    thresholds: Array,
    most: int,
    is_coco: bool,
    matched: Array,
    ignored: Array,
    ranks: Array,
) -> None:
    """Match the detections of each class in each image with its objects.

    Parameters
    ----------
    detections, objects : Pool
        N detections and T objects.
    similarities : Similarities
    thresholds : float64 ndarray of shape (I,)
        Smallest similarities of a match, above 0; at most 64.
    most : int
        Number of detections of a class in an image that take part; the others are neither matched nor ignored.
    is_coco : bool
        Whether to match as COCO does, else as VOC.
    matched, ignored : uint64 ndarray of shape (N, A)
        Zeros, written to. For each range of areas; bit i is for threshold i.
    ranks : int64 ndarray of shape (N,)
        Written to: how many detections of the class in the same image have a better score.
    """
    N, T = len(detections.order), len(objects.order)
    every_bit = ~np.uint64(0) >> np.uint64(MAX_THRESHOLDS - len(thresholds))
    start = first = 0  # of the cell among the detections, and among the objects
    while start < N:
        cell = detections.cells[detections.order[start]]
        end = start
        while end < N and detections.cells[detections.order[end]] == cell:
            ranks[detections.order[end]] = end - start
            end += 1
        while first < T and objects.cells[objects.order[first]] < cell:
            first += 1
        last = first
        while last < T and objects.cells[objects.order[last]] == cell:
            last += 1
        mine = detections.order[start : min(end, start + most)]
        theirs = objects.order[first:last]
        similarity = _compare(mine, theirs, detections.boxes, objects, similarities, is_coco)
        if is_coco:
            outside = detections.excluded
            _match_coco(similarity, mine, theirs, outside, objects, thresholds, every_bit, matched, ignored)
        elif len(theirs):
            _match_voc(similarity, mine, theirs, objects.excluded, thresholds, matched, ignored)
        start = end


@jit
def _compare(mine, theirs, boxes, objects, similarities, is_coco):
    """Return the similarity of each detection of a cell with each of its objects: ``(D, T)``."""
    similarity = np.empty((len(mine), len(theirs)))
    for d in range(len(mine)):
        for t in range(len(theirs)):
            if len(similarities.values):
                similarity[d, t] = similarities.values[similarities.places[mine[d]] + theirs[t]]
            else:
                is_crowd = is_coco and objects.crowd[theirs[t]]  # VOC's difficult objects are no crowds
                similarity[d, t] = box_similarity(boxes, mine[d], objects.boxes, theirs[t], is_crowd)
    return similarity


@jit
def _match_coco(similarity, mine, theirs, outside, objects, thresholds, every_bit, matched, ignored):
    """Match each detection of a cell with the most similar free object, as COCO does; objects that count go first.

    A crowd is always free: many detections can be matched with it. Of two objects with equal similarity, the later one
    is taken. A detection is ignored if its object does not count, and also if it has no object and its own area is
    outside the range.

    Parameters
    ----------
    similarity : float64 ndarray of shape (D, T)
        IoU or OKS of D detections, the best score first, with T objects.
    mine, theirs : int64 ndarray of shape (D,), (T,)
        Which detections and objects these are, of those in all images.
    outside : bool ndarray of shape (N, A)
        Which detections are outside of each range.
    every_bit : uint64
        A one for each threshold.
    matched, ignored : uint64 ndarray of shape (N, A)
        Written to.
    """
    taken = np.zeros((len(theirs), outside.shape[1]), np.uint64)
    near, reached = np.empty(len(theirs), np.int64), np.empty(len(theirs), np.uint64)
    for d in range(len(mine)):
        count = _most_similar_first(similarity[d], thresholds, near)
        for k in range(count):
            reached[k] = _reached(similarity[d, near[k]], thresholds)
        for a in range(outside.shape[1]):
            searching = every_bit  # the thresholds for which the detection has no object yet
            for excluded in (False, True):
                for k in range(count):
                    t = near[k]
                    if objects.excluded[theirs[t], a] != excluded:
                        continue
                    found = searching & reached[k] & ~taken[t, a]
                    searching ^= found
                    if not objects.crowd[theirs[t]]:
                        taken[t, a] |= found
                    if excluded:
                        ignored[mine[d], a] |= found
                    else:
                        matched[mine[d], a] |= found
            if outside[mine[d], a]:
                ignored[mine[d], a] |= searching


@jit
def _match_voc(similarity, mine, theirs, difficult, thresholds, matched, ignored):
    """Match each detection with the most similar object, free or not, as VOC does; the first with an object gets it.

    A second detection of an object is false, even if its similarity with another object is large enough. Detections of
    difficult objects, bool ``(T, A)``, are ignored. The other parameters are those of `_match_coco`.
    """
    taken = np.zeros((len(theirs), difficult.shape[1]), np.uint64)
    for d in range(len(mine)):
        best = 0
        for t in range(len(theirs)):
            if similarity[d, t] > similarity[d, best]:
                best = t
        reached = _reached(similarity[d, best], thresholds)
        for a in range(difficult.shape[1]):
            if difficult[theirs[best], a]:
                ignored[mine[d], a] = reached
            else:
                matched[mine[d], a] = reached & ~taken[best, a]
            taken[best, a] |= reached


@jit
def _most_similar_first(similarity, thresholds, near):
    """Write into `near` the objects that reach some threshold: the most similar first, of equal ones the later first.

    Returns
    -------
    count : int
        How many there are.
    """
    count = 0
    for t in range(len(similarity)):
        if _reached(similarity[t], thresholds) != np.uint64(0):
            k = count
            while k > 0 and similarity[near[k - 1]] <= similarity[t]:
                near[k] = near[k - 1]
                k -= 1
            near[k] = t
            count += 1
    return count


@jit
def _reached(similarity, thresholds):
    """Return a word with ones for the thresholds up to this similarity."""
    bits = np.uint64(0)
    for i in range(len(thresholds)):
        if similarity >= thresholds[i]:
            bits |= np.uint64(1) << np.uint64(i)
    return bits
