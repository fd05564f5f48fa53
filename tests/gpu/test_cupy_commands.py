"""``--backend cupy`` on the command line: training, resuming, evaluation, and the messages without a GPU."""

import sys

import numpy as np
import pytest
from PIL import Image

from minivision.cli import main
from minivision.training.checkpoint import Checkpoint
from minivision.training.log import read_log


@pytest.fixture(autouse=True)
def default_backend(monkeypatch):
    monkeypatch.setattr("minivision.core.backends._chosen", None)  # restored after each test


@pytest.fixture
def train(tmp_path, rng):
    """Call ``minivision train`` on a dataset of six small files."""
    root = tmp_path / "pictures"
    for name, shape in (("images", (16, 16, 3)), ("labels", (16, 16))):
        (root / name).mkdir(parents=True)
        for number in range(6):
            values = rng.integers(0, 255 if name == "images" else 2, shape, dtype=np.uint8)
            Image.fromarray(values).save(root / name / f"{number}.png")
    (root / "classes.txt").write_text("background\ndisc\n")

    def train(out, *words, system="full-resolution"):
        options = ("--data", f"folder:{root}", "--batch-size", "2", "--out", str(out))
        return main(["train", system, *options, *map(str, words)])

    return train


SMALL = ("--width", 2, "--blocks", 1)


def test_training_on_the_gpu_has_the_losses_of_the_cpu_and_resumes_on_both(train, cupy, tmp_path, capsys):
    for steps in (2, 3, 4):
        assert train(tmp_path / "cpu", "--steps", steps, *SMALL, "--resume" if steps > 2 else "--flips=none") == 0
    assert train(tmp_path / "gpu", "--steps", 2, *SMALL, "--flips=none", "--backend", "cupy") == 0
    assert Checkpoint.load(tmp_path / "gpu" / "checkpoint.npz").step == 2
    assert train(tmp_path / "gpu", "--steps", 3, "--resume", "--backend", "cupy") == 0
    assert train(tmp_path / "gpu", "--steps", 4, "--resume") == 0  # begun on a GPU, finished on the CPU
    losses = {name: [entry["loss"] for entry in read_log(tmp_path / name / "log.jsonl")] for name in ("cpu", "gpu")}
    np.testing.assert_allclose(losses["gpu"], losses["cpu"], rtol=1e-4)


def test_a_run_is_timed_and_evaluated_on_the_gpu(train, cupy, tmp_path, capsys, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "minivision.tasks.evaluate", lambda model, dataset, **_: seen.append(model.first_parameter().value) or {}
    )
    assert train(tmp_path / "run", "--minutes", 0.02, *SMALL, "--backend", "cupy") == 0
    assert main(["evaluate", str(tmp_path / "run"), "--backend", "cupy", "--json"]) == 0
    assert main(["evaluate", str(tmp_path / "run"), "--json"]) == 0
    assert isinstance(seen[0], cupy.ndarray) and isinstance(seen[1], np.ndarray)


def test_without_cupy_the_message_names_the_extras(train, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)  # as if it were not installed
    assert train(tmp_path / "run", "--steps", 1, *SMALL, "--backend", "cupy") == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 1 and "minivision[gpu12]" in errors[0] and "minivision[gpu13]" in errors[0]
    assert not (tmp_path / "run" / "checkpoint.npz").exists()


def test_without_a_gpu_the_message_has_the_error_of_cuda(train, tmp_path, capsys, monkeypatch):
    class NoGpu:
        __version__ = "14"

        class cuda:  # noqa: N801 - CuPy's name
            class runtime:  # noqa: N801
                @staticmethod
                def getDeviceCount():  # noqa: N802
                    raise RuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")

    monkeypatch.setitem(sys.modules, "cupy", NoGpu)
    assert train(tmp_path / "run", "--steps", 1, *SMALL, "--backend", "cupy") == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 1 and "no CUDA-capable device" in errors[0] and "nvidia-smi" in errors[0]


def test_an_unknown_backend_is_rejected_and_a_known_one_is_used(train, tmp_path, capsys, monkeypatch):
    from minivision.core import backends

    assert train(tmp_path / "run", "--steps", 1, *SMALL, "--backend", "fortran") == 2
    assert "--backend: expected numba, reference, cupy or a Python file, got 'fortran'" in capsys.readouterr().err
    monkeypatch.setenv("MINIVISION_BACKEND", "reference")
    assert train(tmp_path / "run", "--steps", 1, *SMALL, "--backend", "numba") == 0
    assert backends.active_backend()[0].name == "numba"
