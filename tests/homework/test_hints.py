"""Hints in tiers: the next one at each call, and none is the solution. Folders for those who learn alone."""

import json
import pathlib
import re

import pytest
from trial_assignment import write_assignment

from minivision.cli import _parse, main
from minivision.homework import assignments, load_assignment, source
from minivision.homework.hints import SEEN, load_hints, next_hint, shown_hints
from minivision.homework.leaks import leaks, solution_lines
from minivision.homework.manifest import ManifestError
from minivision.homework.release import release, start

HINTS = '"1.1" = ["Which numbers change?", "Those below 0.", "Each becomes 0."]\n"1.2" = ["Where was x cut?"]\n'


@pytest.fixture
def assignment(tmp_path):
    folder = tmp_path / "assignment"
    assignment = write_assignment(folder)
    (folder / "hints.toml").write_text(HINTS)
    return assignment


@pytest.fixture
def started(assignment, tmp_path):
    start(assignment, tmp_path / "mine")
    return load_assignment(tmp_path / "mine")


def test_each_call_shows_the_next_hint_and_the_last_one_stays(started):
    shown = [next_hint(started, "1.1") for _ in range(4)]
    assert [(len(texts), is_new, left) for texts, is_new, left in shown] == [
        (1, True, 2), (2, True, 1), (3, True, 0), (3, False, 0)
    ]  # fmt: skip
    assert shown[-1][0] == ["Which numbers change?", "Those below 0.", "Each becomes 0."]
    assert json.loads((started.folder / SEEN).read_text()) == {"1.1": 3}
    assert shown_hints(started, "1.2") == [] and next_hint(started, "1.2") == (["Where was x cut?"], True, 0)


@pytest.mark.parametrize("text", ["", "[1]", '{"1.1": "two"}', '{"1.1": -3}', "\x00", '{"1.1": 99}'])
def test_a_damaged_note_of_what_was_seen_stops_nobody(started, text):
    (started.folder / SEEN).write_text(text)
    texts, _, left = next_hint(started, "1.1")
    assert len(texts) + left == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"9.9" = ["a"]', "there is no task 9.9"),
        ('"1.1" = "a"', "expected a list of sentences"),
        ('"1.1" = []', "expected a list"),
        ("1.1 = ", "hints.toml"),
    ],
)
def test_hints_that_cannot_be_used_are_refused_with_file_and_task(assignment, text, message):
    (assignment.folder / "hints.toml").write_text(text)
    with pytest.raises(ManifestError, match=message):
        load_hints(assignment)


def test_the_command_shows_one_hint_at_a_time(started, capsys, monkeypatch):
    monkeypatch.chdir(started.folder)
    assert main(["homework", "hint", "1.1", "--again"]) == 0
    assert "no hint of task 1.1 yet" in capsys.readouterr().out
    for number, (new, later) in enumerate([("Which numbers", "Those below"), ("Those below", "Each becomes")], 1):
        assert main(["homework", "hint", "1.1"]) == 0
        out = capsys.readouterr().out
        assert f"hint {number} of 3" in out and new in out and later not in out
    assert main(["homework", "hint", "1.1", "--again"]) == 0
    out = capsys.readouterr().out
    assert "hint 1 of 3" in out and "hint 2 of 3" in out and "Each becomes" not in out
    assert main(["homework", "hint", "7.7"]) == 2
    assert "no task 7.7" in capsys.readouterr().err


def test_a_task_without_hints_says_so(trial):
    with pytest.raises(ValueError, match="no hints for task 1.1"):
        next_hint(trial, "1.1")


@pytest.mark.parametrize("name", assignments())
def test_every_task_has_two_or_three_hints_and_none_has_a_line_of_the_solution(name):
    assignment = load_assignment(name)
    hints = load_hints(assignment)
    assert list(hints) == [task.id for task in assignment.tasks]
    secret = solution_lines(assignment)
    for id, tiers in hints.items():
        assert 2 <= len(tiers) <= 3, id
        assert len(set(tiers)) == len(tiers) and all(30 < len(tier) < 500 for tier in tiers), id
        told = " ".join(" ".join(tiers).split())
        assert [line for line in secret if line in told] == [], id


def test_a_release_has_the_hints_and_nothing_that_was_seen(assignment, tmp_path):
    (assignment.folder / SEEN).write_text('{"1.1": 2}')
    files = release(assignment, tmp_path / "handout")
    assert "hints.toml" in files and SEEN not in files
    assert leaks(assignment, tmp_path / "handout") == []
    assert "minivision homework hint 1.1" in (tmp_path / "handout" / "README.md").read_text()


def test_a_started_folder_is_tested_and_graded_with_the_installed_library(assignment, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["homework", "start", str(assignment.folder), "mine"]) == 0
    assert "cd mine" in capsys.readouterr().out
    names = {path.relative_to(tmp_path / "mine").as_posix() for path in (tmp_path / "mine").rglob("*.*")}
    assert names == {"README.md", "hints.toml", "manifest.toml", "trial.py", "tests/conftest.py", "tests/test_trial.py"}
    monkeypatch.chdir(tmp_path / "mine")
    assert main(["homework", "test", "1.1"]) == 1
    assert "relu is not written yet" in capsys.readouterr().out
    (tmp_path / "mine" / "trial.py").write_text(source.solution(assignment))
    assert main(["homework", "test"]) == 0
    capsys.readouterr()
    lines = (tmp_path / "mine" / "README.md").read_text().splitlines()
    (command,) = [line.partition("#")[0] for line in lines if line.startswith("minivision homework grade")]
    assert main(command.split()[1:]) == 0  # as the page says it
    assert "10 of 10  trial.py" in capsys.readouterr().out


def test_nobodys_work_is_overwritten(assignment, tmp_path, capsys):
    (tmp_path / "trial").mkdir()
    (tmp_path / "trial" / "mine.txt").write_text("mine")
    assert main(["homework", "start", str(assignment.folder), str(tmp_path / "trial")]) == 2
    assert "not empty" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "trial").iterdir()] == ["mine.txt"]


def test_the_commands_for_those_who_learn_alone_exist():
    """They do not run with the others of the README: the second stands in the folder that the first one makes."""
    text = (pathlib.Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    block = re.search(r"## Learning alone\n\n```text\n(.*?)```", text, re.DOTALL)[1]
    commands = [line.partition("&&")[0].partition("#")[0].split() for line in block.splitlines()]
    assert [words[2] for words in commands] == ["start", "test", "hint", "grade"]
    for words in commands:
        _parse(words[1:])
