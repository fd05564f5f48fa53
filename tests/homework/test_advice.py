"""What an assignment lacks is said in a sentence, before anybody is graded; an installed library has all files."""

import configparser
import pathlib
import sys
import types

import pytest
from trial_assignment import MANIFEST, write_assignment

import minivision
from minivision.cli import main
from minivision.homework import assignments, load_assignment, verification
from minivision.homework.advice import advice
from minivision.homework.plugin import TestsError

PACKAGE = pathlib.Path(minivision.__file__).parent


@pytest.fixture
def assignment(tmp_path):
    write_assignment(tmp_path)

    def changed(file, old, new):
        path = tmp_path / file
        assert path.read_text().count(old) == 1
        path.write_text(path.read_text().replace(old, new))
        return load_assignment(tmp_path)

    return changed


def test_there_is_nothing_to_say_about_a_right_assignment(trial):
    assert advice(trial) == []


@pytest.mark.parametrize("name", assignments())
def test_there_is_nothing_to_say_about_the_librarys_assignments(name):
    assert advice(load_assignment(name)) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "numbers"),
    [
        ("manifest.toml", "points = 6", "points = 7", ("7", "6")),
        ("hidden/test_trial_hidden.py", 'task("1.2", points=2)', 'task("1.2", points=2.5)', ("6", "6.5")),
        # A test that is run twice gives its points twice.
        (
            "hidden/test_trial_hidden.py",
            '@pytest.mark.task("1.2", points=4)\ndef test_gradient_of_other_numbers(student):',
            '@pytest.mark.parametrize("k", [1, 2])\n@pytest.mark.task("1.2", points=4)\ndef test_more(student, k):',
            ("6", "10"),
        ),
    ],
)
def test_points_in_one_place_only_are_told_with_both_numbers(assignment, file, old, new, numbers):
    (sentence,) = advice(assignment(file, old, new))
    in_manifest, in_tests = numbers
    assert f"task 1.2 has {in_manifest} points in" in sentence and f"and {in_tests} in the marks" in sentence


def test_a_new_task_without_tests_is_told_why_it_earns_nothing(assignment):
    new = '\n[[task]]\nid = "1.3"\ntitle = "Sigmoid"\npoints = 5\nfunctions = ["minivision.ops.pointwise.sigmoid"]\n'
    last = MANIFEST[MANIFEST.index('prerequisites = ["1.1"]') :]
    hidden, visible = advice(assignment("manifest.toml", last, last + new))
    assert "task 1.3 earns 0 of 5" in hidden and '@pytest.mark.task("1.3", points=5)' in hidden
    assert "task 1.3 has no test that students see" in visible


def test_a_missing_hidden_folder_is_told_and_nobody_is_graded(assignment, tmp_path, capsys, submit):
    (tmp_path / "hidden" / "test_trial_hidden.py").rename(tmp_path / "hidden" / "trial_hidden.py")
    (sentence,) = advice(load_assignment(tmp_path))
    assert "has no tests" in sentence and "nobody earns any" in sentence
    assert main(["homework", "grade", str(tmp_path), str(submit())]) == 2
    assert "points come from them" in capsys.readouterr().err


def test_tests_that_cannot_be_imported_are_an_error(assignment):
    changed = assignment("tests/test_trial.py", "import numpy as np\n", "import nothing_of_that_name\n")
    with pytest.raises(TestsError, match="nothing_of_that_name"):
        advice(changed)


def test_check_warns_and_fails(assignment, monkeypatch, capsys):
    monkeypatch.setattr(verification, "verify", lambda *_, **__: iter([0]))
    folder = assignment("manifest.toml", "points = 4", "points = 3").folder
    assert main(["homework", "check", str(folder)]) == 1
    assert "WARNING: task 1.1 has 3 points" in capsys.readouterr().out
    (folder / "manifest.toml").write_text(MANIFEST)
    assert main(["homework", "check", str(folder)]) == 0


def test_a_release_that_would_leak_is_not_left_behind(trial, tmp_path, monkeypatch, capsys):
    import minivision.homework.leaks as leaks

    monkeypatch.setattr(leaks, "leaks", lambda *_: ["tests/test_trial.py, line 3 is from relu"])
    assert main(["homework", "release", str(trial.folder), "--out", str(tmp_path / "handout")]) == 2
    assert "line 3 is from relu" in capsys.readouterr().err and not list(tmp_path.iterdir())


# ---- installed files -------------------------------------------------------------------------------------------------


def test_an_installed_library_has_every_file_of_its_package():
    """A release that is made from an ordinary install is complete: notebooks, hints and tests of all assignments."""
    setup = configparser.ConfigParser()
    setup.read(PACKAGE.parent / "setup.cfg", encoding="utf-8")
    if not setup.has_section("options.package_data"):
        pytest.skip("not in the repository")
    patterns = setup["options.package_data"]["minivision"].split()
    installed = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    generated = {"__pycache__", ".ipynb_checkpoints"}
    for path in PACKAGE.rglob("*"):
        if path.is_file() and path.suffix not in (".py", ".pyc") and not generated & set(path.parts):
            assert path in installed, path
    for name in assignments():
        assignment = load_assignment(name)
        wanted = ["manifest.toml", "hints.toml", *([assignment.notebook] if assignment.notebook else [])]
        assert {PACKAGE / "homework" / name / file for file in wanted} <= installed
        assert any((PACKAGE / "homework" / name / "hidden").glob("test_*.py"))


def test_a_module_that_another_folder_left_is_not_taken_for_the_tests(assignment, tmp_path, monkeypatch):
    changed = assignment("tests/test_trial.py", "import numpy as np\n", "import nothing_of_that_name\n")
    left = types.ModuleType("tests.test_trial")
    left.__file__ = str(tmp_path / "another" / "tests" / "test_trial.py")
    monkeypatch.setitem(sys.modules, "tests.test_trial", left)
    with pytest.raises(TestsError, match="nothing_of_that_name"):
        advice(changed)
