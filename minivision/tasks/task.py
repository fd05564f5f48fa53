"""The interface of a task."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from minivision.core.types import Array
from minivision.metrics.compatibility import check_dataset

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minivision.data import Dataset, Sample
    from minivision.models.base.model import Model


class Bars(NamedTuple):
    """Values from 0 to 1 by name, with a heading and an explanation."""

    heading: str
    explanation: str
    values: dict[str, float]


class Task:
    """What a model predicts, and how its predictions are evaluated, drawn, written and put into tables.

    Predictions and ground truth are label maps (uint8 ndarrays of shape (H, W)) or Instances. ``metrics`` is what
    :meth:`evaluate` returns.

    Attributes
    ----------
    name : str
        ``model.task`` of the models for this task.
    needs : tuple of str
        Annotations that a dataset must have: ``"label_maps"``, ``"boxes"``, ``"keypoints"``, ``"captions"``.
    uses_instances : bool
        Whether models train on objects; else on label maps only.
    output : str
        What is predicted, for messages: ``"label maps"``.
    pixel_aligned : bool
        Whether the pictures of :meth:`save_picture` have as many pixels as the image.
    """

    name: ClassVar[str] = ""
    needs: ClassVar[tuple[str, ...]] = ()
    uses_instances: ClassVar[bool] = True
    output: ClassVar[str] = ""
    pixel_aligned: ClassVar[bool] = False

    def check_dataset(self, model: Model, dataset: Dataset) -> None:
        """Raise ValueError unless the dataset has the classes of the model and the annotations of the task."""
        check_dataset(model, dataset, *self.needs)

    def has_target(self, sample: Sample) -> bool:
        """Return whether a sample has something to learn: an object that is no crowd."""
        return not sample.instances.crowd.all()

    def check_targets(self, dataset: Dataset) -> None:
        """Raise ValueError if no sample has something to learn; reads samples up to the first that has.

        A loss of 0 would follow, and a model that predicts nothing would be perfect.
        """
        if any(self.has_target(sample) for sample in dataset):
            return
        objects = sum(len(sample.instances) for sample in dataset)
        crowds = sum(int(sample.instances.crowd.sum()) for sample in dataset)
        if not objects:
            found = "no objects"
        elif objects == crowds:
            found = f"only {crowds} crowds, which are not learned"
        else:
            found = f"{objects} objects, none with {self.needs[-1]}"
        raise ValueError(f"there is nothing to learn: the {len(dataset)} images have {found}")

    def evaluate(self, model: Model, dataset: Dataset, **options: Any) -> dict[str, Any]:
        """Return the metrics of a model on a dataset, by name."""
        raise NotImplementedError(f"the task {self.name} has no evaluator yet")

    def table(self, metrics: Mapping[str, Any]) -> list[str]:
        """Return the metrics as lines of text."""
        raise NotImplementedError(f"the task {self.name} has no table yet")

    def summary(self, metrics: Mapping[str, Any]) -> dict[str, str]:
        """Return the most important metrics as text, by their titles."""
        raise NotImplementedError(f"the task {self.name} has no summary yet")

    def bars(self, metrics: Mapping[str, Any]) -> Bars:
        """Return a metric of each class, or of each joint."""
        raise NotImplementedError(f"the task {self.name} has no bars yet")

    def supervision(self, metrics: Mapping[str, Any]) -> str:
        """Return what a model knows about each training image, as part of a sentence."""
        raise NotImplementedError(f"the task {self.name} does not describe its supervision yet")

    def shows_joints(self, metrics: Mapping[str, Any]) -> bool:
        """Return whether the pictures show joints."""
        return False

    def write(self, image: Array, prediction: Any, model: Model, folder: pathlib.Path, name: str) -> None:
        """Write a prediction to a file in `folder` that programs can read; `name` is the first part of its name."""
        raise NotImplementedError(f"the task {self.name} writes no files yet")

    def draw(self, image: Array, prediction: Any, model: Model) -> Figure:
        """Return a figure of a prediction over its image."""
        raise NotImplementedError(f"the task {self.name} has no pictures yet")

    def picture_note(self, model: Model) -> str:
        """Return a sentence about what the pictures leave out; it may be empty."""
        return ""

    def comparable(self, samples: Sequence[Sample], predictions: Sequence[Any], model: Model) -> tuple[list, list]:
        """Return ground truths and predictions as far as pictures show them."""
        raise NotImplementedError(f"the task {self.name} has no pictures yet")

    def draw_comparison(
        self, images: Sequence[Array], truths: Sequence[Any], predictions: Sequence[Any], model: Model
    ) -> Figure:
        """Return a figure with a row for each image: image, ground truth, prediction."""
        raise NotImplementedError(f"the task {self.name} has no pictures yet")

    def save_picture(self, image: Array, annotation: Any, model: Model, path: pathlib.Path) -> None:
        """Write a PNG file without margins: an image with its ground truth or prediction."""
        raise NotImplementedError(f"the task {self.name} has no pictures yet")
