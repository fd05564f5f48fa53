"""Questions in words: students get them without the rubric, staff with it."""

import pytest
from trial_assignment import write_assignment

from minivision.cli import main
from minivision.homework import assignments, load_assignment
from minivision.homework.leaks import leaks
from minivision.homework.manifest import ManifestError
from minivision.homework.questions import load_questions, sheet
from minivision.homework.release import start

QUESTION = """\
[[question]]
id = "Q1"
after = "1.1"
text = '''Why is
it bent?'''
rubric = [[2, "It is cut."], [1, "At 0."]]
"""


@pytest.fixture
def assignment(tmp_path):
    assignment = write_assignment(tmp_path / "assignment")
    (tmp_path / "assignment" / "questions.toml").write_text(QUESTION)
    return assignment


def test_students_get_the_questions_without_the_rubric(assignment, tmp_path, capsys):
    files = start(assignment, tmp_path / "mine")
    assert "questions.md" in files and "questions.toml" not in files
    text = (tmp_path / "mine" / "questions.md").read_text()
    assert "## Q1 (3 points, after 1.1: ReLU)" in text and "Why is it bent?" in text and "It is cut" not in text
    assert main(["homework", "rubric", str(assignment.folder)]) == 0
    out = capsys.readouterr().out
    assert "Why is it bent?" in out and "- 2: It is cut." in out and "Your answer" not in out


def test_a_rubric_that_is_handed_out_is_a_leak(assignment, tmp_path):
    start(assignment, tmp_path / "mine")
    (tmp_path / "mine" / "questions.toml").write_text(QUESTION)
    assert leaks(assignment, tmp_path / "mine") == ["questions.toml must not be handed out"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('after = "1.1"', 'after = "1.7"', "no task 1.7"),
        ('id = "Q1"\n', "", "expected the entries id, after, text and rubric"),
        ('[[2, "It is cut."], [1, "At 0."]]', "[]", "rubric: expected"),
        ('[[2, "It is cut."], [1, "At 0."]]', '[[2, "It is cut."], "At 0."]', "rubric: expected"),
        ('[[2, "It is cut."]', '[[0, "It is cut."]', "rubric: expected"),
        ("[[question]]", "[[question", "questions.toml"),
    ],
)
def test_a_question_that_cannot_be_used_is_refused_with_its_number(assignment, old, new, message):
    path = assignment.folder / "questions.toml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ManifestError, match=message):
        load_questions(assignment)


def test_an_assignment_without_questions_says_so(trial, capsys):
    assert load_questions(trial) == []
    assert main(["homework", "rubric", str(trial.folder)]) == 2
    assert "has no questions.toml" in capsys.readouterr().err


@pytest.mark.parametrize("name", assignments())
def test_every_assignment_has_three_questions_of_nine_or_ten_points(name):
    assignment = load_assignment(name)
    questions = load_questions(assignment)
    assert len(questions) == 3 and 9 <= sum(question.points for question in questions) <= 10
    text = sheet(assignment)
    for question in questions:
        assert question.text in text and not any(sentence in text for _, sentence in question.rubric)
