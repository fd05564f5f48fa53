"""Predictions for all images of a dataset, in batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from minivision.core.chunks import chunks_by_pixels
from minivision.core.progress import progress_bar

if TYPE_CHECKING:
    from minivision.data import Dataset, Instances, Sample
    from minivision.models.base.model import Model


def predict_dataset(
    model: Model, dataset: Dataset, *, batch_size: int = 16, progress: bool = False
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

    Yields
    ------
    sample : Sample
    prediction : Instances or ndarray
        As ``model.predict`` returns it for one image.

    Raises
    ------
    ValueError
        If there are no images, or the model returns more or fewer predictions than images.
    """
    if len(dataset) == 0:
        raise ValueError("the dataset holds no images, so there is nothing to evaluate")
    with progress_bar(total=len(dataset), unit="image", disable=not progress, leave=False) as bar:
        for indices in chunks_by_pixels(dataset.image_sizes(), batch_size):
            samples = [dataset[i] for i in indices]
            predictions = model.predict([sample.image for sample in samples])
            if len(predictions) != len(samples):
                raise ValueError(f"the model predicted {len(predictions)} times for {len(samples)} images")
            yield from zip(samples, predictions, strict=True)
            bar.update(len(samples))


def single_objects(
    model: Model, dataset: Dataset, *, batch_size: int = 16, progress: bool = False
) -> tuple[list[Instances], list[Instances]]:
    """Return the single true and the single predicted object of every image.

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
    pairs = predict_dataset(model, dataset, batch_size=batch_size, progress=progress)
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
