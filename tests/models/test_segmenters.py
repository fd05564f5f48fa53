"""The lecture's segmenters: every gradient compared with float64 differences, and what they have in common."""

import numpy as np
import pytest

from minivision.data import Batch
from minivision.models import make_model, system_class, systems
from minivision.models.base.model import Model
from minivision.models.base.segmenter import Segmenter
from minivision.training import AdamW
from minivision.training.batches import reseed

CLASSES = ("background", "disc", "square")
SMALL = {
    "sliding-window": {"convolutions": ((4, 3, 2), (5, 3, 1), (6, 3, 1)), "patches": 5},
    "full-resolution": {"width": 4, "blocks": 3},
    "encoder-decoder": {"widths": (4, 5), "depths": (1, 1)},
}


@pytest.fixture(params=SMALL)
def name(request):
    return request.param


def small(name, dtype=np.float32, **options):
    """Return a small model in which no gradient is zero at the beginning."""
    rng = np.random.default_rng(3)
    model = make_model(name, CLASSES, rng=rng, **SMALL[name], **options)
    for parameter in model.parameters():
        parameter.value += 0.1 * rng.standard_normal(parameter.value.shape).astype(np.float32)
    return model.astype(dtype)


@pytest.fixture
def batch(rng):
    images = np.repeat(np.repeat(rng.integers(0, 256, (2, 3, 4, 3), dtype=np.uint8), 8, 1), 8, 2)
    label_maps = images[..., 0] // 86
    label_maps[0, :5, :7] = 255  # unlabeled
    return Batch(images, [], label_maps)


def loss_of(model, batch):
    reseed(model, 0, 0)  # the same patches each time
    return sum(model.step(batch).values())


def test_all_systems_of_segmentation_are_tested_here():
    segmenters = [name for name in systems() if system_class(name).task == "segmentation"]
    assert segmenters == list(SMALL) == ["sliding-window", "full-resolution", "encoder-decoder"]


def test_every_gradient_is_that_of_float64_differences(name, batch, rng):
    model, step = small(name, np.float64), 1e-6
    loss_of(model, batch)
    assert model.leftovers() == []
    gradients = {parameter.name: parameter.grad.copy() for parameter in model.parameters()}
    for parameter in model.parameters():
        direction = rng.standard_normal(parameter.value.shape)
        middle, losses = parameter.value.copy(), []
        for sign in (1, -1):
            parameter.value[...] = middle + sign * step * direction
            losses.append(loss_of(model, batch))
        parameter.value[...] = middle
        slope = (losses[0] - losses[1]) / (2 * step)
        expected = (gradients[parameter.name] * direction).sum()
        assert slope == pytest.approx(expected, rel=1e-5, abs=1e-8), parameter.name
        assert np.abs(gradients[parameter.name]).max() > 1e-5, f"{parameter.name} is not trained"


def test_a_few_steps_fit_a_batch_and_the_same_seed_gives_the_same_bits(name, batch):
    runs = []
    for _ in range(2):
        model = small(name)
        optimizer, losses = AdamW(model, weight_decay=0.0), []
        for step in range(80):
            reseed(model, 0, step)
            losses.append(sum(model.step(batch).values()))
            optimizer.step(1e-2)
        runs.append((losses, model.state()))
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
    for array, other in zip(runs[0][1].values(), runs[1][1].values(), strict=True):
        np.testing.assert_array_equal(array, other)


def test_predictions_have_the_size_of_each_image_and_do_not_depend_on_the_other_images(name, rng):
    model = small(name)
    images = [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for height, width in [(20, 24), (17, 5)] * 9]
    before = [image.copy() for image in images]
    together = model.predict(images)
    for image, label_map in zip(images, together, strict=True):
        assert label_map.shape == image.shape[:2] and label_map.dtype == np.uint8
    assert (model.predict(images[1:2])[0] == together[1]).mean() > 0.99
    assert model.predict([]) == []
    assert all((image == old).all() for image, old in zip(images, before, strict=True))


def test_the_padding_for_the_stride_is_cropped_where_it_was_added(rng):
    model = small("encoder-decoder")
    image = rng.integers(0, 256, (17, 21, 3), dtype=np.uint8)
    padded = np.pad(image, ((0, 3), (0, 3), (0, 0)), mode="edge")
    labels = model.predict([padded])[0]
    assert len(np.unique(labels)) > 1
    np.testing.assert_array_equal(model.predict([image])[0], labels[:17, :21])


def test_sides_that_do_not_divide_by_the_stride_are_trained_on_as_with_ignored_padding(rng):
    name = "encoder-decoder"
    image = rng.integers(0, 256, (1, 17, 21, 3), dtype=np.uint8)
    labels = rng.integers(0, 2, (1, 17, 21)).astype(np.uint8)
    around = ((0, 0), (0, 3), (0, 3))
    padded = np.pad(image, (*around, (0, 0)), mode="edge"), np.pad(labels, around, constant_values=255)
    losses, gradients = [], []
    for images, label_maps in ((image, labels), padded):
        model = small(name)
        batch = Batch(images, [], label_maps)
        losses.append(float(model.step(batch)["cross-entropy"]))
        gradients.append([parameter.grad.copy() for parameter in model.parameters()])
    assert losses[0] == pytest.approx(losses[1], rel=1e-6) and losses[0] > 0
    for one, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_an_image_without_any_label_gives_no_loss_and_no_gradient(name, batch):
    model = small(name)
    losses = model.step(batch._replace(label_maps=np.full_like(batch.label_maps, 255)))
    assert sum(losses.values()) == 0
    assert all((parameter.grad == 0).all() for parameter in model.parameters())


@pytest.mark.parametrize("weight", [0, -1, np.nan, np.inf])
def test_a_background_weight_that_is_not_positive_is_refused(name, weight):
    with pytest.raises(ValueError, match="background_weight: expected a positive number"):
        small(name, background_weight=weight)


def test_options_on_the_command_line_have_the_defaults_of_the_class(name):
    model = make_model(name, CLASSES)
    for option, described in model.OPTIONS.items():
        assert model.options[option] == described["default"], option


def test_the_loss_the_step_and_the_prediction_are_written_once():
    for name in SMALL:
        cls = type(make_model(name, CLASSES))
        assert issubclass(cls, Segmenter) and cls.predict is Segmenter.predict and cls.step is Model.step
        assert name == "sliding-window" or cls.losses is Segmenter.losses  # which trains on patches
