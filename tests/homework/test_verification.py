"""Verification of assignments: a correct assignment passes, and each flaw is found."""

import pytest
from trial_assignment import MUTANTS, write_assignment

from minivision.cli import main
from minivision.homework.manifest import ManifestError
from minivision.homework.verification import mutants, verify


def flaws(assignment, **options):
    pieces = verify(assignment, **options)
    total, done = next(pieces), list(pieces)
    assert len(done) == total, "a progress bar would end too early or too late"
    requirements = [each for piece in done for each in piece]
    assert requirements
    return {(each.kind, each.task, each.name) for each in requirements if not each.met}, requirements


def test_a_correct_assignment_meets_all_requirements(trial):
    failing, requirements = flaws(trial, jobs=2)
    assert failing == set()
    assert {each.kind for each in requirements} == {"blank", "solution", "one task", "mutant", "alternative", "release"}
    assert all(each.named for each in requirements if each.kind == "mutant")


def test_each_flaw_is_found(tmp_path):
    """A mutant that passes, a right solution that loses points, a missing alternative, points that do not add up."""
    assignment = write_assignment(tmp_path)
    harmless = (
        MUTANTS.partition("\n\n")[0].replace("minimum(x, 0)", "maximum(x, 0 * x)").replace("the wrong side", "none")
    )
    (tmp_path / "mutants.toml").write_text(f"{MUTANTS}\n{harmless}\n")
    (tmp_path / "alternatives" / "1.1-mask.py").write_text("def relu(x):\n    return x * (x > 1)\n")
    (tmp_path / "alternatives" / "1.2-loop.py").unlink()
    hidden = tmp_path / "hidden" / "test_trial_hidden.py"
    hidden.write_text(hidden.read_text().replace("points=4)\ndef test_gradient", "points=5)\ndef test_gradient"))
    failing, _ = flaws(assignment, jobs=2)
    assert failing == {
        ("mutant", "1.1", "none is cut"),
        ("alternative", "1.1", "mask"),
        ("alternative", "1.2", "there are enough"),
        ("alternative", "1.2", "product"),  # more points than there are
        ("solution", "1.2", "the points of its tests add up"),
        ("solution", "", "earns everything"),
        ("one task", "1.2", "with 1.1, 1.2"),
    }


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('function = "relu"', 'function = "relu_backward"', "not a function of task 1.1"),
        ('body = "return np.minimum(x, 0)"', 'replace = [["no such line", ""]]', "0 times, expected once"),
        ('says = "Negative numbers"', "", "expected"),
    ],
)
def test_a_mutant_that_does_not_fit_the_source_is_refused(tmp_path, old, new, message):
    assignment = write_assignment(tmp_path)
    (tmp_path / "mutants.toml").write_text(MUTANTS.replace(old, new, 1))
    with pytest.raises(ManifestError, match=message):
        mutants(assignment)


def test_the_commands_from_release_to_grades(trial, tmp_path, capsys, monkeypatch):
    """The commands of staff and students, one after the other."""
    folder = str(trial.folder)
    assert main(["homework", "release", folder, "--out", str(tmp_path / "handout")]) == 0
    assert "gives nothing away" in capsys.readouterr().out
    monkeypatch.chdir(tmp_path / "handout")
    assert main(["homework", "test"]) == 1
    out = capsys.readouterr().out
    assert "relu is not written yet" in out and "0 of 2 tasks done" in out and "trial.py" in out.splitlines()[0]
    assert main(["homework", "solution", folder, "--out", "solved.py"]) == 0
    assert main(["homework", "test", "1.1", "--file", "solved.py"]) == 0
    assert "1 of 1 task done" in capsys.readouterr().out
    assert main(["homework", "grade", folder, "solved.py", "--json", "results.json", "--csv", "class.csv"]) == 0
    assert capsys.readouterr().out.strip().startswith("10 of 10  solved.py")
    assert '"score": 10' in (tmp_path / "handout" / "results.json").read_text()
    assert (tmp_path / "handout" / "class.csv").read_text().splitlines()[1] == "solved.py,10,10,4,6,"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["test", "9.9"], "no task 9.9"),
        (["test", "--folder", "nowhere"], "neither an assignment"),
        (["test", "--file", "nowhere.py"], "there is no nowhere.py"),
        (["grade", "hw0", "x.py"], "neither an assignment"),
        (["grade", "{trial}", "nowhere"], "no such file or folder"),
        (["release", "{trial}", "--out", "{trial}"], "not empty"),
        (["gradescope", "{trial}", "--wheels", "nowhere"], "holds no wheel"),
    ],
)
def test_a_wrong_argument_is_reported_in_one_sentence(trial, capsys, monkeypatch, words, message):
    monkeypatch.chdir(trial.folder)
    assert main(["homework", *(word.format(trial=trial.folder) for word in words)]) == 2
    assert message in capsys.readouterr().err
