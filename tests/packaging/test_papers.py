"""The papers: each can be found, no number stands without its place, every system has its paper."""

import re

import pytest
from pages import anchors
from test_docs import TOP

from minivision.models import system_class, systems

TEXT, AFTER = ((TOP / "docs" / name).read_text(encoding="utf-8") for name in ("papers.md", "after-the-lecture.md"))
PAPERS = dict(re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", TEXT, flags=re.MULTILINE | re.DOTALL))
PLACE = r"(tables?|section|figure) \d|abstract"


def test_there_are_papers():
    assert len(PAPERS) >= 20


@pytest.mark.parametrize("name", PAPERS)
def test_a_paper_can_be_found_and_says_what_it_claims_and_what_is_ours(name):
    text = PAPERS[name]
    assert re.search(r"\]\(https://(arxiv\.org/abs/\d{4}\.\d{5}|arxiv\.org/abs/\d{4}\.\d{4}|doi\.org/10\.)", text)
    assert "**Claim.**" in text and "**Ours.**" in text


def test_numbers_have_their_place_in_the_paper():
    numbers = r"^- \*\*(?:Number|Finding|Data)\.\*\*.*?(?=^- \*\*|^## |^### |\Z)"
    bullets, after = (re.findall(numbers, text, re.MULTILINE | re.DOTALL) for text in (TEXT, AFTER))
    assert len(bullets) > 12 and len(after) == 5
    assert [each for each in bullets + after if not re.search(PLACE, each, re.IGNORECASE)] == []


def test_links_of_a_paper_name_the_number_they_lead_to():
    for text, target in re.findall(r"\[arXiv:([\d.]+)\]\(https://arxiv\.org/abs/([\d.]+)\)", TEXT + AFTER):
        assert text == target
    for text, target in re.findall(r"\[doi:([^\]]+)\]\(https://doi\.org/([^)]+)\)", TEXT + AFTER):
        assert text == target


def test_every_system_has_its_paper():
    files = {name: f"models/{system_class(name).__module__.rpartition('.')[2]}.py" for name in systems()}
    assert [name for name, file in files.items() if file not in TEXT] == []


def test_pretraining_can_be_linked():
    assert "pretraining" in anchors(TOP / "docs" / "papers.md")
