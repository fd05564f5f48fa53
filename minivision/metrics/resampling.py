"""How sure a difference between two systems is: the paired bootstrap over the images of a test set.

A test set is a sample of all images that there might be. So it is resampled: N of its N images are drawn with
replacement, many times, and each time the metric is computed of these images alone. Two systems get the same images
each time, and what counts is the difference of their metrics (the pairs share what makes a set easy or hard). [1]_

Nothing is predicted or matched again: an image that is drawn twice counts twice. For average precision the outcomes of
all detections are kept in the order of their scores, and each is counted as often as its image was drawn; for mean IoU
the confusion matrices of the drawn images are added.

References
----------
.. [1] Efron and Tibshirani, An introduction to the bootstrap, 1993; of metrics of test sets: Koehn, Statistical
   significance tests for machine translation evaluation, EMNLP 2004.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minivision.core.compile import jit
from minivision.core.types import Array

if TYPE_CHECKING:
    from minivision.metrics.ranking import ImageRecord, Ranking

RESAMPLES = 1000
LEVEL = 0.95  # of the intervals


def resample_counts(images: int, resamples: int = RESAMPLES, *, seed: int = 0) -> Array:
    """Return how often each image is drawn: ``(resamples, images)``, each row with the sum `images`.

    The same number of images and the same seed give the same draws, so that they can be paired.
    """
    rng = np.random.default_rng(seed)
    counts = np.zeros((resamples, images), np.int64)
    for row in counts:
        row += np.bincount(rng.integers(images, size=images), minlength=images)
    return counts


class DetectionOutcomes(NamedTuple):
    """What each detection in N images was worth, for objects of all sizes; n detections, C classes, I thresholds.

    Attributes
    ----------
    images : int64 ndarray of shape (n,)
        The image of each detection: class after class, in each the best score first.
    starts : int64 ndarray of shape (C + 1,)
        Where each class starts, and where the last one ends.
    matched, ignored : bool ndarray of shape (n, I)
        Which are true positives, and which count neither as true nor as false, at each threshold.
    objects : int64 ndarray of shape (N, C)
        Objects that count, in each image.
    recalls : float64 ndarray of shape (R,)
        At which precision is averaged.
    """

    images: Array
    starts: Array
    matched: Array
    ignored: Array
    objects: Array
    recalls: Array

    def average_precision(self, counts: Array) -> Array:
        """Return the average precision of each class at each threshold, if each image counts so often.

        Parameters
        ----------
        counts : int ndarray of shape (N,)

        Returns
        -------
        average : float64 ndarray of shape (C, I)
            NaN for a class without objects in the images that count.
        """
        return _average_precision(np.asarray(counts, np.int64), *self)

    def metrics(self, counts: Array) -> dict[str, Array]:
        """Return COCO's ``AP`` and ``AP50`` for each row of `counts` ``(B, N)``: arrays of shape (B,)."""
        values = np.empty((len(counts), 2))
        for row, value in zip(counts, values, strict=True):
            average = self.average_precision(row)
            occurring = ~np.isnan(average[:, 0])
            value[:] = (average[occurring].mean(), average[occurring, 0].mean()) if occurring.any() else np.nan
        return {"AP": values[:, 0], "AP50": values[:, 1]}


class SegmentationOutcomes(NamedTuple):
    """The confusion matrix of each of N images.

    Attributes
    ----------
    confusion : int64 ndarray of shape (N, C, C)
        As `confusion_matrix` returns them.
    """

    confusion: Array

    def metrics(self, counts: Array) -> dict[str, Array]:
        """Return ``miou`` for each row of `counts` ``(B, N)``: an array of shape (B,)."""
        from minivision.metrics.segmentation import mean_iou

        images, classes, _ = self.confusion.shape
        sums = np.asarray(counts) @ self.confusion.reshape(images, -1)
        return {"miou": np.array([mean_iou(each.reshape(classes, classes)) for each in sums])}


class Difference(NamedTuple):
    """How much one system is better than another.

    Attributes
    ----------
    difference : float
        Of their metrics on the test set itself, positive if the first is better.
    low, high : float
        The interval that holds the share `LEVEL` of the differences of the resampled sets.
    share : float
        The share of the resampled sets on which the first is better; equal ones count one half.
    """

    difference: float
    low: float
    high: float
    share: float


