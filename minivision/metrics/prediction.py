"""Predicting a dataset, some images at a time."""


def predicted(model, dataset, *, batch_size=16, progress=False):
    """Yield every sample of a dataset with what a model predicts for its image.

    Parameters
    ----------
    model : Model
    dataset : Dataset
    batch_size : int
        Images predicted at once.
    progress : bool
        Whether to show a progress bar, on stderr.

    Yields
    ------
    sample : Sample
    prediction : what ``model.predict`` returns for one image

    Raises
    ------
    ValueError
        When there are no images, or the model returns another number of predictions than it was given images.
    """
    from tqdm import tqdm

    if len(dataset) == 0:
        raise ValueError("the dataset holds no images, so there is nothing to evaluate")
    with tqdm(total=len(dataset), unit="image", disable=not progress, leave=False) as bar:
        for start in range(0, len(dataset), batch_size):
            samples = [dataset[i] for i in range(start, min(start + batch_size, len(dataset)))]
            predictions = model.predict([sample.image for sample in samples])
            if len(predictions) != len(samples):
                raise ValueError(f"the model predicted {len(predictions)} times for {len(samples)} images")
            yield from zip(samples, predictions, strict=True)
            bar.update(len(samples))


def single_objects(model, dataset, *, batch_size=16, progress=False):
    """Return the one true and the one predicted object of every image, as two lists of Instances of length 1.

    Raises
    ------
    ValueError
        When an image has no object or several, in truth or prediction.
    """
    truths, predictions = [], []
    for image, (sample, prediction) in enumerate(predicted(model, dataset, batch_size=batch_size, progress=progress)):
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
