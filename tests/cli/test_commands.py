"""What each command does, leaves behind, prints and returns."""

import json
import os
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image
from tiny_system import Blobs, TinySystem

from minivision.cli import main
from minivision.training import Checkpoint, read_log


def call(capsys, *argv):
    """Run the command; return its exit code, its output and its error output without progress bars."""
    code = main([str(word) for word in argv])
    captured = capsys.readouterr()
    errors = [line for line in captured.err.replace("\r", "\n").splitlines() if line.startswith("minivision")]
    return code, captured.out, errors


def bits(run):
    return {name: array.tobytes() for name, array in Checkpoint.load(run / "checkpoint.npz").model.items()}


@pytest.fixture
def train(capsys, tmp_path, folder):
    def train(*argv, out="run", system="tiny", data=None):
        data = f"folder:{folder}" if data is None else data
        words = [system] if system else []
        return call(capsys, "train", *words, "--data", data, "--out", tmp_path / out, *argv)

    return train


def test_train_leaves_checkpoint_log_and_curve(train, tmp_path):
    code, out, errors = train("--steps", 5, "--seed", 3, "--batch-size", 2, "--rate", 0.01, "--width", 6)
    assert (code, errors) == (0, [])
    assert sorted(os.listdir(tmp_path / "run")) == ["checkpoint.npz", "log.jsonl", "loss.png"]
    checkpoint = Checkpoint.load(tmp_path / "run" / "checkpoint.npz")
    assert checkpoint.options == {"width": 6, "noisy": True, "style": "plain"}
    assert checkpoint.settings["seed"] == 3 and checkpoint.settings["batch_size"] == 2
    assert checkpoint.data["split"] == "train" and checkpoint.step == 5
    assert "minivision evaluate" in out


def test_a_system_is_trained_with_operations_of_a_file(train, tmp_path, monkeypatch):
    """What it holds is called; what it lacks is done by the default."""
    monkeypatch.setattr("minivision.core.backends._chosen", None)  # what is chosen here does not outlive the test
    calls = tmp_path / "calls"
    (tmp_path / "mine.py").write_text(
        f"import numpy as np\n\n\ndef relu(x):\n    open({str(calls)!r}, 'a').write('.')\n    return np.maximum(x, 0)\n"
    )
    code, _, errors = train("--steps", 1, "--backend", tmp_path / "mine.py", system="encoder-decoder")
    assert (code, errors) == (0, []) and len(calls.read_text()) > 3
    code, _, errors = train("--steps", 1, "--backend", tmp_path / "none.py", out="other")
    assert code == 2 and "none.py: No such file" in errors[0]


def test_boolean_options_of_a_system_have_a_negative(train, tmp_path):
    assert train("--steps", 1, "--no-noisy")[0] == 0
    assert Checkpoint.load(tmp_path / "run" / "checkpoint.npz").options["noisy"] is False


