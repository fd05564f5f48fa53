"""The open project: the baseline works as it is handed out, everyone is on the leaderboard in the right place, and
whatever is handed in or happens costs nobody else anything."""

import csv
import dataclasses
import importlib.util
import json
import math
import pathlib
import shutil
import sys
import zipfile

import numpy as np
import pytest

from minivision.cli import main
from minivision.data import Scenes
from minivision.data.coco_writer import write_coco
from minivision.data.scenes import SPLITS
from minivision.data.spec import open_dataset
from minivision.homework import judging
from minivision.homework.judging import CHECKPOINT, PREDICTIONS, Entry, HiddenSplit, fingerprint, judge_all, names_of
from minivision.homework.leaderboard import Leaderboard, csv_text, markdown_text, ranked, text_lines
from minivision.homework.library import library_files
from minivision.homework.local_executor import InThisProcess
from minivision.homework.manifest import projects
from minivision.models import make_model
from minivision.training import Checkpoint, Settings, train

KINDS = ("disc", "square")
ESCAPE = "=red\x1b[31m|*b*"  # a name that a terminal, a spreadsheet and Markdown would obey


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A dataset in COCO's format, ``coco:DIR``, with the hidden split "test"."""
    folder = tmp_path_factory.mktemp("data") / "shapes"
    splits = {name: Scenes("easy", name, objects=(1, 2), classes=KINDS, size=64).draw(8) for name in ("val", "test")}
    write_coco({"train": splits["val"], **splits}, folder)
    return f"coco:{folder}"


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A detector that knows the hidden images by heart, and one that has hardly begun: folders of runs."""
    folder, dataset = tmp_path_factory.mktemp("runs"), open_dataset(data, split="test")
    for name, steps in (("good", 60), ("poor", 2)):
        model = make_model("ssd", dataset.classes, rng=np.random.default_rng(0), maps=2, width=16)
        settings = Settings(batch_size=8, flips=False, rate=8e-3)
        train(model, dataset, settings, steps=steps, out=folder / name, data={"data": data}, progress=False)
    return folder


@pytest.fixture
def submit(trained, tmp_path):
    """Hand in the good detector, or the poor one, with some fields of its checkpoint changed."""

    def write(name, run="good", **changes):
        path = tmp_path / "class" / name / CHECKPOINT
        path.parent.mkdir(parents=True, exist_ok=True)
        dataclasses.replace(Checkpoint.load(trained / run), **changes).save(path)
        return path

    return write


@pytest.fixture
def here(monkeypatch):
    """Judge in this process; the list of what was judged."""
    judged, judge = [], judging.judge

    def counted(split, path):
        judged.append(path)
        return judge(split, path)

    monkeypatch.setattr(judging, "judge", counted)
    monkeypatch.setattr(judging, "LocalExecutor", lambda jobs, seconds: InThisProcess())
    return judged


def board(tmp_path, data, *options):
    """Run the command; return its exit code, and the lines of its table by the names of the submissions."""
    words = ["homework", "leaderboard", str(tmp_path / "class"), "--data", data, "--out", str(tmp_path / "board")]
    code = main([*words, *options])
    with open(tmp_path / "board" / "leaderboard.csv", newline="", encoding="utf-8") as file:
        return code, {row["submission"]: row for row in csv.DictReader(file)}


# ---- the leaderboard -----------------------------------------------------------------------------------------------


def test_the_better_detector_is_first_and_ap_is_that_of_evaluate(submit, trained, data, tmp_path, capsys):
    submit("ann", "poor")
    submit("bob")
    submit("cy", seconds=6 * 60.0)
    submit("dee").write_bytes(submit("dee").read_bytes()[:20_000])
    (tmp_path / "class" / "eve").mkdir()
    code, rows = board(tmp_path, data, "--jobs", "2")
    printed = capsys.readouterr().out
    assert code == 0 and list(rows) == ["bob", "ann", "cy", "dee", "eve"]
    assert [row["rank"] for row in rows.values()] == ["1", "2", "", "", ""]
    assert rows["cy"]["note"] == "over the budget: 6.0 of 5 minutes" and rows["cy"]["AP"] == rows["bob"]["AP"]
    assert "a damaged checkpoint" in rows["dee"]["note"] and rows["eve"]["note"] == f"eve has no {CHECKPOINT}"
    table = [line.split()[:2] for line in printed.partition("\nrank ")[2].splitlines()[1:6]]
    assert table == [["1", "bob"], ["2", "ann"], ["-", "cy"], ["-", "dee"], ["-", "eve"]]
    assert "5 submissions, 2 ranked" in printed
    for name, run in (("bob", "good"), ("ann", "poor")):
        assert main(["evaluate", str(trained / run), "--data", data, "--split", "test", "--json"]) == 0
        metrics = json.loads(capsys.readouterr().out)
        assert [float(rows[name][key]) for key in ("AP", "AP50")] == [metrics["AP"], metrics["AP50"]]
    assert float(rows["bob"]["AP"]) > float(rows["ann"]["AP"]) + 0.2


def test_ties_are_broken_by_ap50_then_by_name_and_a_tenth_over_the_budget_is_forgiven():
    def entry(name, ap, ap50, minutes=5.0, problem=""):
        return Entry(name, "0", CHECKPOINT, "ssd", minutes, ap, ap50, problem)

    entries = [
        entry("late", 0.9, 0.9, minutes=5.6),
        entry("later", 0.95, 0.95, minutes=60),
        Entry("broken", problem="cannot be read"),
        entry("b", 0.5, 0.6),
        entry("a", 0.5, 0.6, minutes=5.4),
        entry("c", 0.5, 0.7),
        dataclasses.replace(entry("d", 0.6, 0.6), minutes=None, source=PREDICTIONS),
    ]
    rows = ranked(entries, budget=5)
    assert [row.entry.submission for row in rows] == ["d", "c", "a", "b", "later", "late", "broken"]
    assert [row.rank for row in rows] == [1, 2, 3, 4, None, None, None]
    assert rows[0].note.startswith("predictions") and rows[2].note == "" and "5.6 of 5" in rows[5].note


def test_no_table_obeys_a_name():
    rows = ranked([Entry(ESCAPE, AP=0.5, AP50=0.5, source=CHECKPOINT), Entry("b\nc", problem="<b>|")], budget=5)
    assert not any("\x1b" in line or "\n" in line for line in text_lines(rows)) and len(text_lines(rows)) == 3
    names = [line["submission"] for line in csv.DictReader(csv_text(rows).splitlines())]
    assert names[0].startswith("'=red\\x1b") and names[1] == "b c"
    lines = markdown_text(rows, {"images": 3, "data": "coco:a_b", "split": "test"}, 5).splitlines()
    assert len(lines) == 6 and r"\|\*b\*" in lines[4] and r"\<b\>\|" in lines[5] and "coco:a\\_b" in lines[0]


def test_a_rerun_judges_what_is_new_and_loses_nothing(submit, data, tmp_path, here, capsys):
    for name in ("ann", "bob", "cy"):
        submit(name)
    _, before = board(tmp_path, data)
    assert len(here) == 3
    submit("ann", "poor")  # handed in again
    shutil.rmtree(tmp_path / "class" / "bob")
    submit("dee")
    _, after = board(tmp_path, data, "--minutes", "7")
    assert len(here) == 5 and set(after) == {"ann", "bob", "cy", "dee"}
    assert after["bob"]["AP"] == before["bob"]["AP"] and after["ann"]["AP"] != before["ann"]["AP"]
    assert "not in this folder, from an earlier run: bob" in capsys.readouterr().err


def test_what_was_judged_before_ctrl_c_is_not_judged_again(submit, data, tmp_path, here, monkeypatch, capsys):
    for name in ("ann", "bob", "cy"):
        submit(name)
    add, added = Leaderboard.add, []

    def interrupted(self, entry):
        add(self, entry)
        added.append(entry.submission)
        if len(added) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Leaderboard, "add", interrupted)
        words = ["homework", "leaderboard", str(tmp_path / "class"), "--data", data, "--out", str(tmp_path / "board")]
        assert main(words) == 1
    assert "the same command goes on" in capsys.readouterr().err
    content = json.loads((tmp_path / "board" / "leaderboard.json").read_text())
    assert sorted(each["submission"] for each in content["submissions"]) == sorted(added)
    here.clear()
    assert board(tmp_path, data)[1].keys() == {"ann", "bob", "cy"} and len(here) == 1


def test_a_leaderboard_on_other_images_is_left_alone(submit, data, tmp_path, here, capsys):
    submit("ann")
    board(tmp_path, data)
    before = (tmp_path / "board" / "leaderboard.json").read_bytes()
    assert board(tmp_path, data, "--split", "val")[0] == 2
    assert "has a leaderboard on other images" in capsys.readouterr().err
    assert (tmp_path / "board" / "leaderboard.json").read_bytes() == before


def test_every_change_of_the_images_or_objects_is_seen(data):
    dataset = open_dataset(data, split="test")
    samples = [dataset[i] for i in range(len(dataset))]

    class Changed(list):
        classes = dataset.classes

    assert fingerprint(Changed(samples)) == fingerprint(dataset)
    found = samples[0].instances
    others = [samples[0]._replace(image=samples[0].image ^ 1), samples[1]]
    others += [samples[0]._replace(instances=found.replace(boxes=found.boxes + 1))]
    others += [samples[0]._replace(instances=found.replace(labels=3 - found.labels))]
    digests = {fingerprint(Changed([other, *samples[1:]])) for other in others}
    assert len(digests | {fingerprint(dataset)}) == 5
    nothing = Changed([samples[0]._replace(instances=found[:0])])
    with pytest.raises(ValueError, match="none of the 1 images has an object"):
        fingerprint(nothing)


# ---- what is handed in ---------------------------------------------------------------------------------------------

WRONG = {
    "a system of one's own": ({"system": "mine"}, "its system 'mine' is none of the library's"),
    "no detector": ({"system": "full-resolution"}, "full-resolution is no detector of objects of several classes"),
    "other classes": ({"classes": ["background", "cell"]}, r"knows the classes \(background, cell\), but the dataset"),
    "more memory than any machine has": ({"options": {"width": 10**9}}, "has no memory for"),
    "options that are none": ({"options": {"width": "x"}}, "does not fit the system 'ssd'"),
    "an image as large as a hall": ({"data": {"size": [10**6, 10**6]}}, "to be resized to .*no height and width"),
    "a size that is none": ({"data": {"size": "64"}}, "to be resized to '64'"),
    "no time at all": ({"seconds": math.nan}, "nan seconds of training cannot be"),
    "time that is given back": ({"seconds": -60.0}, "-60.0 seconds of training cannot be"),
}


@pytest.mark.parametrize(("changes", "reason"), WRONG.values(), ids=WRONG)
def test_a_wrong_checkpoint_is_a_sentence(submit, data, changes, reason):
    path = submit("ann", **changes)
    (entry,) = judge_all([path.parent], HiddenSplit(data), 8, executor=InThisProcess())
    assert entry.AP is None and entry.submission == "ann"
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(entry.problem)


def test_whatever_is_handed_in_nobody_else_is_touched(submit, data, tmp_path, here, monkeypatch):
    monkeypatch.setattr(judging, "MAX_BYTES", 16 << 20)
    folder = tmp_path / "class"
    good = submit("ann").read_bytes()
    with zipfile.ZipFile(folder / f"{ESCAPE}.zip", "w") as archive:
        archive.writestr("hw4/run/checkpoint (1).npz", good)
    with zipfile.ZipFile(folder / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/x.npy", bytes(judging.MAX_BYTES + 1))
    (folder / "large.npz").write_bytes(b"PK" + bytes(judging.MAX_BYTES))
    (folder / "flat.npz").write_bytes(good)
    (folder / "text.npz").write_text("no archive")
    (folder / "report.md").write_text("# Report")
    (folder / "two" / "runs").mkdir(parents=True)
    for name in ("checkpoint.npz", "runs/checkpoint.npz"):
        (folder / "two" / name).write_bytes(good)
    (folder / "link").symlink_to(folder / "ann")
    np.savez(folder / "arrays.npz", x=np.array([{}], dtype=object))  # pickled
    code, rows = board(tmp_path, data)
    ranks = {name: row["rank"] for name, row in rows.items()}
    full = ["ann", "flat.npz", f"'{ESCAPE}.zip".replace("\x1b", "\\x1b")]
    assert code == 0 and sorted(name for name, rank in ranks.items() if rank) == sorted(full)
    notes = {name: row["note"] for name, row in rows.items() if not row["rank"]}
    assert len(rows) == 10 and "unpacks to 16 MiB" in notes["bomb.npz"] and "larger than 16 M" in notes["large.npz"]
    assert notes["text.npz"] == f"{CHECKPOINT}: not a minivision checkpoint" and "is a link" in notes["link"]
    assert "2 files called checkpoint.npz" in notes["two"] and "no .npz file" in notes["report.md"]
    assert notes["arrays.npz"].startswith(f"{CHECKPOINT}: a damaged checkpoint")


def test_names_that_look_alike_are_two_submissions(tmp_path, monkeypatch):
    paths = [tmp_path / "a\x1b", tmp_path / r"a\x1b", tmp_path / "b"]
    assert names_of(paths) == [r"a\x1b", r"a\x1b (1)", "b"]
    monkeypatch.chdir(tmp_path)
    assert names_of([pathlib.Path()]) == [tmp_path.name]


def test_an_error_that_nobody_thought_of_ends_one_submission(submit, data, tmp_path, here, monkeypatch):
    submit("ann")
    submit("bob", "poor")
    judge = judging._judge_checkpoint

    def fails(path, dataset):
        if Checkpoint.load(path).step > 2:
            raise ZeroDivisionError("never \x1b seen")
        return judge(path, dataset)

    monkeypatch.setattr(judging, "_judge_checkpoint", fails)
    _, rows = board(tmp_path, data)
    assert rows["ann"]["note"] == "never \\x1b seen" and rows["bob"]["rank"] == "1"


def test_predictions_count_where_the_course_takes_them(submit, data, tmp_path, here):
    path = submit("ann", "poor").with_name(PREDICTIONS)
    path.parent.joinpath(CHECKPOINT).unlink()
    content = json.loads((HiddenSplit(data).truth().layout.annotations).read_text())
    right = [{key: each[key] for key in ("image_id", "category_id", "bbox")} for each in content["annotations"]]
    path.write_text(json.dumps([{**each, "score": 1} for each in right]))
    submit("bob")
    assert board(tmp_path, data)[1]["ann"]["note"].startswith("ann has predictions.json alone")
    _, rows = board(tmp_path, data, "--predictions")
    assert rows["ann"]["rank"] == "1" and float(rows["ann"]["AP"]) == 1 and "without a record" in rows["ann"]["note"]
    path.write_text(json.dumps([{**right[0], "score": 1, "image_id": 999}]))
    assert "no image 999" in board(tmp_path, data, "--predictions")[1]["ann"]["note"]


def test_scenes_of_another_seed_are_other_scenes(monkeypatch, tmp_path):
    monkeypatch.setitem(SPLITS, "val", 3)
    monkeypatch.setenv("MINIVISION_CACHE", str(tmp_path))
    one, other = (HiddenSplit("scenes", "val", "easy", seed) for seed in (0, 90210))
    assert not np.array_equal(one.dataset()[0].image, other.dataset()[0].image)
    assert len(one.truth()) == len(other.truth()) == 3


# ---- what is handed out --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def handed_out(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("handout") / "hw4"
    assert main(["homework", "release", "hw4", "--out", str(folder), "--data", data, "--minutes", "2.5"]) == 0
    return folder


def test_the_statement_has_the_data_and_the_minutes(handed_out, data):
    names = {path.name for path in handed_out.iterdir()}
    assert names - {"minivision-0.1.0+hw4-py3-none-any.whl"} == {"README.md", "detector.py", "report.md", "rubric.md"}
    text = (handed_out / "README.md").read_text()
    assert text.startswith("# Homework 4: a detector in 2.5 minutes") and f"`{data}`" in text and "--level" not in text
    assert "--errors" in text and "Errors by cause" in (handed_out / "report.md").read_text()
    assert f'DATA, LEVEL, MINUTES = "{data}", "hard", 2.5' in (handed_out / "detector.py").read_text()
    (wheel,) = handed_out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {"minivision/homework/judging.py", "minivision/data/registries/bccd.toml"} <= set(names)


def test_points_of_the_rubric_add_up_to_a_hundred(capsys):
    assert main(["homework", "rubric", "hw4"]) == 0
    sections = capsys.readouterr().out.split("\n## ")[1:]
    totals = [int(section.partition("(")[2].partition(")")[0]) for section in sections]
    for total, section in zip(totals, sections, strict=True):
        assert total == sum(int(line[2:].partition(":")[0]) for line in section.splitlines() if line.startswith("- "))
    assert sum(totals) == 100


def test_the_baseline_runs_as_it_stands_and_its_files_agree(handed_out, tmp_path, monkeypatch, here, capsys):
    spec = importlib.util.spec_from_file_location("handed_out_detector", handed_out / "detector.py")
    detector = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(detector)
    monkeypatch.setattr(detector, "SIZE", (96, 96))  # of images of 64 x 64, and quick
    run = tmp_path / "class" / "ann" / "run"
    monkeypatch.setattr(sys, "argv", ["detector.py", "--minutes", "0.05", "--out", str(run)])
    detector.main()
    said = capsys.readouterr().out.splitlines()[-1]
    assert {path.name for path in run.iterdir()} >= {CHECKPOINT, "log.jsonl", "loss.png", PREDICTIONS}
    assert 0 < Checkpoint.load(run).seconds < 60
    (tmp_path / "class" / "bob").mkdir()
    shutil.copy(run / PREDICTIONS, tmp_path / "class" / "bob")
    code, rows = board(tmp_path, detector.DATA, "--split", "val", "--predictions")
    assert code == 0 and rows["ann"]["system"] == "yolo" and said.startswith(f"AP {float(rows['bob']['AP']):.3f}, AP50")
    # They are those of the checkpoint, at the size of the images, up to the digits of the file.
    assert float(rows["ann"]["AP"]) == pytest.approx(float(rows["bob"]["AP"]), abs=2e-3)
    assert main(["evaluate", str(run)]) == 0  # the checkpoint says how the data are opened


def test_whoever_learns_alone_gets_the_same_without_a_library(handed_out, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["homework", "start", "hw4"]) == 0
    assert "python detector.py" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "hw4").iterdir()) == [
        "README.md", "detector.py", "report.md", "rubric.md",
    ]  # fmt: skip
    assert "pip install" not in (tmp_path / "hw4" / "README.md").read_text()
    assert 'DATA, LEVEL, MINUTES = "scenes", "hard", 5\n' in (tmp_path / "hw4" / "detector.py").read_text()


@pytest.mark.parametrize(
    "words",
    ["grade hw4 .", "check hw4", "gradescope hw4", "solution hw4 --out x.py", "similar hw4 .", "test", "hint 1.1"],
)
def test_commands_for_tasks_and_tests_say_that_it_has_none(handed_out, words, monkeypatch, capsys):
    monkeypatch.chdir(handed_out)
    before = sorted(handed_out.iterdir())
    assert main(["homework", *words.split()]) == 2
    said = capsys.readouterr().err.strip()
    assert "hw4 is an open project, without tasks, tests and hints" in said and len(said.splitlines()) == 1
    assert sorted(handed_out.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["release", "hw1", "--out", "x", "--data", "scenes"], r"--data is of an open project (hw4)"),
        (["release", "hw4", "--out", "x", "--data", "nowhere"], "a dataset is 'scenes'"),
        (["release", "hw4", "--out", "x", "--data", "voc:cells", "--level", "easy"], "--level is for scenes only"),
        (["leaderboard", ".", "--data", "coco:none", "--seed", "3", "--out", "../x"], "--seed is for scenes only"),
        (["leaderboard", ".", "--data", "scenes", "--out", "x"], "would be taken for a submission"),
        (["leaderboard", "nowhere", "--data", "scenes"], "no such file or folder"),
        (["leaderboard", ".", "--data", "coco:none", "--out", "../x"], "there is no folder none"),
    ],
)
def test_what_does_not_fit_together_is_refused(words, reason, tmp_path, monkeypatch, capsys):
    (tmp_path / "class" / "ann").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "class")
    assert main(["homework", *words]) == 2
    assert reason in capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*")] == ["class", "ann"]


def test_students_of_other_assignments_do_not_get_what_judges(trial):
    files = library_files(trial)
    assert projects() == ["hw4"] and "homework/worker.py" in files
    assert not {f"homework/{name}.py" for name in ("judging", "leaderboard", "project")} & set(files)
