"""Predictions for all images of a dataset, in batches."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from minivision.core.chunks import chunks_by_pixels
from minivision.core.progress import progress_bar
from minivision.data.scenes import Scenes
from minivision.executors import Executor, InProcess, in_order

if TYPE_CHECKING:
    from minivision.data import Dataset, Instances, Sample
    from minivision.models.base.model import Model


def predict_dataset(
    model: Model,
    dataset: Dataset,
    *,
    batch_size: int = 16,
    progress: bool = False,
    executor: Executor | None = None,
) -> Iterator[tuple[Sample, Any]]:
    """Yield every sample of a dataset with the model's prediction for its image.

    Parameters
    ----------
    model : Model
    dataset : Dataset
    batch_size : int
        Largest number of images in each call of ``model.predict``; of large ones fewer are held in memory at once.
    progress : bool
        Whether to show a progress bar, on stderr.
    executor : Executor, optional
        Where the predictions are made (`minivision.executors`), batch by batch; by default here. Scenes are drawn again
        there, other images are sent.

    Yields
    ------
    sample : Sample
    prediction : Instances or ndarray
        As ``model.predict`` returns it for one image.

    Raises
    ------
    ValueError
        If there are no images, the model returns more or fewer predictions than images, or it fails elsewhere.
    OSError
        If a process of the executor was killed, or its cluster is gone.
    """
    if len(dataset) == 0:
        raise ValueError("the dataset holds no images, so there is nothing to evaluate")
    if isinstance(executor, InProcess):
        executor = None  # nothing has to be packed, and errors keep their tracebacks
    with progress_bar(total=len(dataset), unit="image", disable=not progress, leave=False) as bar:
        batches = chunks_by_pixels(dataset.image_sizes(), batch_size)
        pairs = (
            _here(model, dataset, batches) if executor is None else _elsewhere(model, dataset, batches, executor, bar)
        )
        for samples, predictions in pairs:
            if len(predictions) != len(samples):
                raise ValueError(f"the model predicted {len(predictions)} times for {len(samples)} images")
            yield from zip(samples, predictions, strict=True)
            if executor is None:
                bar.update(len(samples))


def _here(model, dataset, batches):
    """Yield the samples and the predictions of each batch."""
    for indices in batches:
        samples = [dataset[i] for i in indices]
        yield samples, model.predict([sample.image for sample in samples])


def _elsewhere(model, dataset, batches, executor, bar):
    """Yield the same, predicted by an executor; the bar moves when a batch is done, not when it is its turn."""
    drawn = isinstance(dataset, Scenes)  # an image is a function of the seed and its index
    waiting: dict[int, list[Sample]] = {}  # the samples of a batch by its first index

    def pieces():
        for indices in batches:
            waiting[indices.start] = samples = [dataset[i] for i in indices]
            yield indices, None if drawn else [sample.image for sample in samples]

    def counted(outcomes):
        for outcome in outcomes:
            bar.update(len(outcome.piece[0]))
            yield outcome

    function = functools.partial(predict_batch, model, dataset if drawn else None)
    for outcome in in_order(counted(executor.map_unordered(function, pieces()))):
        indices, _ = outcome.piece
        if outcome.failure is not None:
            which = f"image {indices.start}" if len(indices) == 1 else f"images {indices.start} to {indices.stop - 1}"
            raise ValueError(f"{which} of the dataset: {outcome.failure.message}")
        yield waiting.pop(indices.start), outcome.result


def predict_batch(model: Model, scenes: Scenes | None, piece: tuple[range, Sequence[Any] | None]) -> Sequence[Any]:
    """Predict a batch of images: those of the piece, or drawn by their indices."""
    indices, images = piece
    if images is None:
        assert scenes is not None
        images = [scenes[i].image for i in indices]
    return model.predict(images)


def single_objects(model: Model, dataset: Dataset, **options: Any) -> tuple[list[Instances], list[Instances]]:
    """Return the single true and the single predicted object of every image.

    Parameters
    ----------
    model : Model
    dataset : Dataset
    **options
        Those of `predict_dataset`.

    Returns
    -------
    truths, predictions : list of Instances
        Each of length 1.

    Raises
    ------
    ValueError
        If an image has no object or several, in ground truth or prediction.
    """
    truths, predictions = [], []
    pairs = predict_dataset(model, dataset, **options)
    for image, (sample, prediction) in enumerate(pairs):
        if len(sample.instances) != 1:
            raise ValueError(
                f"{model.name} is for images of one object, and image {image} of the dataset has "
                f"{len(sample.instances)}; take such a dataset (scenes with objects=1)"
            )
        if len(prediction) != 1:
            raise ValueError(f"{model.name} predicted {len(prediction)} objects for image {image}, not one")
        truths.append(sample.instances)
        predictions.append(prediction)
    return truths, predictions