@pytest.mark.parametrize("stop", [1, 7])
def test_interrupted_returns_1_and_resume_is_bit_for_bit(train, tmp_path, capsys, monkeypatch, stop):
    options = ["--steps", 10, "--crop", "12x12", "--clip", 1, "--seed", 2]
    assert train(*options, out="whole")[0] == 0
    plain, count = TinySystem.step, iter(range(1, 1000))

    def interrupted(self, batch):
        if next(count) == stop:
            os.kill(os.getpid(), signal.SIGINT)
        return plain(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(TinySystem, "step", interrupted)
        code, out, _ = train(*options, out="halved")
    assert code == 1 and f"Stopped after step {stop} of 10" in out
    assert f"minivision train --resume --out {tmp_path / 'halved'}" in out
    monkeypatch.chdir("/")  # the data were given from another folder
    assert call(capsys, "train", "--resume", "--out", tmp_path / "halved")[0] == 0
    assert bits(tmp_path / "halved") == bits(tmp_path / "whole")
    assert [entry["step"] for entry in read_log(tmp_path / "halved" / "log.jsonl")] == list(range(1, 11))


def test_the_same_command_with_resume_continues_too(train, tmp_path):
    train("--steps", 4)
    assert train("--steps", 4, "--resume")[0] == 0
    assert train("--steps", 6, "--resume")[0] == 0
    assert Checkpoint.load(tmp_path / "run" / "checkpoint.npz").step == 6


def test_folder_with_a_run_is_refused(train, tmp_path):
    train("--steps", 2)
    before = (tmp_path / "run" / "checkpoint.npz").read_bytes()
    code, _, errors = train("--steps", 2)
    assert code == 2 and len(errors) == 1 and "already holds a run" in errors[0]
    assert (tmp_path / "run" / "checkpoint.npz").read_bytes() == before


def test_failed_training_returns_1_and_names_the_layer(train, monkeypatch):
    monkeypatch.setattr(TinySystem, "losses", lambda self, scores, batch: ({"seg": float("inf")}, 0 * scores))
    code, _, errors = train("--steps", 3)
    assert code == 1 and len(errors) == 1 and "step 1: the loss 'seg' is inf" in errors[0]


def test_several_sizes_are_trained_on_crops_or_resized(train, several_sizes, tmp_path):
    code, out, _ = train("--steps", 2, data=f"folder:{several_sizes}")
    assert code == 0 and "crops of 128x128" in out
    code, out, _ = train("--steps", 2, "--size", "16x24", data=f"folder:{several_sizes}", out="resized")
    assert code == 0 and "crops" not in out
    assert Checkpoint.load(tmp_path / "resized" / "checkpoint.npz").data["size"] == [16, 24]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--steps", "0"], "--steps: expected a whole number, 1 or more, got '0'"),
        (["--minutes", "-1"], "--minutes: expected a number greater than 0"),
        (["--minutes", "nan"], "--minutes"),
        (["--rate", "quick"], "--rate: expected a number greater than 0, got 'quick'"),
        (["--size", "10x"], "--size: expected HEIGHTxWIDTH in pixels"),
        (["--crop", "0x4"], "--crop"),
        (["--seed", "-3"], "--seed"),
        (["--steps", "3", "--minutes", "1"], "not allowed with"),
        (["--flips", "diagonal"], "--flips: expected none, horizontal, both"),
        (["--style", "baroque"], "--style"),
        (["--depth", "3"], "unrecognized arguments: --depth 3 (see minivision train --help)"),
        (["--data", "nowhere:x"], "nowhere:x"),
        (["--data", "folder:/no/such/folder"], "/no/such/folder"),
        (["--data", "scenes", "--level", "absurd"], "absurd"),
        (["--split", "tomorrow"], "tomorrow"),
        (["--level", "mid"], "--level is for scenes only"),
        (["--resume"], "no run to resume"),
    ],
)
def test_wrong_values_are_errors_of_one_sentence_and_exit_code_2(train, tmp_path, words, part):
    code, out, errors = train(*words)
    assert code == 2 and len(errors) == 1 and part in errors[0], errors
    assert "Traceback" not in errors[0] and not (tmp_path / "run" / "checkpoint.npz").exists()


def test_unknown_or_missing_system_and_command_return_2(train, capsys):
    assert train(system="lstm")[0] == 2
    code, _, errors = train(system=None)
    assert code == 2 and "name the system to train" in errors[0]
    assert call(capsys, "dance")[0] == 2
    assert call(capsys)[0] == 2


def test_resume_with_another_system_or_option_is_refused(train):
    train("--steps", 2)
    code, _, errors = train("--resume", "--width", 9)
    assert code == 2 and "width=4" in errors[0]


def test_evaluate_prints_metrics_and_json_agrees(trained, capsys):
    code, out, _ = call(capsys, "evaluate", trained)
    assert code == 0 and "mean IoU" in out and "background" in out
    assert main(["evaluate", str(trained), "--json"]) == 0
    captured = capsys.readouterr()
    figures = json.loads(captured.out)  # one object and nothing else
    assert set(figures["iou"]) == set(Blobs.classes)
    assert 0.5 < figures["miou"] < figures["pixel_accuracy"] <= 1
    assert figures["split"] == "val" and figures["images"] < 12 and f"{figures['miou']:.3f}" in out


def test_json_stays_json_when_something_prints_or_warns_and_nan_becomes_null(
    train, folder, tmp_path, capsys, monkeypatch
):
    (folder / "classes.txt").write_text("red\nblue\ngreen\n")  # green occurs nowhere
    assert train("--steps", 1)[0] == 0

    def predict(self, images):
        print("a library prints something")
        warnings.warn("and warns", stacklevel=1)
        return [np.zeros(image.shape[:2], np.uint8) for image in images]

    monkeypatch.setattr(TinySystem, "predict", predict)
    assert main(["evaluate", str(tmp_path / "run"), "--json"]) == 0
    captured = capsys.readouterr()
    figures = json.loads(captured.out, parse_constant=pytest.fail)  # NaN is no JSON
    assert figures["iou"]["red"] == 0 and figures["iou"]["green"] is None
    assert "a library prints something" in captured.err and "minivision: warning: and warns" in captured.err


def test_evaluate_at_another_size_counts_pixels_of_that_size(trained, capsys):
    main(["evaluate", str(trained), "--json", "--size", "8x8"])
    assert json.loads(capsys.readouterr().out)["size"] == [8, 8]


