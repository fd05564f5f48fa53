"""Matching of detections with the objects of an image, by the rules of COCO and of PASCAL VOC; pixel counts of masks.

A detection is *matched* with an object (a true positive), *ignored* (neither true nor false), or else false. Both
rules go through the detections from the best score to the worst and give each at most one object; they differ in
which object.

These functions are compiled with `minivision.core.compile.jit` directly. They are no operations: they have one
implementation, which no backend replaces, and they do not check their arguments.
"""

from __future__ import annotations

import numpy as np

from minivision.core.compile import jit
from minivision.core.types import Array


@jit
def match_coco(
    similarity: Array, crowd: Array, uncounted: Array, outside: Array, thresholds: Array
) -> tuple[Array, Array]:
    """Match each detection with the most similar free object, as COCO does; objects that count go first.

    A crowd is always free: many detections can be matched with it. Of two objects with equal similarity, the later one
    is taken. A detection is ignored if its object does not count, and also if it has no object and its own area is
    outside the range.

    Parameters
    ----------
    similarity : float64 ndarray of shape (D, T)
        IoU or OKS of D detections, the best score first, with T objects; 0 where their classes differ.
    crowd : bool ndarray of shape (T,)
    uncounted : bool ndarray of shape (A, T)
        For each range of areas, which objects do not count: those outside of it, and crowds.
    outside : bool ndarray of shape (A, D)
        For each range of areas, which detections are outside of it.
    thresholds : float64 ndarray of shape (I,)
        Smallest similarities of a match, above 0.

    Returns
    -------
    matched, ignored : bool ndarray of shape (A, I, D)
    """
    ranges, T = uncounted.shape
    D = len(similarity)
    matched = np.zeros((ranges, len(thresholds), D), np.bool_)
    ignored = np.zeros((ranges, len(thresholds), D), np.bool_)
    for a in range(ranges):
        for i in range(len(thresholds)):
            taken = np.zeros(T, np.bool_)
            for d in range(D):
                best = -1
                for t in range(T):
                    if similarity[d, t] < thresholds[i] or (taken[t] and not crowd[t]):
                        continue
                    if best == -1 or uncounted[a, t] < uncounted[a, best]:
                        best = t
                    elif uncounted[a, t] == uncounted[a, best] and similarity[d, t] >= similarity[d, best]:
                        best = t
                if best == -1:
                    ignored[a, i, d] = outside[a, d]
                else:
                    taken[best] = True
                    matched[a, i, d] = not uncounted[a, best]
                    ignored[a, i, d] = uncounted[a, best]
    return matched, ignored


@jit
def match_voc(
    similarity: Array, crowd: Array, uncounted: Array, outside: Array, thresholds: Array
) -> tuple[Array, Array]:
    """Match each detection with the most similar object, free or not, as VOC does; the first with an object gets it.

    A second detection of an object is false, even if its similarity with another object is large enough. Detections of
    difficult objects (here `uncounted`) are ignored. Parameters and results are those of `match_coco`.
    """
    ranges, T = uncounted.shape
    D = len(similarity)
    matched = np.zeros((ranges, len(thresholds), D), np.bool_)
    ignored = np.zeros((ranges, len(thresholds), D), np.bool_)
    for a in range(ranges):
        for i in range(len(thresholds)):
            taken = np.zeros(T, np.bool_)
            for d in range(D):
                best = -1
                for t in range(T):
                    if best == -1 or similarity[d, t] > similarity[d, best]:
                        best = t
                if best == -1 or similarity[d, best] < thresholds[i]:
                    continue
                ignored[a, i, d] = uncounted[a, best]
                matched[a, i, d] = not uncounted[a, best] and not taken[best]
                taken[best] = True
    return matched, ignored


@jit
def shared_pixels(a: Array, b: Array) -> Array:
    """Count the pixels of the intersection of each mask of `a` with each of `b`.

    Parameters
    ----------
    a : uint64 ndarray of shape (K, words)
    b : uint64 ndarray of shape (L, words)
        Masks, with 64 pixels per word.

    Returns
    -------
    counts : int64 ndarray of shape (K, L)
    """
    counts = np.zeros((len(a), len(b)), np.int64)
    for k in range(len(a)):
        for l in range(len(b)):
            first, second, count = a[k], b[l], np.uint64(0)
            for i in range(len(first)):
                count += _count_ones(first[i] & second[i])
            counts[k, l] = count
    return counts


@jit
def count_pixels(masks: Array) -> Array:
    """Count the pixels of each mask, packed as for `shared_pixels`: int64 ``(K,)``."""
    counts = np.zeros(len(masks), np.int64)
    for k in range(len(masks)):
        words, count = masks[k], np.uint64(0)
        for i in range(len(words)):
            count += _count_ones(words[i])
        counts[k] = count
    return counts


@jit
def _count_ones(word):
    """Count the ones among 64 bits: in pairs, fours and eights; a product adds the bytes. LLVM knows this idiom."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)
