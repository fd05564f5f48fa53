"""Semantic segmentation: the class of every pixel."""

from __future__ import annotations

import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minivision.core.labels import IGNORE
from minivision.core.types import Array
from minivision.metrics.segmentation import evaluate_segmentation
from minivision.tasks.task import Bars, Task
from minivision.tasks.text import list_lines, percent, table_lines, two_decimals

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minivision.data import Dataset, Sample
    from minivision.models.base.model import Model

IOU = (
    "Intersection over union (IoU): pixels in both the ground truth and the prediction, divided by pixels in either. "
    "1 is perfect."
)


class Segmentation(Task):
    """The class of every pixel; predictions are label maps."""

    name = "segmentation"
    needs = ("label_maps",)
    uses_instances = False
    output = "label maps"
    pixel_aligned = True

    def has_target(self, sample: Sample) -> bool:
        return bool(((sample.label_map != 0) & (sample.label_map != IGNORE)).any())

    def check_targets(self, dataset: Dataset) -> None:
        if not any(self.has_target(sample) for sample in dataset):
            raise ValueError(
                f"there is nothing to learn: the label maps of the {len(dataset)} images have no class besides 0, the "
                f"background, and {IGNORE}, pixels to ignore"
            )

    def evaluate(self, model: Model, dataset: Dataset, **options: Any) -> dict[str, Any]:
        return evaluate_segmentation(model, dataset, **options)

    def table(self, metrics: Mapping[str, Any]) -> list[str]:
        rows = {name: {"IoU": iou} for name, iou in metrics["iou"].items()}
        absent = [name for name, iou in metrics["iou"].items() if math.isnan(iou)]
        lines = list_lines({"mean IoU": metrics["miou"], "pixel accuracy": metrics["pixel_accuracy"]})
        lines += ["", *table_lines("class", ["IoU"], rows)]
        return lines + [f"({', '.join(absent)}: neither in the ground truth nor predicted)"] * bool(absent)

    def summary(self, metrics: Mapping[str, Any]) -> dict[str, str]:
        return {"mean IoU": two_decimals(metrics["miou"]), "pixel accuracy": percent(metrics["pixel_accuracy"])}

    def bars(self, metrics: Mapping[str, Any]) -> Bars:
        return Bars("IoU of each class", IOU, metrics["iou"])

    def supervision(self, metrics: Mapping[str, Any]) -> str:
        return "the class of every pixel"

    def write(self, image: Array, prediction: Any, model: Model, folder: pathlib.Path, name: str) -> None:
        from minivision.viz import save_label_map

        save_label_map(prediction, folder / f"{name}-labels.png", len(model.classes))

    def draw(self, image: Array, prediction: Any, model: Model) -> Figure:
        from minivision.viz import draw_segmentation

        return draw_segmentation(image, prediction, model.classes)

    def comparable(self, samples: Sequence[Sample], predictions: Sequence[Any], model: Model) -> tuple[list, list]:
        return [sample.label_map for sample in samples], list(predictions)

    def draw_comparison(
        self, images: Sequence[Array], truths: Sequence[Any], predictions: Sequence[Any], model: Model
    ) -> Figure:
        from minivision.viz import draw_comparison

        return draw_comparison(images, truths, predictions, model.classes)

    def save_picture(self, image: Array, annotation: Any, model: Model, path: pathlib.Path) -> None:
        from PIL import Image

        from minivision.viz import overlay

        Image.fromarray(overlay(image, annotation)).save(path)
