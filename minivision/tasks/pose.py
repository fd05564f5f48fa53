"""Human pose estimation: the joints of the one person in an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minivision.metrics.pose import evaluate_pose
from minivision.tasks.objects import ObjectTask
from minivision.tasks.task import Bars
from minivision.tasks.text import list_lines, table_lines, two_decimals

if TYPE_CHECKING:
    from minivision.data import Dataset, Sample
    from minivision.models.base.model import Model


class Pose(ObjectTask):
    """The joints of the one person in an image."""

    name = "pose"
    needs = ("boxes", "keypoints")

    def has_target(self, sample: Sample) -> bool:
        keypoints = sample.instances.keypoints
        return super().has_target(sample) and keypoints is not None and bool((keypoints[..., 2] > 0).any())

    def evaluate(self, model: Model, dataset: Dataset, **options: Any) -> dict[str, Any]:
        return evaluate_pose(model, dataset, **options)

    def table(self, metrics: Mapping[str, Any]) -> list[str]:
        totals = _totals(metrics)
        title = next(iter(totals))  # the metric of the single joints
        rows = {name.replace("_", " "): {title: value} for name, value in metrics["joints"].items()}
        return [*list_lines(totals), "", *table_lines("joint", [title], rows)]

    def summary(self, metrics: Mapping[str, Any]) -> dict[str, str]:
        return {name: two_decimals(value) for name, value in _totals(metrics).items()}

    def bars(self, metrics: Mapping[str, Any]) -> Bars:
        explanation = "Share of the joints within a fifth of the longer side of the person's box (PCK@0.2)."
        values = {name.replace("_", " "): value for name, value in metrics["joints"].items()}
        return Bars("PCK of each joint", explanation, values)

    def supervision(self, metrics: Mapping[str, Any]) -> str:
        return "the positions of the joints of the one person in each"

    def shows_joints(self, metrics: Mapping[str, Any]) -> bool:
        return True


def _totals(metrics):
    return {name: value for name, value in metrics.items() if isinstance(value, float)}
