"""Which detections of an image found an object, by the rules of COCO and of PASCAL VOC; and pixels shared by masks.

Compiled by Numba. A detection is one of three: it *found* an object, it is false, or it is *ignored*, that is,
counted as neither. Both matchings walk through the detections from the best score down and give each at most one
object; they differ in which.
"""

import numpy as np

from minivision.core.compile import jit


@jit
def match_coco(overlap, crowd, uncounted, outside, thresholds):
    """Give each detection the free object that it overlaps most, objects that count before those that do not.

    A crowd is never taken: it may swallow many detections. Of two objects that a detection overlaps equally, it gets
    the later one. A detection that gets an object which does not count is ignored; so is one that gets none and is
    itself of a size that is not asked for.

    Parameters
    ----------
    overlap : (D, T) float64 array
        Of D detections, the best score first, with T true objects; 0 where their classes differ.
    crowd : (T,) bool array
    uncounted : (A, T) bool array
        For each range of areas, which objects do not count: those outside of it, and crowds.
    outside : (A, D) bool array
        For each range of areas, which detections are outside of it.
    thresholds : (I,) float64 array
        The overlap that makes a match, above 0.

    Returns
    -------
    found, ignored : (A, I, D) bool arrays
    """
    ranges, T = uncounted.shape
    D = len(overlap)
    found = np.zeros((ranges, len(thresholds), D), np.bool_)
    ignored = np.zeros((ranges, len(thresholds), D), np.bool_)
    for a in range(ranges):
        for i in range(len(thresholds)):
            taken = np.zeros(T, np.bool_)
            for d in range(D):
                best = -1
                for t in range(T):
                    if overlap[d, t] < thresholds[i] or (taken[t] and not crowd[t]):
                        continue
                    if best == -1 or uncounted[a, t] < uncounted[a, best]:
                        best = t
                    elif uncounted[a, t] == uncounted[a, best] and overlap[d, t] >= overlap[d, best]:
                        best = t
                if best == -1:
                    ignored[a, i, d] = outside[a, d]
                else:
                    taken[best] = True
                    found[a, i, d] = not uncounted[a, best]
                    ignored[a, i, d] = uncounted[a, best]
    return found, ignored


@jit
def match_voc(overlap, crowd, uncounted, outside, thresholds):
    """Give each detection the object that it overlaps most, free or not; the first to get an object finds it.

    A second detection of an object is false, even where it overlaps another one enough. Detections of difficult
    objects (here `uncounted`) are ignored. Arguments and results are those of `match_coco`.
    """
    ranges, T = uncounted.shape
    D = len(overlap)
    found = np.zeros((ranges, len(thresholds), D), np.bool_)
    ignored = np.zeros((ranges, len(thresholds), D), np.bool_)
    for a in range(ranges):
        for i in range(len(thresholds)):
            taken = np.zeros(T, np.bool_)
            for d in range(D):
                best = -1
                for t in range(T):
                    if best == -1 or overlap[d, t] > overlap[d, best]:
                        best = t
                if best == -1 or overlap[d, best] < thresholds[i]:
                    continue
                ignored[a, i, d] = uncounted[a, best]
                found[a, i, d] = not uncounted[a, best] and not taken[best]
                taken[best] = True
    return found, ignored


@jit
def shared_pixels(a, b):
    """Count the pixels that each mask of `a` shares with each of `b`.

    Parameters
    ----------
    a, b : (K, words), (L, words) uint64 arrays
        Masks, 64 pixels a word.

    Returns
    -------
    (K, L) int64 array
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
def count_pixels(masks):
    """Count the pixels of each mask, packed as for `shared_pixels`: ``(K,)`` int64."""
    counts = np.zeros(len(masks), np.int64)
    for k in range(len(masks)):
        words, count = masks[k], np.uint64(0)
        for i in range(len(words)):
            count += _count_ones(words[i])
        counts[k] = count
    return counts


@jit
def _count_ones(word):
    """Count the ones of 64 bits: by pairs, fours and eights, and a product adds the bytes. LLVM knows this idiom."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)
