"""CuPy arrays in use: mixed with NumPy arrays, moved with a model, in training."""

import copy

import numpy as np
import pytest

from minivision import ops
from minivision.core.devices import get_array_module, on_host, to_device_of
from minivision.layers import BatchNorm2d, Conv2d, Sequential
from minivision.models import make_model
from minivision.optim.optimizers import SGD, AdamW
from minivision.training.checkpoint import Checkpoint


def test_numpy_and_cupy_arrays_in_one_call_are_rejected_by_name(cupy, rng):
    x, w = cupy.asarray(rng.standard_normal((1, 1, 4, 4))), rng.standard_normal((1, 1, 3, 3))
    with pytest.raises(TypeError, match=r"conv2d: x is a CuPy array, w a NumPy array.*cupy\.asarray\(w\)"):
        ops.conv2d(x, w)
    with pytest.raises(TypeError, match="mse_loss: target is a CuPy array, x a NumPy array"):
        ops.mse_loss(rng.random(3), cupy.asarray(rng.random(3)))


def test_numpy_arrays_saved_by_a_forward_pass_are_rejected_with_cupy_arrays(cupy, rng):
    x = rng.standard_normal((2, 3, 4, 4))
    y, saved = ops.batch_norm2d(x, np.ones(3), np.zeros(3), np.zeros(3), np.ones(3), training=True)
    with pytest.raises(TypeError, match="batch_norm2d_backward: dy is a CuPy array, saved a NumPy array"):
        ops.batch_norm2d_backward(cupy.asarray(y), cupy.asarray(x), cupy.ones(3), saved)


def test_arrays_on_two_gpus_are_rejected_by_name(cupy, rng):
    if cupy.cuda.runtime.getDeviceCount() == 1:
        pytest.skip("there is one GPU only")
    a = cupy.asarray(rng.random(3))
    with cupy.cuda.Device(1):
        b = cupy.asarray(rng.random(3))
    with pytest.raises(ValueError, match="mse_loss: x lies on GPU 0, target on GPU 1"):
        ops.mse_loss(a, b)
    assert to_device_of(rng.random(3), b).device.id == 1 and to_device_of(rng.random(3), a).device.id == 0
    loss, gradient = ops.mse_loss(b, to_device_of(np.zeros(3), b))  # GPU 1 is not the current one
    assert loss.device.id == gradient.device.id == 1


def test_wrong_dtypes_and_indices_never_reach_a_kernel(cupy):
    with pytest.raises(TypeError, match="x: expected float32 or float64, got int64"):
        ops.relu(cupy.arange(3))
    with pytest.raises(ValueError, match=r"indices: expected values in 0 \.\. 15, got 16 at \(0, 0, 1, 0\)"):
        ops.max_unpool2d(cupy.ones((1, 1, 2, 2)), cupy.asarray([[[[0, 2], [16, 3]]]]), (4, 4))
    with pytest.raises(ValueError, match="rois: row 1 belongs to image 2"):
        ops.roi_align(cupy.ones((2, 1, 4, 4)), cupy.asarray([[0.0, 0, 0, 2, 2], [2, 0, 0, 2, 2]]), 2)
    with pytest.raises(ValueError, match="scores: got NaN at"):
        ops.nms(cupy.ones((2, 4)), cupy.asarray([0.5, np.nan]), 0.5)


def test_an_array_too_large_for_int_is_rejected(cupy, monkeypatch):
    from minivision.kernels.cupy import launch

    monkeypatch.setattr(launch, "MAX_ELEMENTS", 7)
    with pytest.raises(ValueError, match="upsample_nearest: an array of 16 elements is more than the GPU's"):
        ops.upsample_nearest(cupy.ones((1, 1, 2, 2)), 2)


def test_batch_norm_takes_views_and_updates_running_arrays_that_are_views(cupy, rng):
    x, numbers = rng.standard_normal((2, 3, 4, 8)), rng.random((4, 6))
    gamma, beta, *running = (each[::2] for each in cupy.asarray(numbers))
    y, saved = ops.batch_norm2d(cupy.asarray(x)[..., ::2], gamma, beta, *running, training=True)
    host = [np.ascontiguousarray(each[::2]) for each in numbers]
    expected, expected_saved = ops.batch_norm2d(np.ascontiguousarray(x[..., ::2]), *host, training=True)
    np.testing.assert_allclose(on_host(y), expected, atol=1e-12)
    for moved, kept in zip(running, host[2:], strict=True):
        np.testing.assert_allclose(on_host(moved), kept, atol=1e-12)
    dy = rng.standard_normal((2, 3, 4, 8))
    gradients = ops.batch_norm2d_backward(cupy.asarray(dy)[..., ::2], cupy.asarray(x)[..., ::2], gamma, saved)
    views = (np.ascontiguousarray(each[..., ::2]) for each in (dy, x))
    for a, b in zip(gradients, ops.batch_norm2d_backward(*views, host[0], expected_saved), strict=True):
        np.testing.assert_allclose(on_host(a), b, atol=1e-12)


