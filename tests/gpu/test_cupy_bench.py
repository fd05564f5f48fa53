"""``minivision bench --backend cupy``: what is timed, and the messages without a GPU."""

import json
import sys

import numpy as np
import pytest

from minivision.bench import on_gpu
from minivision.bench.entry import Entry
from minivision.cli import main
from minivision.models.encoder_decoder import EncoderDecoder
from minivision.models.faster_rcnn import FasterRCNN
from minivision.models.mask_rcnn import MaskRCNN


@pytest.fixture
def quick(monkeypatch):
    """Call every function once and report 2 ms, because the replacement of CuPy is slow; return what was called."""
    called = []

    def once(peers, **_):
        for name, function in peers.items():
            function()
            called.append(name)
        return dict.fromkeys(peers, 0.002)

    monkeypatch.setattr(on_gpu, "interleaved_medians", once)
    monkeypatch.setattr(on_gpu, "BATCHES", {"lesson": 1, "large": 4})
    return called


def test_operations_are_timed_on_the_gpu_in_both_sizes_and_saved(cupy, quick, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    path = tmp_path / "gpu.json"
    assert main(["bench", "--backend", "cupy", "box_area", "nms", "--rounds", "3", "--json", str(path)]) == 0
    figures = json.loads(path.read_text())
    found = [(row["name"], row["batch"], row["shape"]) for row in figures["operations"]]
    assert found == [
        (name, batch, f"{times * count}x4")
        for batch, times in (("lesson", 1), ("large", 2))
        for name, counts in (("box_area", (100, 1000, 2000)), ("nms", (100, 1000, 2000, 20000)))
        for count in counts
    ]
    assert all(row["cupy_ms"] == 2 and "torch_ms" not in row for row in figures["operations"])
    assert figures["command"] == "minivision bench --backend cupy box_area nms --rounds 3"
    assert figures["card"] and figures["cuda"].count(".") == 1
    printed = capsys.readouterr().out
    assert figures["card"] in printed and figures["command"] in printed and "PyTorch is not installed" in printed


def test_every_array_is_on_the_gpu_before_it_is_timed(cupy, quick, monkeypatch):
    """No array is moved while an operation is timed."""
    seen = []
    monkeypatch.setattr(on_gpu, "BATCHES", {"lesson": 1})
    for line in on_gpu._lines(cupy, None, ["batch_norm2d_backward", "linear"], 1):
        results = line.ours()
        seen.append(line.name)
        assert all(isinstance(array, cupy.ndarray) for array in (results if isinstance(results, tuple) else [results]))
    assert seen == ["linear", "batch_norm2d_backward"]


def test_a_call_is_timed_until_the_gpu_has_finished(cupy, monkeypatch):
    seen = []
    monkeypatch.setattr(cupy.cuda.runtime, "deviceSynchronize", lambda: seen.append("done"))
    line = Entry("an operation", "", lambda: seen.append("ours"), lambda: seen.append("theirs"))
    for peer in on_gpu._peers(cupy, None, line).values():
        peer()
    assert seen == ["ours", "done", "theirs", "done", "theirs", "done"]


def test_pytorch_is_timed_with_and_without_tf32_on_the_gpu(cupy, quick, capsys, monkeypatch):
    torch = pytest.importorskip("torch")
    if "stand-in" in cupy.__version__:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(on_gpu, "TORCH_DEVICE", "cpu")
    elif not torch.cuda.is_available():
        pytest.skip("this PyTorch has no CUDA")
    modes = []
    linear = torch.nn.functional.linear

    def recorded(*arguments):
        modes.append((torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32))
        assert {argument.device.type for argument in arguments} == {on_gpu.TORCH_DEVICE}
        return linear(*arguments)

    monkeypatch.setattr(torch.nn.functional, "linear", recorded)
    try:
        assert main(["bench", "--backend", "cupy", "linear", "relu"]) == 0
    finally:
        torch.set_default_device(None)
        torch.backends.cudnn.benchmark = False
    assert modes == 2 * [(False, False), (True, True)]  # for both sizes
    lines = capsys.readouterr().out.splitlines()
    assert "TF32" in lines[2] and len(lines) == 7
    product, pointwise = (next(line for line in lines if line.startswith(name)) for name in ("linear", "relu"))
    assert product.split()[-5:] == ["2.000", "2.000", "1.00", "2.000", "1.00"]
    assert pointwise.split()[-2:] == ["-", "-"]  # no products


def test_training_steps_are_timed_on_the_gpu(cupy, quick, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(on_gpu, "BATCHES", {"lesson": 1})
    for system in (EncoderDecoder, FasterRCNN, MaskRCNN):
        monkeypatch.setitem(system.recipe, "batch_size", 1)
    assert main(["bench", "--backend", "cupy", *on_gpu.TRAINING_STEPS]) == 0
    lines = capsys.readouterr().out.splitlines()[-3:]
    assert [line.split()[0] for line in lines] == list(on_gpu.TRAINING_STEPS) and len(quick) == 3
    assert all("1x3x128x128, a training step" in line for line in lines)


def test_without_cupy_there_is_one_message_and_nothing_is_timed(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)  # as if it were not installed
    assert main(["bench", "--backend", "cupy"]) == 2
    captured = capsys.readouterr()
    assert len(captured.err.strip().splitlines()) == 1 and "minivision[gpu13]" in captured.err and not captured.out


@pytest.mark.parametrize(
    ("words", "message"),
    [(["conv3d"], "nothing to time is called conv3d"), (["relu", "--threads", "2"], "--threads is for the CPU")],
)
def test_what_cannot_be_timed_on_a_gpu_is_rejected_at_once(words, message, cupy, capsys):
    assert main(["bench", "--backend", "cupy", *words]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and not captured.out


def test_saved_arrays_of_a_forward_pass_are_moved_too():
    from minivision.core.saved import BatchStatistics

    moved = on_gpu._moved(({"a": np.zeros(2)}, BatchStatistics(np.ones(1), np.ones(1), True), "x", 3), lambda a: a + 5)
    assert moved[0]["a"][0] == 5 and moved[1].mean[0] == 6 and moved[1].training is True and moved[2:] == ("x", 3)
