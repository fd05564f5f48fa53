"""Tasks: what a model predicts, and how its predictions are evaluated, drawn, written and put into tables.

A new task is a module here with a subclass of :class:`Task`, and a line in ``_TASKS``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from minivision.tasks.task import Bars, Task

if TYPE_CHECKING:
    from minivision.data import Dataset
    from minivision.models.base.model import Model

__all__ = ["Bars", "Task", "evaluate", "get_task", "tasks"]

_TASKS = {  # name -> its class; its module is called like the task
    "segmentation": "Segmentation",
    "localization": "Localization",
    "pose": "Pose",
    "detection": "Detection",
    "captioning": "Captioning",
}


def tasks() -> list[str]:
    """Return the names of all tasks."""
    return list(_TASKS)


def get_task(name: str) -> Task:
    """Return the task of a name, such as ``model.task``.

    Raises
    ------
    ValueError
        When there is no such task; the message lists the existing ones.
    """
    if name not in _TASKS:
        raise ValueError(f"there is no task {name!r}; there are {', '.join(_TASKS)}")
    return getattr(importlib.import_module(f"minivision.tasks.{name}"), _TASKS[name])()


def evaluate(model: Model, dataset: Dataset, **options: Any) -> dict[str, Any]:
    """Return the metrics of a model on a dataset, by name.

    Parameters
    ----------
    model : Model
        Its ``task`` determines the metrics.
    dataset : Dataset
    **options
        Options of the evaluator of the task, such as ``batch_size`` and ``progress``.

    Returns
    -------
    metrics : dict

    Raises
    ------
    ValueError
        When there is no such task, or the model and the dataset do not fit.
    """
    return get_task(model.task).evaluate(model, dataset, **options)
