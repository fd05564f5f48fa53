"""Which images step t is trained on, and how they are cropped and flipped: a function of the seed and t."""

import functools

import numpy as np

# What random numbers are for. Each use is a stream of its own, `default_rng([seed, use, number])`, so that
# step t draws the same numbers whether the run got there in one go or was interrupted.
ORDER, AUGMENT, MODEL = 1, 2, 3

FLIPS = ("horizontal", "vertical")


class Batches:
    """The batches of a training run, by the number of the step.

    The images are gone through in a random order, a new one for each pass; a batch may end one pass and begin
    the next, so every batch is full.

    Parameters
    ----------
    dataset : Dataset
    batch_size : int
    seed : int
    crop : (int, int), optional
        Height and width of a random crop; without it images are taken whole, and must then be of one size.
    flips : sequence of str
        ``"horizontal"`` and ``"vertical"``: mirror images, each with probability one half.
    instances : bool
        Whether boxes, masks and joints are wanted; a segmenter trains without, and need not wait for them.
    """

    def __init__(self, dataset, batch_size, *, seed=0, crop=None, flips=(), instances=True):
        if len(dataset) == 0:
            raise ValueError("the dataset holds no images, so there is nothing to train on")
        if batch_size < 1:
            raise ValueError(f"batch_size: expected at least 1, got {batch_size}")
        for flip in flips:
            if flip not in FLIPS:
                raise ValueError(f"flips: expected {' or '.join(FLIPS)}, got {flip!r}")
        self.dataset, self.batch_size, self.seed = dataset, batch_size, seed
        self.crop, self.flips, self.instances = crop, tuple(flips), instances
        self._order = functools.lru_cache(maxsize=2)(self._shuffled)

    def _shuffled(self, epoch):
        return np.random.default_rng([self.seed, ORDER, epoch]).permutation(len(self.dataset))

    def indices(self, step):
        """Return the indices of the images of batch number `step`."""
        positions = range(step * self.batch_size, (step + 1) * self.batch_size)
        return [int(self._order(i // len(self.dataset))[i % len(self.dataset)]) for i in positions]

    def __getitem__(self, step):
        """Return batch number `step`, augmented and collated."""
        from minivision.data import collate

        rng = np.random.default_rng([self.seed, AUGMENT, step])
        return collate([self._augment(self.dataset[index], rng) for index in self.indices(step)])

    def _augment(self, sample, rng):
        from minivision.data import flip_horizontal, flip_vertical, random_crop
        from minivision.data.instances import Instances

        if not self.instances:
            sample = sample._replace(instances=Instances.empty())
        if self.crop is not None:
            sample = random_crop(sample, self.crop, rng)
        if "horizontal" in self.flips and rng.random() < 0.5:
            sample = flip_horizontal(sample, self.dataset.keypoint_flip)
        if "vertical" in self.flips and rng.random() < 0.5:
            sample = flip_vertical(sample, self.dataset.keypoint_flip)
        return sample


def reseed(model, seed, step):
    """Set every random generator inside `model` to where it stands at the beginning of `step`.

    A generator is an attribute ``rng`` of the model or of a layer in it (dropout, the sampling of regions).
    It is set in place, so layers that share one go on sharing it.
    """
    generators = {}
    for layer in _all_layers(model):
        rng = vars(layer).get("rng")
        if isinstance(rng, np.random.Generator):
            generators[id(rng)] = rng
    for number, rng in enumerate(generators.values()):
        kind = type(rng.bit_generator)
        rng.bit_generator.state = kind(np.random.SeedSequence([seed, MODEL, step, number])).state


def _all_layers(layer):
    yield layer
    for _, part in layer.parts():
        yield from _all_layers(part)


def one_size(dataset):
    """Return whether all images of `dataset` have the same height and width."""
    return len({tuple(size) for size in dataset.image_sizes()}) <= 1
