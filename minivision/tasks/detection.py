"""Object detection: class, box and score of every object; also its mask and its joints, if the model predicts them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minivision.metrics.detection import evaluate_detection
from minivision.tasks.objects import ObjectTask
from minivision.tasks.task import Bars
from minivision.tasks.text import table_lines, two_decimals

if TYPE_CHECKING:
    from minivision.data import Dataset
    from minivision.data.instances import Instances
    from minivision.models.base.model import Model

AVERAGE_PRECISION = (
    "Average precision (AP50): detections are ranked by their scores; one is correct if its IoU with an object of its "
    "class is .5 or more. 1 is perfect: all objects are detected, and nothing else."
)


class Detection(ObjectTask):
    """Class, box and score of every object; also its mask and its joints, if the model predicts them."""

    name = "detection"

    def picture_note(self, model: Model) -> str:
        return f"Only objects with a score of {model.picture_score} or more are drawn."

    def evaluate(self, model: Model, dataset: Dataset, **options: Any) -> dict[str, Any]:
        return evaluate_detection(model, dataset, **options)

    def table(self, metrics: Mapping[str, Any]) -> list[str]:
        lines: list[str] = []
        for part in _parts(metrics).values():
            names = [name for name, value in part.items() if name.startswith("AP") and isinstance(value, float)]
            lines += ["", part["protocol"], *table_lines("class", names, {"mean": part, **part["classes"]})]
        return lines[1:]

    def summary(self, metrics: Mapping[str, Any]) -> dict[str, str]:
        return {f"AP50 of {name}": two_decimals(part["AP50"]) for name, part in _parts(metrics).items()}

    def bars(self, metrics: Mapping[str, Any]) -> Bars:
        parts = _parts(metrics)
        kind = "masks" if "masks" in parts else "boxes"
        values = {name: each["AP50"] for name, each in parts[kind]["classes"].items()}
        return Bars(f"AP50 of the {kind} of each class", AVERAGE_PRECISION, values)

    def supervision(self, metrics: Mapping[str, Any]) -> str:
        more = {"masks": "its mask", "joints": "the joints of people"}
        known = ["the class and the box of every object", *(more[name] for name in _parts(metrics) if name in more)]
        return known[0] if len(known) == 1 else f"{', '.join(known[:-1])}, and {known[-1]}"

    def shown(self, prediction: Instances, model: Model) -> Instances:
        assert prediction.scores is not None  # detectors give every object a score
        return prediction[prediction.scores >= model.picture_score]


def _parts(metrics):
    """Return the metrics of boxes, masks and joints, as far as there are any."""
    parts = {
        "boxes": metrics if "AP50" in metrics else None,
        "masks": metrics.get("masks"),
        "joints": metrics.get("keypoints"),
    }
    return {name: part for name, part in parts.items() if part is not None}
