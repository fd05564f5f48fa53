"""The second process that compiles ahead of the first."""

import os
import subprocess
import time

import pytest

from minivision.cli import compile_ahead as module
from minivision.cli.compile_ahead import compile_ahead, compile_backward_passes, compile_prediction

SCENES = {"classes": ["disc", "star"], "objects": [1, 2]}  # as they come out of JSON


@pytest.fixture
def started(monkeypatch):
    """The processes that were started."""
    processes = []

    class Noted(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            processes.append(self)

    monkeypatch.setattr(module.subprocess, "Popen", Noted)
    return processes


def test_the_process_gets_its_arguments_and_ends_with_the_block(started, monkeypatch, tmp_path):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    file = tmp_path / "arguments"
    code = f"import sys, time; open({str(file)!r}, 'w').write(sys.argv[1]); time.sleep(100)"
    monkeypatch.setattr(module, "CODE", code)
    with compile_ahead("yolo", "easy", SCENES):
        (process,) = started
        end = time.monotonic() + 30
        while not (file.exists() and file.read_text()) and time.monotonic() < end:
            time.sleep(0.01)
        assert process.poll() is None
    assert process.poll() is not None
    assert file.read_text() == '["yolo", "easy", {"classes": ["disc", "star"], "objects": [1, 2]}]'


def test_one_core_and_a_process_that_cannot_start_do_no_harm(started, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    with compile_ahead("yolo", "easy", SCENES):
        assert not started
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(module.sys, "executable", "/there/is/no/python")
    with compile_ahead("yolo", "easy", SCENES):
        pass


def test_what_it_compiles_is_a_prediction_and_its_evaluation(monkeypatch):
    seen = []
    monkeypatch.setattr("minivision.tasks.evaluate", lambda model, dataset: seen.append((model, dataset)))
    compile_prediction("yolo", "easy", SCENES)
    ((model, dataset),) = seen
    assert model.name == "yolo" and model.classes == ("background", "disc", "star") and len(dataset) == 4


def test_the_backward_passes_run_and_winograds_algorithm_is_one_of_them(monkeypatch):
    kernels = pytest.importorskip("minivision.kernels.numba.convolution")
    seen = []
    monkeypatch.setattr(kernels, "winograd_filter_gradient", lambda x, dy, padding: seen.append(x.shape) or dy)
    compile_backward_passes()
    assert seen == [(8, 16, 16, 16)]
