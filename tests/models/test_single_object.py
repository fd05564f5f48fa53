"""Localizer and pose: compared with the same networks in PyTorch, what they refuse, and that they learn."""

import numpy as np
import pytest

from minivision.data import Batch, Sample, Scenes, collate
from minivision.data.instances import Instances
from minivision.models import make_model, system_class
from minivision.tasks import evaluate
from minivision.training import Settings, train

KINDS = ("background", "disc", "square", "star")
PEOPLE = ("background", "person")
SMALL = {"widths": (4, 6), "depths": (0, 1), "num_points": 3, "hidden": 7}


def small(name, dtype=np.float64, **options):
    """Return a small model in which no gradient is zero at the beginning."""
    rng = np.random.default_rng(3)
    model = make_model(name, PEOPLE if name == "pose" else KINDS, rng=rng, **SMALL, **options)
    for parameter in model.parameters():
        parameter.value += 0.1 * rng.standard_normal(parameter.value.shape).astype(np.float32)
    return model.astype(dtype)


def batch_for(name, rng, size=(24, 32)):
    height, width = size
    images = rng.integers(0, 256, (3, height, width, 3), dtype=np.uint8)
    corners = np.sort(rng.uniform(0, 1, (3, 2, 2)), axis=1) * [width, height]
    boxes = corners.reshape(3, 1, 4)
    keypoints = np.concatenate([rng.uniform(0, height, (3, 1, 14, 2)), rng.integers(0, 3, (3, 1, 14, 1))], axis=3)
    instances = [
        Instances(boxes[n], [1 if name == "pose" else n + 1], keypoints=keypoints[n] if name == "pose" else None)
        for n in range(3)
    ]
    return Batch(images, instances, np.zeros((3, height, width), np.uint8))


def torch_outputs(model, x, pairs):
    """Run the model's network in PyTorch; return class scores (or None) and the regressed numbers."""
    import torch

    from minivision.bench.torch_equivalent import layer_converter

    convert = layer_converter(pairs)
    features = convert(model.backbone)(x)
    N, C, H, W = features.shape
    scores = None
    if model.name == "localizer":
        scores = convert(model.class_head.layers[1])(features.flatten(2).amax(2))
    head = model.box_head if model.name == "localizer" else model.head
    p = convert(head.attention.look)(features).flatten(2).softmax(2)
    y, x = torch.meshgrid(torch.arange(H).double() + 0.5, torch.arange(W).double() + 0.5, indexing="ij")
    places = torch.stack([4 * x.flatten() / W - 2, 4 * y.flatten() / H - 2], 1)
    seen = torch.einsum("nap,ncp->nac", p, features.flatten(2)).flatten(1)
    positions = torch.einsum("nap,pd->nad", p, places).flatten(1)
    numbers = torch.cat([seen, positions], 1)
    for layer in head.corrections.layers:
        numbers = convert(layer)(numbers)
    if model.name == "localizer":
        x1, y1, x2, y2 = ((positions[:, 2 * k + k % 2] + 2) / 4 for k in range(4))  # each side is one of a point's two
        numbers = numbers + torch.stack([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], 1)
    else:
        numbers = numbers + (positions[:, :28] + 2) / 4  # each of the fourteen joints begins where its point looks
    return scores, numbers


def torch_smooth_l1(numbers, targets):
    import torch

    return torch.nn.functional.smooth_l1_loss(numbers, targets, beta=0.02)


@pytest.mark.parametrize("kind", ["smooth-l1", "l2"])
@pytest.mark.parametrize("name", ["localizer", "pose"])
def test_losses_and_every_gradient_are_those_of_the_same_network_in_pytorch(name, kind, rng):
    torch = pytest.importorskip("torch")
    regression, weight = (torch_smooth_l1, 10) if kind == "smooth-l1" else (torch.nn.functional.mse_loss, 50)
    model, batch, pairs = small(name, regression_loss=kind), batch_for(name, rng), []
    losses = model.step(batch)
    assert model.leftovers() == []
    scores, numbers = torch_outputs(model, torch.from_numpy(model.normalize(batch.images)), pairs)
    sides = torch.tensor([32.0, 24.0], dtype=torch.float64)
    if name == "localizer":
        boxes = torch.from_numpy(np.concatenate([each.boxes for each in batch.instances])).double()
        center, size = (boxes[:, :2] + boxes[:, 2:]) / 2 / sides, (boxes[:, 2:] - boxes[:, :2]) / sides
        expected = {
            "class": torch.nn.functional.cross_entropy(scores, torch.arange(3)),
            "box": weight * regression(numbers, torch.cat([center, size], 1)),
        }
    else:
        keypoints = torch.from_numpy(np.concatenate([each.keypoints for each in batch.instances])).double()
        labeled = keypoints[..., 2] > 0
        joints = keypoints[..., :2] / sides
        expected = {"joints": regression(numbers.reshape(3, 14, 2)[labeled], joints[labeled])}
    sum(expected.values()).backward()
    assert losses.keys() == expected.keys()
    for loss in losses:
        assert losses[loss] == pytest.approx(expected[loss].item(), abs=1e-8)
    assert len(pairs) == len(model.parameters())
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), atol=1e-8, err_msg=ours.name)


