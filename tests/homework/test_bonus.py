"""Points for a bonus: they count on top of the points of an assignment, and every report says so."""

import csv
import json

import pytest
from trial_assignment import MANIFEST, write_assignment

from minivision.cli import main
from minivision.homework import formats, gradescope, load_assignment, source, verification
from minivision.homework.class_results import write_table
from minivision.homework.class_statistics import class_statistics, write_statistics
from minivision.homework.grading import SubmissionReport, grade
from minivision.homework.library import write_library
from minivision.homework.own_solution import SeedError, with_measured_limits
from minivision.homework.release import public_manifest, start

RELU, BOTH = "trial of the first task", "trial of both"


@pytest.fixture(scope="module")
def bonus(tmp_path_factory):
    """The trial assignment, whose second task is a bonus: 4 points, and 6 on top."""
    folder = tmp_path_factory.mktemp("bonus")
    write_assignment(folder)
    (folder / "manifest.toml").write_text(MANIFEST.replace("points = 6", "points = 6\nbonus = true"))
    return load_assignment(folder)


@pytest.fixture(scope="module")
def reports(bonus, tmp_path_factory):
    """Reports about the solution of the first task, and of both."""
    folder = tmp_path_factory.mktemp("submissions")
    write_library(bonus, folder / "library")
    found = {}
    for name, tasks in ((RELU, ["1.1"]), (BOTH, None)):
        (folder / "trial.py").write_text(source.solution(bonus, tasks))
        found[name] = grade(bonus, folder / "trial.py", library=folder / "library", isolated=False)
    return found


def test_points_count_on_top(bonus, reports):
    assert (bonus.points, bonus.bonus) == (4, 6)
    assert [(each.earned, each.points, each.bonus) for each in reports.values()] == [(4, 4, 6), (10, 4, 6)]
    assert SubmissionReport.from_dict(json.loads(json.dumps(reports[BOTH].as_dict()))).earned == 10


def test_a_report_of_before_has_no_bonus(reports):
    old = reports[RELU].as_dict()
    del old["bonus"]
    for task in old["tasks"]:
        del task["bonus"]
    assert SubmissionReport.from_dict(old).bonus == 0


def test_students_read_that_it_is_a_bonus(bonus, tmp_path, monkeypatch, capsys):
    assert "task 1.2: ReLU, backward (6 bonus points)" in source.blank(bonus)
    assert public_manifest(bonus).count("bonus = true") == 1
    start(bonus, tmp_path / "own")
    assert "| 1.2 | ReLU, backward | 6 (bonus) |" in (tmp_path / "own" / "README.md").read_text()
    assert load_assignment(tmp_path / "own").bonus == 6
    monkeypatch.chdir(tmp_path / "own")
    main(["homework", "test", "1.2"])
    assert "1.2 bonus: ReLU, backward (" in capsys.readouterr().out


def test_gradescope_gets_more_than_the_points(reports):
    first, both = (gradescope.results(each) for each in reports.values())
    assert (first["score"], both["score"]) == (4, 10)
    assert (
        first["output"] == "trial: 4 of 4 points" and both["output"] == "trial: 10 of 4 points, 6 of them for a bonus"
    )
    assert {test["number"] for test in both["tests"] if test["name"].startswith("bonus: ")} == {"1.2"}
    unfinished = SubmissionReport("trial", "x", 7, 4, reports[BOTH].tasks[:1], bonus=6)
    assert "not all tasks are graded" in gradescope.results(unfinished)["output"]


def test_other_formats_do_as_far_as_they_can(reports, monkeypatch):
    for name in ("CLASSROOM", "ASSIGNMENT", "SUBMISSION_TAG", "COMMIT_URL", "RELEASE_URL", "REVIEW_URL"):
        monkeypatch.setenv(name, "x")
    first, both = (gradescope.results(each) for each in reports.values())
    assert [json.loads(formats.prairielearn(each))["score"] for each in (first, both)] == [1, 1]
    written = json.loads(formats.classroom50(first))
    assert (written["score"], written["max-score"]) == (4, 10)
    assert [test["test-name"] for test in written["tests"]] == ["1.1 ReLU", "1.2 ReLU, backward (bonus)"]


def test_tables_of_a_class_mark_the_task(bonus, reports, tmp_path, capsys):
    write_table(bonus, reports.values(), tmp_path / "class.csv")
    with open(tmp_path / "class.csv", newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    assert head == ["submission", "points", "of", "1.1", "1.2 (bonus)", "problem"]
    assert sorted(row[1:5] for row in rows) == [["10", "4", "4", "6"], ["4", "4", "4", "0"]]
    results = [gradescope.results(each) for each in reports.values()]
    tasks = class_statistics(results)
    assert [task.bonus for task in tasks] == [False, True]
    write_statistics(tasks, tmp_path / "tasks.csv")
    assert (tmp_path / "tasks.csv").read_text().splitlines()[2].startswith('1.2,"ReLU, backward",6,3.00')
    gradescope.write_results({"submissions": results}, tmp_path / "results.json")
    main(["homework", "statistics", str(tmp_path / "results.json")])
    out = capsys.readouterr().out
    assert "mean 7.0, median 7 of 4" in out and "ReLU, backward (bonus)" in out


def test_it_is_proved_like_the_others(bonus, tmp_path):
    assert with_measured_limits(bonus, isolated=False).bonus == 6
    hidden = tmp_path / "wrong" / "hidden" / "test_trial_hidden.py"
    write_assignment(tmp_path / "wrong")
    (tmp_path / "wrong" / "manifest.toml").write_text((bonus.folder / "manifest.toml").read_text())
    hidden.write_text(
        hidden.read_text().replace("def test_one_axis(student):\n", "def test_one_axis(student):\n    1 / 0\n")
    )
    with pytest.raises(SeedError, match="earns 8 of 10 points"):
        with_measured_limits(load_assignment(tmp_path / "wrong"), isolated=False)


def test_a_bonus_that_uses_other_functions_is_earned_with_them(tmp_path):
    """Who solves what it uses has earned it: that is no points for nothing."""
    write_assignment(tmp_path)
    task = '\n[[task]]\nid = "1.3"\ntitle = "Both"\npoints = 2\nbonus = true\nfunctions = []\nprerequisites = ["1.1"]\n'
    (tmp_path / "manifest.toml").write_text(MANIFEST + task)
    for folder, points in (("tests", ""), ("hidden", ", points=2")):
        path = next((tmp_path / folder).glob("test_*.py"))
        mark = f'\n\n@pytest.mark.task("1.3"{points})\ndef test_use(student):\n    student.check("relu")\n'
        path.write_text(path.read_text() + mark)
    assignment, file = load_assignment(tmp_path), tmp_path / "submission" / "trial.py"
    write_library(assignment, tmp_path / "library")
    file.parent.mkdir()
    for check, what in ((verification._one_task, "1.1"), (verification._solution, None)):
        claims = list(check(assignment, what, file, tmp_path / "library", None))
        assert claims and [each for each in claims if not each.met] == []
