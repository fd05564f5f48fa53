"""Localization: the class and the box of the one object in an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minivision.metrics.localization import evaluate_localization
from minivision.tasks.objects import ObjectTask
from minivision.tasks.task import Bars
from minivision.tasks.text import percent, table_lines, two_decimals

if TYPE_CHECKING:
    from minivision.data import Dataset
    from minivision.models.base.model import Model

COLUMNS = {"accuracy": "accuracy", "mean_iou": "mean IoU", "localized": "localized"}  # metric -> its title


class Localization(ObjectTask):
    """The class and the box of the one object in an image."""

    name = "localization"

    def evaluate(self, model: Model, dataset: Dataset, **options: Any) -> dict[str, Any]:
        return evaluate_localization(model, dataset, **options)

    def table(self, metrics: Mapping[str, Any]) -> list[str]:
        parts = {"all": metrics, **metrics["classes"]}
        rows = {name: {title: part[key] for key, title in COLUMNS.items()} for name, part in parts.items()}
        note = "localized: the class is right, and the IoU of the boxes is .5 or more"
        return [*table_lines("class", list(COLUMNS.values()), rows), "", note]

    def summary(self, metrics: Mapping[str, Any]) -> dict[str, str]:
        return {
            "accuracy of the classes": percent(metrics["accuracy"]),
            "mean IoU of the boxes": two_decimals(metrics["mean_iou"]),
        }

    def bars(self, metrics: Mapping[str, Any]) -> Bars:
        explanation = "Share of the objects whose class is right and whose box has an IoU of .5 or more."
        values = {name: part["localized"] for name, part in metrics["classes"].items()}
        return Bars("Localization accuracy of each class", explanation, values)

    def supervision(self, metrics: Mapping[str, Any]) -> str:
        return "the class and the box of the one object in each"