def test_the_weight_of_the_box_scales_its_loss_and_its_gradient_only(rng):
    batch, gradients, losses = batch_for("localizer", rng), {}, {}
    for weight in (0.0, 1.0, 10.0):
        model = small("localizer")
        model.options["box_weight"] = weight
        losses[weight] = model.step(batch)
        gradients[weight] = {parameter.name: parameter.grad.copy() for parameter in model.parameters()}
    assert losses[0]["box"] == 0 and losses[10]["box"] == pytest.approx(10 * losses[1]["box"])
    assert losses[0]["class"] == losses[10]["class"]
    for name, at_0 in gradients[0].items():  # gradients are a sum of both losses', so they are linear in the weight
        np.testing.assert_allclose(gradients[10][name], at_0 + 10 * (gradients[1][name] - at_0), atol=1e-9)


def test_unlabeled_joints_have_no_loss_and_no_gradient(rng):
    model, batch = small("pose"), batch_for("pose", rng)
    before = model.step(batch)
    grad = model.parameters()[0].grad.copy()
    for instances in batch.instances:
        unlabeled = instances.keypoints[..., 2] == 0
        instances.keypoints[unlabeled, :2] = 1e6
    assert model.step(batch) == before
    np.testing.assert_array_equal(model.parameters()[0].grad, grad)
    for instances in batch.instances:
        instances.keypoints[..., 2] = 0
    assert model.step(batch) == {"joints": 0} and not np.any(model.parameters()[0].grad)


def test_a_pose_has_a_point_for_each_joint_and_begins_in_the_middle_where_no_place_stands_out(rng):
    names = tuple(f"joint {number}" for number in range(17))
    model = make_model("pose", PEOPLE, rng=rng, keypoint_names=names, num_points=3, hidden=4)
    assert model.head.attention.look.w.value.shape[0] == 17
    for parameter in model.head.parameters():
        parameter.value[...] = 0
    (person,) = model.predict([rng.integers(0, 256, (32, 48, 3), dtype=np.uint8)])
    np.testing.assert_allclose(person.keypoints[0, :, :2], np.tile([24, 16], (17, 1)), atol=1e-4)


