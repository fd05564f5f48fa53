"""Average precision of detections, by the protocols of PASCAL VOC and COCO.

The steps are the same for all protocols: sort the detections by score, match them with the objects one after the
other, compute recall and precision after each detection, interpolate, average. This gives the average precision of one
class; the result is the mean over the classes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minivision.core.types import Array
from minivision.data.instances import Instances
from minivision.metrics.compatibility import check_classes, check_pair, pairs
from minivision.metrics.precision_recall import Curve, average_over_all
from minivision.metrics.ranking import ImageRecord, Ranking, rank, record

if TYPE_CHECKING:
    from minivision.metrics.resampling import DetectionOutcomes

KINDS = {"box": "boxes", "mask": "masks", "keypoints": "joints"}
VOC11_RECALLS = np.arange(11) / 10
COCO_RECALLS = np.linspace(0, 1, 101)
COCO_THRESHOLDS = np.linspace(0.5, 0.95, 10)
COCO_AREAS = {"all": (0, 1e10), "small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, 1e10)}  # pixels


class _Protocol(NamedTuple):
    """The differences between the protocols."""

    title: str
    is_coco: bool  # COCO's matching, crowds and names of metrics, or VOC's
    recalls: Array | None  # at which precision is averaged; None: over all recalls
    thresholds: Sequence[float] | Array  # smallest similarity (IoU or OKS) of a match
    areas: Mapping[str, tuple[float, float]]  # ranges of the areas of objects, evaluated separately; "all" is the first
    max_detections: tuple[float, ...]  # of a class in an image: there is a recall for each, precision is for the last


def _protocol(name, kind):
    """Return the settings of a protocol."""
    everything = {"all": (-np.inf, np.inf)}
    if name == "voc":
        return _Protocol("VOC, all points", False, None, (0.5,), everything, (np.inf,))
    if name == "voc11":
        return _Protocol("VOC, 11 points", False, VOC11_RECALLS, (0.5,), everything, (np.inf,))
    if name != "coco":
        raise ValueError(f"protocol: expected 'coco', 'voc' or 'voc11', got {name!r}")
    if kind == "keypoints":
        areas = {key: limits for key, limits in COCO_AREAS.items() if key != "small"}  # too small for joints
        return _Protocol("COCO, 101 points", True, COCO_RECALLS, COCO_THRESHOLDS, areas, (20,))
    return _Protocol("COCO, 101 points", True, COCO_RECALLS, COCO_THRESHOLDS, COCO_AREAS, (1, 10, 100))


@dataclass(frozen=True)
class AveragePrecision:
    """Average precision and average recall, as `average_precision` returns them.

    Attributes
    ----------
    protocol : str
        The protocol, such as ``"COCO, 101 points, boxes"``.
    metrics : dict of str to float
        Means over the classes that occur in the ground truth, from 0 to 1; NaN if none occurs. COCO's are ``AP`` (the
        mean over the IoU thresholds .50, .55, ... .95), ``AP50``, ``AP75``, ``APs``, ``APm``, ``APl`` (objects of less
        than 32^2 pixels, up to 96^2, and more), and average recall: ``AR1``, ``AR10``, ``AR100`` (with at most so many
        detections of a class in an image), ``ARs``, ``ARm``, ``ARl``. For joints there are no ``APs`` and ``ARs``, and
        one ``AR20``. VOC's is ``AP50``.
    by_class : dict of str to dict
        The same metrics for each class.
    """

    protocol: str
    metrics: dict[str, float]
    by_class: dict[str, dict[str, float]]
    _ranking: Ranking = field(repr=False, compare=False)
    _thresholds: Array = field(repr=False, compare=False)
    _average: Array = field(repr=False, compare=False)  # (C, I), over objects of all areas
    _images: Sequence[ImageRecord] = field(repr=False, compare=False)
    _recalls: Array | None = field(repr=False, compare=False)

    @functools.cached_property
    def curves(self) -> dict[str, dict[float, Curve]]:
        """Recall and precision after each detection, for each class that occurs and each threshold."""
        from minivision.metrics.class_curves import class_curves

        recall, precision = class_curves(self._ranking)
        keys, curves = self._thresholds.round(6).tolist(), {}
        for label, name in enumerate(self.by_class, start=1):
            if self._ranking.positives[0, label]:
                part = slice(*self._ranking.starts[label : label + 2])
                scores, averages = self._ranking.scores[part], self._average[label].tolist()
                rows = zip(keys, recall[:, part], precision[:, part], averages, strict=True)
                curves[name] = {key: Curve(r, p, scores, ap) for key, r, p, ap in rows}
        return curves

    @functools.cached_property
    def outcomes(self) -> DetectionOutcomes:
        """What each detection was worth, to compute average precision of resampled images.

        Raises
        ------
        ValueError
            For a protocol that averages precision over all recalls.
        """
        from minivision.metrics.resampling import detection_outcomes

        if self._recalls is None:
            raise ValueError(f"resampling needs a protocol with fixed recalls, such as 'coco'; this is {self.protocol}")
        return detection_outcomes(self._ranking, self._images, self._recalls)

    @property
    def named(self) -> dict[str, float]:
        """The metrics by their full names, such as ``"AP50 (COCO, 101 points, boxes)"``."""
        return {f"{name} ({self.protocol})": value for name, value in self.metrics.items()}

    def as_dict(self) -> dict[str, Any]:
        """Return metrics, protocol and ``classes`` as one dict of plain values."""
        return {**self.metrics, "protocol": self.protocol, "classes": self.by_class}

    def __str__(self) -> str:
        usual = ("AP", "AP50", "AP75")
        shown = [name for name in self.metrics if name in usual] or list(self.metrics)
        rows = {"mean": self.metrics, **self.by_class}
        width = max(map(len, rows))
        lines = [self.protocol, " " * width + "".join(f"{name:>8}" for name in shown)]
        for name, metrics in rows.items():
            lines.append(f"{name:<{width}}" + "".join(_text(metrics[key]) for key in shown))
        return "\n".join(lines)


def _text(value):
    return f"{'-':>8}" if np.isnan(value) else f"{value:>8.3f}"


def average_precision(
    truths: Iterable[Instances],
    predictions: Iterable[Instances],
    classes: Sequence[str],
    *,
    protocol: str = "coco",
    kind: str = "box",
    iou: float | Sequence[float] | None = None,
    sigmas: Array | Sequence[float] | None = None,
) -> AveragePrecision:
    """Compute the average precision of the detections in all images.

    Parameters
    ----------
    truths : iterable of Instances
        Ground truth of each image. An object with ``crowd`` set is not counted, matched or not: a crowd in COCO
        (its IoU with a detection is the intersection over the area of the detection), a difficult object in VOC.
    predictions : iterable of Instances
        With scores, for the same images in the same order. If scores are equal, the earlier image comes first.
    classes : sequence of str
        Names of the classes, the background first.
    protocol : {"coco", "voc", "voc11"}
        COCO's; [1]_ VOC's area under the curve, since 2010; [2]_ or its mean at 11 recalls, up to 2009. [3]_
    kind : {"box", "mask", "keypoints"}
        Whether to compare boxes or masks, by IoU, or joints, by object keypoint similarity (OKS).
    iou : float or sequence of float, optional
        Smallest IoU (or OKS) of a match; by default 0.5 for VOC, and 0.50, 0.55, ... 0.95 for COCO.
    sigmas : ndarray of shape (J,), optional
        Constants of the OKS; by default COCO's for its 17 joints, and those of `joint_sigmas` for the 14 of the
        scenes.

    Returns
    -------
    result : AveragePrecision

    Raises
    ------
    ValueError
        If the numbers of predictions and truths differ, or the compared masks or joints are missing.

    Notes
    -----
    An object is small, medium or large by its ``area`` if it has one, else by its mask, else by its box.

    References
    ----------
    .. [1] Lin et al., Microsoft COCO: common objects in context, ECCV 2014; https://cocodataset.org/#detection-eval
    .. [2] Everingham et al., The PASCAL visual object classes challenge: a retrospective, IJCV 2015.
    .. [3] Everingham et al., The PASCAL visual object classes (VOC) challenge, IJCV 2010, section 4.2.

    Examples
    --------
    >>> from minivision.data import Instances
    >>> from minivision.metrics import average_precision
    >>> truth = Instances([[0, 0, 10, 10], [20, 0, 30, 10]], labels=[1, 1])
    >>> prediction = Instances([[0, 0, 10, 9], [50, 50, 60, 60]], labels=[1, 1], scores=[0.9, 0.8])
    >>> result = average_precision([truth], [prediction], ["background", "cat"], protocol="voc")
    >>> result.metrics["AP50"]
    0.5
    """
    evaluation = Evaluation(classes, protocol=protocol, kind=kind, iou=iou, sigmas=sigmas)
    for truth, prediction in pairs(truths, predictions):
        evaluation.add(truth, prediction)
    return evaluation.result()


class Evaluation:
    """Average precision over images that are added one by one, so that they need not be kept in memory.

    Parameters
    ----------
    classes, protocol, kind, iou, sigmas
        As for `average_precision`.
    """

    def __init__(
        self,
        classes: Sequence[str],
        *,
        protocol: str = "coco",
        kind: str = "box",
        iou: float | Sequence[float] | None = None,
        sigmas: Array | Sequence[float] | None = None,
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"kind: expected one of {', '.join(map(repr, KINDS))}, got {kind!r}")
        check_classes(classes)
        self.classes, self.kind, self.sigmas = tuple(classes), kind, sigmas
        self.protocol = _protocol(protocol, kind)
        self.thresholds = np.atleast_1d(self.protocol.thresholds if iou is None else iou).astype(float)
        within = (self.thresholds > 0) & (self.thresholds <= 1)
        if within.ndim > 1 or within.size == 0 or not within.all():
            raise ValueError(f"iou: expected numbers above 0 and up to 1, got {iou}")
        self._images: list[ImageRecord] = []

    def add(self, truth: Instances, prediction: Instances) -> None:
        """Add an image: its objects, and what was detected in it."""
        check_pair(truth, prediction, self.kind, self.classes, image=len(self._images))
        self._images.append(record(truth, prediction, self.kind, self.protocol.is_coco, self.sigmas))

    def result(self) -> AveragePrecision:
        """Return the `AveragePrecision` over the images so far."""
        from minivision.metrics.class_curves import recall_within

        limits = np.array(self.protocol.max_detections, float)
        ranges = np.array(list(self.protocol.areas.values()), float)
        ranking = rank(self._images, len(self.classes), ranges, limits[-1], self.thresholds, self.protocol.is_coco)
        average = self._average(ranking)  # (A, C, I)
        columns = self._columns(average, recall_within(limits, ranking).mean(axis=-1))
        by_class = {
            name: {key: values[label] for key, values in columns.items()}
            for label, name in enumerate(self.classes[1:], start=1)
        }
        metrics = {key: _mean(values[1:]) for key, values in columns.items()}
        title = f"{self.protocol.title}, {KINDS[self.kind]}"
        return AveragePrecision(
            title, metrics, by_class, ranking, self.thresholds, average[0], tuple(self._images), self.protocol.recalls
        )

    def _average(self, ranking):
        """Return the average precision of each class: ``(A, C, I)``, NaN where no object counts."""
        from minivision.metrics.class_curves import class_curves, precision_at

        if self.protocol.recalls is not None:
            return precision_at(self.protocol.recalls, ranking).mean(axis=-1)
        recall, precision = class_curves(ranking)
        average = np.full((*ranking.positives.shape, len(self.thresholds)), np.nan)  # A is 1
        for c in np.flatnonzero(ranking.positives[0]):
            part = slice(*ranking.starts[c : c + 2])
            average[0, c] = [average_over_all(r, p) for r, p in zip(recall[:, part], precision[:, part], strict=True)]
        return average

    def _columns(self, average, recalls):
        """Return the metrics of all classes by name: lists of C numbers."""
        at = dict(zip((100 * self.thresholds).round(4).tolist(), average[0].T, strict=True))
        if not self.protocol.is_coco:
            return {f"AP{percent:g}": values.tolist() for percent, values in at.items()}
        letters = [name[0] for name in self.protocol.areas][1:]  # s, m, l
        columns = {"AP": average[0].mean(axis=-1)}
        columns |= {f"AP{percent}": at[percent] for percent in (50, 75) if percent in at}
        columns |= {f"AP{letter}": values.mean(axis=-1) for letter, values in zip(letters, average[1:], strict=True)}
        columns |= {f"AR{limit}": recalls[0, :, m] for m, limit in enumerate(self.protocol.max_detections)}
        columns |= {f"AR{letter}": values[:, -1] for letter, values in zip(letters, recalls[1:], strict=True)}
        return {name: values.tolist() for name, values in columns.items()}


def _mean(values):
    """Return the mean of the values that are not NaN; NaN if there are none."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
