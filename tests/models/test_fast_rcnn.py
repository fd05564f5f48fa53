"""R-CNN and Fast R-CNN: gradients, warped regions, the fits after training, and that they learn."""

import numpy as np
import pytest

from minivision.data import Batch, Sample, Scenes, WithProposals, collate
from minivision.data.instances import Instances
from minivision.models import make_model
from minivision.models.rcnn import CONTEXT
from minivision.tasks import evaluate
from minivision.training import Settings, train

CLASSES = ("background", "disc", "square", "star")
SMALL = {"widths": (4, 6), "depths": (0, 1), "hidden": 8}


def small(name, dtype=np.float64, **options):
    """Return a small model in which no gradient is zero at the beginning."""
    rng = np.random.default_rng(3)
    model = make_model(name, CLASSES, rng=rng, **SMALL, **options)
    for parameter in model.parameters():
        parameter.value += 0.1 * rng.standard_normal(parameter.value.shape).astype(np.float32)
    return model.astype(dtype)


@pytest.fixture
def batch(rng):
    images = rng.integers(0, 256, (2, 32, 48, 3), dtype=np.uint8)
    boxes = [[[4, 3, 20, 21], [25, 10, 40, 30]], [[10, 8, 30, 28]]]
    instances = [Instances(each, labels) for each, labels in zip(boxes, ([1, 2], [3]), strict=True)]
    proposals = [
        np.concatenate([each.boxes + rng.uniform(-2, 2, each.boxes.shape), _random_boxes(rng, 12)]).astype(np.float32)
        for each in instances
    ]
    return Batch(images, instances, np.zeros((2, 32, 48), np.uint8), proposals)


def _random_boxes(rng, count):
    corners = np.sort(rng.uniform(0, 1, (count, 2, 2)), axis=1) * [48, 32]
    return corners.reshape(count, 4)


def rng_of(model):
    return model.rng if model.name == "rcnn" else model.head.rng


@pytest.mark.parametrize(
    "options", [{"name": "rcnn"}, {"name": "fast-rcnn"}, {"name": "fast-rcnn", "pooling": "align"}]
)
def test_the_gradient_is_the_slope_of_the_losses_sum(options, batch, rng):
    model = small(**options)

    def loss():
        rng_of(model).bit_generator.state = np.random.PCG64(5).state  # the same proposals are drawn each time
        return sum(model.step(batch).values())

    loss()
    assert model.leftovers() == []
    gradients = [parameter.grad.copy() for parameter in model.parameters()]
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        direction = rng.standard_normal(gradient.shape)
        kept, slopes = parameter.value.copy(), []
        for step in (1e-6, -1e-6):
            parameter.value[...] = kept + step * direction
            slopes.append(loss())
        parameter.value[...] = kept
        slope = (slopes[0] - slopes[1]) / 2e-6
        assert slope == pytest.approx((gradient * direction).sum(), rel=1e-5, abs=1e-7), parameter.name


def test_a_region_is_warped_with_its_context():
    """A white box on black fills the middle of the square, and the margin shows what is around it."""
    model = small("rcnn", side=32)
    image = np.full((1, 3, 64, 64), -1.0)
    image[:, :, 20:40, 10:50] = 1
    (square,) = model.warp(image, np.array([[0, 10, 20, 50, 40]], np.float32))
    margin = CONTEXT * 32
    inner = slice(int(np.ceil(margin)) + 1, 32 - int(np.ceil(margin)) - 1)
    assert (square[:, inner, inner] == 1).all()
    assert (square[:, 0, :] == -1).all() and (square[:, :, -1] == -1).all()
    white = (square[0] > 0).mean(axis=0)[16], (square[0] > 0).mean(axis=1)[16]
    assert white == pytest.approx(((32 - 2 * margin) / 32,) * 2, abs=1.5 / 32)


