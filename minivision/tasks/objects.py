"""What tasks with objects have in common: their files and pictures."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from minivision.core.atomic import atomic_write
from minivision.core.types import Array
from minivision.tasks.task import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minivision.data import Sample
    from minivision.data.instances import Instances
    from minivision.models.base.model import Model

INCHES, DPI = 6, 96  # size of the pictures: 576 pixels


class ObjectTask(Task):
    """Base of tasks whose predictions are Instances."""

    needs: ClassVar[tuple[str, ...]] = ("boxes",)
    output = "objects"

    def shows_joints(self, metrics: Mapping[str, Any]) -> bool:
        return "keypoints" in metrics

    def shown(self, prediction: Instances, model: Model) -> Instances:
        """Return the objects of a prediction that pictures show."""
        return prediction

    def write(self, image: Array, prediction: Any, model: Model, folder: pathlib.Path, name: str) -> None:
        objects = [_as_json(prediction[k], model) for k in range(len(prediction))]
        content = {"height": image.shape[0], "width": image.shape[1], "objects": objects}
        with atomic_write(folder / f"{name}-objects.json") as partial:
            partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    def draw(self, image: Array, prediction: Any, model: Model) -> Figure:
        from minivision.viz import draw_instances

        shown = self.shown(prediction, model)
        return draw_instances(image, shown, model.classes, keypoint_names=model.keypoint_names)

    def comparable(self, samples: Sequence[Sample], predictions: Sequence[Any], model: Model) -> tuple[list, list]:
        """Return ground truths and predictions as far as pictures show them.

        Masks and joints of the ground truth are left out if no prediction has any.
        """
        from minivision.viz.instances import as_far_as_predicted

        truths = as_far_as_predicted([sample.instances for sample in samples], predictions)
        return truths, [self.shown(prediction, model) for prediction in predictions]

    def draw_comparison(
        self, images: Sequence[Array], truths: Sequence[Any], predictions: Sequence[Any], model: Model
    ) -> Figure:
        from minivision.viz import draw_instance_comparison

        names = model.keypoint_names
        return draw_instance_comparison(images, truths, predictions, model.classes, keypoint_names=names)

    def save_picture(self, image: Array, annotation: Any, model: Model, path: pathlib.Path) -> None:
        from minivision.viz import draw_instances

        figure = draw_instances(image, annotation, model.classes, keypoint_names=model.keypoint_names, legend=False)
        figure.set_size_inches(INCHES, INCHES)
        figure.axes[0].set_position((0, 0, 1, 1))  # no margin
        figure.savefig(path, dpi=DPI)


def _as_json(instance, model):
    """Return one object as a dict of JSON values."""
    from minivision.data import rle

    content = {"class": model.classes[instance.labels[0]], "box": _rounded(instance.boxes[0])}
    if instance.captions is not None:
        content["captions"] = list(instance.captions[0])
    if instance.scores is not None:
        content["score"] = round(float(instance.scores[0]), 4)
    if instance.keypoints is not None:
        joints = zip(model.keypoint_names, instance.keypoints[0], strict=True)
        content["joints"] = {name: _rounded(joint[:2]) for name, joint in joints if joint[2] > 0}
    if instance.has_masks:
        content["mask"] = rle.encode(instance.masks[0])  # run lengths, as in COCO's files
    return content


def _rounded(values):
    return [round(float(value), 2) for value in values]
