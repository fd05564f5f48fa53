"""What the demo shows of each task: its figures in words and in bars, its predictions in pictures."""

import functools
import math
from typing import NamedTuple

LEAST_SCORE = 0.5  # of the objects in pictures; the figures count all of them, in the order of their scores
INCHES, DPI = 6, 96  # of the pictures with boxes: 576 pixels

AVERAGE_PRECISION = (
    "Average precision (AP50): objects are found in the order of their scores, and count as right where they share at "
    "least half of their union with a true one. 1 is perfect: all found, and nothing else."
)


class Bars(NamedTuple):
    """Figures from 0 to 1 by name, under a heading and an explanation."""

    heading: str
    explanation: str
    figures: dict


def in_words(task, figures):
    """Return the figures that matter most as text, by what they are."""
    if task == "segmentation":
        return {
            "mean IoU": _decimal(figures["miou"]),
            "of the pixels right": f"{100 * figures['pixel_accuracy']:.0f} %",
        }
    if task == "localization":
        return {
            "of the classes right": f"{100 * figures['accuracy']:.0f} %",
            "mean IoU of the boxes": _decimal(figures["mean_iou"]),
        }
    if task == "pose":
        return {name: _decimal(value) for name, value in figures.items() if isinstance(value, float)}
    parts = {"boxes": figures, "masks": figures.get("masks"), "joints": figures.get("keypoints")}
    return {f"AP50 of {name}": _decimal(part["AP50"]) for name, part in parts.items() if part is not None}


def as_bars(task, figures):
    """Return what is known about each class, or each joint."""
    if task == "segmentation":
        explanation = (
            "Intersection over union (IoU): the pixels that truth and prediction share, over those that either has. "
            "1 is perfect."
        )
        return Bars("How well it knows each class", explanation, figures["iou"])
    if task == "localization":
        explanation = "The part of the objects whose class is right and whose box has an IoU of .5 or more."
        of_class = {name: each["localized"] for name, each in figures["classes"].items()}
        return Bars("How well it finds each class", explanation, of_class)
    if task == "pose":
        explanation = "The part of the joints that are within a fifth of the longer side of the person's box."
        of_joint = {name.replace("_", " "): value for name, value in figures["joints"].items()}
        return Bars("How well it knows each joint", explanation, of_joint)
    part, what = (figures["masks"], "mask") if "masks" in figures else (figures, "box")
    of_class = {name: each["AP50"] for name, each in part["classes"].items()}
    return Bars(f"How well it finds the {what} of each class", AVERAGE_PRECISION, of_class)


def save_pictures(out, model, samples):
    """Predict the samples' images and write pictures of each, and one of all together.

    Parameters
    ----------
    out : Path
        The folder.
    model : Model
    samples : list of Sample

    Returns
    -------
    list of tuple of Path
        For each sample the files of input, truth and prediction; ``comparison.png`` lies beside them.
    """
    from PIL import Image

    images = [sample.image for sample in samples]
    predictions = model.predict(images)
    if model.task == "segmentation":
        figure, pictures = _label_maps(images, [sample.label_map for sample in samples], predictions, model)
    else:
        truths = [_as_far_as_predicted(sample.instances, predictions) for sample in samples]
        figure, pictures = _objects(images, truths, [_sure(each, model.task) for each in predictions], model)
    figure.savefig(out / "comparison.png")
    files = []
    for number, (image, drawn) in enumerate(zip(images, pictures, strict=True), start=1):
        names = [out / f"scene-{number}-{name}.png" for name in ("input", "truth", "prediction")]
        Image.fromarray(image).save(names[0])
        for name, picture in zip(names[1:], drawn, strict=True):
            picture(name)
        files.append(tuple(names))
    return files


def _label_maps(images, truths, predictions, model):
    """Return a figure of all, and for each image what writes the pictures of truth and prediction."""
    from PIL import Image

    from minivision.viz import draw_comparison, overlay

    pictures = [
        [Image.fromarray(overlay(image, label_map)).save for label_map in pair]
        for image, *pair in zip(images, truths, predictions, strict=True)
    ]
    return draw_comparison(images, truths, predictions, model.classes), pictures


def _objects(images, truths, predictions, model):
    """Return the same as `_label_maps` of objects."""
    from minivision.viz import draw_instance_comparison

    pictures = [
        [functools.partial(_save_objects, image, instances, model) for instances in pair]
        for image, *pair in zip(images, truths, predictions, strict=True)
    ]
    names = model.keypoint_names
    return draw_instance_comparison(images, truths, predictions, model.classes, keypoint_names=names), pictures


def _save_objects(image, instances, model, path):
    from minivision.viz import draw_instances

    figure = draw_instances(image, instances, model.classes, keypoint_names=model.keypoint_names, legend=False)
    figure.set_size_inches(INCHES, INCHES)
    figure.axes[0].set_position((0, 0, 1, 1))  # no frame: it stands beside the image itself
    figure.savefig(path, dpi=DPI)


def _sure(prediction, task):
    """Leave out what a detector gives a low score; a model of one object says what it thinks, however unsure."""
    if task != "detection":
        return prediction
    return prediction[prediction.scores >= LEAST_SCORE]


def _as_far_as_predicted(truth, predictions):
    """Return the truth without the masks and joints that are not predicted."""
    if not any(each.has_masks for each in predictions):
        truth = truth.replace(masks=None)
    if all(each.keypoints is None for each in predictions):
        truth = truth.replace(keypoints=None)
    return truth


def _decimal(value):
    return "none" if math.isnan(value) else f"{value:.2f}"
