"""Average precision: how well detections are found and ranked, by the protocols of PASCAL VOC and COCO.

The way is the same for all: sort the detections by score, match them with the true objects one after the other, count
up recall and precision, interpolate, average; class by class, and the mean over classes.
"""

import functools
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

import numpy as np

from minivision.metrics.compatibility import check_pair
from minivision.metrics.objects import compare_boxes, compare_keypoints, compare_masks
from minivision.metrics.precision_recall import Curve, average_at, average_over_all, precision_recall

KINDS = {"box": "boxes", "mask": "masks", "keypoints": "joints"}
VOC11_RECALLS = np.arange(11) / 10
COCO_RECALLS = np.linspace(0, 1, 101)
COCO_THRESHOLDS = np.linspace(0.5, 0.95, 10)
COCO_AREAS = {"all": (0, 1e10), "small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, 1e10)}  # pixels


class _Protocol(NamedTuple):
    """In what the protocols differ."""

    title: str
    by_coco: bool  # COCO's matching, crowds and names of figures, or VOC's
    average: callable  # recall, precision -> average precision
    thresholds: tuple  # of the overlap that makes a match
    areas: dict  # ranges of the sizes of objects, evaluated apart; "all" is the first
    most: tuple  # detections of a class in an image: recall is told for each, precision for the last


def _protocol(name, kind):
    """Return the settings of a protocol."""
    everything = {"all": (-np.inf, np.inf)}
    if name == "voc":
        return _Protocol("VOC, all points", False, average_over_all, (0.5,), everything, (np.inf,))
    if name == "voc11":
        average = functools.partial(average_at, VOC11_RECALLS)
        return _Protocol("VOC, 11 points", False, average, (0.5,), everything, (np.inf,))
    if name != "coco":
        raise ValueError(f"protocol: expected 'coco', 'voc' or 'voc11', got {name!r}")
    average = functools.partial(average_at, COCO_RECALLS)
    if kind == "keypoints":
        areas = {key: limits for key, limits in COCO_AREAS.items() if key != "small"}  # too small to tell joints
        return _Protocol("COCO, 101 points", True, average, COCO_THRESHOLDS, areas, (20,))
    return _Protocol("COCO, 101 points", True, average, COCO_THRESHOLDS, COCO_AREAS, (1, 10, 100))


@dataclass(frozen=True)
class AveragePrecision:
    """What `average_precision` found out.

    Attributes
    ----------
    protocol : str
        By which rules, such as ``"COCO, 101 points, boxes"``.
    figures : dict of str to float
        Means over the classes that occur in the truth, from 0 to 1; NaN if there is none. By COCO: ``AP`` (the mean
        over the thresholds .50, .55, ... .95 of the overlap), ``AP50``, ``AP75``, ``APs``, ``APm``, ``APl`` (for
        objects of less than 32^2 pixels, up to 96^2, and more), and average recall: ``AR1``, ``AR10``, ``AR100`` (with
        so many detections of a class in an image), ``ARs``, ``ARm``, ``ARl``. Joints have no ``APs`` and ``ARs``, and
        one ``AR20``. By VOC: ``AP50``.
    by_class : dict of str to dict
        The same figures for each class.
    curves : dict of str to dict of float to Curve
        For each class that occurs, and each threshold, recall and precision after each detection.
    """

    protocol: str
    figures: dict
    by_class: dict
    curves: dict

    @property
    def named(self):
        """The figures by their full names, such as ``"AP50 (COCO, 101 points, boxes)"``."""
        return {f"{name} ({self.protocol})": value for name, value in self.figures.items()}

    def as_dict(self):
        """Return figures, protocol and ``classes`` as one dict of plain values."""
        return {**self.figures, "protocol": self.protocol, "classes": self.by_class}

    def __str__(self):
        shown = [name for name in ("AP", "AP50", "AP75") if name in self.figures] or list(self.figures)
        rows = {"mean": self.figures, **self.by_class}
        width = max(map(len, rows))
        lines = [self.protocol, " " * width + "".join(f"{name:>8}" for name in shown)]
        for name, figures in rows.items():
            lines.append(f"{name:<{width}}" + "".join(_text(figures[key]) for key in shown))
        return "\n".join(lines)


def _text(figure):
    return f"{'-':>8}" if np.isnan(figure) else f"{figure:>8.3f}"


def average_precision(truths, predictions, classes, *, protocol="coco", kind="box", iou=None, sigmas=None):
    """Hold the detections of all images against the truth.

    Parameters
    ----------
    truths : iterable of Instances
        One for each image. Objects with ``crowd`` set are neither found nor missed: crowds in COCO (of which a
        detection needs to overlap only with its own area), what is difficult in VOC.
    predictions : iterable of Instances
        With scores, for the same images in the same order. Where scores are equal, the earlier image comes first.
    classes : sequence of str
        Their names, the background first.
    protocol : {"coco", "voc", "voc11"}
        COCO's; [1]_ VOC's area under the curve, since 2010; [2]_ or its mean at 11 recalls, up to 2009. [3]_
    kind : {"box", "mask", "keypoints"}
        Whether to compare boxes or masks, by intersection over union, or joints, by object keypoint similarity.
    iou : float or sequence of float, optional
        The overlap, or object keypoint similarity, that makes a match; by default 0.5 for VOC, and 0.50, 0.55, ...
        0.95 for COCO.
    sigmas : (J,) array, optional
        The constants of object keypoint similarity; by default COCO's for its 17 joints, and those of
        `joint_sigmas` for the 14 of the scenes.

    Returns
    -------
    AveragePrecision

    Raises
    ------
    ValueError
        When there are not as many predictions as truths, or what is compared is missing.

    Notes
    -----
    An object is small, medium or large by its ``area`` if it is told, else by its mask, else by its box.

    References
    ----------
    .. [1] Lin et al., Microsoft COCO: common objects in context, ECCV 2014; https://cocodataset.org/#detection-eval
    .. [2] Everingham et al., The PASCAL visual object classes challenge: a retrospective, IJCV 2015.
    .. [3] Everingham et al., The PASCAL visual object classes (VOC) challenge, IJCV 2010, section 4.2.
    """
    evaluation = Evaluation(classes, protocol=protocol, kind=kind, iou=iou, sigmas=sigmas)
    missing = object()
    for truth, prediction in zip_longest(truths, predictions, fillvalue=missing):
        if truth is missing or prediction is missing:
            fewer, more = ("truths", "predictions") if truth is missing else ("predictions", "truths")
            raise ValueError(
                f"there are fewer {fewer} than {more}; give one of each for every image, in the same order"
            )
        evaluation.add(truth, prediction)
    return evaluation.result()


class Evaluation:
    """The images one by one, and then the result: what `average_precision` does, without keeping them.

    Parameters
    ----------
    classes, protocol, kind, iou, sigmas
        As for `average_precision`.
    """

    def __init__(self, classes, *, protocol="coco", kind="box", iou=None, sigmas=None):
        if kind not in KINDS:
            raise ValueError(f"kind: expected one of {', '.join(map(repr, KINDS))}, got {kind!r}")
        if len(classes) < 2 or len(set(classes)) < len(classes):
            raise ValueError(f"classes: expected the background and other names that all differ, got {classes!r}")
        self.classes, self.kind, self.sigmas = tuple(classes), kind, sigmas
        self.protocol = _protocol(protocol, kind)
        self.thresholds = np.atleast_1d(self.protocol.thresholds if iou is None else iou).astype(float)
        within = (self.thresholds > 0) & (self.thresholds <= 1)
        if within.ndim > 1 or within.size == 0 or not within.all():
            raise ValueError(f"iou: expected numbers above 0 and up to 1, got {iou}")
        self._ranges = np.array(list(self.protocol.areas.values()), float)  # (A, 2)
        self._positives = np.zeros((len(self._ranges), len(self.classes)), np.int64)
        nothing = np.zeros((len(self._ranges), len(self.thresholds), 0), bool)
        # Of the detections of each image: labels, scores, ranks, and (A, I, D) whether they found an object, or are
        # ignored.
        self._detections = [(np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, int), nothing, nothing)]

    def add(self, truth, prediction):
        """Match the detections in one image with its objects."""
        from minivision.metrics.detection_matching import match_coco, match_voc

        check_pair(truth, prediction, self.kind, self.classes, image=len(self._detections) - 1)
        crowd = truth.crowd & self.protocol.by_coco  # VOC's difficult objects are no crowds
        compared = self._compare(truth, prediction, crowd)
        scores = np.zeros(0, np.float32) if prediction.scores is None else prediction.scores  # None where it is empty
        order = np.argsort(-scores, kind="stable")  # the best score first
        ranks = _ranks(prediction.labels[order])
        order, ranks = order[ranks < self.protocol.most[-1]], ranks[ranks < self.protocol.most[-1]]
        labels = prediction.labels[order]

        overlap = np.where(labels[:, None] == truth.labels, compared.overlap[order], 0)  # 0 is never a match
        uncounted = truth.crowd | ~compared.comparable | self._outside(compared.object_areas)  # (A, T)
        outside = self._outside(compared.detection_areas[order])  # (A, D)
        match = match_coco if self.protocol.by_coco else match_voc
        found, ignored = match(overlap, crowd, uncounted, outside, self.thresholds)
        for positives, not_these in zip(self._positives, uncounted, strict=True):
            positives += np.bincount(truth.labels[~not_these], minlength=len(self.classes))
        self._detections.append((labels, scores[order], ranks, found, ignored))

    def result(self):
        """Return the `AveragePrecision` over the images so far."""
        columns = zip(*self._detections, strict=True)
        labels, scores, ranks, found, ignored = (np.concatenate(column, axis=-1) for column in columns)
        by_class, curves = {}, {}
        for label, name in enumerate(self.classes[1:], start=1):
            ranking = np.flatnonzero(labels == label)
            ranking = ranking[np.argsort(-scores[ranking], kind="stable")]
            average, recalls, curve = self._rate(
                scores[ranking], ranks[ranking], found[..., ranking], ignored[..., ranking], self._positives[:, label]
            )
            by_class[name] = self._name(average, recalls)
            if curve:
                curves[name] = curve
        figures = {key: _mean(each[key] for each in by_class.values()) for key in by_class[self.classes[1]]}
        return AveragePrecision(f"{self.protocol.title}, {KINDS[self.kind]}", figures, by_class, curves)

    def _compare(self, truth, prediction, crowd):
        if self.kind == "box":
            return compare_boxes(truth, prediction, crowd)
        if self.kind == "mask":
            return compare_masks(truth, prediction, crowd)
        return compare_keypoints(truth, prediction, self.sigmas)

    def _outside(self, areas):
        """Return for each range of areas which of some are outside of it: ``(A, K)``."""
        return (areas < self._ranges[:, :1]) | (areas > self._ranges[:, 1:])

    def _rate(self, scores, ranks, found, ignored, positives):
        """Return the figures of one class from its detections in all images, the best score first.

        Parameters
        ----------
        scores, ranks : (n,) arrays
            The rank is that among the detections of the class in the same image.
        found, ignored : (A, I, n) bool arrays
        positives : (A,) int array
            How many objects there are to be found.

        Returns
        -------
        average : (A, I) array
            Average precision, NaN where there is nothing to be found.
        recalls : (A, M) array
            The recall that so many detections an image reach in the end, the mean over thresholds.
        curves : dict of float to Curve
            For objects of all sizes, by threshold.
        """
        average = np.full(found.shape[:2], np.nan)
        recalls = np.full((len(found), len(self.protocol.most)), np.nan)
        curves = {}
        for a in np.flatnonzero(positives):
            recall, precision = precision_recall(found[a], ignored[a], positives[a])  # (I, n)
            average[a] = [self.protocol.average(*curve) for curve in zip(recall, precision, strict=True)]
            recalls[a] = [np.mean(found[a][:, ranks < most].sum(axis=1) / positives[a]) for most in self.protocol.most]
            if a == 0:
                keys = self.thresholds.round(6).tolist()
                parts = zip(keys, recall, precision, average[a].tolist(), strict=True)
                curves = {key: Curve(r, p, scores, ap) for key, r, p, ap in parts}
        return average, recalls, curves

    def _name(self, average, recalls):
        """Return the figures of one class by name."""
        at = dict(zip((100 * self.thresholds).round(4).tolist(), average[0], strict=True))
        if not self.protocol.by_coco:
            return {f"AP{percent:g}": float(value) for percent, value in at.items()}
        letters = [name[0] for name in self.protocol.areas][1:]  # s, m, l
        figures = {"AP": average[0].mean()}
        figures |= {f"AP{percent}": at[percent] for percent in (50, 75) if percent in at}
        figures |= {f"AP{letter}": value for letter, value in zip(letters, average[1:].mean(axis=1), strict=True)}
        figures |= {f"AR{most}": value for most, value in zip(self.protocol.most, recalls[0], strict=True)}
        figures |= {f"AR{letter}": value for letter, value in zip(letters, recalls[1:, -1], strict=True)}
        return {name: float(value) for name, value in figures.items()}


def _ranks(labels):
    """Return how many of the same class come before each of ``(D,)`` labels."""
    order = np.argsort(labels, kind="stable")
    grouped = labels[order]
    ranks = np.empty(len(labels), int)
    ranks[order] = np.arange(len(labels)) - np.searchsorted(grouped, grouped)
    return ranks


def _mean(values):
    """Return the mean of those that are not NaN; NaN if there are none."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
