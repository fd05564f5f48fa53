"""Faster R-CNN: the whole network compared with PyTorch, training, prediction, and unusual input."""

import functools

import numpy as np
import painted
import pytest
from painted import CLASSES, Given, batch_of, steps_on

from minivision import ops
from minivision.data.instances import Instances
from minivision.models.base.options import as_text
from minivision.models.faster_rcnn import FasterRCNN
from minivision.training import AdamW, Settings, TrainingError, train
from minivision.training.batches import reseed

small = functools.partial(painted.small, FasterRCNN)


@pytest.fixture
def batch():
    return batch_of(
        Instances([[3, 2, 24, 20], [25, 10, 45, 31]], [1, 3]), Instances([[10, 4, 20, 14]], [2]), Instances.empty()
    )


@pytest.mark.parametrize("pooling", ["align", "pool"])
def test_four_losses_and_every_gradient_are_those_of_the_same_network_in_pytorch(pooling, batch, monkeypatch):
    pytest.importorskip("torch")
    import torch_faster_rcnn

    from minivision.bench.torch_equivalent import layer_converter

    model = small(dtype=np.float64, pooling=pooling)
    drawn, pairs = torch_faster_rcnn.keep_samples(model, monkeypatch, "rpn", "head"), []
    losses = model.step(batch)
    assert model.leftovers() == []
    assert len(drawn["rpn"].positive) >= 3 and (drawn["head"].labels > 0).sum() >= 3
    _, expected = torch_faster_rcnn.four_losses(model, batch, drawn, layer_converter(pairs))
    sum(expected.values()).backward()
    torch_faster_rcnn.assert_same(losses, expected, model, pairs)


def test_both_stages_send_a_gradient_into_the_features_and_it_is_their_sum(batch):
    def gradients(keep_rpn, keep_head):
        model = small(dtype=np.float64)
        outputs = model.forward(model.normalize(batch.images), training=True, batch=batch)
        _, (rpn, head) = model.losses(outputs, batch)
        model.backward(([keep_rpn * each for each in rpn], [keep_head * each for each in head]))
        return np.concatenate([parameter.grad.ravel() for parameter in model.backbone.parameters()])

    rpn, head, both = gradients(1, 0), gradients(0, 1), gradients(1, 1)
    assert abs(rpn).max() > 1e-3 and abs(head).max() > 1e-3
    np.testing.assert_allclose(both, rpn + head, atol=1e-10)


def test_a_few_steps_fit_a_batch_and_the_same_seed_gives_the_same_bits(batch):
    runs = []
    for _ in range(2):
        model = small()
        optimizer, losses = AdamW(model, weight_decay=0.0), []
        for step in range(60):
            reseed(model, 0, step)
            losses.append(sum(model.step(batch).values()))
            optimizer.step(5e-3)
        runs.append((losses, model.state()))
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    for array, other in zip(runs[0][1].values(), runs[1][1].values(), strict=True):
        np.testing.assert_array_equal(array, other)


def test_a_trained_model_finds_the_objects_of_its_batch(batch):
    model = small()
    optimizer = AdamW(model, weight_decay=0.0)
    for step in range(250):
        reseed(model, 0, step)
        model.step(batch)
        optimizer.step(5e-3)
    for truth, found in zip(batch.instances, model.predict(list(batch.images)), strict=True):
        assert len(found[found.scores > 0.5]) <= len(truth) + 1  # little else but the objects is taken for one
        for box, label in zip(truth.boxes, truth.labels, strict=True):
            same = found[(found.labels == label) & (found.scores > 0.5)]
            assert len(same) and ops.box_iou(same.boxes[:1], box[None])[0, 0] >= 0.5  # the best of its class


def test_predictions_lie_in_their_image_and_do_not_depend_on_the_other_images(rng):
    model = small()
    images = [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for height, width in [(32, 40), (17, 21)] * 9]
    before = [image.copy() for image in images]
    together = model.predict(images)
    for image, found in zip(images, together, strict=True):
        height, width = image.shape[:2]
        assert len(found) and (np.diff(found.scores) <= 0).all()
        assert (found.boxes >= 0).all() and (found.boxes <= [width, height, width, height]).all()
    alone = model.predict(images[1:2])[0]
    assert len(alone) == len(together[1])
    np.testing.assert_allclose(alone.scores, together[1].scores, atol=1e-4)
    assert model.predict([]) == []
    assert all((image == old).all() for image, old in zip(images, before, strict=True))


# ---- unusual input: trained on without NaN --------------------------------------------------------------

ODD = {
    "no object in any image": [[], []],
    "an object smaller than a cell": [[[13, 13, 16, 16]], []],
    "an object of one pixel": [[[7, 8, 8, 9]], [[0, 0, 1, 1]]],
    "a box without area": [[[5, 5, 5, 20]], [[9, 9, 9, 9]]],
    "objects on the border and in the corner": [[[0, 0, 9, 9], [40, 25, 48, 32]], [[0, 10, 3, 30]]],
    "an object as large as the image": [[[0, 0, 48, 32]], []],
    "an object partly outside": [[[-10, -5, 15, 20]], [[40, 20, 60, 50]]],
    "twenty objects in the same place": [[[10, 10, 30, 30]] * 20, []],
}