def paired_difference(
    first: Array, second: Array, first_resampled: Array, second_resampled: Array, *, seed: int = 0
) -> Difference:
    """Compare two systems that were trained with the same seeds, and evaluated on the same images.

    In each of B resampled test sets as many seeds are drawn as there are, with replacement, the same for both systems;
    a system's metric is the mean over the drawn seeds. With one seed only the images vary. With two or three seeds the
    variation between trainings is known badly, and the interval tends to be too narrow.

    Parameters
    ----------
    first, second : ndarray of shape (S,)
        The metric of each seed on the test set.
    first_resampled, second_resampled : ndarray of shape (S, B)
        On each resampled set, the same sets for both.
    seed : int
        Of the draws of seeds.

    Returns
    -------
    Difference

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.metrics.resampling import paired_difference
    >>> better = paired_difference([0.6], [0.5], np.array([[0.61, 0.59]]), np.array([[0.52, 0.48]]))
    >>> round(better.difference, 3), better.share
    (0.1, 1.0)
    """
    differences = np.asarray(first_resampled, float) - np.asarray(second_resampled, float)  # (S, B)
    seeds, resamples = differences.shape
    drawn = np.random.default_rng(seed).integers(seeds, size=(seeds, resamples))
    means = np.take_along_axis(differences, drawn, axis=0).mean(axis=0)
    low, high = np.quantile(means, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    share = float(np.mean((means > 0) + 0.5 * (means == 0)))
    return Difference(float(np.mean(first) - np.mean(second)), float(low), float(high), share)


def detection_outcomes(ranking: Ranking, images: Sequence[ImageRecord], recalls: Array) -> DetectionOutcomes:
    """Return the outcomes in a ranking of the detections in some images.

    Parameters
    ----------
    ranking : minivision.metrics.ranking.Ranking
    images : sequence of minivision.metrics.ranking.ImageRecord
        Of which the ranking was made.
    recalls : ndarray of shape (R,)
    """
    owners = np.repeat(np.arange(len(images)), [len(image.labels) for image in images])
    classes = len(ranking.starts) - 1
    objects = [np.bincount(image.object_labels[~image.uncounted], minlength=classes) for image in images]
    bits = np.arange(ranking.thresholds)

    def flags(words: Array) -> Array:
        """Take the bits of objects of all sizes out of the words ``(W, N, A)``: ``(n, I)``."""
        return (
            words[bits // 64, :, 0][:, ranking.order] >> (bits % 64).astype(np.uint64)[:, None] & np.uint64(1)
        ).T > 0

    return DetectionOutcomes(
        owners[ranking.order], ranking.starts, flags(ranking.matched), flags(ranking.ignored),
        np.array(objects, np.int64).reshape(len(images), classes), recalls,
    )  # fmt: skip


@jit
def _average_precision(counts, images, starts, matched, ignored, objects, recalls):
    """Go down the list of each class once for each threshold; see `DetectionOutcomes.average_precision`."""
    classes, thresholds = objects.shape[1], matched.shape[1]
    average = np.full((classes, thresholds), np.nan)
    recall, precision = np.empty(len(images)), np.empty(len(images))  # at each true positive
    for c in range(classes):
        positives = 0
        for n in range(len(counts)):
            positives += counts[n] * objects[n, c]
        if positives == 0:
            continue
        for i in range(thresholds):
            found = true = counted = 0
            for k in range(starts[c], starts[c + 1]):
                times = counts[images[k]]
                if times == 0:
                    continue
                if matched[k, i]:
                    true += times
                    counted += times
                    recall[found], precision[found] = true / positives, true / counted
                    found += 1
                elif not ignored[k, i]:
                    counted += times
            for k in range(found - 2, -1, -1):
                precision[k] = max(precision[k], precision[k + 1])  # the best at this recall or a larger one
            total, k = 0.0, 0
            for r in range(len(recalls)):
                while k < found and recall[k] < recalls[r]:
                    k += 1
                total += precision[k] if k < found else 0.0
            average[c, i] = total / len(recalls)
    return average
