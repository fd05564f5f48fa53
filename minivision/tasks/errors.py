"""What a detector does wrong in a dataset: kinds of errors and what they cost, and why objects are missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minivision.core.types import Array
from minivision.data.instances import Instances
from minivision.metrics.errors import KINDS, DetectionErrors, ErrorAnalysis, ImageErrors, best_score
from minivision.tasks.misses import CAUSES, explain_misses

if TYPE_CHECKING:
    from minivision.data import Dataset, Sample
    from minivision.models.base.detector import Detector

__all__ = ["ErrorCollector", "ErrorReport", "ImageReport", "ResultErrors", "calibration_text", "error_lines"]

TITLES = {"box": "boxes", "mask": "masks"}


class ImageReport(NamedTuple):
    """The objects of an image, what was detected, and what is wrong with it.

    Attributes
    ----------
    truth, prediction : Instances
        Boxes, labels and scores only.
    outcome : ImageErrors
        Of the boxes.
    causes : dict of int to str
        For each object that was not found the step that lost it, a key of `CAUSES`; empty if no detector is at hand.
    """

    truth: Instances
    prediction: Instances
    outcome: ImageErrors
    causes: dict[int, str]

    def false(self, score: float) -> Array:
        """Which detections with at least this score are errors: bool ``(D,)``."""
        return (self.outcome.kinds > 0) & (self.outcome.kinds < len(KINDS)) & (self.outcome.scores >= score)


class ErrorReport(NamedTuple):
    """What a detector does wrong in a dataset.

    Attributes
    ----------
    errors : dict of str to DetectionErrors
        By what was compared: ``"box"``, and ``"mask"`` if there are masks; of a file of results what it has.
    causes : dict of str to dict
        Likewise, the number of objects that were lost by each step; they sum to ``errors[...].unfound``. Empty for a
        file of results: how its detector came to them is not known.
    images : list of ImageReport
        In the order of the dataset.
    score : float
        From which score on pictures and confusions count detections.
    """

    errors: dict[str, DetectionErrors]
    causes: dict[str, dict[str, int]]
    images: list[ImageReport]
    score: float

    def as_dict(self) -> dict[str, Any]:
        """Return the report on the boxes as a dict of plain values; that on the masks is its entry ``masks``.

        ``causes`` are None if they are not known.
        """
        parts = {
            kind: {
                **errors.as_dict(),
                "causes": self.causes.get(kind),
                "confusion": {"score": self.score, "counts": errors.confusion(self.score).tolist()},
            }
            for kind, errors in self.errors.items()
        }
        boxes = parts.pop("box", {})
        return {**boxes, **({"masks": parts["mask"]} if "mask" in parts else {})}


class ErrorCollector:
    """Collects the errors of a detector while it is evaluated: :meth:`add` is called with each image.

    Of a detector that tells no classes apart (DenseCap) they are errors of boxes alone.

    Parameters
    ----------
    model : Detector
    dataset : Dataset
        The images that will be added, in order.
    """

    def __init__(self, model: Detector, dataset: Dataset) -> None:
        self.model = model
        self._analyses = {"box": ErrorAnalysis(model.detected_classes)}
        if dataset.has_masks:
            self._analyses["mask"] = ErrorAnalysis(model.detected_classes, kind="mask")
        self._causes: dict[str, Counter] = {kind: Counter() for kind in self._analyses}
        self._has_masks = False
        self._images: list[ImageReport] = []

    def add(self, sample: Sample, prediction: Instances) -> None:
        """Add an image with what was detected in it; where objects are missed, look how the detector came to that."""
        truth, prediction = map(self.model.as_detected, (sample.instances, prediction))
        self._has_masks |= prediction.has_masks
        if len(prediction) and not prediction.has_masks:
            self._analyses.pop("mask", None)
        outcomes = {kind: analysis.add(truth, prediction) for kind, analysis in self._analyses.items()}
        unfound = outcomes["box"].unfound
        causes: dict[int, str] = {}
        if unfound.any():
            (trace,) = self.model.trace([sample.image])
            explained = explain_misses(trace, truth, unfound, self._analyses["box"].iou)
            causes = dict(zip(np.flatnonzero(unfound).tolist(), explained, strict=True))
        for kind, outcome in outcomes.items():  # an object whose box was found has a coarse mask
            self._causes[kind].update(causes.get(t, "coarse mask") for t in np.flatnonzero(outcome.unfound).tolist())
        self._images.append(_image_report(truth, prediction, outcomes["box"], causes))

    def report(self) -> ErrorReport:
        """Return the `ErrorReport` on the images so far."""
        if not self._has_masks:  # nor would a detector without masks that has not detected anything
            self._analyses.pop("mask", None)
        errors = {kind: analysis.result() for kind, analysis in self._analyses.items()}
        causes = {
            kind: {name: self._causes[kind][name] for name in CAUSES if self._causes[kind][name]} for kind in errors
        }
        return ErrorReport(errors, causes, self._images, self.model.picture_score)


class ResultErrors:
    """Collects the errors in a file of results, image by image.

    Parameters
    ----------
    classes : sequence of str
        The background first.
    kinds : sequence of str
        What to compare: ``"box"``, ``"mask"`` or both.
    """

    def __init__(self, classes: Sequence[str], kinds: Sequence[str]) -> None:
        self._analyses = {kind: ErrorAnalysis(classes, kind=kind) for kind in kinds}
        self._images: list[ImageReport] = []

    def add(self, truth: Instances, prediction: Instances, scores: Array) -> None:
        """Add an image with the results for it, and their scores as they are in the file."""
        outcomes = [analysis.add(truth, prediction, scores) for analysis in self._analyses.values()]
        self._images.append(_image_report(truth, prediction, outcomes[0], {}))

    def report(self) -> ErrorReport:
        """Return the `ErrorReport` on the images so far; its score is the best one for all classes together."""
        errors = {kind: analysis.result() for kind, analysis in self._analyses.items()}
        return ErrorReport(errors, {}, self._images, best_score([image.outcome for image in self._images]))


def _image_report(truth, prediction, outcome, causes):
    """Return the report on an image; masks and joints are not kept."""
    shown = Instances(prediction.boxes, prediction.labels, scores=outcome.scores)
    objects = Instances(truth.boxes, truth.labels, crowd=truth.crowd)
    return ImageReport(objects, shown, outcome, causes)


def error_lines(report: ErrorReport) -> list[str]:
    """Return the report as lines of text."""
    lines = []
    for kind, errors in report.errors.items():
        objects = sum(each["objects"] for each in errors.by_class.values())
        lines += ["", f"errors of {TITLES[kind]} at IoU {errors.iou:g}, and by how much AP50 rises without them (dAP)"]
        lines += [f"  {name:<18}{errors.counts[name]:>8}{_number(errors.cost[name]):>8}" for name in KINDS]
        lines += [f"  {name:<18}{'':>8}{_number(errors.cost[name]):>8}" for name in errors.cost if name not in KINDS]
        lines += ["", f"{errors.unfound} of {objects} objects are not found with any score{_lost(report, kind)}"]
        lines += [f"  {name:<24}{count:>5}  {CAUSES[name]}" for name, count in report.causes.get(kind, {}).items()]
        lines += ["", *_class_lines(errors)]
        lines += ["", calibration_text(errors)]
    return lines[1:]


def _lost(report, kind):
    if kind not in report.causes:
        return "; which step lost them is not known, since no detector is at hand"
    return "; they are lost by" if report.causes[kind] else ""


def calibration_text(errors: DetectionErrors) -> str:
    """Return how far scores are from being probabilities."""
    if errors.score_range != (0, 1):
        return "some scores are below 0 or above 1, so they are no probabilities and have no calibration"
    return f"scores are off by {_number(errors.calibration().error)} on average (D-ECE)"


def _class_lines(errors):
    """Return a line for each class: its objects, and the score with which precision and recall are best together."""
    curves = errors.score_curves()
    width = 2 + max(map(len, ["class", *errors.by_class]))
    lines = [f"{'class':<{width}} objects  not found  best score  precision  recall     F1"]
    for name, each in errors.by_class.items():
        best = curves[name].best if name in curves else dict.fromkeys(("score", "precision", "recall", "f1"), np.nan)
        numbers = f"{_number(best['score']):>12}{_number(best['precision']):>11}{_number(best['recall']):>8}"
        lines.append(f"{name:<{width}}{each['objects']:>8}{each['unfound']:>11}{numbers}{_number(best['f1']):>7}")
    return lines


def _number(value):
    return "-" if np.isnan(value) else f"{value:.3f}"
