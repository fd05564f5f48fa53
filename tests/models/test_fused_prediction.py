"""Every system predicts with layers that run at once what it predicts with each layer and operation by itself."""

import numpy as np
import pytest

from minivision.core.dispatch import observe
from minivision.data import Scenes
from minivision.data.instances import Instances
from minivision.layers import BatchNorm2d
from minivision.layers.watching import named_layers, watch
from minivision.models import make_model, system_class, systems

PROPOSALS = ("rcnn", "fast-rcnn")


def random_model(name, dataset, seed=3):
    """Return a model in which no normalization is as it was made."""
    rng = np.random.default_rng(seed)
    model = make_model(name, dataset.classes, rng=rng)
    if name == "mask-rcnn":
        model.prepare(dataset)  # finds out that there are joints
    for _, layer in named_layers(model):
        if isinstance(layer, BatchNorm2d):
            channels = len(layer.gamma.value)
            layer.gamma.value[...] = rng.uniform(0.5, 1.5, channels) * rng.choice([-1, 1], channels)
            layer.beta.value[...] = rng.normal(size=channels) / 4
            layer.running_mean[...] = rng.normal(size=channels) / 4
            layer.running_var[...] = rng.uniform(0.3, 2, channels)
    return model


def predict(name, model, images):
    if name not in PROPOSALS:
        return model.predict(images)
    drawn = np.random.default_rng(0).uniform(0, 96, (len(images), 30, 2, 2)).astype(np.float32)
    return model.predict(images, list(np.sort(drawn, axis=2).reshape(len(images), 30, 4)))


def one_by_one(name, model, images):
    """Predict with each layer's own forward pass, and each operation by itself."""
    with watch(model, "forward"), observe(lambda *_: None):
        return predict(name, model, images)


@pytest.mark.parametrize("name", systems())
def test_a_system_predicts_what_its_layers_predict_one_by_one(name):
    dataset = Scenes("hard", size=96, **system_class(name).scene_options).draw(3)
    model, rng = random_model(name, dataset), np.random.default_rng(5)
    images = [dataset[0].image, dataset[1].image, dataset[2].image[:90, :85]]
    for _ in range(2):
        found, expected = predict(name, model, images), one_by_one(name, model, images)
        for one, other in zip(found, expected, strict=True):
            assert_alike(one, other)
        if isinstance(found[0], Instances):
            assert sum(map(len, expected)) > 0, "there is nothing to compare"
        for parameter in model.parameters():  # the second time with other parameters
            parameter.value *= rng.uniform(0.8, 1.2, parameter.value.shape)


def assert_alike(found, expected):
    """Assert that predictions are equal up to rounding, but for a few where two scores were nearly equal."""
    if not isinstance(found, Instances):
        assert found.shape == expected.shape and np.mean(found != expected) < 1e-3
        return
    assert abs(len(found) - len(expected)) <= 0.02 * len(expected)
    if not len(expected):
        return
    near = np.abs(found.boxes[:, None] - expected.boxes).max(axis=2) <= 1e-4 * 96
    same = near & (found.labels[:, None] == expected.labels)
    if expected.scores is not None:
        same &= abs(found.scores[:, None] - expected.scores) <= 1e-4
    assert same.any(axis=0).mean() >= 0.98
    pairs = np.argwhere(same)
    if expected.masks is not None:
        assert np.mean(found.masks[pairs[:, 0]] != expected.masks[pairs[:, 1]]) < 1e-3
    if expected.keypoints is not None:
        far = abs(found.keypoints[pairs[:, 0]] - expected.keypoints[pairs[:, 1]]) > 1e-2
        assert far.mean() < 0.02  # a joint is at the largest of many scores
