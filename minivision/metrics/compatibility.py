"""Whether a model and a dataset, or a prediction and its truth, speak of the same things."""

import numpy as np


def check_dataset(model, dataset, *needs):
    """Raise ValueError unless `dataset` has the classes of `model` and the annotations that are needed.

    Parameters
    ----------
    model : Model
    dataset : Dataset
    *needs : str
        ``"label_maps"``, ``"boxes"``, ``"keypoints"``.
    """
    ours, theirs = tuple(model.classes), tuple(dataset.classes)
    if ours != theirs:
        raise ValueError(
            f"the model knows the classes {_list(ours)}, but the dataset has {_list(theirs)}; "
            "they must be the same, in the same order"
        )
    if "label_maps" in needs and not dataset.has_label_maps:
        raise ValueError(
            f"{model.name} needs to know the class of every pixel, and this dataset has no label maps; "
            "take a split or a dataset with segmentations"
        )
    if "boxes" in needs and not dataset.has_boxes:
        raise ValueError(f"{model.name} needs boxes, and this dataset has label maps only")
    if "keypoints" in needs and not dataset.keypoint_names:
        raise ValueError(f"{model.name} needs to know where people's joints are, and this dataset has none")


def check_pair(truth, prediction, kind, classes, image):
    """Raise ValueError unless the detections in an image can be held against its objects.

    Parameters
    ----------
    truth, prediction : Instances
    kind : str
        What is compared: ``"box"``, ``"mask"`` or ``"keypoints"``.
    classes : sequence of str
    image : int
        The number of the image, for the message.
    """
    for name, instances in (("truth", truth), ("prediction", prediction)):
        where = f"the {name} for image {image}"
        if instances.labels.max(initial=0) >= len(classes):
            raise ValueError(
                f"{where} has label {instances.labels.max()}, but there are only {len(classes)} classes "
                "with the background, 0"
            )
        if len(instances) and kind == "mask" and not instances.has_masks:
            raise ValueError(f"{where} has no masks; compare boxes instead")
        if len(instances) and kind == "keypoints" and instances.keypoints is None:
            raise ValueError(f"{where} has no keypoints; compare boxes instead")
        for field in ("boxes", "scores", "keypoints"):
            values = getattr(instances, field)
            if values is not None and not np.isfinite(values).all():
                raise ValueError(f"{where} has {field} that are not finite numbers, so nothing can be said about it")
    if len(prediction) and prediction.scores is None:
        raise ValueError(f"the prediction for image {image} has no scores, so its objects cannot be ranked")
    if len(truth) and len(prediction):
        if kind == "mask" and truth.mask_size != prediction.mask_size:
            raise ValueError(
                f"image {image}: its masks have size {truth.mask_size} (height, width) in the truth and "
                f"{prediction.mask_size} in the prediction"
            )
        if kind == "keypoints" and truth.keypoints.shape[1] != prediction.keypoints.shape[1]:
            raise ValueError(
                f"image {image}: people have {truth.keypoints.shape[1]} joints in the truth and "
                f"{prediction.keypoints.shape[1]} in the prediction"
            )


def _list(names):
    shown = ", ".join(names[:8])
    return f"({shown}, ... {len(names)} in all)" if len(names) > 8 else f"({shown})"
