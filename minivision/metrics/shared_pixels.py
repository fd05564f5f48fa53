"""IoU of masks, from the pixels that they share: of masks packed into words of 64 pixels, or of run lengths.

Only masks of the same class are compared. These functions are compiled with `minivision.core.compile.jit`, and do not
check their arguments.
"""

from __future__ import annotations

import numpy as np

from minivision.core.compile import jit
from minivision.core.types import Array


@jit
def mask_similarity(shared: Array, areas: Array, object_areas: Array, crowd: Array) -> Array:
    """Return the IoU of D masks with T objects; for a crowd, the fraction of the mask that is inside of it.

    Parameters
    ----------
    shared : int64 ndarray of shape (D, T)
        Number of pixels that both have.
    areas, object_areas : int64 ndarray of shape (D,), (T,)
        Number of pixels of each.
    crowd : bool ndarray of shape (T,)

    Returns
    -------
    similarity : float64 ndarray of shape (D, T)
    """
    similarity = np.zeros(shared.shape)
    for d in range(len(areas)):
        for t in range(len(object_areas)):
            if shared[d, t] > 0:
                whole = areas[d] if crowd[t] else areas[d] + object_areas[t] - shared[d, t]
                similarity[d, t] = shared[d, t] / whole
    return similarity


@jit
def shared_in_words(a: Array, labels_a: Array, b: Array, labels_b: Array) -> Array:
    """Count the pixels of the intersection of each mask of `a` with each of `b` that has the same label.

    Parameters
    ----------
    a : uint64 ndarray of shape (K, words)
    b : uint64 ndarray of shape (L, words)
        Masks, with 64 pixels per word.
    labels_a, labels_b : int64 ndarray of shape (K,), (L,)

    Returns
    -------
    counts : int64 ndarray of shape (K, L)
        0 where the labels differ.
    """
    counts = np.zeros((len(a), len(b)), np.int64)
    for k in range(len(a)):
        for l in range(len(b)):
            if labels_a[k] == labels_b[l]:
                first, second, count = a[k], b[l], np.uint64(0)
                for i in range(len(first)):
                    count += _count_ones(first[i] & second[i])
                counts[k, l] = count
    return counts


@jit
def count_in_words(masks: Array) -> Array:
    """Count the pixels of each mask, packed as for `shared_in_words`: int64 ``(K,)``."""
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


@jit
def shared_in_runs(a: Array, starts_a: Array, labels_a: Array, b: Array, starts_b: Array, labels_b: Array) -> Array:
    """Count the pixels of the intersection of each mask of `a` with each of `b` that has the same label.

    Parameters
    ----------
    a, b : int64 ndarray of shape (n, 2)
        First pixel of each run, and the one after the last: ``runs`` of `RunLengths`.
    starts_a, starts_b : int64 ndarray of shape (K + 1,), (L + 1,)
        Which runs belong to each mask: its ``starts``.
    labels_a, labels_b : int64 ndarray of shape (K,), (L,)

    Returns
    -------
    counts : int64 ndarray of shape (K, L)
        0 where the labels differ.
    """
    K, L = len(labels_a), len(labels_b)
    counts = np.zeros((K, L), np.int64)
    for k in range(K):
        for l in range(L):
            if labels_a[k] == labels_b[l]:
                counts[k, l] = _shared(a[starts_a[k] : starts_a[k + 1]], b[starts_b[l] : starts_b[l + 1]])
    return counts


@jit
def _shared(a, b):
    """Count the pixels that are in the runs of both masks: go along both, and leave the run that ends first."""
    count = 0
    if len(a) == 0 or len(b) == 0:
        return count
    i, j = _first_after(a, b[0, 0]), _first_after(b, a[0, 0])
    while i < len(a) and j < len(b):
        low, high = max(a[i, 0], b[j, 0]), min(a[i, 1], b[j, 1])
        count += max(high - low, 0)
        if a[i, 1] < b[j, 1]:
            i += 1
        else:
            j += 1
    return count


@jit
def _first_after(runs, pixel):
    """Return the first run that ends after a pixel."""
    low, high = 0, len(runs)
    while low < high:
        middle = (low + high) // 2
        if runs[middle, 1] <= pixel:
            low = middle + 1
        else:
            high = middle
    return low
