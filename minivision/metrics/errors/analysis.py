"""What is wrong with the detections in all images: kinds of errors, what they cost, confusions, scores.

The kinds are those of TIDE. [1]_ They are found at one IoU, and the cost of a kind is how much average precision (AP)
rises if it alone is repaired:

===============  ==================================================  =============================================
kind             a false detection ...                               repaired by
===============  ==================================================  =============================================
classification   overlaps enough, with an object of another class    giving it the class of that object
localization     overlaps with an object of its class, not enough    moving it onto that object
both             overlaps with another class's object, not enough    removing it
duplicate        overlaps enough, but another found the object       removing it
background       overlaps with no object                             removing it
missed           (an object that none of the first two is at)        not counting the object
===============  ==================================================  =============================================

As in the authors' program, and beyond what the paper says: of all errors of class and of place at an object only the
one with the best score repairs it, even if that is of the other kind; the others, and those at an object that is found,
are removed. A cost is never negative.

The AP is COCO's, its mean over the classes with objects; the authors' program also has the AP 0 of classes that are
detected and do not occur. A class of which all objects are removed is left out of the mean (there: if it is not
detected at all, else its AP is 0). At most 100 detections of each class in an image take part (there: of all classes
together). Detections inside a crowd are no errors (there they are, and objects near to them are not missed), and to be
inside is to reach the IoU (there: to exceed it). Of equally similar objects the later is matched (there: the first).
Detections with equal scores are in the order of the images (there: false ones first). Precision is taken at COCO's
recalls, of which some are not quite 0.01, 0.02, ... (there they are).

References
----------
.. [1] Bolya, Foley, Hays and Hoffman, TIDE: a general toolbox for identifying object detection errors, ECCV 2020.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minivision.core.types import Array
from minivision.data.instances import Instances
from minivision.metrics.compatibility import check_classes, check_pair, pairs
from minivision.metrics.errors import matching
from minivision.metrics.errors.by_score import ScoreCurve, score_curves
from minivision.metrics.errors.calibration import Calibration, calibrate
from minivision.metrics.errors.confusion import detection_confusion
from minivision.metrics.errors.matching import KINDS, ImageErrors, image_errors
from minivision.metrics.errors.repair import SPECIAL, pool, repaired

COMPARED = ("box", "mask")


@dataclass(frozen=True)
class DetectionErrors:
    """What is wrong with the detections in all images, as `detection_errors` returns it.

    Attributes
    ----------
    classes : tuple of str
        The background first.
    kind : str
        ``"box"`` or ``"mask"``.
    iou, background_iou : float
    ap : float
        COCO's average precision at `iou`, the mean over the classes with objects; NaN if there are none.
    counts : dict of str to int
        Number of errors by kind: false detections, and missed objects.
    cost : dict of str to float
        How much `ap` rises if all errors of a kind are repaired (dAP); also ``"false positives"``, without any false
        detection, and ``"false negatives"``, without the objects that are not found.
    by_class : dict of str to dict
        ``ap``, ``counts`` and ``cost`` of each class, ``objects`` and ``unfound``, numbers of objects. An error counts
        for the class of the detection, a missed object for its own.
    images : list of ImageErrors
        Outcome of each detection.
    """

    classes: tuple[str, ...]
    kind: str
    iou: float
    background_iou: float
    ap: float
    counts: dict[str, int]
    cost: dict[str, float]
    by_class: dict[str, dict[str, Any]]
    images: list[ImageErrors] = field(repr=False, compare=False)

    @property
    def unfound(self) -> int:
        """Number of objects that no detection found, with any score."""
        return sum(each["unfound"] for each in self.by_class.values())

    def confusion(self, score: float = 0.5) -> Array:
        """Return the confusion matrix of the detections with at least this score; see `detection_confusion`."""
        return detection_confusion(self.images, len(self.classes), self.iou, score)

    def score_curves(self) -> dict[str, ScoreCurve]:
        """Return precision, recall and F1 of each class against the least score that counts; see `score_curves`."""
        return score_curves(self.images, self.classes)

    def calibration(self, bins: int = 10) -> Calibration:
        """Return how far the scores are from the share of correct detections; see `calibrate`."""
        return calibrate(self.images, bins)

    @property
    def score_range(self) -> tuple[float, float]:
        """0 and 1 if all scores are from 0 to 1, as probabilities are; else limits that hold them and these two."""
        scores = np.concatenate([np.zeros(0), *(image.scores for image in self.images)])
        return float(scores.min(initial=0)), float(scores.max(initial=1))

    def as_dict(self) -> dict[str, Any]:
        """Return kinds, classes, thresholds, confusions and calibration as one dict of plain values."""
        kinds = {name: {"count": self.counts[name], "dAP": self.cost[name]} for name in KINDS}
        curves = self.score_curves()
        probabilities = self.score_range == (0.0, 1.0)
        return {
            "compared": self.kind,
            "iou": self.iou,
            "background_iou": self.background_iou,
            "AP": self.ap,
            "missed": self.unfound,
            "kinds": kinds,
            "dAP": {name: self.cost[name] for name in SPECIAL},
            "classes": self.by_class,
            "best_scores": {name: curve.best for name, curve in curves.items()},
            "calibration_error": self.calibration().error if probabilities else float("nan"),
        }


def detection_errors(
    truths: Iterable[Instances],
    predictions: Iterable[Instances],
    classes: Sequence[str],
    *,
    kind: str = "box",
    iou: float = 0.5,
    background_iou: float = 0.1,
    max_detections: int = 100,
) -> DetectionErrors:
    """Find out what is wrong with the detections in all images.

    Parameters
    ----------
    truths : iterable of Instances
        Ground truth of each image; crowds are not counted, nor are detections inside of them.
    predictions : iterable of Instances
        With scores, for the same images in the same order.
    classes : sequence of str
        Names of the classes, the background first.
    kind : {"box", "mask"}
        What to compare.
    iou, background_iou : float
        A detection with at least this IoU with an object has found it; one with at most the other is on the
        background.
    max_detections : int
        Number of detections of a class in an image that count, those with the best scores.

    Returns
    -------
    errors : DetectionErrors

    Raises
    ------
    ValueError
        If the numbers of truths and predictions differ, masks are missing, or a setting is out of its range.

    Examples
    --------
    >>> from minivision.data import Instances
    >>> from minivision.metrics import detection_errors
    >>> truth = Instances([[0, 0, 10, 10], [20, 0, 30, 10]], labels=[1, 1])
    >>> prediction = Instances([[0, 0, 10, 9], [20, 0, 30, 4]], labels=[1, 1], scores=[0.9, 0.8])
    >>> errors = detection_errors([truth], [prediction], ["background", "cat"])
    >>> errors.counts["localization"], round(errors.cost["localization"], 2)
    (1, 0.5)
    """
    analysis = ErrorAnalysis(classes, kind=kind, iou=iou, background_iou=background_iou, max_detections=max_detections)
    for truth, prediction in pairs(truths, predictions):
        analysis.add(truth, prediction)
    return analysis.result()


class ErrorAnalysis:
    """Errors in images that are added one by one, so that they need not be kept in memory.

    Parameters
    ----------
    classes, kind, iou, background_iou, max_detections
        As for `detection_errors`.
    """

    def __init__(
        self,
        classes: Sequence[str],
        *,
        kind: str = "box",
        iou: float = 0.5,
        background_iou: float = 0.1,
        max_detections: int = 100,
    ) -> None:
        if kind not in COMPARED:
            raise ValueError(f"kind: expected 'box' or 'mask', got {kind!r}")
        check_classes(classes)
        if not 0 <= background_iou < iou <= 1:
            raise ValueError(
                f"iou and background_iou: expected 0 <= background_iou < iou <= 1, got {iou} and {background_iou}"
            )
        if max_detections < 1:
            raise ValueError(f"max_detections: expected 1 or more, got {max_detections}")
        self.classes, self.kind = tuple(classes), kind
        self.iou, self.background_iou, self.max_detections = float(iou), float(background_iou), int(max_detections)
        self._images: list[ImageErrors] = []

    def add(self, truth: Instances, prediction: Instances, scores: Array | None = None) -> ImageErrors:
        """Add an image: its objects, and what was detected in it; return the outcome of each detection.

        Scores of a prediction are float32; where that is not enough to rank the detections, `scores` are exact.
        """
        check_pair(truth, prediction, self.kind, self.classes, image=len(self._images))
        image = image_errors(truth, prediction, self.kind, self.iou, self.background_iou, self.max_detections, scores)
        self._images.append(image)
        return image

    def result(self) -> DetectionErrors:
        """Return the `DetectionErrors` of the images so far."""
        classes = len(self.classes)
        pooled = pool(self._images)
        average = repaired(pooled, classes)
        positives = np.bincount(pooled.object_labels[pooled.counted], minlength=classes)
        unfound = np.bincount(pooled.object_labels[pooled.counted & ~pooled.found], minlength=classes)
        counts = {
            name: np.bincount(pooled.labels[pooled.kinds == getattr(matching, name.upper())], minlength=classes)
            for name in KINDS[:-1]
        }
        counts["missed"] = np.bincount(pooled.object_labels[pooled.missed], minlength=classes)
        before = average.pop("")
        by_class = {
            name: {
                "ap": float(before[label]),
                "counts": {kind: int(numbers[label]) for kind, numbers in counts.items()},
                "cost": {kind: _cost(values[label], before[label]) for kind, values in average.items()},
                "objects": int(positives[label]),
                "unfound": int(unfound[label]),
            }
            for label, name in enumerate(self.classes[1:], start=1)
        }
        total = {kind: int(numbers.sum()) for kind, numbers in counts.items()}
        ap = _mean(before)
        cost = {kind: _cost(_mean(values), ap) for kind, values in average.items()}
        return DetectionErrors(
            self.classes, self.kind, self.iou, self.background_iou, ap, total, cost, by_class, self._images
        )


def _cost(after, before):
    """Return by how much average precision rises, at least 0; NaN where no object counts, or none is left."""
    return float(np.maximum(after - before, 0.0))


def _mean(average):
    known = average[~np.isnan(average)]
    return float(known.mean()) if len(known) else float("nan")