def test_evaluate_refuses_a_folder_without_a_run(tmp_path, capsys):
    code, _, errors = call(capsys, "evaluate", tmp_path)
    assert code == 2 and "holds no run" in errors[0]
    (tmp_path / "checkpoint.npz").write_text("oops")
    code, _, errors = call(capsys, "evaluate", tmp_path)
    assert code == 2 and "not a minivision checkpoint" in errors[0]


@pytest.mark.parametrize("size", [[], ["--size", "16x16"]])
def test_predict_writes_label_maps_of_the_images_own_size_and_overlays(trained, picture, tmp_path, capsys, size):
    code, out, _ = call(capsys, "predict", trained, picture, "--out", tmp_path / "p", *size)
    assert code == 0 and sorted(os.listdir(tmp_path / "p")) == ["picture-labels.png", "picture-overlay.png"]
    labels = Image.open(tmp_path / "p" / "picture-labels.png")
    assert labels.mode == "P" and labels.size == (47, 33) and np.array(labels).max() <= 2


def test_predict_names_unreadable_images_and_continues(trained, picture, tmp_path, capsys):
    (tmp_path / "broken.png").write_bytes(picture.read_bytes()[:200])
    (tmp_path / "other").mkdir()
    same_name = tmp_path / "other" / "picture.png"
    same_name.write_bytes(picture.read_bytes())
    code, out, errors = call(
        capsys, "predict", trained, tmp_path / "broken.png", tmp_path / "none.png", picture, same_name,
        "--out", tmp_path / "p",
    )  # fmt: skip
    assert code == 1
    assert any("broken.png" in line for line in errors) and any("none.png" in line for line in errors)
    assert {"picture-labels.png", "picture-2-labels.png"} <= set(os.listdir(tmp_path / "p"))


def test_doctor_prints_versions_and_backend(capsys, monkeypatch):
    monkeypatch.setenv("MINIVISION_BACKEND", "reference")
    code, out, _ = call(capsys, "doctor")
    assert code == 0
    for word in ("Python", "numpy", "numba", "threading layer", "cupy", "kernel cache", "data cache"):
        assert word in out
    assert "reference, chosen by the variable MINIVISION_BACKEND" in out


def test_a_wrong_backend_variable_is_an_error_of_one_sentence(capsys, monkeypatch):
    monkeypatch.setenv("MINIVISION_BACKEND", "abacus")
    code, _, errors = call(capsys, "doctor")
    assert code == 2 and "MINIVISION_BACKEND" in errors[0] and "abacus" in errors[0]


def test_unexpected_errors_are_not_hidden(train, monkeypatch):
    def broken(self, batch):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(TinySystem, "step", broken)
    with pytest.raises(ZeroDivisionError):
        train("--steps", 1)


def test_debug_shows_the_traceback_of_expected_errors(tmp_path):
    with pytest.raises(FileNotFoundError):
        main(["evaluate", str(tmp_path), "--debug"])


def test_help_is_quick_and_imports_nothing_heavy():
    code = (
        "import sys; from minivision.cli import main; assert main(['--help']) == 0;"
        "assert main(['train', '--help']) == 0;"
        "heavy = {'numba', 'matplotlib', 'skimage', 'scipy', 'cupy', 'tqdm'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("command", ["demo", "train", "evaluate", "predict", "compare", "doctor"])
def test_every_command_has_a_help_with_examples(command, capsys):
    assert main([command, "--help"]) == 0
    out = capsys.readouterr().out
    assert "examples:" in out and f"minivision {command}" in out


def test_python_dash_m_works():
    done = subprocess.run([sys.executable, "-m", "minivision", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("minivision ")


def test_doctor_warms_up_and_names_what_fails(capsys, monkeypatch):
    import minivision.core.dispatch

    def broken(*args, **kwargs):
        raise TypeError("no such kernel")

    relu = minivision.core.registry.operations()["relu"]
    broken.__name__, broken.family = "relu", relu.family  # so that it has the cases of relu
    monkeypatch.setenv("MINIVISION_BACKEND", "reference")
    monkeypatch.setattr("minivision.cli.doctor._print_kernels", lambda name: True)
    monkeypatch.setattr("minivision.cli.doctor._kernel_cache", lambda: None)
    for operations, code in (({"relu": relu}, 0), ({"relu": relu, "broken": broken}, 1)):
        monkeypatch.setattr(minivision.core.registry, "operations", lambda operations=operations: operations)
        got, out, _ = call(capsys, "doctor", "--warm")
        assert got == code and "warmed up     1 operations" in out
    assert "broken failed: TypeError: no such kernel" in out