def test_a_region_over_the_border_is_filled_with_the_mean_color():
    (square,) = small("rcnn").warp(np.ones((1, 3, 32, 32)), np.array([[0, 0, 0, 16, 16]], np.float32))
    assert (square[:, 0, :] == 0).all() and (square[:, :, 0] == 0).all() and square[0, 16, 16] == 1


def scenes_with_boxes(count):
    """Return easy scenes whose proposals are boxes near the true ones and random ones: enough to learn from."""
    scenes = Scenes("easy", "train", objects=(1, 3), classes=CLASSES[1:], size=64).draw(count)
    rng = np.random.default_rng(0)
    proposals = []
    for sample in scenes:
        near = sample.instances.boxes + rng.uniform(-4, 4, sample.instances.boxes.shape)
        far = np.sort(rng.uniform(0, 64, (12, 2, 2)), axis=1).reshape(12, 4)
        far = far[((far[:, 2:] - far[:, :2]) > 6).all(axis=1)]
        proposals.append(np.concatenate([near.clip(0, 64), far]).astype(np.float32))
    return WithProposals(scenes, proposals)


class WithGivenProposals:
    """A model that gets the proposals of a dataset, image by image."""

    def __init__(self, model, dataset):
        self.model, self.left = model, list(dataset.proposals)
        self.name, self.task, self.classes = model.name, model.task, model.classes

    def predict(self, images):
        proposals, self.left = self.left[: len(images)], self.left[len(images) :]
        return self.model.predict(images, proposals)


@pytest.mark.parametrize("name", ["rcnn", "fast-rcnn"])
def test_a_few_small_scenes_are_learned_and_the_same_seed_gives_the_same_bits(name, monkeypatch):
    scenes = scenes_with_boxes(16)
    monkeypatch.setattr("minivision.models.base.proposal_detector.propose_dataset", lambda *_, **__: scenes.proposals)
    states = []
    for _ in range(2):
        model = make_model(name, CLASSES, rng=np.random.default_rng(0), widths=(8, 12, 16), hidden=32)
        result = train(model, scenes.dataset, Settings(rate=5e-3, flips=()), steps=80, progress=False)
        states.append({key: array.copy() for key, array in model.state().items()})
    assert result.log[-1]["loss"] < 0.5 * result.log[0]["loss"]
    for key in states[0]:
        np.testing.assert_array_equal(states[0][key], states[1][key], err_msg=key)
    figures = evaluate(WithGivenProposals(model, scenes), scenes)
    assert figures["AP50"] > 0.6


def test_before_its_svms_are_fitted_rcnn_uses_its_classifier(batch):
    model = small("rcnn", np.float32)
    before = model.predict(list(batch.images), batch.proposals)
    assert len(before[0]) and not model.svm_weights.any()
    model.svm_weights[...], model.svm_biases[...] = 0.1, -9
    assert not any(map(len, model.predict(list(batch.images), batch.proposals)))


def test_boxes_are_improved_by_scaled_features_with_the_scores_of_svms_or_classifier(batch, rng):
    """Features are scaled before the fit, so they have to be scaled before they are multiplied too."""
    model = small("rcnn", np.float32)
    model.box_weights[...] = 0.05 * rng.standard_normal(model.box_weights.shape)
    found, _ = model.predict(list(batch.images), batch.proposals)
    model.feature_scale[...], model.box_weights[...] = 4, 4 * model.box_weights
    again, _ = model.predict(list(batch.images), batch.proposals)
    np.testing.assert_allclose(again.boxes, found.boxes, atol=1e-3)


@pytest.mark.parametrize("name", ["rcnn", "fast-rcnn"])
def test_predictions_lie_in_images_whose_size_does_not_divide_and_need_no_order(name, rng):
    model = small(name, np.float32)
    images = [rng.integers(0, 256, size, dtype=np.uint8) for size in ((30, 41, 3), (64, 64, 3), (30, 41, 3))]
    together = model.predict(images)
    for image, found in zip(images, together, strict=True):
        height, width = image.shape[:2]
        assert (found.boxes >= 0).all() and (found.boxes <= [width, height, width, height]).all()
        (alone,) = model.predict([image])
        np.testing.assert_allclose(found.boxes, alone.boxes, atol=1e-3)