def test_a_convolution_of_parts_of_a_batch_is_that_of_the_whole(cupy, rng, monkeypatch):
    x, w, dy = rng.standard_normal((5, 4, 6, 7)), rng.standard_normal((6, 2, 3, 3)), rng.standard_normal((5, 6, 4, 5))
    arguments = [cupy.asarray(array) for array in (dy, x, w)]
    whole = ops.conv2d(*arguments[1:], groups=2), *ops.conv2d_backward(*arguments, groups=2)
    from minivision.kernels.cupy import convolution

    monkeypatch.setattr(convolution, "WINDOW_BYTES", 2 * 4 * 9 * 20 * 8)  # the windows of two images
    portions = ops.conv2d(*arguments[1:], groups=2), *ops.conv2d_backward(*arguments, groups=2)
    for a, b in zip(portions, whole, strict=True):
        np.testing.assert_allclose(on_host(a), on_host(b), atol=1e-12)


def test_suppression_of_a_long_chain_of_boxes_takes_as_many_rounds_as_needed(cupy):
    left = np.arange(200.0)
    boxes = np.stack([left, 0 * left, left + 1.5, 0 * left + 1], axis=1)  # each overlaps only the next one
    scores = np.linspace(1, 0, 200)
    keep = ops.nms(cupy.asarray(boxes), cupy.asarray(scores), 0.1)
    np.testing.assert_array_equal(on_host(keep), np.arange(0, 200, 2))


def test_a_model_moves_to_the_gpu_and_back_with_its_running_arrays(cupy, rng):
    net = Sequential(Conv2d(2, 3, 3, rng=rng), BatchNorm2d(3))
    before = copy.deepcopy(net.state())
    net.to("cupy")
    assert all(isinstance(array, cupy.ndarray) for array in net.state().values())
    assert isinstance(net.first_parameter().grad, cupy.ndarray)
    net.to("numpy")
    for name, array in net.state().items():
        assert isinstance(array, np.ndarray)
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("optimizer_class", [SGD, AdamW])
def test_an_optimizer_follows_its_model_and_steps_as_on_the_cpu(optimizer_class, cupy, rng):
    x, dy = rng.standard_normal((2, 2, 5, 5)).astype(np.float32), rng.standard_normal((2, 3, 3, 3)).astype(np.float32)

    def trained(devices):
        net = Conv2d(2, 3, 3, rng=np.random.default_rng(0))
        optimizer = optimizer_class(net)
        for device in devices:
            net.to(device)
            net.zero_gradients()
            net(to_device_of(x, net.w.value), training=True)
            net.backward(to_device_of(dy, net.w.value))
            optimizer.step(0.1)
        return net, optimizer

    moved, optimizer = trained(["numpy", "cupy", "cupy", "numpy"])
    stayed, _ = trained(["numpy"] * 4)
    np.testing.assert_allclose(moved.w.value, stayed.w.value, atol=1e-5)
    assert all(isinstance(array, np.ndarray) for array in optimizer.state().values())


def test_a_checkpoint_made_on_the_gpu_is_read_on_the_host(cupy, rng, tmp_path):
    model = make_model("full-resolution", ["background", "disc"], rng=rng, width=2, blocks=1)
    expected = copy.deepcopy(model.state())
    model.to("cupy")
    checkpoint = Checkpoint(model.name, list(model.classes), model.options, model.state(), {}, 0, 1, {}, {})
    checkpoint.save(tmp_path / "checkpoint.npz")
    for name, array in Checkpoint.load(tmp_path / "checkpoint.npz").make_model().state().items():
        np.testing.assert_array_equal(array, expected[name])


def test_helpers_find_and_change_the_device_of_arrays(cupy):
    array = cupy.zeros(2)
    assert get_array_module(array, np.zeros(2)) is cupy and get_array_module(np.zeros(2)) is np
    assert isinstance(on_host(array), np.ndarray) and isinstance(to_device_of(np.zeros(2), array), cupy.ndarray)
    assert to_device_of(array, array) is array
