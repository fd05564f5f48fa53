"""Grading of a class: everyone is in the table, and nothing that was finished is lost."""

import concurrent.futures
import contextlib
import csv
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import zipfile

import pytest
from trial_assignment import HIDDEN, MANIFEST, RELU, RELU_BACKWARD, TESTS

from minivision.cli import main
from minivision.homework import grading, load_assignment, scratch
from minivision.homework.batch_grading import grade_all, missing_protections, submissions
from minivision.homework.class_results import ClassResults, write_table
from minivision.homework.gradescope import results
from minivision.homework.local_executor import InThisProcess, LocalExecutor, TimeUpError, WorkerError
from minivision.homework.plugin import TestsError, run_tests
from minivision.homework.process import StudentProcess

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux offers this isolation")
WRONG = "    return x.copy()\n"
ENDLESS = "    while True:\n        pass\n"


def test_a_folder_of_submissions_gives_a_table_in_the_order_of_names(trial, submit, tmp_path):
    submit(name="class/ann/trial.py")
    submit(relu=WRONG, name="class/bob/trial.py")
    (tmp_path / "class" / "cy").mkdir()
    with zipfile.ZipFile(tmp_path / "class" / "dee.zip", "w") as archive:
        archive.write(submit(relu=RELU, relu_backward=RELU_BACKWARD), "homework/trial.py")
    paths = submissions(trial, tmp_path / "class")
    reports = list(grade_all(trial, paths, jobs=2))
    write_table(trial, reports, tmp_path / "class.csv")
    lines = (tmp_path / "class.csv").read_text().splitlines()
    assert lines[0] == "submission,points,of,1.1,1.2,problem"
    assert lines[1] == "ann,10,10,4,6," and lines[2] == "bob,6,10,0,6," and lines[4] == "dee.zip,10,10,4,6,"
    assert lines[3].startswith("cy,0,10,0,0,") and "has no trial.py" in lines[3]


