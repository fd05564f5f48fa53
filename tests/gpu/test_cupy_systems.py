"""Every system on the GPU has the losses, gradients, predictions and training run of the CPU."""

import functools

import numpy as np
import pytest

from minivision.core.devices import on_host
from minivision.data import Scenes
from minivision.data.instances import Instances
from minivision.data.with_proposals import WithProposals
from minivision.models import make_model, system_class, systems
from minivision.ops import box_iou
from minivision.training import AdamW, Settings, train
from minivision.training.batches import Batches, reseed

BACKBONE = {"widths": (4, 8, 8), "depths": (0, 0, 1)}
FASTER = {**BACKBONE, "hidden": 8, "batch_size_per_image": 8, "anchor_sizes": (16, 32), "max_proposals": 20}
SMALL = {
    "sliding-window": {"convolutions": ((4, 3, 2), (8, 4, 1))},
    "full-resolution": {"width": 4, "blocks": 2},
    "encoder-decoder": {"widths": (4, 8), "depths": (1, 1)},
    "localizer": {**BACKBONE, "hidden": 8},
    "pose": {**BACKBONE, "hidden": 8},
    "rcnn": {**BACKBONE, "hidden": 8, "side": 16, "batch_size_per_image": 8, "max_proposals": 40},
    "fast-rcnn": {**BACKBONE, "hidden": 8, "batch_size_per_image": 8, "max_proposals": 40},
    "faster-rcnn": FASTER,
    "yolo": {"width": 8},
    "ssd": {"width": 8},
    "yolov2": {"width": 8},
    "mask-rcnn": {**FASTER, "mask_width": 4},
    "densecap": {**FASTER, "word_width": 4, "lstm_hidden": 6},
}
STEPS = 3  # of a training run; test_long_runs.py has longer ones for a GPU


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIVISION_CACHE", str(tmp_path))  # for proposals


@functools.cache
def dataset(name):
    """Return a few small scenes for a system."""
    scenes = Scenes("easy", size=64, **system_class(name).scene_options).draw(4)
    if name not in ("rcnn", "fast-rcnn"):
        return scenes
    rng = np.random.default_rng(0)
    drawn = [rng.uniform(0, 64, (40, 2, 2)) for _ in scenes]
    return WithProposals(scenes, [np.sort(each, axis=1).reshape(-1, 4).astype(np.float32) for each in drawn])


def model_on(device, name, **options):
    """Return a small model; all models of a system have the same initial weights."""
    model = make_model(name, dataset(name).classes, rng=np.random.default_rng(1), **{**SMALL[name], **options})
    if name in ("mask-rcnn", "densecap"):
        model.prepare(dataset(name))  # finds out that there are joints, or which words there are
    return model.to(device)


def test_every_system_is_tested():
    assert list(SMALL) == systems()


@pytest.mark.parametrize("name", SMALL)
def test_losses_gradients_and_predictions_are_those_of_the_cpu(name, cupy):
    """In float64: of float32 the rounding decides on which side of a ReLU, or of two maxima, a number comes out."""
    batches, losses, gradients, predictions = Batches(dataset(name), 2), {}, {}, {}
    for device in ("numpy", "cupy"):
        model = model_on("numpy", name).astype(np.float64).to(device)
        optimizer = AdamW(model)
        for step in range(2):  # in the second one weights and running statistics have changed
            reseed(model, 0, step)
            losses[device] = {name: float(loss) for name, loss in model.step(batches[step]).items()}
            gradients[device] = {each.name: on_host(each.grad).copy() for each in optimizer.parameters}
            optimizer.step(1e-2)
        images = [dataset(name)[number].image for number in range(2)]
        predictions[device] = model.predict([images[0], images[1][:50, :60]])
    assert losses["cupy"].keys() == losses["numpy"].keys()
    for key, loss in losses["numpy"].items():
        assert losses["cupy"][key] == pytest.approx(loss, rel=1e-6, abs=1e-8), key
    for key, gradient in gradients["numpy"].items():
        scale = max(np.abs(gradient).max(), 1e-3)
        np.testing.assert_allclose(gradients["cupy"][key] / scale, gradient / scale, atol=1e-6, err_msg=key)
    for predicted, expected in zip(predictions["cupy"], predictions["numpy"], strict=True):
        assert_alike(predicted, expected)


def assert_alike(predicted, expected):
    """Assert that predictions are on the host and equal except for a few, where two scores were nearly equal."""
    assert type(predicted) is type(expected)
    if not isinstance(predicted, Instances):
        assert np.mean(predicted != expected) < 0.01
        return
    assert len(expected), "there is nothing to compare"
    assert abs(len(predicted) - len(expected)) <= 0.05 * len(expected)
    same = (box_iou(predicted.boxes, expected.boxes) > 0.99) & (predicted.labels[:, None] == expected.labels)
    if expected.scores is not None:
        same &= abs(predicted.scores[:, None] - expected.scores) < 1e-3
    assert same.any(axis=0).mean() > 0.95
    pairs = np.argwhere(same)
    for field in ("masks", "keypoints"):
        if getattr(expected, field) is not None:
            one, other = getattr(predicted, field)[pairs[:, 0]], getattr(expected, field)[pairs[:, 1]]
            assert np.mean(abs(one.astype(float) - other) > 0.1) < 0.02, field


@pytest.mark.parametrize("name", SMALL)
def test_a_training_run_has_the_losses_of_the_cpu(name, cupy):
    curves = {}
    for device in ("numpy", "cupy"):
        model = model_on(device, name)
        result = train(model, dataset(name), Settings(batch_size=2), steps=STEPS, progress=False)
        curves[device] = [entry["loss"] for entry in result.log]
        assert all(isinstance(array, cupy.ndarray) == (device == "cupy") for array in model.state().values())
    assert len(curves["numpy"]) == STEPS and np.ptp(curves["numpy"]) > 0
    np.testing.assert_allclose(curves["cupy"], curves["numpy"], rtol=1e-3)


@pytest.mark.parametrize("name", ["faster-rcnn", "mask-rcnn"])
def test_arrays_that_prepare_creates_are_on_the_device_of_the_model(name, cupy):
    data = dataset("mask-rcnn")
    model = make_model(name, data.classes, rng=np.random.default_rng(1), anchor_sizes=(6, 9), hidden=8).to("cupy")
    before = model.stride
    model.prepare(data)
    assert model.stride != before
    assert all(isinstance(array, cupy.ndarray) for array in model.state().values())
    model.step(Batches(data, 1)[0])


def test_rcnn_predicts_on_the_gpu_with_svms_fitted_on_the_cpu(cupy):
    fitted = model_on("numpy", "rcnn")
    train(fitted, dataset("rcnn"), Settings(batch_size=2), steps=1, progress=False)
    assert fitted.svm_weights.any()
    moved = model_on("numpy", "rcnn")
    moved.load_state(fitted.state())
    images, proposals = [dataset("rcnn")[0].image], [dataset("rcnn")[0].proposals]
    predicted, expected = (model.predict(images, proposals) for model in (moved.to("cupy"), fitted))
    assert isinstance(moved.svm_weights, cupy.ndarray)
    assert_alike(predicted[0], expected[0])
