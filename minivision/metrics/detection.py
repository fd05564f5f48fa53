"""Evaluation of a detector: average precision of its detections in a dataset."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from minivision.metrics.average_precision import AveragePrecision, Evaluation
from minivision.metrics.compatibility import check_dataset
from minivision.metrics.keypoints import joint_sigmas, unknown_joints
from minivision.metrics.prediction import predict_dataset

if TYPE_CHECKING:
    from minivision.data import Dataset, Instances, Sample
    from minivision.executors import Executor
    from minivision.models.base.model import Model

logger = logging.getLogger("minivision")


def evaluate_detection(
    model: Model,
    dataset: Dataset,
    *,
    protocol: str = "coco",
    batch_size: int = 16,
    progress: bool = False,
    observe: Callable[[Sample, Instances], object] | None = None,
    executor: Executor | None = None,
) -> dict[str, Any]:
    """Detect the objects in every image and compute the average precision.

    Parameters
    ----------
    model : Model
        With ``predict(images) -> list of Instances``, which have scores.
    dataset : Dataset
        With the same classes as the model.
    protocol : {"coco", "voc", "voc11"}
        As in :func:`average_precision`.
    batch_size : int
        Number of images in each call of ``model.predict``.
    progress : bool
        Whether to show a progress bar, on stderr.
    observe : callable, optional
        ``observe(sample, prediction)`` is called for each image, in the order of the dataset.
    executor : Executor, optional
        Where the predictions are made, as in :func:`~minivision.metrics.prediction.predict_dataset`; by default here.

    Returns
    -------
    metrics : dict
        For boxes: ``AP``, ``AP50``, ``AP75`` and the other metrics of :class:`AveragePrecision`, from 0 to 1, NaN with
        a warning if no object counts; ``protocol``; ``classes``, the same metrics by the name of the class. If ground
        truth and predictions have masks or joints, ``masks`` and ``keypoints`` are dicts with the same keys
        (``keypoints`` only for joints with known constants, see `joint_sigmas`). ``images`` is the number of images.

    Raises
    ------
    ValueError
        If the classes differ, or the dataset has no boxes or no images.
    """
    options: dict[str, Any] = {"batch_size": batch_size, "progress": progress, "executor": executor}
    results = detection_results(model, dataset, protocol=protocol, observe=observe, **options)
    metrics = results.pop("box").as_dict()
    others = {"mask": "masks", "keypoints": "keypoints"}
    return {**metrics, **{others[kind]: each.as_dict() for kind, each in results.items()}, "images": len(dataset)}


def detection_results(
    model: Model,
    dataset: Dataset,
    *,
    protocol: str = "coco",
    batch_size: int = 16,
    progress: bool = False,
    observe: Callable[[Sample, Instances], object] | None = None,
    executor: Executor | None = None,
) -> dict[str, AveragePrecision]:
    """Return the :class:`AveragePrecision`, with its curves, of boxes and, if there are any, masks and joints.

    Parameters and errors are those of :func:`evaluate_detection`.

    Returns
    -------
    results : dict of str to AveragePrecision
        By kind: ``"box"``, ``"mask"``, ``"keypoints"``.
    """
    check_dataset(model, dataset, "boxes")
    evaluations = {"box": Evaluation(model.classes, protocol=protocol)}
    if dataset.has_masks:
        evaluations["mask"] = Evaluation(model.classes, protocol=protocol, kind="mask")
    unknown = unknown_joints(dataset.keypoint_names)
    if unknown and getattr(model, "keypoint_names", None):
        logger.warning("Joints are not evaluated, since there is no OKS constant for %s", ", ".join(unknown))
    if dataset.keypoint_names and not unknown:
        sigmas = joint_sigmas(dataset.keypoint_names)
        evaluations["keypoints"] = Evaluation(model.classes, protocol=protocol, kind="keypoints", sigmas=sigmas)
    counted = crowds = 0
    options: dict[str, Any] = {"batch_size": batch_size, "progress": progress, "executor": executor}
    for sample, prediction in predict_dataset(model, dataset, **options):
        if len(prediction) and not prediction.has_masks:
            evaluations.pop("mask", None)
        if len(prediction) and prediction.keypoints is None:
            evaluations.pop("keypoints", None)
        if observe is not None:
            observe(sample, prediction)
        for evaluation in evaluations.values():
            evaluation.add(sample.instances, prediction)
        crowds += int(sample.instances.crowd.sum())
        counted += len(sample.instances) - int(sample.instances.crowd.sum())
    if not counted:
        objects = f"only {crowds} crowds, which do not count" if crowds else "no objects"
        logger.warning("There is nothing to count: the %d images have %s, so there is no score", len(dataset), objects)
    return {kind: evaluation.result() for kind, evaluation in evaluations.items()}
