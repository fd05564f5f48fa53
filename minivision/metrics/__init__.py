"""How good predictions are: one evaluator for each task, by the measures of the field."""

from minivision.metrics.segmentation import (
    class_iou,
    confusion_matrix,
    evaluate_segmentation,
    mean_iou,
    pixel_accuracy,
)

__all__ = ["class_iou", "confusion_matrix", "evaluate", "evaluate_segmentation", "mean_iou", "pixel_accuracy"]

_EVALUATORS = {"segmentation": evaluate_segmentation}  # by model.task


def evaluate(model, dataset, **options):
    """Return the figures of a model on a dataset, by name, from 0 to 1.

    Parameters
    ----------
    model : Model
        Its ``task`` says which evaluator it is given to.
    dataset : Dataset
    **options
        Of the evaluator, such as ``progress``.

    Raises
    ------
    ValueError
        When there is no evaluator for the task, or the model and the dataset do not fit.
    """
    if model.task not in _EVALUATORS:
        raise ValueError(f"no evaluator for the task {model.task!r}; there are {', '.join(_EVALUATORS)}")
    return _EVALUATORS[model.task](model, dataset, **options)
