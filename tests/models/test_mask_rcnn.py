"""Mask R-CNN: all losses compared with PyTorch, its targets, its predictions, and unusual input."""

import functools

import numpy as np
import painted
import pytest
from painted import CLASSES, SIZE, Given, batch_of, steps_on

from minivision import ops
from minivision.data import Scenes
from minivision.data.instances import Instances
from minivision.detection import paste_masks
from minivision.layers import RoIPool
from minivision.models import make_model
from minivision.models.faster_rcnn import FasterRCNN
from minivision.models.mask_rcnn import MaskRCNN
from minivision.models.parts.keypoint_branch import KEYPOINT_LOSS_WEIGHT
from minivision.models.parts.mask_branch import MASK_THRESHOLD
from minivision.models.parts.roi_head import RoISamples
from minivision.training import AdamW, Checkpoint, Settings, train
from minivision.training.batches import reseed

JOINTS = ("head", "left_hand", "right_hand")
WITH_JOINTS = {"keypoint_names": JOINTS, "keypoint_classes": ("star",)}

small = functools.partial(painted.small, MaskRCNN, mask_size=8, mask_width=6)


def objects(boxes, labels, size=SIZE):
    """Return objects that fill their boxes up to a missing corner; those of class 3 have joints."""
    masks = np.zeros((len(boxes), *size), bool)
    keypoints = np.zeros((len(boxes), len(JOINTS), 3), np.float32)
    for mask, points, label, (x1, y1, x2, y2) in zip(masks, keypoints, labels, boxes, strict=True):
        mask[max(y1, 0) : max(y2, 0), max(x1, 0) : max(x2, 0)] = True
        mask[(y1 + y2) // 2 : max(y2, 0), max(x1, 0) : (x1 + x2) // 2] = False  # the lower left quarter
        if label == 3:
            points[:] = [(x1 + x2) / 2, y1 + 1, 2], [x1 + 1, (y1 + y2) / 2, 1], [x2 - 1, (y1 + y2) / 2, 2]
    return Instances(boxes, labels, masks=masks, keypoints=keypoints)


@pytest.fixture
def batch():
    return batch_of(
        objects([[3, 2, 24, 20], [25, 10, 45, 31]], [1, 3]),
        objects([[10, 4, 20, 14]], [2]),
        Instances.empty(mask_size=SIZE, keypoints=3),
    )


class WithMasks(Given):
    has_masks = True
    keypoint_names = JOINTS


@pytest.mark.parametrize("pooling", ["align", "pool"])
def test_six_losses_and_every_gradient_are_those_of_the_same_network_in_pytorch(pooling, batch, monkeypatch):
    torch = pytest.importorskip("torch")
    import torch_faster_rcnn
    from torch.nn import functional as F

    from minivision.bench.torch_equivalent import layer_converter

    model = small(dtype=np.float64, pooling=pooling, **WITH_JOINTS)
    drawn, pairs = torch_faster_rcnn.keep_samples(model, monkeypatch, "rpn", "head", "mask_branch"), []
    losses = model.step(batch)
    assert model.leftovers() == []

    convert, regions = layer_converter(pairs), drawn["head"]
    features, expected = torch_faster_rcnn.four_losses(model, batch, drawn, convert)
    mask_body, keypoint_body = convert(model.mask_branch.body), convert(model.keypoint_branch.body)
    pool = torch_faster_rcnn.pool(model)

    found = np.flatnonzero(regions.labels)
    masks = [
        torch.from_numpy(batch.instances[int(regions.rois[k, 0])].masks[regions.objects[k]].astype(float))
        for k in found
    ]
    rois = np.concatenate([np.zeros((len(found), 1)), regions.rois[found, 1:]], axis=1)
    targets = torch.cat([
        torch_faster_rcnn.torch_regions.roi_align(mask[None, None], torch.from_numpy(roi[None]), 8, 1)
        for mask, roi in zip(masks, rois, strict=True)
    ])[:, 0]  # fmt: skip
    logits = mask_body(pool(features, regions.rois[found], 4))[np.arange(len(found)), regions.labels[found] - 1]
    np.testing.assert_allclose(drawn["mask_branch"].masks, targets, atol=1e-5)  # they are float32
    masks = torch.from_numpy(drawn["mask_branch"].masks).to(logits)
    expected["mask"] = F.binary_cross_entropy_with_logits(logits, masks)
    assert len(found) >= 3 and 0.2 < targets.mean() < 0.9

    people = np.flatnonzero(regions.labels == 3)
    places = []
    for k in people:
        n, x1, y1, x2, y2 = regions.rois[k].tolist()
        for x, y, _ in batch.instances[int(n)].keypoints[regions.objects[k]].tolist():
            column, row = int(np.floor((x - x1) * 16 / (x2 - x1))), int(np.floor((y - y1) * 16 / (y2 - y1)))
            places.append(16 * row + column if 0 <= column < 16 and 0 <= row < 16 else -100)
    assert len(people) and max(places) > 0
    logits = keypoint_body(pool(features, regions.rois[people], 4)).reshape(-1, 256)
    expected["keypoint"] = KEYPOINT_LOSS_WEIGHT * F.cross_entropy(logits, torch.tensor(places))

    sum(expected.values()).backward()
    torch_faster_rcnn.assert_same(losses, expected, model, pairs)


def test_every_branch_sends_a_gradient_into_the_features_and_it_is_their_sum(batch):
    def gradients(*kept):
        model = small(dtype=np.float64, **WITH_JOINTS)
        outputs = model.forward(model.normalize(batch.images), training=True, batch=batch)
        _, (rpn, head, mask, joints) = model.losses(outputs, batch)
        rpn, head = ([keep * each for each in pair] for keep, pair in zip(kept, (rpn, head), strict=False))
        model.backward((rpn, head, kept[2] * mask, kept[3] * joints))
        return np.concatenate([parameter.grad.ravel() for parameter in model.backbone.parameters()])

    each = [gradients(*keep) for keep in np.eye(4)]
    assert min(abs(gradient).max() for gradient in each) > 1e-4
    np.testing.assert_allclose(gradients(1, 1, 1, 1), sum(each), atol=1e-10)


def test_the_options_of_pooling_and_size_hold_for_every_branch():
    model = MaskRCNN(CLASSES, pooling="pool", mask_size=10, **WITH_JOINTS)
    for part in (model.head, model.mask_branch, model.keypoint_branch):
        assert isinstance(part.pool, RoIPool)
    rois = np.array([[0, 0, 0, 30, 30.0]])
    features = np.ones((1, 64, 4, 6), np.float32)
    assert model.mask_branch.forward(features, rois).shape == (1, 3, 10, 10)
    assert model.keypoint_branch.forward(features, rois).shape == (1, 3, 20, 20)


def test_a_trained_model_finds_the_pixels_and_the_joints_of_its_batch(batch):
    """The limits hold for every order of rounding, so on every processor: of 32 runs that differ in it, the worst mask
    had an IoU of .79, the farthest joint was a pixel off, and one run detected an object twice."""
    model = small(mask_size=14, mask_width=24, **WITH_JOINTS)
    optimizer = AdamW(model, weight_decay=0.0)
    for step in range(450):
        reseed(model, 0, step)
        model.step(batch)
        optimizer.step(5e-3 if step < 225 else 1e-3)  # without the small steps one run in ten misses an object
    overlaps = []
    for truth, found in zip(batch.instances, model.predict(list(batch.images)), strict=True):
        assert found.mask_size == SIZE
        sure = found[found.scores > 0.5]
        assert set(sure.labels) == set(truth.labels) and len(sure) <= len(truth) + 1
        for own, label in enumerate(truth.labels):
            best = sure[sure.labels == label][:1]  # sorted by score
            mask, true = best.masks[0], truth.masks[own]
            overlaps.append((mask & true).sum() / (mask | true).sum())
            joints, known = best.keypoints[0], truth.keypoints[own]
            np.testing.assert_array_equal(joints[:, 2] > 0, known[:, 2] > 0)  # of people only
            np.testing.assert_allclose(joints[:, :2], known[:, :2], atol=4)
    assert np.mean(overlaps) > 0.8 and min(overlaps) > 0.5, overlaps  # the whole box would have .75


def test_masks_and_joints_come_from_the_maps_of_the_detected_class_and_image(rng):
    model = small(**WITH_JOINTS)
    features = rng.standard_normal((2, 6, 4, 6)).astype(np.float32)
    boxes = np.array([[4, 3, 30, 29], [1, 1, 47, 31], [10, 2, 40, 20]], np.float32)
    labels = np.array([2, 1, 3])
    found = [Instances(boxes[:1], labels[:1]), Instances(boxes[1:], labels[1:])]
    with_masks = model.add_masks_and_joints(features, found, SIZE)
    for k, (n, own) in enumerate([(0, 0), (1, 0), (1, 1)]):
        roi = np.array([[n, *boxes[k]]])
        own_map = model.mask_branch.forward(features, roi)[:, labels[k] - 1]
        (expected,) = paste_masks(ops.sigmoid(own_map), boxes[k : k + 1], SIZE, threshold=MASK_THRESHOLD)
        assert 0.05 < expected.mean() < 0.95 and (with_masks[n].masks[own] == expected).mean() > 0.99
        joints = with_masks[n].keypoints[own]
        assert (joints[:, 2] == (2 if labels[k] == 3 else 0)).all()
        if labels[k] == 3:
            maps = model.keypoint_branch.forward(features, roi)[0]
            row, column = np.unravel_index(maps.reshape(3, -1).argmax(axis=1), (16, 16))
            np.testing.assert_allclose(joints[:, 0], 10 + (column + 0.5) * 30 / 16, rtol=1e-5)
            np.testing.assert_allclose(joints[:, 1], 2 + (row + 0.5) * 18 / 16, rtol=1e-5)


def test_predictions_do_not_depend_on_the_other_images_and_images_may_have_any_size(rng):
    model = small(**WITH_JOINTS)
    images = [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for height, width in [(32, 40), (17, 21)] * 3]
    together = model.predict(images)
    for image, found in zip(images, together, strict=True):
        assert len(found) and found.mask_size == image.shape[:2] and found.keypoints.shape[1:] == (3, 3)
    alone = model.predict(images[1:2])[0]
    assert (alone.masks == together[1].masks).mean() > 0.99
    np.testing.assert_array_equal(alone.labels, together[1].labels)


# ---- prepare ------------------------------------------------------------------------------------------------------


def test_joints_come_from_the_training_set_and_are_kept(batch, tmp_path, caplog):
    caplog.set_level("INFO", "minivision")
    dataset, model = WithMasks(batch), small(anchor_sizes=None)
    assert model.keypoint_branch is None and model.keypoint_names == ()
    train(model, dataset, Settings(batch_size=2), steps=2, progress=False, out=tmp_path / "run")
    assert model.keypoint_names == JOINTS and "Joints: 3, of star" in caplog.text
    again = Checkpoint.load(tmp_path / "run" / "checkpoint.npz").make_model()
    assert again.keypoint_names == JOINTS and again.keypoint_branch.labels.tolist() == [3]
    before = {name: array.copy() for name, array in again.state().items()}
    again.prepare(dataset)  # as on resuming: nothing is made anew
    assert all((before[name] == array).all() for name, array in again.state().items())


def test_resuming_ends_with_the_same_bits_as_not_stopping(batch, tmp_path):
    models = [MaskRCNN(CLASSES, hidden=8, mask_width=4, mask_size=8) for _ in range(2)]
    dataset = WithMasks(batch)
    for model, legs in zip(models, [(6,), (3, 6)], strict=True):
        out = tmp_path / str(len(legs))
        for steps in legs:
            settings = Settings(batch_size=2, schedule="constant", warmup=0)
            train(model, dataset, settings, steps=steps, progress=False, out=out, resume=steps != legs[0])
            model = Checkpoint.load(out / "checkpoint.npz").make_model()
    states = [Checkpoint.load(tmp_path / name / "checkpoint.npz").model for name in "12"]
    assert all((array == states[1][name]).all() for name, array in states[0].items())


def test_the_stride_chosen_by_small_objects_holds_for_the_branches():
    dataset = WithMasks(batch_of(objects([[2, 2, 8, 8]], [3])))
    model = MaskRCNN(CLASSES, hidden=8)
    model.prepare(dataset)
    assert model.stride == 4 and model.keypoint_branch is not None
    for branch in (model.mask_branch, model.keypoint_branch):
        assert branch.pool.options["spatial_scale"] == 1 / 4


def test_a_dataset_without_joints_or_with_joints_switched_off_gives_no_keypoint_branch(batch):
    no_names, none_labeled = WithMasks(batch), WithMasks(batch_of(objects([[2, 2, 20, 20]], [1])))
    no_names.keypoint_names = ()
    for dataset, options in ((no_names, {}), (none_labeled, {}), (WithMasks(batch), {"joints": False})):
        model = small(**options)
        train(model, dataset, Settings(batch_size=1), steps=1, progress=False)
        assert model.keypoint_branch is None and model.keypoint_names == ()
        assert all(found.keypoints is None for found in model.predict(list(batch.images)))


def test_a_dataset_without_masks_and_one_with_other_joints_are_refused(batch):
    with pytest.raises(ValueError, match="mask-rcnn learns masks, and this dataset has none.*faster-rcnn"):
        train(small(), Given(batch), steps=1, progress=False)
    other = WithMasks(batch)
    other.keypoint_names = JOINTS[::-1]
    with pytest.raises(ValueError, match="predicts 3 joints of star, and the dataset has 3 of star, named otherwise"):
        train(small(**WITH_JOINTS), other, steps=1, progress=False)
    other.keypoint_names = ()
    with pytest.raises(ValueError, match="predicts 3 joints of star, and the dataset has none"):
        train(small(**WITH_JOINTS), other, steps=1, progress=False)


# ---- unusual input --------------------------------------------------------------------------------------


ODD = {
    "no object in any image": [([], []), ([], [])],
    "no person in any image": [([[3, 2, 24, 20]], [1]), ([], [])],
    "an object of one pixel": [([[7, 8, 8, 9]], [3]), ([[0, 0, 1, 1]], [1])],
    "a box without area": [([[5, 5, 5, 20]], [3]), ([[9, 9, 9, 9]], [2])],
    "an object partly outside": [([[-10, -5, 15, 20]], [3]), ([[40, 20, 60, 50]], [1])],
    "twenty objects in the same place": [([[10, 10, 30, 30]] * 20, [3] * 20), ([], [])],
}


@pytest.mark.parametrize("images", ODD.values(), ids=ODD.keys())
def test_odd_objects_are_trained_on_without_nan(images):
    model = small(**WITH_JOINTS)
    losses = steps_on(batch_of(*(objects(*each) for each in images)), model)
    labels = [label for boxes, own in images for box, label in zip(boxes, own, strict=True) if box[2] > box[0]]
    assert (losses["mask"] > 0) == bool(labels) and (losses["keypoint"] > 0) == (3 in labels)


def test_an_object_without_a_pixel_is_no_mask_target_and_does_not_change_the_others(batch):
    truth = batch.instances[0]
    masks = truth.masks.copy()
    masks[0] = False  # a polygon with two points, say
    regions = RoISamples(
        np.array([[0, 3, 2, 24, 20], [0, 25, 10, 45, 31], [0, 24, 9, 46, 30]], np.float32), np.array([1, 3, 3]),
        np.zeros((3, 4)), np.array([0, 1, 1]),
    )  # fmt: skip
    branch = small().mask_branch
    samples = branch.sample(regions, [truth.replace(masks=masks)], SIZE)
    assert samples.labels.tolist() == [3, 3] and samples.masks.any()
    np.testing.assert_array_equal(samples.masks, branch.sample(regions, [truth], SIZE).masks[1:])
    steps_on(batch_of(truth.replace(masks=np.zeros_like(masks))), small(**WITH_JOINTS))


def test_a_few_regions_of_an_image_are_sampled_and_others_the_next_time(batch):
    truth, branch = batch.instances[0], small().mask_branch
    rois = np.tile(np.float32([[0, 3, 2, 24, 20]]), (30, 1)) + np.arange(30, dtype=np.float32)[:, None] * [
        0,
        0,
        0,
        1,
        1,
    ]
    labels = np.repeat([1, 0], [20, 10])
    regions = RoISamples(rois, labels, np.zeros((30, 4)), labels - 1)
    drawn = [branch.sample(regions, [truth], SIZE).rois[:, 3] - 24 for _ in range(6)]
    assert all(len(set(each)) == len(each) == 8 and each.max() < 20 for each in drawn)  # of those with an object
    assert len({tuple(each) for each in drawn}) > 1


@pytest.mark.parametrize("points", [
    [[-50, -50, 2], [500, 10, 2], [10, 500, 1]],  # outside of the image
    [[np.nan, 3, 2], [np.inf, 3, 2], [3, -np.inf, 2]],
    [[0, 0, 0], [0, 0, 0], [0, 0, 0]],  # none is labeled
])  # fmt: skip
@pytest.mark.filterwarnings("error")
def test_joints_outside_the_image_or_not_finite_are_left_out(points, batch):
    keypoints = np.tile(np.array(points, np.float32), (2, 1, 1))
    truth = batch.instances[0].replace(keypoints=keypoints)
    assert steps_on(batch_of(truth), small(**WITH_JOINTS))["keypoint"] == 0


def test_people_without_keypoints_are_trained_on_without_them(batch):
    losses = steps_on(batch_of(batch.instances[0].replace(keypoints=None)), small(**WITH_JOINTS))
    assert losses["keypoint"] == 0 and losses["mask"] > 0


def test_crowds_are_no_objects_for_the_branches():
    crowd = objects([[0, 0, 48, 32]], [3]).replace(crowd=np.array([True]))
    losses = steps_on(batch_of(crowd, crowd), small(**WITH_JOINTS))
    assert losses["mask"] == losses["keypoint"] == 0


@pytest.mark.parametrize(("changes", "message"), [
    ({"masks": np.ones((2, 30, 48), bool)}, "image 0 of the batch is 32x48 pixels .*its masks are 30x48"),
    ({"masks": None}, "image 0 of the batch has objects without masks; train faster-rcnn"),
    ({"keypoints": np.ones((2, 5, 3))}, "image 0 of the batch has objects of 5 joints, .* made for 3"),
])  # fmt: skip
def test_annotations_that_do_not_fit_are_named(changes, message, batch):
    wrong = batch._replace(instances=[batch.instances[0].replace(**changes), *batch.instances[1:]])
    with pytest.raises(ValueError, match=message):
        small(**WITH_JOINTS).step(wrong)


@pytest.mark.parametrize(("options", "message"), [
    ({"mask_size": 7}, "size: expected an even number of at least 2"),
    ({"mask_size": 0}, "mask_size: expected at least 2"),
    ({"mask_width": 0}, "mask_width: expected at least 1"),
    ({"pooling": "warp"}, "pooling: expected one of align, pool"),
])  # fmt: skip
def test_options_that_make_no_sense_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        MaskRCNN(CLASSES, **options)


def test_options_on_the_command_line_have_the_defaults_of_the_class():
    model = make_model("mask-rcnn", CLASSES)
    assert FasterRCNN.OPTIONS.items() <= model.OPTIONS.items()
    for option, described in model.OPTIONS.items():
        assert model.options[option] == described["default"], option


def test_scenes_have_all_that_is_needed_and_are_evaluated_by_boxes_masks_and_joints():
    from minivision.tasks import evaluate

    scenes = Scenes("easy", "train").draw(8)
    model = MaskRCNN(scenes.classes, hidden=16, mask_width=8)
    result = train(model, scenes, Settings(batch_size=4), steps=3, progress=False)
    assert {"mask", "keypoint"} <= result.log[-1].keys()
    figures = evaluate(model, scenes)
    assert 0 <= figures["masks"]["AP50"] <= 1 and 0 <= figures["keypoints"]["AP50"] <= 1