@pytest.mark.parametrize("name", ["localizer", "pose"])
def test_predictions_are_the_outputs_of_the_network_in_pixels(name, rng):
    model = small(name)
    images = [rng.integers(0, 256, size, dtype=np.uint8) for size in ((24, 32, 3), (21, 30, 3), (24, 32, 3))]
    predictions = model.predict(images)
    outputs = model.forward(model.normalize(images[2][None]))
    (alone,) = model.predict(images[2:])
    np.testing.assert_allclose(predictions[2].boxes, alone.boxes, atol=1e-5)
    if name == "localizer":
        scores, boxes = outputs
        x, y, w, h = boxes[0] * [32, 24, 32, 24]
        expected = np.clip([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 0, [32, 24, 32, 24])
        np.testing.assert_allclose(alone.boxes[0], expected, atol=1e-4)
        p = np.exp(scores[0]) / np.exp(scores[0]).sum()
        assert alone.labels[0] == p.argmax() + 1 and alone.scores[0] == pytest.approx(p.max(), abs=1e-6)
    else:
        joints = np.clip(outputs[0] * [32, 24], 0, [32, 24])
        np.testing.assert_allclose(alone.keypoints[0, :, :2], joints, atol=1e-4)
        np.testing.assert_allclose(alone.boxes[0], [*joints.min(axis=0), *joints.max(axis=0)], atol=1e-4)
        assert (alone.keypoints[..., 2] == 2).all()


@pytest.mark.parametrize("name", ["localizer", "pose"])
@pytest.mark.parametrize("count", [0, 2])
def test_images_of_no_object_or_several_are_refused_with_their_number(name, count, rng):
    model = small(name, np.float32)
    objects = Scenes("easy", "train", objects=(count, count), classes=model.classes[1:]).draw(3)
    with pytest.raises(ValueError, match=f"{name} is for images of one object each, and image 0 .* has {count}"):
        train(model, objects, steps=1, progress=False)
    with pytest.raises(ValueError, match=f"image 0 of the batch has {count}"):
        model.step(collate([objects[0]]))


def test_pose_refuses_other_joints_and_other_classes(rng):
    with pytest.raises(ValueError, match="pose is for people only"):
        make_model("pose", KINDS)
    model = make_model("pose", PEOPLE, keypoint_names=("head", "neck"), **SMALL)
    with pytest.raises(ValueError, match="has 14 joints, and this pose is one of 2"):
        model.step(batch_for("pose", rng))
    with pytest.raises(ValueError, match="box_weight: expected a number of 0 or more, got -1"):
        make_model("localizer", KINDS, box_weight=-1)
    with pytest.raises(ValueError, match="regression_loss: expected one of smooth-l1, l2, got 'l1'"):
        make_model("pose", PEOPLE, regression_loss="l1")


@pytest.mark.parametrize("name", ["localizer", "pose"])
def test_a_few_steps_fit_a_few_scenes_and_the_same_seed_gives_the_same_bits(name):
    scenes = Scenes("easy", "train", classes=(PEOPLE if name == "pose" else KINDS)[1:], **{"objects": 1}).draw(8)
    states = []
    for _ in range(2):
        model = make_model(name, scenes.classes, rng=np.random.default_rng(0), widths=(8, 12, 16), depths=(0, 0, 1))
        result = train(model, scenes, Settings(rate=1e-2, weight_decay=0, flips=()), steps=60, progress=False)
        states.append(model.state())
    first, last = result.log[0]["loss"], result.log[-1]["loss"]
    assert last < 0.15 * first
    for key in states[0]:
        np.testing.assert_array_equal(states[0][key], states[1][key], err_msg=key)
    figures = evaluate(model, scenes)
    assert figures["accuracy" if name == "localizer" else "PCK@0.2 (longer box side)"] > 0.8


def test_scenes_are_drawn_for_the_system():
    assert system_class("localizer").scene_options == {"objects": 1}
    assert system_class("pose").scene_options == {"objects": 1, "classes": ("person",)}


@pytest.mark.parametrize("name", ["localizer", "pose"])
def test_sides_that_do_not_divide_by_the_stride_are_alike_in_training_and_prediction(name, rng):
    """A network that predicts the targets of its training exactly predicts the true box and joints."""
    model = small(name)
    image = rng.integers(0, 256, (21, 30, 3), dtype=np.uint8)
    joints = rng.uniform((0, 0), (30, 21), (1, len(model.keypoint_names), 2))
    keypoints = np.concatenate([joints, np.full_like(joints[..., :1], 2)], axis=2) if name == "pose" else None
    truth = Instances([[3, 4, 29, 20.5]], [1], keypoints=keypoints)
    batch = collate([Sample(image, truth, np.zeros((21, 30), np.uint8))])
    assert model.normalize(batch.images).shape[2:] == model.network_size((21, 30)) == (24, 32)
    targets = model.targets(batch)
    scores = np.zeros((1, len(model.classes) - 1))
    model.forward = lambda x: (scores, targets[1]) if name == "localizer" else targets[0]
    (found,) = model.predict([image])
    if name == "localizer":
        np.testing.assert_allclose(found.boxes, truth.boxes, atol=1e-4)
    else:
        np.testing.assert_allclose(found.keypoints[..., :2], joints, atol=1e-4)
    model.forward = lambda x: (
        (scores, np.array([[0.5, 0.5, 1, 1.0]])) if name == "localizer" else np.ones_like(targets[0])
    )
    (found,) = model.predict([image])  # all of the padded image, or a corner of it
    np.testing.assert_allclose(found.boxes.max(axis=0)[2:], [30, 21])