def test_everyone_is_in_the_table_whatever_they_handed_in(trial, submit, tmp_path):
    folder = tmp_path / "class"
    right = submit().read_text()
    for name in ("ann/__MACOSX", "bob/deep", "bob/.venv", "__MACOSX/ann"):
        (folder / name).mkdir(parents=True)
    for name in ("ann/TRIAL (1).py", "ann/__MACOSX/._trial.py", "bob/deep/trial.py", "bob/.venv/trial.py", "cy.PY"):
        (folder / name).write_text(right)
    with zipfile.ZipFile(folder / "dee.ZIP", "w") as archive:
        entry = zipfile.ZipInfo("x")
        entry.filename = "homework\\trial.py"  # as some Windows tools write it
        archive.writestr(entry, right)
        archive.writestr("trial.py/", "")  # a folder
    with tarfile.open(folder / "eve.tar.gz", "w:gz") as archive:
        archive.add(folder / "bob" / "deep" / "trial.py", "homework/trial.py")
    (folder / "fay").mkdir()
    shutil.copy(folder / "dee.ZIP", folder / "fay" / "upload.zip")
    for name in ("gil.ipynb", "hal.zip", "ida.7z", ".DS_Store", "Thumbs.db"):
        (folder / name).write_bytes(b"none of these")
    reports = list(grade_all(trial, submissions(trial, folder)))
    write_table(trial, reports, tmp_path / "class.csv")
    with open(tmp_path / "class.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    points = {row[0]: row[1] for row in rows}
    full = ("ann", "bob", "cy.PY", "dee.ZIP", "eve.tar.gz", "fay")
    assert points == dict.fromkeys(full, "10") | dict.fromkeys(("gil.ipynb", "hal.zip", "ida.7z"), "0")
    reasons = {row[0]: row[-1] for row in rows}
    assert "is a notebook" in reasons["gil.ipynb"] and "no Python file" in reasons["ida.7z"]
    assert "not a readable archive" in reasons["hal.zip"]


class Killed(BaseException):
    """What ends a grader for good, in place of the signal."""


class OverTime(InThisProcess):
    """Runs a call until it is killed, as LocalExecutor does when the time is up."""

    def submit(self, function, /, *args):
        future = concurrent.futures.Future()
        with pytest.raises(Killed):
            function(*args)
        future.set_exception(TimeUpError("it was not finished after 5 s"))
        return future


@pytest.mark.parametrize("finished", [0, 1])
def test_tasks_that_were_finished_before_the_time_was_up_keep_their_points(trial, submit, monkeypatch, finished):
    grade_task, graded = grading._grade_task, []

    def until_killed(assignment, file, task, *rest):
        if len(graded) == finished:
            raise Killed
        graded.append(task.id)
        return grade_task(assignment, file, task, *rest)

    monkeypatch.setattr(grading, "_grade_task", until_killed)
    (report,) = grade_all(trial, [submit(relu_backward=ENDLESS)], executor=OverTime())
    if not finished:
        assert not report.graded and "not finished after 5 s" in report.problem
        return
    assert report.graded and report.earned == 4 and [task.id for task in report.tasks] == ["1.1"]
    assert "time for this submission was up" in report.problem and "not graded: 1.2" in report.problem
    assert report.problem in results(report)["output"] and results(report)["score"] == 4


def test_a_call_that_takes_too_long_is_told_from_one_that_crashes():
    executor = LocalExecutor(1, seconds=3)
    with pytest.raises(TimeUpError, match="not finished after 3 s"):
        executor.submit(time.sleep, 60).result()
    executor.seconds = 60
    with pytest.raises(WorkerError, match="exit code") as crash:
        executor.submit(os._exit, 3).result()
    assert not isinstance(crash.value, TimeUpError)
    executor.shutdown()


def test_an_error_of_the_grader_costs_no_points_and_stops_nobody_else(trial, submit, tmp_path, monkeypatch):
    submit(name="class/ann/trial.py", after="# ann\n")
    submit(name="class/bob/trial.py")
    launch = StudentProcess._launch

    def fail(self, *arguments, **options):
        if b"# ann" in self.path.read_bytes():
            raise OSError(28, "No space left on device")
        return launch(self, *arguments, **options)

    monkeypatch.setattr(StudentProcess, "_launch", fail)
    reports = grade_all(trial, submissions(trial, tmp_path / "class"), executor=InThisProcess())
    ann, bob = sorted(reports, key=lambda report: report.submission)
    assert bob.earned == 10 and bob.graded and not ann.graded
    assert ann.problem.startswith("NOT GRADED, through no fault of the submission") and "No space left" in ann.problem
    write_table(trial, [ann, bob], tmp_path / "class.csv")
    assert (tmp_path / "class.csv").read_text().splitlines()[1].startswith("ann,,10,")
    assert "score" not in results(ann)
    with pytest.raises(TestsError, match="cannot be started: OSError: .*No space left"):  # a student's own check
        run_tests(trial, tmp_path / "class" / "ann" / "trial.py")


# ---- the command: stopped, killed, resumed -------------------------------------------------------------------------


def one_task(folder, seconds=2):
    """Write an assignment with the first task of the trial alone, and a short time limit."""
    manifest = MANIFEST.partition('[[task]]\nid = "1.2"')[0].replace("seconds = 30", f"seconds = {seconds}")
    hidden = HIDDEN.partition('@pytest.mark.task("1.2"')[0]
    tests = TESTS.partition('@pytest.mark.task("1.2"')[0]
    for name, text in (("manifest.toml", manifest), ("tests/test_t.py", tests), ("hidden/test_h.py", hidden)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return load_assignment(folder)


def start(tmp_path, assignment, *options):
    """Start the command in a folder of its own, with temporary files that are told by their place."""
    (tmp_path / "temporary").mkdir(exist_ok=True)
    ctrl_c = signal.default_int_handler  # a job in the background ignores Ctrl-C
    return subprocess.Popen(
        [sys.executable, "-m", "minivision", "homework", "grade", assignment.folder, tmp_path / "class", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
        preexec_fn=lambda: signal.signal(signal.SIGINT, ctrl_c),
    )  # fmt: skip


def remains(tmp_path):
    """Return the processes of a grading, by what their environment says of temporary files."""
    mark, found = os.fsencode(tmp_path / "temporary"), []
    for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in path.read_bytes():
                found.append(path.parent.name)
    return found


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not come to that"
        time.sleep(0.05)


@LINUX
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
@pytest.mark.parametrize("options", [["--jobs", "2"], ["--unlocked"]], ids=["two isolated", "one unlocked"])
def test_whatever_ends_the_grading_leaves_no_process_and_the_results(submit, tmp_path, how, options):
    if "2" in options and missing_protections():
        pytest.skip("this system lacks protections")
    assignment = one_task(tmp_path / "one", seconds=60)
    submit(name="class/ann/trial.py")
    submit(relu=ENDLESS, name="class/bob/trial.py")
    process = start(tmp_path, assignment, "--csv", "class.csv", *options)
    assert "ann" in process.stdout.readline()  # printed when it is graded
    wait_until(lambda: len(remains(tmp_path)) >= 3)  # the grader, its workers, and the endless loop
    time.sleep(1)
    process.send_signal(how)
    _, errors = process.communicate(timeout=30)
    wait_until(lambda: not remains(tmp_path), 10)
    table = (tmp_path / "class.csv").read_text().splitlines()
    assert table == (tmp_path / "trial-results" / "class.csv").read_text().splitlines()
    assert len(table) == 2 and table[1].startswith("ann,4,4,")
    if how == signal.SIGKILL:
        monkey = pytest.MonkeyPatch()
        monkey.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
        with scratch.scratch_folder() as folder:  # the next grader tidies up
            assert list((tmp_path / "temporary").glob("minivision*")) == [folder]
        monkey.undo()
    else:
        said = "stopped; 1 of 2 submissions are graded and stand in trial-results and class.csv; --resume goes on"
        assert errors.splitlines()[-1] == f"minivision: {said}" and process.returncode == 1
        assert "Traceback" not in errors
    assert not any((tmp_path / "temporary").iterdir())


def mixed_class(folder, submit, count):
    """Write right, wrong and hostile submissions, one after the other, until there are enough."""
    kinds = [
        {},
        {"relu": WRONG},
        {"relu": '    raise NotImplementedError("task")\n'},
        {"after": "\ndef f(:\n"},
        {"before": "import os\nos._exit(3)\n"},
        {"relu": "    raise ValueError('\\ud800' + chr(27) + '[2J' + 'long' * 10**5)\n"},
        {"relu": "    import os\n    os._exit(0)\n"},
        {"before": "import os, time\nos.closerange(3, 30)\n"},
        "notebook", "zip", "broken zip", "link", "empty", "latin", "formula", "moodle", "text", "pdf",
    ]  # fmt: skip
    folder.mkdir()
    for k in range(count):
        kind, name = kinds[k % len(kinds)], f"s{k:02}"
        if isinstance(kind, dict):
            submit(**kind, name=f"class/{name}/trial.py")
        elif kind == "notebook":
            (folder / f"{name}.ipynb").write_text("{}")
        elif kind == "zip":
            with zipfile.ZipFile(folder / f"{name}.ZIP", "w") as archive:
                archive.write(submit(), "a\\trial.py")
        elif kind == "broken zip":
            (folder / f"{name}.zip").write_bytes(b"PK\3\4" + bytes(300))
        elif kind == "link":
            (folder / name).symlink_to(folder / "s00")
        elif kind == "latin":
            os.mkdir(os.fsencode(folder / name) + b" M\xfcller")
        elif kind == "formula":
            (folder / f"=cmd{name}.txt").write_text("x")
        elif kind == "moodle":
            (folder / f"Ann Roe_{k}_assignsubmission_file_").mkdir()
        elif kind == "empty":
            (folder / f"{name}.py").write_text("")
        else:
            (folder / f"{name}.{kind}").write_text("x")


@LINUX
def test_a_class_that_is_killed_twice_and_resumed_has_the_results_of_one_that_is_not(submit, tmp_path):
    if missing_protections():
        pytest.skip("this system lacks protections")
    count = 60
    assignment = one_task(tmp_path / "one")
    mixed_class(tmp_path / "class", submit, count)
    options = ["--jobs", "2", "--json", "all.json"]
    process = start(tmp_path, assignment, *options, "--results", "undisturbed")
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    (tmp_path / "all.json").rename(tmp_path / "undisturbed.json")
    results_of = tmp_path / "killed" / "submissions"
    for enough in (count // 4, count // 2):
        process = start(tmp_path, assignment, *options, "--results", "killed", "--resume")
        while len(list(results_of.glob("*.json"))) < enough and process.poll() is None:
            time.sleep(0.05)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        wait_until(lambda: not remains(tmp_path), 10)
    resumed = start(tmp_path, assignment, *options, "--results", "killed", "--resume")
    again, errors = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, errors
    assert len(again.splitlines()) <= count - count // 2 + 1  # what was finished is not graded again
    for path in sorted((tmp_path / "undisturbed").rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "killed" / path.relative_to(tmp_path / "undisturbed")).read_bytes()
    assert len(list(results_of.iterdir())) == count
    assert (tmp_path / "all.json").read_bytes() == (tmp_path / "undisturbed.json").read_bytes()
    assert not any((tmp_path / "temporary").iterdir())
    table = list(csv.reader((tmp_path / "killed" / "class.csv").read_text().splitlines()))[1:]
    assert len(table) == count and not any("\x1b" in cell or cell.startswith("=") for row in table for cell in row)
    assert "\x1b" not in output + again
    earned = {row[0]: row[1] for row in table}
    assert earned["s00"] == earned["s09.ZIP"] == "4" and earned["s01"] == earned["s02"] == earned["s12.py"] == "0"


# ---- results are not written over ----------------------------------------------------------------------------------


def test_a_rerun_writes_over_nothing_unasked(trial, submit, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("ann", "bob"):
        submit(relu=WRONG, after="\n1 / 0\n", name=f"class/{name}/trial.py")
    command = ["homework", "grade", str(trial.folder), "class", "--unlocked"]
    assert main([*command, "--csv", "class.csv"]) == 0
    before = (tmp_path / "trial-results" / "class.csv").read_bytes()
    assert before == (tmp_path / "class.csv").read_bytes()
    capsys.readouterr()
    for more, message in (
        (["--csv", "class.csv"], "class.csv exists: --resume goes on with it, or give another name"),
        ([], "trial-results has the results of another grading: --resume goes on with it"),
        (["--resume", "--seed", "8"], "has the results of trial with the seed 7, and this is trial with the seed 8"),
        (["--results", "class"], "class exists and has other files than results"),
    ):
        assert main([*command, *more]) == 2
        assert message in capsys.readouterr().err
    assert main([*command, "--resume", "--csv", "class.csv"]) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if "ann" in line or "bob" in line] == []
    assert before == (tmp_path / "trial-results" / "class.csv").read_bytes() == (tmp_path / "class.csv").read_bytes()


def test_what_could_not_be_graded_is_graded_again(trial, submit, tmp_path):
    path = submit(name="class/ann/trial.py")
    (report,) = grade_all(trial, [path])
    kept = ClassResults(tmp_path / "results", trial, 7)
    kept.add(dataclasses.replace(report, graded=False))
    assert ClassResults(tmp_path / "results", trial, 7, resume=True).lacks(path)
    kept.add(report)
    again = ClassResults(tmp_path / "results", trial, 7, resume=True)
    assert not again.lacks(path) and again.reports[str(path)].as_dict() == report.as_dict()
    written = json.loads(next((tmp_path / "results" / "submissions").iterdir()).read_text())
    assert written["tasks"][0]["earned"] == 4


def test_without_protections_nothing_is_graded_unless_told(trial, submit, capsys, monkeypatch):
    path = str(submit())
    monkeypatch.setattr("minivision.homework.batch_grading.missing_protections", lambda: ["no walls: they can look in"])
    assert main(["homework", "grade", str(trial.folder), path]) == 2
    assert "no walls: they can look in" in capsys.readouterr().err
    assert main(["homework", "grade", str(trial.folder), path, "--unprotected"]) == 0
    assert capsys.readouterr().out.strip().startswith("10 of 10")
