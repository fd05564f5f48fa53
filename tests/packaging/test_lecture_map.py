"""docs/lecture.md: whatever a row names exists, is in the notebook that the row leads to, or is the homework task's."""

import json
import pathlib
import re

import pytest
from pages import find

import minivision
from minivision import ops
from minivision.cli import COMMANDS
from minivision.homework.manifest import load_assignment
from minivision.models import systems

TOP = pathlib.Path(minivision.__file__).parents[1]
PAGE = TOP / "docs" / "lecture.md"
COLUMNS = ["idea of the lecture", "explained in", "code", "picture", "homework"]


def rows():
    """Return the rows of the tables as dicts."""
    cells = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    ]
    assert all(len(row) == len(COLUMNS) for row in cells)
    return [dict(zip(COLUMNS, row, strict=True)) for row in cells if row != COLUMNS]


def tasks():
    """Return the functions of each homework task, by its number."""
    return {task.id: task.functions for name in ("hw1", "hw2", "hw3") for task in load_assignment(name).tasks}


ROWS = rows()
IDS = [row["idea of the lecture"][:40] for row in ROWS]


def test_the_map_is_long_enough_and_every_row_leads_somewhere():
    assert len(ROWS) > 50
    assert [row for row in ROWS if "](" not in row["explained in"]] == []


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_code_of_a_row_exists(row):
    for name in re.findall(r"`([^`]+)`", row["code"]):
        if name.startswith("minivision "):
            assert name.split()[1] in COMMANDS, name
        elif name.endswith(".py"):
            assert (TOP / "minivision" / name).exists(), name
        elif "." in name:
            assert find(name) is not None, name
        else:
            assert name in systems() or hasattr(ops, name), name


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_picture_of_a_row_is_drawn_in_its_notebook(row):
    notebooks = set(re.findall(r"\(\.\./(notebooks/[\w-]+\.ipynb)", row["explained in"]))
    code = "\n".join(
        "".join(cell["source"])
        for path in notebooks
        for cell in json.loads((TOP / path).read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    )
    for name in re.findall(r"`([^`]+)`", row["picture"]):
        if name.startswith("minivision."):
            assert find(name) is not None, name
        else:
            assert f"{name}(" in code, f"{name} is not called in {notebooks}"


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_homework_task_of_a_row_is_about_its_code(row):
    functions = tasks()
    code = [name.rpartition(".")[2] for name in re.findall(r"`([^`]+)`", row["code"])]
    for task in filter(None, re.split(r",\s*", row["homework"])):
        asked = [name.rpartition(".")[2] for name in functions[task]]
        assert not asked or set(asked) & set(code), (task, asked, code)


def test_every_homework_task_is_in_the_map():
    named = {task for row in ROWS for task in re.split(r",\s*", row["homework"]) if task}
    assert named == set(tasks())
