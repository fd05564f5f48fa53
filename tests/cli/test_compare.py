"""The command compare: it trains what is not done, continues after an interruption, and writes a table and a figure."""

import csv
import json
import os
import signal
import sys

import numpy as np
import pytest
from PIL import Image
from tiny_system import TinySystem

import minivision.training
from minivision import comparison as comparisons
from minivision.cli import main
from minivision.comparison import Comparison, Row
from minivision.comparison.progress import Progress
from minivision.comparison.table import Column, decimal, whole
from minivision.training import Checkpoint, read_log
from minivision.viz.bars import BarPanel, draw_bars

ROWS = (
    Row("plain", "slow", "plain", "tiny", {"width": 3}, variant={"style": "fancy"}),
    Row("plain", "quick", "plain", "tiny", {"width": 3}),
    Row("other", "wide", "other", "tiny", {"width": 6}),
)
COLUMNS = (
    Column("miou", "mIoU", decimal, "how good."),
    Column("style", "style", str, "of what kind."),
    Column("width", "width", whole, "how wide."),
    Column("training_steps", "steps", whole, "how many."),
)
FILES = {"comparison.csv", "comparison.json", "comparison.md", "comparison.png"}
QUICK = ["--level", "easy", "--train", "12", "--val", "3", "--seed", "4"]


class Spy:
    """A comparison of small systems that notes which rows it measured."""

    def __init__(self):
        self.measured = []

    def quality(self, model, scenes):
        assert len(scenes) == 3
        return {"miou": 0.25}

    def costs(self, model, scenes):
        self.measured.append((model.options["style"], model.options["width"]))
        return {"style": model.options["style"], "width": model.options["width"]}

    def draw(self, table, settings):
        widths = [table[row.title].get("width") for row in ROWS]
        return draw_bars([(row.group, row.name) for row in ROWS], [BarPanel("width", "", widths, whole)], title="Tiny")


@pytest.fixture
def spy(monkeypatch, tmp_path):
    monkeypatch.setenv("MINIVISION_CACHE", str(tmp_path / "cache"))
    spy = Spy()
    kinds = {
        "tiny": Comparison("tiny", ROWS, COLUMNS, spy.quality, spy.costs, lambda table: [], spy.draw),
        "other": Comparison("other", ROWS, COLUMNS, spy.quality, spy.costs, lambda table: [], spy.draw),
    }
    monkeypatch.setattr(comparisons, "comparisons", lambda: list(kinds))
    monkeypatch.setattr(comparisons, "get_comparison", kinds.__getitem__)
    return spy


@pytest.fixture
def compare(spy, tmp_path, capsys):
    def compare(*words, what="tiny", minutes=True):
        length = ["--minutes", "0.01"] if minutes else []
        code = main(["compare", what, "--out", str(tmp_path / "out"), *QUICK, *length, *words])
        captured = capsys.readouterr()
        errors = [line for line in captured.err.replace("\r", "\n").splitlines() if line.startswith("minivision")]
        return code, captured.out, errors

    compare.out = tmp_path / "out"
    return compare


def table(out):
    return list(csv.DictReader((out / "comparison.csv").read_text().splitlines()))


def interrupt(monkeypatch, run, step):
    """Send Ctrl-C after step number `step` of a run (-1: the last one)."""
    steps, show = Progress.steps, Progress.show
    now = {}

    def showing(self, text):
        now["run"] = text.partition(":")[0]
        show(self, text)

    def watched(self, seconds):
        plain = steps(self, seconds)

        def on_step(number, total):
            plain(number, total)
            if now["run"] == run and number == (total if step == -1 else step) and not now.get("sent"):
                now["sent"] = True
                os.kill(os.getpid(), signal.SIGINT)

        return on_step

    monkeypatch.setattr(Progress, "show", showing)
    monkeypatch.setattr(Progress, "steps", watched)


