"""Whether a model and a dataset speak of the same things."""


def check_dataset(model, dataset):
    """Raise ValueError unless `dataset` has the classes of `model` and the annotations its task needs."""
    ours, theirs = tuple(model.classes), tuple(dataset.classes)
    if ours != theirs:
        raise ValueError(
            f"the model knows the classes {_list(ours)}, but the dataset has {_list(theirs)}; "
            "they must be the same, in the same order"
        )
    if model.task == "segmentation" and not dataset.has_label_maps:
        raise ValueError(
            f"{model.name} needs to know the class of every pixel, and this dataset has no label maps; "
            "take a split or a dataset with segmentations"
        )
    if model.task == "detection" and not dataset.has_boxes:
        raise ValueError(f"{model.name} needs boxes, and this dataset has label maps only")


def _list(names):
    shown = ", ".join(names[:8])
    return f"({shown}, ... {len(names)} in all)" if len(names) > 8 else f"({shown})"
