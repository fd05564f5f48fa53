"""How good a detector is: it predicts every image of a dataset, and average precision is taken of all."""

from minivision.metrics.average_precision import Evaluation
from minivision.metrics.compatibility import check_dataset
from minivision.metrics.keypoints import joint_sigmas, unknown_joints
from minivision.metrics.prediction import predicted


def evaluate_detection(model, dataset, *, protocol="coco", batch_size=16, progress=False):
    """Detect the objects in every image and hold them against the true ones.

    Parameters
    ----------
    model : Model
        With ``predict(images) -> list of Instances``, which have scores.
    dataset : Dataset
        Of the classes of the model.
    protocol : {"coco", "voc", "voc11"}
        As in :func:`average_precision`.
    batch_size : int
        Images predicted at once.
    progress : bool
        Whether to show a progress bar, on stderr.

    Returns
    -------
    dict
        Of the boxes: ``AP``, ``AP50``, ``AP75`` and the other figures of :class:`AveragePrecision`, from 0 to 1 and
        NaN where no object counts; ``protocol``, by which they were taken; ``classes``, the same figures by the name of
        the class. Where truth and predictions have them, ``masks`` and ``keypoints`` hold as much for these
        (``keypoints`` only of joints with known constants, see `joint_sigmas`). ``images`` says how many there were.

    Raises
    ------
    ValueError
        When the classes differ, or the dataset has no boxes or no images.
    """
    results = detection_results(model, dataset, protocol=protocol, batch_size=batch_size, progress=progress)
    figures = results.pop("box").as_dict()
    others = {"mask": "masks", "keypoints": "keypoints"}
    return {**figures, **{others[kind]: each.as_dict() for kind, each in results.items()}, "images": len(dataset)}


def detection_results(model, dataset, *, protocol="coco", batch_size=16, progress=False):
    """Return the :class:`AveragePrecision`, with its curves, of boxes and, where there are any, masks and joints.

    Arguments and errors are those of :func:`evaluate_detection`.

    Returns
    -------
    dict of str to AveragePrecision
        By kind: ``"box"``, ``"mask"``, ``"keypoints"``.
    """
    check_dataset(model, dataset, "boxes")
    evaluations = {"box": Evaluation(model.classes, protocol=protocol)}
    if dataset.has_masks:
        evaluations["mask"] = Evaluation(model.classes, protocol=protocol, kind="mask")
    if dataset.keypoint_names and not unknown_joints(dataset.keypoint_names):
        sigmas = joint_sigmas(dataset.keypoint_names)
        evaluations["keypoints"] = Evaluation(model.classes, protocol=protocol, kind="keypoints", sigmas=sigmas)
    for sample, prediction in predicted(model, dataset, batch_size=batch_size, progress=progress):
        if len(prediction) and not prediction.has_masks:
            evaluations.pop("mask", None)
        if len(prediction) and prediction.keypoints is None:
            evaluations.pop("keypoints", None)
        for evaluation in evaluations.values():
            evaluation.add(sample.instances, prediction)
    return {kind: evaluation.result() for kind, evaluation in evaluations.items()}
