"""A system and a dataset so small that a training step takes less than a millisecond."""

import numpy as np

from minivision.data import Dataset, Sample
from minivision.data.instances import Instances
from minivision.layers.layer import Layer, Parameter, Sequential
from minivision.models.base.model import Model


class PixelLinear(Layer):
    """The same linear map at every pixel: a 1x1 convolution in two lines of NumPy."""

    def __init__(self, c_in, c_out, rng):
        self.w = Parameter(rng.normal(0, 0.5, (c_out, c_in)).astype(np.float32))
        self.b = Parameter(np.zeros(c_out, np.float32), decay=False)

    def forward(self, x, training=False):
        if training:
            self.remember(x)
        return np.einsum("oc,nchw->nohw", self.w.value, x) + self.b.value[:, None, None]

    def backward(self, dy):
        (x,) = self.recall()
        self.w.grad += np.einsum("nohw,nchw->oc", dy, x)
        self.b.grad += dy.sum(axis=(0, 2, 3))
        return np.einsum("oc,nohw->nchw", self.w.value, dy)


class Center(Layer):
    """Subtracts a running mean: a layer with a buffer, like batch normalization."""

    buffers = ("running_mean",)

    def __init__(self, channels):
        self.running_mean = np.zeros(channels, np.float32)

    def forward(self, x, training=False):
        if training:
            self.running_mean += 0.1 * (x.mean(axis=(0, 2, 3)) - self.running_mean)
        return x - self.running_mean[:, None, None]

    def backward(self, dy):
        return dy


class Noise(Layer):
    """Adds noise in training: a layer with random numbers, like dropout."""

    def __init__(self, rng):
        self.rng = rng

    def forward(self, x, training=False):
        return x + self.rng.normal(0, 0.1, x.shape).astype(x.dtype) if training else x

    def backward(self, dy):
        return dy


class TinySystem(Model):
    """Classifies pixels by their color."""

    name = "tiny"
    recipe = {"batch_size": 4, "rate": 0.05, "weight_decay": 0.01, "flips": ("horizontal", "vertical")}
    OPTIONS = {
        "width": {"default": 4, "help": "hidden channels"},
        "noisy": {"default": True, "help": "whether to add noise"},
        "style": {"default": "plain", "choices": ("plain", "fancy"), "help": "how it looks"},
    }

    def __init__(self, classes, rng=None, *, width=4, noisy=True, style="plain"):
        super().__init__(classes, width=width, noisy=noisy, style=style)
        rng = np.random.default_rng(0) if rng is None else rng
        middle = [Noise(rng)] if noisy else []
        self.net = Sequential(PixelLinear(3, width, rng), Center(width), *middle, PixelLinear(width, len(classes), rng))

    def forward(self, images, training=False, batch=None):
        return self.net.forward(images, training=training)

    def losses(self, scores, batch):
        known = (batch.label_maps != 255)[:, None]
        target = np.arange(scores.shape[1])[:, None, None] == batch.label_maps[:, None]
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        count = max(1, known.sum())
        loss = -np.sum(np.log(p[np.broadcast_to(target & known, p.shape)] + 1e-12)) / count
        return {"cross_entropy": loss}, ((p - target) * known / count).astype(scores.dtype)

    def backward(self, dscores):
        self.net.backward(dscores)

    def predict(self, images):
        return [self.forward(self.normalize(image[None]))[0].argmax(axis=0) for image in images]


class Blobs(Dataset):
    """Dark pictures with a red and a blue rectangle."""

    classes = ("background", "red", "blue")
    has_boxes = has_masks = False

    def __init__(self, count=10, sizes=((16, 16),), seed=0):
        self.count, self.sizes, self.seed = count, sizes, seed

    def __len__(self):
        return self.count

    def image_sizes(self):
        return [self.sizes[i % len(self.sizes)] for i in range(self.count)]

    def _sample(self, index):
        rng = np.random.default_rng([self.seed, index])
        height, width = self.image_sizes()[index]
        image = rng.integers(0, 90, (height, width, 3), dtype=np.uint8)
        label_map = np.zeros((height, width), np.uint8)
        for k, channel in ((1, 0), (2, 2)):
            y, x = rng.integers(0, height - 6), rng.integers(0, width - 6)
            label_map[y : y + 6, x : x + 6] = k
            image[y : y + 6, x : x + 6, channel] = 220
        label_map[0] = 255
        return Sample(image, Instances.empty(), label_map)
