"""Texts keep to docs/style.md where a test can see it; the glossary is in order, each term once."""

import json
import re

import pytest
from test_docs import PAGES, TOP

NOTEBOOKS = sorted([*(TOP / "notebooks").glob("*.ipynb"), *(TOP / "minivision/homework").glob("*/*.ipynb")])
MEASURE = r"\b(?:IoUs?|AP|AP50|AP75|mIoU|recall|precision)(?: of| is| at)? 0\.\d"


def prose(path):
    """Return the text of a page or a notebook without code, links' targets and pictures."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells)
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return re.sub(r"`[^`]*`|\]\([^)]*\)", "", text)


@pytest.mark.parametrize("path", [*PAGES, *NOTEBOOKS], ids=lambda path: path.name)
def test_sizes_have_spaces(path):
    if path.name != "style.md":  # which shows how not to
        assert re.findall(r"\b\d+[x×]\d+\b", prose(path)) == []


@pytest.mark.parametrize("path", [*PAGES, *NOTEBOOKS], ids=lambda path: path.name)
def test_sizes_have_one_sign(path):
    other = r"\d x \d" if path.suffix == ".ipynb" and path.parent.name == "notebooks" else r"\d ?× ?\d"
    if path.name != "style.md" and path.parent.parent.name != "homework":
        assert re.findall(other, prose(path)) == []


@pytest.mark.parametrize("path", [*PAGES, *NOTEBOOKS], ids=lambda path: path.name)
def test_measures_have_no_leading_zero(path):
    assert re.findall(MEASURE, prose(path)) == []


def test_the_glossary_is_in_order_and_has_each_term_once():
    text = (TOP / "docs" / "glossary.md").read_text(encoding="utf-8")
    terms = [term.lower() for term in re.findall(r"^\| (.+?) \|", text, flags=re.MULTILINE)][1:]
    assert len(terms) > 80 and terms == sorted(terms) and len(set(terms)) == len(terms)
