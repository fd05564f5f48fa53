"""Statistics of a class: means, shares, and the causes that the messages named."""

import csv
import json

import pytest

from minivision.cli import main
from minivision.homework.batch_grading import grade_all
from minivision.homework.class_statistics import class_statistics, read_results, write_statistics
from minivision.homework.gradescope import results, write_results
from minivision.homework.grading import SubmissionReport, TaskScore
from minivision.homework.plugin import TestOutcome


def submission(name, first, second, message="", unwritten=False, **report):
    """Return results with the points of two tasks, and the message of the visible test of the first."""
    visible = TestOutcome("1.1", "test_visible", False, 0, not message, unwritten, message, printed="→ =1+1")
    hidden = TestOutcome("1.1", "test_hidden", True, 4, first == 4, message="→ a secret")
    tasks = [TaskScore("1.1", "ReLU", 4, first, [visible, hidden]), TaskScore("1.2", "Backward", 6, second, [])]
    return results(SubmissionReport("trial", name, 7, 10, report.pop("tasks", tasks), **report))


NOT_GRADED = submission("e", 0, 0, graded=False, problem="NOT GRADED", tasks=[])
CLASS = [
    submission("a", 4, 6),
    submission("b", 0, 3, "x is wrong\n  → the sign is wrong\n  → it is doubled"),
    submission("c", 0, 0, "y is wrong\n  → the sign is wrong"),
    submission("d", 0, 0, "relu is not written yet", unwritten=True),
    NOT_GRADED,
]


def test_means_shares_and_causes_by_hand():
    first, second = class_statistics(CLASS)
    assert (first.id, first.title, first.points) == ("1.1", "ReLU", 4)
    assert (first.mean, first.full, first.none, first.unwritten) == (1.0, 0.25, 0.75, 1)
    assert first.causes == [("the sign is wrong", 2), ("it is doubled", 1)]
    assert (second.mean, second.full, second.none) == (2.25, 0.25, 0.5)


def test_a_wrong_answer_without_a_named_cause_is_counted_as_such():
    (first, _) = class_statistics([submission("a", 0, 0, "x should be 3 and is 4")])
    assert first.causes == [("(no cause was named)", 1)]


def test_files_that_cannot_be_run_have_no_points_but_count():
    blank = [TaskScore("1.1", "ReLU", 4), TaskScore("1.2", "Backward", 6)]
    cannot_run = submission("f", 0, 0, tasks=blank, problem="line 3: invalid syntax")
    first, _ = class_statistics([CLASS[0], cannot_run])
    assert (first.mean, first.full, first.none) == (2.0, 0.5, 0.5)


def test_the_command_prints_and_writes_the_table(tmp_path, capsys):
    write_results({"submissions": CLASS}, tmp_path / "results.json")
    assert main(["homework", "statistics", str(tmp_path / "results.json"), "--csv", str(tmp_path / "table.csv")]) == 0
    out = capsys.readouterr().out
    assert "5 submissions, 4 graded: mean 3.2, median 1.5 of 10" in out
    assert "2 x the sign is wrong" in out and "secret" not in out
    with open(tmp_path / "table.csv", newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    assert (first["task"], first["mean"], first["full"], first["unwritten"]) == ("1.1", "1.00", "0.250", "1")
    assert (first["cause 1"], first["times 1"], first["cause 2"]) == ("the sign is wrong", "2", "it is doubled")
    assert (second["mean"], second["cause 1"]) == ("2.25", None)


def test_a_spreadsheet_runs_no_cause(tmp_path):
    write_statistics(class_statistics([submission("a", 0, 0, "wrong\n  → =HYPERLINK(1)")]), tmp_path / "table.csv")
    assert "'=HYPERLINK" in (tmp_path / "table.csv").read_text()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"submissions": [1]}', '{"submissions": 3}', '{"tests": []}', "\xff"]
)
def test_another_file_is_refused_by_name(tmp_path, text, capsys):
    (tmp_path / "results.json").write_bytes(text.encode("latin-1"))
    assert main(["homework", "statistics", str(tmp_path / "results.json")]) == 2
    assert "results.json" in capsys.readouterr().err


def test_the_results_of_a_class_that_was_graded(trial, submit, tmp_path):
    """From submissions to causes: nothing but the file of `homework grade --json` is in between."""
    bodies = {"a.py": None, "b.py": "    return -np.maximum(x, 0)\n", "c.py": "    return -np.maximum(x, 0)\n"}
    paths = [submit(relu=body, name=name) for name, body in bodies.items()]
    reports = [results(report) for report in grade_all(trial, paths)]
    write_results({"submissions": reports}, tmp_path / "results.json")
    assert len(json.loads((tmp_path / "results.json").read_text())["submissions"]) == 3
    first, second = class_statistics(read_results(tmp_path / "results.json"))
    assert first.full == pytest.approx(1 / 3) and first.mean == pytest.approx(4 / 3) and second.full == 1
    assert first.causes[0][1] == 2 and first.causes[0][0] != "(no cause was named)"
