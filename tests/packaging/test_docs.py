"""The pages name only files, functions, systems and commands that exist, and their links lead somewhere."""

import pathlib
import re

import pytest
from pages import anchors, find, wrong_links

import minivision

ROOT = pathlib.Path(minivision.__file__).parent
TOP = ROOT.parent
PAGES = [*TOP.glob("*.md"), *(TOP / "docs").glob("*.md")]
FOLDERS = (TOP, ROOT, ROOT / "models", ROOT / "kernels" / "numba", ROOT / "kernels" / "numba" / "engine", TOP / "docs")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page):
    text = page.read_text(encoding="utf-8")
    assert wrong_links(text, page.parent) == []
    own = [link[1:] for link in re.findall(r"\]\((#[^)\s]+)\)", text)]
    assert [each for each in own if each not in anchors(page)] == []


# Two pages name files that their readers will write.
@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name not in ("CONTRIBUTING.md", "homework.md")], ids=lambda page: page.name
)
def test_files_in_the_text_exist(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    names = re.findall(r"`((?:[\w.-]+/)+[\w.-]*\.(?:py|md|cu|h|ipynb|toml)|(?:[\w-]+/)+)`", text)
    names = [name for name in names if not name.startswith(("runs/", "NAME/"))]
    assert [name for name in names if not any((folder / name).exists() for folder in FOLDERS)] == []


@pytest.mark.parametrize("page", ["glossary.md", "lecture.md"])
def test_functions_in_the_tables_exist(page):
    text = (TOP / "docs" / page).read_text(encoding="utf-8")
    packages = "|".join(minivision.PACKAGES)
    dotted = re.findall(rf"`(?:minivision\.)?((?:{packages})(?:\.\w+)+)(?:\(\))?`", text)
    assert len(dotted) > 8
    assert [name for name in dotted if find(name) is None] == []


def test_every_system_and_every_package_is_on_its_page():
    from minivision.models import systems

    lecture = (TOP / "docs" / "lecture.md").read_text(encoding="utf-8")
    assert [name for name in systems() if f"`{name}`" not in lecture] == []
    architecture = (TOP / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \d+ \| `(\w+)` \|", architecture, flags=re.MULTILINE)
    assert tuple(rows) == minivision.PACKAGES