@pytest.mark.parametrize("boxes", ODD.values(), ids=ODD.keys())
def test_odd_objects_are_trained_on_without_nan(boxes):
    batch = batch_of(*(Instances(each, [1] * len(each)) for each in boxes))  # classes 2 and 3 never occur
    model = small()
    losses = steps_on(batch, model)
    assert losses["rpn_objectness"] > 0
    assert (losses["rpn_box"] > 0) == any(box[2] > box[0] for each in boxes for box in each)
    model.predict(list(batch.images))


@pytest.mark.parametrize("size", [(33, 50), (8, 8), (9, 70)])
def test_sizes_that_do_not_divide_by_the_stride_are_trained_on(size):
    h, w = size
    batch = batch_of(Instances([[1, 1, w - 1, h - 1]], [1]), Instances([[w - 6, h - 6, w, h]], [2]), size=size)
    model = small()
    outputs = model.forward(model.normalize(batch.images))
    assert outputs.features.shape[2:] == (-(-h // 8), -(-w // 8))  # the last row and column are seen
    steps_on(batch, model)


def test_images_that_are_only_crowd_have_no_loss():
    crowd = Instances([[0, 0, 48, 32]], [1], crowd=np.array([True]))
    losses = steps_on(batch_of(crowd, crowd), small())
    assert losses["class"] == losses["box"] == losses["rpn_box"] == 0


@pytest.mark.filterwarnings("ignore:overflow")
def test_numbers_that_are_not_finite_end_the_training_with_their_cause_and_detect_nothing(batch):
    with pytest.raises(TrainingError, match="the first layer whose output is not finite is"):
        train(small(), Given(batch), Settings(batch_size=3, rate=1e10, warmup=0), steps=20, progress=False)
    model = small()
    for parameter in model.parameters():
        parameter.value[...] = np.nan
    assert [len(found) for found in model.predict(list(batch.images))] == [0, 0, 0]


def test_anchor_sizes_come_from_the_training_set_and_are_reported_and_kept(batch, tmp_path, caplog):
    caplog.set_level("INFO", "minivision")
    from minivision.training import Checkpoint

    dataset, model = Given(batch), small(anchor_sizes=None, ratios=(1,))
    assert model.rpn.sizes == (16, 32, 64)
    train(model, dataset, Settings(batch_size=2), steps=2, progress=False, out=tmp_path / "run")
    assert model.rpn.sizes[0] == 10 and model.rpn.sizes[-1] < 26
    assert f"of the sizes {as_text(model.options['anchor_sizes'])} (" in caplog.text
    again = Checkpoint.load(tmp_path / "run" / "checkpoint.npz").make_model()
    assert again.rpn.sizes == model.rpn.sizes
    given = small(anchor_sizes=(7, 9.5), ratios=(1, 2))
    given.prepare(dataset)
    assert given.rpn.sizes == (7, 9.5) and given.options["ratios"] == (1, 2)


@pytest.mark.parametrize(("side", "stride"), [(6, 4), (20, 8), (40, 16)])
def test_the_stride_is_chosen_by_the_smallest_objects_and_kept(side, stride, tmp_path):
    from minivision.training import Checkpoint

    dataset = Given(batch_of(Instances([[2, 2, 2 + side, 2 + side]], [1]), size=(48, 64)))
    model = FasterRCNN(CLASSES, hidden=8)
    train(model, dataset, Settings(batch_size=1), steps=1, progress=False, out=tmp_path / "run")
    assert model.stride == model.rpn.stride == stride and model.options["stride"] == stride
    again = Checkpoint.load(tmp_path / "run" / "checkpoint.npz").make_model()
    assert again.stride == stride
    boxes, other = again.propose([dataset.batch.images[0], np.zeros((9, 70, 3), np.uint8)], max_proposals=5)
    assert 0 < len(boxes) <= 5 and (other <= [70, 9, 70, 9]).all()
    given = FasterRCNN(CLASSES, stride=8)
    given.prepare(dataset)
    assert given.stride == 8


def test_a_training_set_without_objects_is_refused_when_sizes_are_to_come_from_it():
    empty = Given(batch_of(Instances.empty(), Instances.empty()))
    with pytest.raises(ValueError, match="nothing to choose anchor sizes by"):
        train(small(anchor_sizes=None), empty, Settings(batch_size=1), steps=1, progress=False)


def test_images_of_different_sizes_are_cropped_alike_for_a_batch(batch):
    result = train(
        small(), Given(batch, [(32, 48), (30, 20), (9, 9)]), Settings(crop=(24, 24)), steps=2, progress=False
    )
    assert np.isfinite(result.log[-1]["loss"])


@pytest.mark.parametrize(("options", "message"), [
    ({"anchor_sizes": ()}, "anchor_sizes: expected positive numbers"),
    ({"anchor_sizes": (16, -3)}, "anchor_sizes: expected positive numbers"),
    ({"ratios": ("a",)}, "ratios: expected a number"),
    ({"stride": 5}, "stride: expected 4, 8, 16, or None for auto, got 5"),
    ({"pooling": "warp"}, "pooling: expected one of align, pool"),
    ({"max_proposals": 0}, "max_proposals: expected at least 1"),
    ({"batch_size_per_image": 0}, "batch_size_per_image: expected at least 1"),
])  # fmt: skip
def test_options_that_make_no_sense_are_named(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        small(**options)


def test_options_on_the_command_line_have_the_defaults_of_the_class():
    model = FasterRCNN(CLASSES)
    for option, described in model.OPTIONS.items():
        assert model.options[option] == described["default"], option
