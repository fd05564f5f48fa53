"""The notebooks as they are committed; that they run is seen by running them (`.ci/run`)."""

import ast
import json
import pathlib

import pytest
from pages import wrong_links

FOLDER = pathlib.Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def cells(path, kind):
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def python(cell):
    return "\n".join(line for line in "".join(cell["source"]).splitlines() if not line.startswith(("%", "!")))


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_outputs_are_committed(path):
    for cell in cells(path, "code"):
        assert cell["outputs"] == [] and cell["execution_count"] is None, "".join(cell["source"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_explains_before_it_computes_and_asserts_what_it_claims(path):
    first = json.loads(path.read_text(encoding="utf-8"))["cells"][0]
    assert first["cell_type"] == "markdown" and first["source"][0].startswith("# ")
    statements = [node for cell in cells(path, "code") for node in ast.walk(ast.parse(python(cell)))]
    assert any(isinstance(node, ast.Assert) for node in statements)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_files_notebooks_and_headings_it_names_exist(path):
    text = "\n".join("".join(cell["source"]) for cell in cells(path, "markdown"))
    assert wrong_links(text, FOLDER) == []