@pytest.mark.parametrize("name", ["rcnn", "fast-rcnn"])
@pytest.mark.parametrize("empty", ["objects", "proposals", "both"])
def test_images_without_objects_or_proposals_are_trained_on_and_predicted_without_nan(name, empty, batch):
    model = small(name, np.float32)
    instances = [Instances.empty()] * 2 if empty != "proposals" else batch.instances
    proposals = [np.zeros((0, 4), np.float32)] * 2 if empty != "objects" else batch.proposals
    losses = model.step(batch._replace(instances=instances, proposals=proposals))
    assert all(np.isfinite(loss) for loss in losses.values())
    assert all(np.isfinite(parameter.grad).all() for parameter in model.parameters())
    found = model.predict(list(batch.images), proposals)
    assert all(np.isfinite(each.boxes).all() for each in found)
    if empty != "objects":
        assert [len(each) for each in found] == [0, 0]


def test_rcnn_finishes_on_classes_that_never_occur_and_images_without_objects(rng, caplog):
    caplog.set_level("INFO", "minivision")
    model = small("rcnn", np.float32)
    image = rng.integers(0, 256, (32, 48, 3), dtype=np.uint8)
    proposals = _random_boxes(rng, 10).astype(np.float32)
    empty = Sample(image, Instances.empty(), np.zeros((32, 48), np.uint8), proposals)
    one = empty._replace(instances=Instances([[4, 3, 20, 21]], [2]))
    model.finish([empty, one, empty])
    assert "32 boxes" not in caplog.text
    assert all(np.isfinite(getattr(model, name)).all() for name in model.buffers)
    assert model.svm_weights[1].any() and not model.svm_weights[0].any()  # class 2 occurs, class 1 does not
    model.finish([empty])  # nothing to learn from at all
    assert not model.svm_weights.any()


def test_rcnn_estimates_the_time_of_its_svms_from_a_few_images(rng, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("minivision.models.rcnn.time.perf_counter", lambda: clock[0])
    monkeypatch.setattr("minivision.models.rcnn.fit_svms_seconds", lambda features, positives, classes: 3.0 * positives)
    model = small("rcnn", np.float32, svm_images=30)
    image = rng.integers(0, 256, (32, 48, 3), dtype=np.uint8)
    instances = Instances([[4, 3, 20, 21], [20, 3, 30, 21], [1, 1, 9, 9]], [1, 2, 3])
    sample = Sample(image, instances, np.zeros((32, 48), np.uint8), _random_boxes(rng, 10).astype(np.float32))
    original = model._with_features

    def slow(sample):
        clock[0] += 0.5
        return original(sample)

    monkeypatch.setattr(model, "_with_features", slow)
    assert model.finish_seconds([sample] * 40) == 30 * 0.5 + 3.0 * 30  # 30 images, with 30 objects of each class
    assert model.finish_seconds([sample] * 2) == 2 * 0.5 + 3.0 * 2
    nothing = sample._replace(proposals=sample.proposals[:0], instances=Instances.empty())
    assert model.finish_seconds([nothing]) == 0.5


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match="mode: expected one of single, fast, quality, got 'best'"):
        make_model("rcnn", CLASSES, mode="best")
    with pytest.raises(ValueError, match="side: expected a multiple of the backbone's stride 8, got 30"):
        make_model("rcnn", CLASSES, side=30)
    with pytest.raises(ValueError, match="pooling"):
        make_model("fast-rcnn", CLASSES, pooling="max")


def test_a_batch_without_proposals_is_refused(batch):
    for name in ("rcnn", "fast-rcnn"):
        sample = Sample(batch.images[0], batch.instances[0], batch.label_maps[0])
        with pytest.raises(ValueError, match="no proposals"):
            small(name, np.float32).step(collate([sample]))
