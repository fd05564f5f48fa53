"""Header and footer of the notebooks are those of the list docs/frames/chapters.toml."""

import ast
import json
import re
import runpy

import pytest
from test_docs import TOP

FRAMES = runpy.run_path(str(TOP / "docs" / "frames" / "write.py"), run_name="frames")
CHAPTERS = FRAMES["chapters"]()
NAMES = FRAMES["names"]()


def glossary():
    """Return all terms of the glossary, in lower case; some rows have several."""
    rows = re.findall(r"^\| (.+?) \|", (TOP / "docs" / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    terms = {part.strip() for row in rows for part in (row, *row.split(","), *re.split(r"[,()]", row))}
    return {term.lower() for term in terms}


def code(name):
    """Return the code of a notebook as one tree."""
    cells = [cell for cell in FRAMES["read"](name)["cells"] if cell["cell_type"] == "code"]
    lines = [line for cell in cells for line in FRAMES["text_of"](cell).splitlines() if not line.startswith(("%", "!"))]
    return ast.parse("\n".join(lines))


def test_the_list_has_notebooks_that_exist():
    assert CHAPTERS and set(CHAPTERS) <= set(NAMES)


@pytest.mark.parametrize("name", CHAPTERS)
def test_header_and_footer_are_those_of_the_list(name):
    path = TOP / "notebooks" / f"{name}.ipynb"
    written = json.dumps(FRAMES["framed"](name, CHAPTERS[name]), indent=1, ensure_ascii=False) + "\n"
    assert path.read_text(encoding="utf-8") == written, f"python docs/frames/write.py {FRAMES['number'](name)}"


@pytest.mark.parametrize("name", CHAPTERS)
def test_key_terms_are_in_the_glossary(name):
    terms = CHAPTERS[name]["terms"]
    assert len(terms) >= 3 and [term for term in terms if term.lower() not in glossary()] == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_it_needs_what_comes_before_it(name):
    own = FRAMES["number"](name)
    assert [need for need in CHAPTERS[name]["needs"] if need >= own and need != "16"] == []  # 16 is read after 06


@pytest.mark.parametrize("name", CHAPTERS)
def test_three_questions_and_three_assertions(name):
    tree = code(name)
    asserts = [node for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    asked = [
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check"
    ]
    own = FRAMES["number"](name)
    assert asked == [f"{own}.{k + 1}" for k in range(len(asked))] and len(asked) >= 3
    assert len(asserts) >= 3