def test_every_row_is_trained_and_measured_and_shown(compare, spy):
    code, out, errors = compare()
    assert (code, errors) == (0, [])
    assert set(os.listdir(compare.out)) == {*FILES, "plain", "other"}
    rows = table(compare.out)
    assert [(row["group"], row["row"]) for row in rows] == [("plain", "slow"), ("plain", "quick"), ("other", "wide")]
    assert [(row["style"], row["width"], row["miou"]) for row in rows] == [
        ("fancy", "3", "0.25"), ("plain", "3", "0.25"), ("plain", "6", "0.25")
    ]  # fmt: skip
    checkpoints = [Checkpoint.load(compare.out / run / "checkpoint.npz") for run in ("plain", "other")]
    for checkpoint in checkpoints:
        assert checkpoint.step == checkpoint.total and checkpoint.finished
        assert checkpoint.settings["seed"] == 4 and checkpoint.settings["minutes"] == 0.01
        assert checkpoint.data["level"] == "easy"
    assert [int(row["training_steps"]) for row in rows] == [checkpoints[k].step for k in (0, 0, 1)]
    assert "| plain | slow | 0.250 | fancy | 3 |" in out and "comparison.png" in out
    assert "| other | wide |" in (compare.out / "comparison.md").read_text()
    assert Image.open(compare.out / "comparison.png").width > 300
    assert main(["evaluate", str(compare.out / "other"), "--json"]) == 0  # a run like any other


def test_rows_that_are_done_are_kept_and_the_table_is_written_again(compare, spy):
    compare()
    before = {run: (compare.out / run / "checkpoint.npz").stat().st_mtime_ns for run in ("plain", "other")}
    (compare.out / "comparison.md").unlink()
    measured = list(spy.measured)
    assert compare()[0] == 0 and (compare.out / "comparison.md").exists()
    assert spy.measured == measured == [("fancy", 3), ("plain", 3), ("plain", 6)]
    assert before == {run: (compare.out / run / "checkpoint.npz").stat().st_mtime_ns for run in before}


def test_ctrl_c_keeps_the_rows_that_are_done_and_the_same_command_continues(compare, spy, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt(patch, "other", 3)
        code, out, _ = compare("--steps", "8", minutes=False)
    assert code == 1 and "the same command continues" in out
    assert [row["width"] for row in table(compare.out)] == ["3", "3", ""] and len(spy.measured) == 2
    stopped = Checkpoint.load(compare.out / "other" / "checkpoint.npz")
    assert stopped.step == 3 < stopped.total and (compare.out / "comparison.png").exists()
    done = (compare.out / "plain" / "checkpoint.npz").read_bytes()
    assert compare("--steps", "8", minutes=False)[0] == 0
    assert (compare.out / "plain" / "checkpoint.npz").read_bytes() == done and len(spy.measured) == 3
    checkpoint = Checkpoint.load(compare.out / "other" / "checkpoint.npz")
    assert checkpoint.step == checkpoint.total == stopped.total
    steps = [entry["step"] for entry in read_log(compare.out / "other" / "log.jsonl")]
    assert steps == list(range(1, stopped.total + 1))
    assert [row["width"] for row in table(compare.out)] == ["3", "3", "6"]


def test_ctrl_c_during_the_last_step_of_a_run_is_not_forgotten(compare, spy, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt(patch, "plain", -1)
        assert compare()[0] == 1
    assert not (compare.out / "other").exists() and spy.measured == []
    assert compare()[0] == 0 and len(spy.measured) == 3


def test_ctrl_c_while_measuring_keeps_the_rows_before(compare, spy, monkeypatch):
    plain = spy.costs

    def stopped(model, scenes):
        if len(spy.measured) == 1:
            raise KeyboardInterrupt
        return plain(model, scenes)

    comparison = comparisons.get_comparison("tiny")
    with monkeypatch.context() as patch:
        patch.setitem(vars(comparison), "costs", stopped)
        code, out, _ = compare()
    assert code == 1 and "the same command continues" in out
    assert [row["width"] for row in table(compare.out)] == ["3", "", ""]
    assert compare()[0] == 0 and [row["width"] for row in table(compare.out)] == ["3", "3", "6"]
    assert len(spy.measured) == 3  # the first row not twice


@pytest.mark.parametrize("words", [("--minutes", "0.02"), ("--level", "mid"), ("--seed", "5"), ("--val", "4")])
def test_a_folder_of_other_settings_is_refused_and_not_changed(compare, words):
    compare()
    before = {name: (compare.out / name).read_bytes() for name in FILES}
    code, _, errors = compare(*words)
    assert code == 2 and len(errors) == 1 and "was started with" in errors[0] and "choose another folder" in errors[0]
    assert {name: (compare.out / name).read_bytes() for name in FILES} == before


def test_a_folder_of_another_comparison_or_of_something_else_is_refused(compare, tmp_path):
    compare()
    code, _, errors = compare(what="other")
    assert code == 2 and "holds a comparison of tiny, not of other" in errors[0]
    (compare.out / "comparison.json").write_text('{"comparison": "tiny"')
    code, _, errors = compare()
    assert code == 2 and "comparison.json cannot be read" in errors[0]
    (compare.out / "comparison.json").unlink()
    code, _, errors = compare()
    assert code == 2 and "holds something else" in errors[0] and (compare.out / "plain").exists()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--level", "absurd"], "absurd"),
        (["--train", "9000"], "train: expected 1 to 8,000 scenes, got 9,000"),
        (["--val", "0"], "--val: expected a whole number, 1 or more"),
        (["--minutes", "0"], "--minutes"),
    ],
)
def test_wrong_values_are_errors_of_one_sentence_and_leave_no_folder(compare, words, part):
    code, _, errors = compare(*words)
    assert code == 2 and len(errors) == 1 and part in errors[0]
    assert not compare.out.exists()


