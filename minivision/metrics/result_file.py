"""Evaluation of a file of results, which any program may have written, with a ground truth."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minivision.core.progress import progress_bar
from minivision.core.types import Array
from minivision.data.ground_truth import GroundTruth
from minivision.data.instances import Instances
from minivision.data.result_file import Entry, ResultFile
from minivision.metrics.average_precision import Evaluation
from minivision.metrics.keypoints import joint_sigmas

__all__ = ["KINDS", "evaluate_results", "result_kinds"]

KINDS = {"boxes": "box", "masks": "mask", "joints": "keypoints"}  # of results -> of an evaluation

logger = logging.getLogger("minivision")


def evaluate_results(
    truth: GroundTruth,
    results: ResultFile,
    *,
    progress: bool = False,
    observe: Callable[[Instances, Instances, Array], object] | None = None,
) -> dict[str, Any]:
    """Return COCO's metrics of the boxes, masks and joints in a file of results.

    Parameters
    ----------
    truth : GroundTruth
    results : ResultFile
    progress : bool
        Whether to show a progress bar, on stderr.
    observe : callable, optional
        ``observe(objects, detections, scores)`` is called for each image of the ground truth, in their order; the
        scores are float64, as in the file.

    Returns
    -------
    metrics : dict
        As `evaluate_detection` returns them; those of boxes only if the results have boxes.

    Raises
    ------
    BrokenFileError
        If an image or a category is not in the ground truth, or a mask has another size than its image.
    ValueError
        If the results have only what the ground truth has not, or joints without constants for OKS.
    """
    if len(truth) == 0:
        raise ValueError("the ground truth holds no images, so there is nothing to evaluate")
    by_number = _by_number(truth, results)
    _check_labels(truth, results)
    kinds = result_kinds(truth, results)
    evaluations = {kind: _evaluation(truth, kind) for kind in kinds}
    scores = _comparable_scores(results)
    counted = 0
    with progress_bar(total=len(truth), unit="image", disable=not progress, leave=False) as bar:
        for number, image in enumerate(truth):
            entries = by_number.get(number, [])
            found = results.instances(entries, image.size, truth.labels, len(truth.keypoint_names))
            if observe is not None:
                observe(image.instances, found, np.array([entry["score"] for _, entry in entries], np.float64))
            if scores is not None:
                found = found.replace(scores=[scores[entry["score"]] for _, entry in entries])
            for evaluation in evaluations.values():
                evaluation.add(image.instances, found)
            counted += int((~image.instances.crowd).sum())
            bar.update()
    if not counted:
        logger.warning("There is nothing to count: the %d images have no objects, so there is no score", len(truth))
    metrics = {kind: evaluation.result().as_dict() for kind, evaluation in evaluations.items()}
    boxes, joints = metrics.pop("boxes", {}), metrics.pop("joints", None)
    return {**boxes, **metrics, **({"keypoints": joints} if joints else {}), "images": len(truth)}


def _by_number(truth: GroundTruth, results: ResultFile) -> dict[int, list[Entry]]:
    """Return the entries by the number of their image in the ground truth."""
    by_number: dict[int, list[Entry]] = {}
    elsewhere = 0
    for image_id, entries in results.by_image.items():
        if image_id not in truth.ids:
            raise results.error(
                entries[0][0],
                f"the ground truth has no image {image_id!r:.60}; image_id is one of {truth.what_ids_are}",
            )
        number = truth.ids[image_id]
        if number is None:
            elsewhere += len(entries)
        else:
            by_number.setdefault(number, []).extend(entries)
    if elsewhere:
        logger.info("Results of images of other splits, or of broken ones, are left out: %d", elsewhere)
    return {number: sorted(entries, key=lambda entry: entry[0]) for number, entries in by_number.items()}


def _check_labels(truth: GroundTruth, results: ResultFile) -> None:
    """Raise BrokenFileError if an entry has a category that is not in the ground truth, before anything takes time."""
    for entries in results.by_image.values():
        for position, entry in entries:
            results.label(position, entry["category_id"], truth.labels)


def result_kinds(truth: GroundTruth, results: ResultFile) -> Sequence[str]:
    """Return the kinds of results that can be evaluated; all that the ground truth has, for a file without results."""
    known = ["boxes", *(["masks"] if truth.has_masks else []), *(["joints"] if truth.keypoint_names else [])]
    kinds = [kind for kind in results.kinds or known if kind in known]
    left_out = [kind for kind in results.kinds if kind not in kinds]
    if not kinds:
        raise ValueError(f"{results.path} has {' and '.join(left_out)} only, and the ground truth has none")
    if left_out:
        logger.warning("The ground truth has no %s, so those of the results are not evaluated", " and ".join(left_out))
    return kinds


def _evaluation(truth: GroundTruth, kind: str) -> Evaluation:
    sigmas = joint_sigmas(truth.keypoint_names) if kind == "joints" else None
    return Evaluation(truth.classes, kind=KINDS[kind], sigmas=sigmas)


def _comparable_scores(results: ResultFile) -> dict[float, int] | None:
    """Return a rank for each score, if float32 numbers would not tell some of them apart; else None."""
    scores = sorted({entry["score"] for entries in results.by_image.values() for _, entry in entries})
    if len(np.unique(np.array(scores, np.float32))) == len(scores):
        return None
    return {score: rank for rank, score in enumerate(scores)}
