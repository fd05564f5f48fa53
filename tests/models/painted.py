"""Small images with bright boxes on them, to train small detectors on."""

import numpy as np

from minivision.data import Batch, Dataset, Sample
from minivision.training import AdamW
from minivision.training.batches import reseed

CLASSES = ("background", "disc", "square", "star")
SIZE = (32, 48)


def small(system, dtype=np.float32, **options):
    """Return a small Faster or Mask R-CNN in which no gradient is zero at the beginning."""
    rng = np.random.default_rng(3)
    options = {"anchor_sizes": (10, 20), "max_proposals": 20, "batch_size_per_image": 16, **options}
    model = system(CLASSES, widths=(4, 5, 6), depths=(0, 1, 1), hidden=12, rng=rng, **options)
    for parameter in model.parameters():
        parameter.value += 0.1 * rng.standard_normal(parameter.value.shape).astype(np.float32)
    return model.astype(dtype)


def painted(size, instances, rng):
    """Return a noisy image in which the boxes are bright."""
    image = rng.integers(0, 90, (*size, 3), dtype=np.uint8)
    for box, label in zip(instances.boxes.astype(int), instances.labels, strict=True):
        image[box[1] : box[3], box[0] : box[2], label % 3] = 220
    return image


def batch_of(*all_instances, size=SIZE, seed=5):
    """Return the batch of the painted images."""
    rng = np.random.default_rng(seed)
    images = np.stack([painted(size, instances, rng) for instances in all_instances])
    return Batch(images, list(all_instances), np.zeros(images.shape[:3], np.uint8))


class Given(Dataset):
    """The images of a batch as a dataset; each cropped to its own size if `sizes` are given."""

    classes = CLASSES
    has_masks = has_label_maps = False

    def __init__(self, batch, sizes=None):
        self.batch, self.sizes = batch, sizes or [batch.images.shape[1:3]] * len(batch.images)

    def __len__(self):
        return len(self.batch.images)

    def image_sizes(self):
        return self.sizes

    def _sample(self, index):
        h, w = self.sizes[index]
        label_map = self.batch.label_maps[index, :h, :w]
        return Sample(self.batch.images[index, :h, :w], self.batch.instances[index], label_map)


def steps_on(batch, model, count=3, rate=1e-2):
    """Train a few steps on a batch; return the last losses. Fails where a number is not finite."""
    optimizer = AdamW(model, weight_decay=0.0)
    for step in range(count):
        reseed(model, 0, step)
        losses = model.step(batch)
        assert model.leftovers() == []
        assert all(np.isfinite(loss) for loss in losses.values()), losses
        assert all(np.isfinite(parameter.grad).all() for parameter in model.parameters())
        optimizer.step(rate)
    return losses