def test_an_unknown_comparison_and_a_file_in_place_of_the_folder_are_refused(compare):
    assert compare(what="poses")[0] == 2
    compare.out.write_text("")
    code, _, errors = compare()
    assert code == 2 and str(compare.out) in errors[0]


def test_a_failed_training_is_reported_and_the_rows_before_are_kept(compare, monkeypatch):
    plain = TinySystem.losses

    def losses(self, scores, batch):
        found, gradient = plain(self, scores, batch)
        return ({"seg": float("nan")}, gradient) if self.options["width"] == 6 else (found, gradient)

    monkeypatch.setattr(TinySystem, "losses", losses)
    code, _, errors = compare()
    assert code == 1 and "the loss 'seg' is nan" in errors[0]
    assert [row["width"] for row in table(compare.out)] == ["3", "3", ""]


def test_a_figure_that_cannot_be_drawn_leaves_the_old_one(compare, spy, monkeypatch):
    compare()
    before = (compare.out / "comparison.png").read_bytes()
    comparison = comparisons.get_comparison("tiny")
    monkeypatch.setitem(vars(comparison), "draw", lambda table, settings: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        compare()
    assert (compare.out / "comparison.png").read_bytes() == before
    assert not [name for name in os.listdir(compare.out) if "partial" in name]


def test_the_state_is_plain_json_that_names_the_settings(compare):
    compare()
    state = json.loads((compare.out / "comparison.json").read_text())
    assert state["comparison"] == "tiny"
    assert state["settings"] == {"level": "easy", "minutes": 0.01, "seed": 4, "train": 12, "val": 3}
    assert list(state["figures"]) == ["plain, slow", "plain, quick", "other, wide"]


# ---- seeds, steps, a choice of systems -----------------------------------------------------------------------


def test_more_seeds_add_trainings_and_change_none_that_is_there(compare, spy):
    compare()
    before = (compare.out / "plain" / "checkpoint.npz").read_bytes()
    assert compare("--seeds", "2")[0] == 0
    assert (compare.out / "plain" / "checkpoint.npz").read_bytes() == before and len(spy.measured) == 6
    seeds = [Checkpoint.load(compare.out / run).settings["seed"] for run in ("plain", "plain-seed5", "other-seed5")]
    assert seeds == [4, 5, 5]
    assert [row["seeds"] for row in table(compare.out)] == ["2", "2", "2"]
    different = [Checkpoint.load(compare.out / run).model for run in ("plain", "plain-seed5")]
    assert any((different[0][name] != different[1][name]).any() for name in different[0])
    assert compare()[0] == 0 and len(spy.measured) == 6  # nothing is left to do, and nothing is lost
    assert [row["seeds"] for row in table(compare.out)] == ["2", "2", "2"]


def test_ctrl_c_in_a_later_seed_keeps_everything_before_and_continues(compare, spy, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt(patch, "other", 3)
        assert compare("--seeds", "2", "--steps", "8", minutes=False)[0] == 1
    done = len(spy.measured)
    assert 0 < done < 6
    assert compare("--seeds", "2", "--steps", "8", minutes=False)[0] == 0 and len(spy.measured) == 6
    for run in ("plain", "other", "plain-seed5", "other-seed5"):
        assert [entry["step"] for entry in read_log(compare.out / run / "log.jsonl")] == list(range(1, 9))


def test_a_process_that_is_killed_loses_the_training_that_ran_and_nothing_else(compare, spy, monkeypatch):
    class Killed(BaseException):
        """Ends the command without its last words, as a signal 9 does."""

    plain = comparisons.runner.Folder.add

    def killed(self, seed, row, measurements, outcomes=None):
        if (seed, row.run) == (5, "plain"):
            raise Killed
        plain(self, seed, row, measurements, outcomes)

    with monkeypatch.context() as patch:
        patch.setattr(comparisons.runner.Folder, "add", killed)
        patch.setattr(comparisons.runner.Folder, "write", lambda self: None)
        with pytest.raises(Killed):
            compare("--seeds", "2")
    assert not (compare.out / "comparison.csv").exists()
    assert compare("--seeds", "2")[0] == 0 and [row["seeds"] for row in table(compare.out)] == ["2", "2", "2"]


def test_equal_steps_in_place_of_minutes(compare):
    code, out, _ = compare("--steps", "5", minutes=False)
    assert code == 0 and "5 steps of training each" in out
    assert [row["training_steps"] for row in table(compare.out)] == ["5", "5", "5"]
    assert Checkpoint.load(compare.out / "plain").settings["minutes"] is None
    assert json.loads((compare.out / "comparison.json").read_text())["settings"]["steps"] == 5
    assert compare("--steps", "5")[0] == 2  # and minutes: not both


def test_only_some_systems_for_now(compare, spy):
    code, _, errors = compare("--only", "yolo")
    assert code == 2 and "only: no row is of the system 'yolo'; there are tiny" in errors[0]
    assert not compare.out.exists()
    assert compare("--only", "tiny")[0] == 0 and len(spy.measured) == 3


def test_trainings_of_a_group_take_turns(compare, spy, monkeypatch):
    comparison = comparisons.get_comparison("tiny")
    rows = [*ROWS[:2], Row("plain", "wide", "wide", "tiny", {"width": 6})]
    together = []
    plain = minivision.training.train_in_turns

    def in_turns(trainings):
        together.append([training["out"].name for training in trainings])
        return plain(trainings, turn_seconds=0)

    monkeypatch.setattr(minivision.training, "train_in_turns", in_turns)
    monkeypatch.setitem(vars(comparison), "in_turns", True)
    monkeypatch.setitem(vars(comparison), "rows", tuple(rows))
    monkeypatch.setattr(spy, "draw", lambda *_: draw_bars([("a", "b")], [BarPanel("", "", [1], str)], title=""))
    monkeypatch.setitem(vars(comparison), "draw", spy.draw)
    assert compare("--steps", "4", minutes=False)[0] == 0
    assert together == [["plain", "wide"]] and len(spy.measured) == 3


def test_pytorch_is_asked_for_before_anything_is_done(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["compare", "pytorch", "--out", str(tmp_path / "out")]) == 2
    assert "compares with PyTorch, which is not installed: pip install torch" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_record_says_what_was_measured_where_and_how(compare, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["minivision", "compare", "tiny", "--seeds", "2"])
    path = tmp_path / "record.json"
    assert compare("--seeds", "2", "--record", str(path))[0] == 0
    record = json.loads(path.read_text())
    assert record["command"] == "minivision compare tiny --seeds 2" and record["seeds"] == [4, 5]
    assert record["versions"]["numpy"] == np.__version__ and record["cores"] >= 1 and record["processor"]
    assert record["rows"]["other, wide"]["miou"] == 0.25 and record["rows"]["other, wide"]["seeds"] == 2
    assert compare("--record", str(tmp_path / "nowhere" / "record.json"))[0] == 2
    assert main(["evaluate", str(compare.out / "other"), "--record", str(path)]) == 0
    record = json.loads(path.read_text())
    assert record["training"]["system"] == "tiny" and record["training"]["settings"]["seed"] == 4
    assert record["training"]["steps"] > 0 and 0 <= record["metrics"]["miou"] <= 1
