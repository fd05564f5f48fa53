"""Two processes under mpiexec: the same bits again, a rank that dies, fails or hangs, and the command line."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from minivision.cli import main
from minivision.training import Checkpoint, read_log

HERE = pathlib.Path(__file__).parent
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ["PATH"]]))


@pytest.fixture
def mpiexec():
    """Run a program by two processes; return what they said, their exit code, and the seconds they took."""
    pytest.importorskip("mpi4py")
    if MPIEXEC is None:
        pytest.skip("there is no mpiexec")

    def run(*program, ranks=2, **variables):
        command = [MPIEXEC, "-n", str(ranks), sys.executable, *map(str, program)]
        paths = [str(HERE), str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **variables}
        start = time.monotonic()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        return done.stdout + done.stderr, done.returncode, time.monotonic() - start

    return run


@pytest.fixture
def tiny(mpiexec, tmp_path):
    def run(folder, what="nothing", at=0, resume="", **variables):
        return mpiexec(HERE / "mpi_program.py", tmp_path / folder, what, at, resume, **variables)

    return run


def state(folder):
    checkpoint = Checkpoint.load(folder)
    arrays = {**checkpoint.model, **{f"optimizer/{name}": array for name, array in checkpoint.optimizer.items()}}
    return {name: array.tobytes() for name, array in arrays.items()}


def test_a_killed_run_resumes_to_the_bits_of_one_that_was_not(tiny, tmp_path):
    said, code, _ = tiny("whole")
    assert (code, "step 12, 2 ranks" in said) == (0, True)
    assert sorted(os.listdir(tmp_path / "whole")) == ["checkpoint.npz", "log.jsonl", "loss.png"]
    _, code, seconds = tiny("killed", "die", 6)
    assert code != 0 and seconds < 30
    assert 1 <= Checkpoint.load(tmp_path / "killed").step <= 6
    said, code, _ = tiny("killed", resume="resume")
    assert (code, "step 12, 2 ranks" in said) == (0, True)
    assert state(tmp_path / "killed") == state(tmp_path / "whole")
    entries = [
        [(e["step"], e["loss"]) for e in read_log(tmp_path / each / "log.jsonl")] for each in ("whole", "killed")
    ]
    assert entries[0] == entries[1] and len(entries[0]) == 12


def test_sums_in_the_backward_pass_give_the_bits_of_sums_after_it(tiny, tmp_path):
    """As on several machines; messages between processes of one take the same way through MPI."""
    for what in ("nothing", "overlap"):
        said, code, _ = tiny(what, what)
        assert (code, "step 12, 2 ranks" in said) == (0, True), said
    assert state(tmp_path / "overlap") == state(tmp_path / "nothing")


def test_ctrl_c_on_one_rank_stops_all_after_the_same_step(tiny, tmp_path):
    said, code, _ = tiny("run", "interrupt", 5)
    assert (code, "step 5, 2 ranks" in said) == (0, True)
    assert Checkpoint.load(tmp_path / "run").step == 5


def test_a_rank_that_fails_ends_all_with_its_message(tiny):
    said, code, seconds = tiny("run", "fail", 3)
    assert code != 0 and seconds < 30
    assert "rank 1 failed:" in said and "MemoryError: no memory is left on this machine" in said


def test_a_rank_that_hangs_is_named(tiny):
    said, code, seconds = tiny("run", "stop", 3, MINIVISION_PATIENCE="2")
    assert code != 0 and seconds < 30
    assert "rank 0 has waited 2 s for rank 1, which may hang" in said


def test_a_rank_that_strays_is_noticed(tiny):
    said, code, _ = tiny("run", "stray", 3, MINIVISION_PATIENCE="5")
    assert code != 0
    # Who notices it first depends on the timing: we, the rank that waits, or MPI, whose messages do not fit each other.
    noticed = "at the same point of the same training", "has waited 5 s", "mpi4py.MPI.Exception"
    assert any(words in said for words in noticed)


TRAIN = ("-m", "minivision", "train")
FEW = ("--steps", "2", "--batch-size", "4", "--size", "32x32", "--upsampling", "nearest")


@pytest.fixture
def pictures(tmp_path):
    """A folder of small pictures with masks."""
    from PIL import Image

    for split in ("images", "labels"):
        (tmp_path / "data" / split).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for n in range(6):
        Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(tmp_path / f"data/images/{n}.png")
        Image.fromarray(rng.integers(0, 2, (32, 32), dtype=np.uint8)).save(tmp_path / f"data/labels/{n}.png")
    return f"folder:{tmp_path / 'data'}"


def test_the_command_says_how_many_train_and_one_speaks(mpiexec, tmp_path, pictures):
    out = tmp_path / "run"
    said, code, _ = mpiexec(*TRAIN, "encoder-decoder", "--data", pictures, "--out", out, *FEW, "--sync-batch-norm")
    assert code == 0, said
    assert "2 ranks on 1 host" in said and "thread" in said and "2 on each rank" in said
    assert "batch normalization by the images of all of them" in said
    assert said.count("Next: minivision evaluate") == 1
    assert len(read_log(out / "log.jsonl")) == 2 and Checkpoint.load(out).settings["sync_batch_norm"] is True


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("encoder-decoder", "--out", "run", "--batch-size", "3", "--data", "{data}", "--steps", "1"), "shared evenly"),
        (("encoder-decoder", "--out", "run", "--stepps", "3"), "--stepps"),
        (("encoder-decoder", "--out", "run", "--data", "folder:nowhere", "--steps", "1"), "nowhere"),
    ],
)
def test_what_is_wrong_is_said_once(mpiexec, pictures, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = [each.replace("{data}", pictures) for each in arguments]
    said, code, _ = mpiexec(*TRAIN, *arguments)
    assert code != 0 and len(re.findall("^minivision( train)?: ", said, re.MULTILINE)) == 1 and message in said, said


def test_without_mpi4py_a_sentence_says_what_to_install(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    assert main(["train", "yolo", "--out", str(tmp_path / "run"), "--steps", "1"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "needs mpi4py" in said and "pip install 'minivision[mpi]'" in said
    monkeypatch.setenv("PMI_RANK", "1")
    assert main(["train", "yolo", "--out", str(tmp_path / "run"), "--steps", "1"]) == 2
    assert capsys.readouterr().err == ""


def test_nobody_imports_mpi4py_who_was_not_started_by_mpiexec():
    program = "import minivision.training.mpi, minivision.cli, sys; sys.exit('mpi4py' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
