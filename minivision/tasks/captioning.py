"""Dense captioning: box, sentence and score of every object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minivision.core.types import Array
from minivision.metrics.captions import evaluate_captioning
from minivision.tasks.objects import DPI, INCHES, ObjectTask
from minivision.tasks.task import Bars
from minivision.tasks.text import list_lines, two_decimals

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minivision.data import Dataset, Sample
    from minivision.data.instances import Instances
    from minivision.models.base.model import Model

PROTOCOL = (
    "Mean AP: detections are ranked by their scores; one is correct if its IoU with a true box is .3, .4, .5, .6 or .7 "
    "or more, and METEOR (exact and stem) of its sentence 0, .05, .1, .15, .2 or .25 or more; the mean over all pairs."
)


class Captioning(ObjectTask):
    """Box, sentence and score of every object."""

    name = "captioning"
    needs = ("boxes", "captions")
    output = "objects with captions"

    def has_target(self, sample: Sample) -> bool:
        """Return whether a sample has an object with a caption that is no crowd."""
        instances = sample.instances
        captions = () if instances.captions is None else instances.captions[~instances.crowd]
        return any(len(each) > 0 for each in captions)

    def picture_note(self, model: Model) -> str:
        return f"Only objects with a score of {model.picture_score} or more are drawn."

    def evaluate(self, model: Model, dataset: Dataset, **options: Any) -> dict[str, Any]:
        return evaluate_captioning(model, dataset, **options)  # type: ignore[arg-type]  # a model that describes boxes

    def table(self, metrics: Mapping[str, Any]) -> list[str]:
        true_boxes = dict(metrics["true_boxes"])
        wrong = true_boxes.pop("wrong", None)
        lines = [PROTOCOL, *list_lines({"mean AP": metrics["mAP"]}), "", "boxes alone", *list_lines(metrics["boxes"])]
        lines += ["", "sentences about the true boxes (CIDEr-D to 10, the others to 1)", *list_lines(true_boxes)]
        if wrong:
            lines += ["", "of these, what is not true (a part of all sentences)", *list_lines(wrong)]
        return lines

    def summary(self, metrics: Mapping[str, Any]) -> dict[str, str]:
        return {"mean AP": two_decimals(metrics["mAP"]), "AP50 of boxes": two_decimals(metrics["boxes"]["AP50"])}

    def bars(self, metrics: Mapping[str, Any]) -> Bars:
        other_scales = ("wrong", "CIDEr-D")
        true_boxes = {name: value for name, value in metrics["true_boxes"].items() if name not in other_scales}
        explanation = (
            "Sentences about the true boxes, compared with the true captions: METEOR (exact, stem), BLEU-4; class: the "
            "noun is right; true: everything the sentence says is. 1 is perfect."
        )
        return Bars("Sentences about the true boxes", explanation, true_boxes)

    def supervision(self, metrics: Mapping[str, Any]) -> str:
        return "the box of every object and a few sentences about it"

    def shown(self, prediction: Instances, model: Model) -> Instances:
        assert prediction.scores is not None  # detectors give every object a score
        return prediction[prediction.scores >= model.picture_score]

    def draw(self, image: Array, prediction: Any, model: Model) -> Figure:
        from minivision.viz import draw_captions

        return draw_captions(image, self.shown(prediction, model))

    def comparable(self, samples: Sequence[Sample], predictions: Sequence[Any], model: Model) -> tuple[list, list]:
        truths = [sample.instances for sample in samples]
        return truths, [self.shown(prediction, model) for prediction in predictions]

    def draw_comparison(
        self, images: Sequence[Array], truths: Sequence[Any], predictions: Sequence[Any], model: Model
    ) -> Figure:
        from minivision.viz import draw_caption_comparison

        return draw_caption_comparison(images, truths, predictions)

    def save_picture(self, image: Array, annotation: Any, model: Model, path: Any) -> None:
        from minivision.viz import draw_captions

        figure = draw_captions(image, annotation)
        foot = figure.get_figheight() * figure.axes[0].get_position().y0  # inches that the sentences take
        figure.set_size_inches(INCHES, INCHES)  # as the pictures of other tasks: the image becomes smaller instead
        figure.subplots_adjust(bottom=foot / INCHES)
        figure.savefig(path, dpi=DPI)
