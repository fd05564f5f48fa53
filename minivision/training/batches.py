"""Batches of a training run: the images of step t, augmented, as a function of the seed and t."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from minivision.core.ranks import current_ranks
from minivision.core.types import Size
from minivision.data.augmentation import AUGMENTATIONS, augment
from minivision.data.read_ahead import read_ahead
from minivision.layers.watching import named_layers

if TYPE_CHECKING:
    from minivision.data import Batch, Dataset
    from minivision.models.base.model import Model

# Purposes of random numbers. Each has its own stream, `default_rng([seed, purpose, number])`, so step t draws the same
# numbers in a run that was interrupted and in one that was not.
ORDER, AUGMENT, MODEL = 1, 2, 3

FLIPS = ("horizontal", "vertical")


class Batches:
    """The batches of a training run, by the number of the step.

    Each pass over the dataset has a new random order. A batch may take the last images of one pass and the first of the
    next, so every batch is full. Of several ranks each reads its part of a batch, as many images as the others. How an
    image is changed at random depends on the step and on its place in the whole batch.

    Parameters
    ----------
    dataset : Dataset
    batch_size : int
        Number of images in a batch, of all ranks together.
    seed : int
    crop : (int, int), optional
        Height and width of a random crop. Without it images are not cropped, and must be of one size.
    flips : sequence of str
        ``"horizontal"`` and ``"vertical"``: mirror images, each with probability one half.
    augment : sequence of str
        ``"colors"``, ``"zoom-out"`` and ``"iou-crop"``, see :mod:`minivision.data.augmentation`; before the crop.
    augment_probability : float
        Probability with which an image is augmented at all.
    instances : bool
        Whether the batches have boxes, masks and joints. Segmenters do not need them.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        *,
        seed: int = 0,
        crop: Size | None = None,
        flips: Sequence[str] = (),
        augment: Sequence[str] = (),
        augment_probability: float = 1.0,
        instances: bool = True,
    ) -> None:
        if len(dataset) == 0:
            raise ValueError("the dataset holds no images, so there is nothing to train on")
        if batch_size < 1:
            raise ValueError(f"batch_size: expected at least 1, got {batch_size}")
        ranks = current_ranks()
        if batch_size % ranks.size:
            raise ValueError(
                f"batch_size: {batch_size} images cannot be shared evenly by {ranks.size} ranks; take a multiple of "
                f"{ranks.size}, or another number of ranks"
            )
        for flip in flips:
            if flip not in FLIPS:
                raise ValueError(f"flips: expected {' or '.join(FLIPS)}, got {flip!r}")
        for name in augment:
            if name not in AUGMENTATIONS:
                raise ValueError(f"augment: expected some of {', '.join(AUGMENTATIONS)}, got {name!r}")
        self.dataset, self.batch_size, self.seed = dataset, batch_size, seed
        self.crop, self.flips, self.augment, self.instances = crop, tuple(flips), tuple(augment), instances
        self.augment_probability = augment_probability
        share = batch_size // ranks.size
        self.places = range(ranks.rank * share, (ranks.rank + 1) * share)  # of the images of this rank in a batch
        self._order = functools.lru_cache(maxsize=2)(self._shuffled)

    def _shuffled(self, epoch):
        return np.random.default_rng([self.seed, ORDER, epoch]).permutation(len(self.dataset))

    def indices(self, step: int) -> list[int]:
        """Return the indices of the images of batch number `step`, those of all ranks."""
        positions = range(step * self.batch_size, (step + 1) * self.batch_size)
        return [int(self._order(i // len(self.dataset))[i % len(self.dataset)]) for i in positions]

    def __getitem__(self, step: int) -> Batch:
        """Return this rank's part of batch number `step`, augmented and collated."""
        from minivision.data import collate

        indices, samples = self.indices(step), []
        for place in self.places:
            rng = np.random.default_rng([self.seed, AUGMENT, step, place])
            samples.append(self._augment(self._read(indices[place]), rng))
        return collate(samples)

    def _read(self, index):
        try:
            return self.dataset[index]
        except Exception as error:
            error.add_note(f"while reading image {index}, {self.dataset.image_path(index) or 'which is no file'}")
            raise

    def _augment(self, sample, rng):
        from minivision.data import flip_horizontal, flip_vertical, random_crop
        from minivision.data.instances import Instances

        if not self.instances:
            sample = sample._replace(instances=Instances.empty())
        # With probability 1 no number is drawn: a run without this setting, from before, goes on with the same bits.
        if self.augment and (self.augment_probability >= 1 or rng.random() < self.augment_probability):
            sample = augment(sample, self.augment, rng)
        if self.crop is not None:
            sample = random_crop(sample, self.crop, rng)
        if "horizontal" in self.flips and rng.random() < 0.5:
            sample = flip_horizontal(sample, self.dataset.keypoint_flip)
        if "vertical" in self.flips and rng.random() < 0.5:
            sample = flip_vertical(sample, self.dataset.keypoint_flip)
        return sample


class BatchesAhead:
    """The same batches, of images on disk: a thread reads the next ones while a step is computed.

    Batches that are asked for in the order of their steps are ready, or in the making; another one begins a new order.
    As a context manager it ends its thread; so do `close` and the end of the program.

    Parameters
    ----------
    batches : Batches
    ahead : int
        How many batches wait in memory at most.
    """

    def __init__(self, batches: Batches, *, ahead: int = 2) -> None:
        self.batches, self.ahead = batches, ahead
        self._step = -1  # of the next batch
        self._reading: Generator[Batch, None, None] | None = None

    def __getitem__(self, step: int) -> Batch:
        if self._reading is None or step != self._step:
            self.close()
            self._reading = read_ahead(self.batches.__getitem__, itertools.count(step), ahead=self.ahead)
        self._step = step + 1
        try:
            return next(self._reading)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> BatchesAhead:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the thread; the next batch begins a new one."""
        if self._reading is not None:
            self._reading.close()
            self._reading = None


def reseed(model: Model, seed: int, step: int) -> None:
    """Set every random generator inside `model` to its state at the beginning of `step`.

    A generator is an attribute ``rng`` of the model or of one of its layers (dropout, sampling of regions). It is
    changed in place, so layers that share a generator still share it. On all ranks they begin in one state; what is
    drawn for an image comes from :func:`minivision.core.ranks.generators_of_images`.
    """
    generators = {}
    for _, layer in named_layers(model):
        rng = vars(layer).get("rng")
        if isinstance(rng, np.random.Generator):
            generators[id(rng)] = rng
    for number, rng in enumerate(generators.values()):
        kind = type(rng.bit_generator)
        rng.bit_generator.state = kind(np.random.SeedSequence([seed, MODEL, step, number])).state


def has_one_size(dataset: Dataset) -> bool:
    """Return whether all images of `dataset` have the same height and width."""
    return len({tuple(size) for size in dataset.image_sizes()}) <= 1
