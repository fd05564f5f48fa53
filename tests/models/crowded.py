"""Images of noise for single shots, with crowds and without objects, and small models with changed weights."""

import numpy as np

from minivision.data import Batch
from minivision.data.instances import Instances

CLASSES = ("background", "disc", "square", "star")


def batch_with(crowded, rng):
    """Return a batch of three images: one with the objects `crowded`, one without any, one with a crowd."""
    images = np.repeat(np.repeat(rng.integers(0, 256, (3, 8, 8, 3), dtype=np.uint8), 8, 1), 8, 2)
    with_crowd = Instances([[8, 30, 60, 62], [10, 10, 30, 22]], [1, 2], crowd=np.array([True, False]))
    return Batch(images, [crowded, Instances.empty(), with_crowd], None)


def small(system, dtype=np.float64, **options):
    """Return a small model with changed weights, so that its boxes differ from one another."""
    rng = np.random.default_rng(3)
    model = system(CLASSES, width=8, rng=rng, **options)
    for parameter in model.parameters():
        parameter.value += 0.1 * rng.standard_normal(parameter.value.shape).astype(np.float32)
    return model.astype(dtype)
