"""The answers folded up in the notebooks are right, and each wrong answer is told what is wrong with it."""

import json
import pathlib
import re

import numpy as np
import pytest
from wrong_answers import WRONG

from minivision import exercises, ops
from minivision.exercises import MODULES, check, find_exercise, verdict
from minivision.exercises.judge import EXERCISES, exercise

NOTEBOOKS = sorted((pathlib.Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
ASKED = re.compile(r"^check\(\"([\w.]+)\", answer\)", re.MULTILINE)


def folded_answers():
    """Yield number, question and folded answer of each exercise of the notebooks."""
    for path in NOTEBOOKS:
        cells = [(c["cell_type"], "".join(c["source"])) for c in json.loads(path.read_text(encoding="utf-8"))["cells"]]
        for (_, before), (kind, cell), (_, after) in zip(cells, cells[1:], cells[2:], strict=False):
            for number in ASKED.findall(cell) if kind == "code" else ():
                yield number, before, cell, after


ANSWERS = {number: (before, cell, after) for number, before, cell, after in folded_answers()}


@pytest.fixture(autouse=True, scope="module")
def all_modules():
    for notebook in MODULES:
        find_exercise(f"{notebook}.1")


def test_every_exercise_is_asked_in_its_notebook_and_has_wrong_answers():
    assert set(ANSWERS) == set(EXERCISES) == set(WRONG)
    assert all(number.partition(".")[0] in MODULES for number in ANSWERS)


@pytest.mark.parametrize("number", ANSWERS)
def test_the_folded_answer_is_right(number):
    before, cell, after = ANSWERS[number]
    assert "answer = ..." in cell and re.search(rf"\*\*{number.partition('.')[2]}\.\*\*", before)
    (block,) = re.findall(r"<details><summary>Answer</summary>.*?```python\n(.*?)```.*?</details>", after, re.DOTALL)
    space = {"np": np, "ops": ops}
    exec(block, space)
    assert verdict(number, space["answer"]).startswith("right: ")
    assert not verdict(number, space["answer"]).endswith(".")


@pytest.mark.parametrize("number", WRONG)
def test_a_wrong_answer_is_told_what_is_wrong(number):
    assert len(WRONG[number]) >= 2
    for answer, word in WRONG[number]:
        said = verdict(number, answer)
        assert said.startswith("not yet: ") and word in said, said


def raises(*arguments):
    raise ValueError("on purpose")


NONSENSE = ["a text", None, {}, [[1, 2], [3, 4]], float("nan"), [np.inf], object(), raises, lambda *a: None, print]


@pytest.mark.parametrize("number", WRONG)
def test_nonsense_is_wrong_and_does_no_harm(number):
    for answer in NONSENSE:
        assert verdict(number, answer).startswith("not yet: "), answer


@pytest.mark.parametrize("number", WRONG)
def test_no_answer_is_no_mistake(number, capsys):
    check(number, ...)
    assert capsys.readouterr().out == f"{number}: not answered yet\n"
    assert find_exercise(number).wanted.endswith(".")


def test_an_unknown_exercise_is_named_with_those_that_there_are():
    with pytest.raises(KeyError, match=r"no exercise '04b\.9'; there are 04b\.1, 04b\.2"):
        check("04b.9", 1)


def test_a_number_is_given_once():
    with pytest.raises(ValueError, match="two exercises 04b.1"):
        exercise("04b.1", "")(exercises.check)
