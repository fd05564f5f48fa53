"""Evaluation of a dense captioner: boxes with sentences, and sentences about the true boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.chunks import chunks_by_pixels
from minivision.data.captions import look_at, parse, wrong_parts
from minivision.metrics.captions.cider import cider_d
from minivision.metrics.captions.dense import IOUS, dense_captioning_ap
from minivision.metrics.captions.sentences import bleu, meteor_exact_stem
from minivision.metrics.compatibility import check_dataset
from minivision.metrics.prediction import predict_dataset

if TYPE_CHECKING:
    from minivision.data import Dataset, Instances, Sample
    from minivision.executors import Executor
    from minivision.models.densecap import DenseCap


def evaluate_captioning(
    model: DenseCap,
    dataset: Dataset,
    *,
    batch_size: int = 16,
    progress: bool = False,
    observe: Callable[[Sample, Instances], object] | None = None,
    executor: Executor | None = None,
) -> dict[str, Any]:
    """Detect and describe the objects in every image, then describe what is in the true boxes.

    Parameters
    ----------
    model : DenseCap
        With ``predict(images)`` and ``describe(images, boxes)``, which return Instances with captions.
    dataset : Dataset
        With captions.
    batch_size : int
        Number of images in each call of the model.
    progress : bool
        Whether to show a progress bar, on stderr.
    observe : callable, optional
        ``observe(sample, prediction)`` is called for each image, in the order of the dataset.
    executor : Executor, optional
        Where the predictions are made, as in :func:`~minivision.metrics.prediction.predict_dataset`; by default here.

    Returns
    -------
    metrics : dict
        ``mAP``: mean of :func:`dense_captioning_ap`; ``boxes``: AP of the boxes alone, by IoU; ``true_boxes``: of the
        sentences about the true boxes ``METEOR`` (exact and stem), ``BLEU-4``, ``CIDEr-D`` (to 10), the share of right
        ``class`` names, and for drawn scenes ``true``, the share of sentences that are true of the object in every
        part, and ``wrong``, how often each part is not; ``images`` is the number of images.

    Raises
    ------
    ValueError
        If the classes differ, or the dataset has no captions or no images.
    """
    check_dataset(model, dataset, "boxes", "captions")
    truths, predictions = [], []
    options: dict[str, Any] = {"batch_size": batch_size, "progress": progress, "executor": executor}
    for sample, prediction in predict_dataset(model, dataset, **options):
        truths.append(sample.instances)
        predictions.append(prediction)
        if observe is not None:
            observe(sample, prediction)
    table = dense_captioning_ap(truths, predictions)
    return {
        "mAP": float(table.mean()),
        "boxes": {f"AP{100 * iou:.0f}": float(value) for iou, value in zip(IOUS, table[:, 0], strict=True)},
        "true_boxes": describe_true_boxes(model, dataset, batch_size=batch_size),
        "images": len(dataset),
    }


def describe_true_boxes(model: DenseCap, dataset: Dataset, *, batch_size: int = 16) -> dict[str, Any]:
    """Return how good the sentences about the true boxes are, as in :func:`evaluate_captioning`."""
    said, references, right_class, is_true = [], [], [], []
    wrong: Counter[str] = Counter()
    for indices in chunks_by_pixels(dataset.image_sizes(), batch_size):
        samples = [dataset[i] for i in indices]
        kept = [sample.instances[~sample.instances.crowd] for sample in samples]
        found = model.describe([sample.image for sample in samples], [each.boxes for each in kept])
        for sample, truth, described in zip(samples, kept, found, strict=True):
            right_class += (truth.labels == described.labels).tolist()
            sentences, captions = [each[0] for each in _captions(described)], _captions(truth)
            known = [k for k, each in enumerate(captions) if len(each)]  # an object without a caption asks for none
            said += [sentences[k].split() for k in known]
            references += [[caption.split() for caption in captions[k]] for k in known]
            if sample.instances.has_masks and _is_drawn(captions):
                facts = look_at(sample._replace(instances=truth), dataset.classes)
                parts = [wrong_parts(sentence, k, facts) for k, sentence in enumerate(sentences)]
                is_true += [not each for each in parts]
                wrong.update(part for each in parts for part in each)
    metrics: dict[str, Any] = {
        "METEOR": float(np.mean([meteor_exact_stem(*pair) for pair in zip(said, references, strict=True)])),
        "BLEU-4": bleu(said, references),
        "CIDEr-D": float(np.mean(cider_d(said, references))),
        "class": float(np.mean(right_class)),
    }
    if is_true:
        metrics |= {"true": float(np.mean(is_true)), "wrong": {name: n / len(is_true) for name, n in wrong.items()}}
    return metrics


def _captions(instances):
    """Return the captions of each object, none where nothing is known."""
    return [()] * len(instances) if instances.captions is None else list(instances.captions)


def _is_drawn(captions):
    """Return whether all captions are phrases of the grammar of drawn scenes."""
    return all(parse(caption) is not None for each in captions for caption in each)
