"""The sources of the book: every page is found from the front page, and nothing comes from the network."""

import json
import pathlib
import re
import runpy

import pytest

ROOT = pathlib.Path(__file__).parents[2]
DOCS = ROOT / "docs"
CONF = runpy.run_path(str(DOCS / "conf.py"))


def entries(page):
    """Return the pages that the toctrees of a page name, with patterns resolved."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^```\{toctree\}\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            if line and not line.startswith(":"):
                found = sorted(page.parent.glob(line)) if "*" in line else [page.parent / f"{line}.md"]
                yield from (path.resolve() for path in found)


def reached():
    """Return all pages that can be reached from the front page."""
    seen, left = set(), [DOCS / "index.md"]
    while left:
        page = left.pop()
        if page not in seen:
            seen.add(page)
            left += [path for path in entries(page) if path.suffix == ".md" and path.exists()]
            seen |= {path for path in entries(page) if path.suffix != ".md"}
    return seen


def test_every_page_and_every_notebook_is_in_the_book():
    pages = {*DOCS.glob("[!_]*.md"), *DOCS.glob("[!_]*/*.md"), *(ROOT / "notebooks").glob("*.ipynb")}
    pages -= set((DOCS / "api").glob("**/*"))
    assert pages > {DOCS / "glossary.md", ROOT / "notebooks" / "02-convolution.ipynb"}
    assert pages - reached() == set()


def test_every_entry_of_a_table_of_contents_is_a_page_and_stands_there_once():
    named = [path for page in reached() if page.suffix == ".md" for path in entries(page)]
    written = [path for path in named if DOCS / "api" not in path.parents]  # those are made when the book is built
    assert [path for path in written if not path.exists()] == []
    assert len(named) == len(set(named))


def test_every_package_with_public_names_is_in_the_reference():
    import minivision

    left_out = {"core", "kernels", "bench", "cli"}
    packages = {"minivision", *minivision.PACKAGES} - left_out
    assert {path.stem for path in entries(DOCS / "reference.md")} == packages


def test_its_own_extensions_are_files_and_all_are_in_use():
    own = {name for name in CONF["extensions"] if (DOCS / "_ext" / f"{name}.py").exists()}
    helpers = {path.stem for path in (DOCS / "_ext").glob("*.py") if "def setup(" not in path.read_text("utf-8")}
    assert own | helpers == {path.stem for path in (DOCS / "_ext").glob("*.py")}


SOURCES = [path for folder in ("_ext", "_static", "_templates") for path in DOCS.glob(f"{folder}/**/*.[hcpj]*")]


@pytest.mark.parametrize("path", [each for each in SOURCES if each.suffix != ".pyc"], ids=lambda path: path.name)
def test_templates_styles_and_extensions_load_nothing_from_the_network(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["']?(https?:)?//|url\(["']?(https?:)?//|@import|<script[^>]*//""", text)
    assert "cdn" not in text.lower()


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_plots_of_notebooks_have_a_text_for_those_who_do_not_see_them(path):
    """The figures of `minivision.viz` bring theirs; what a cell plots by itself needs one in its metadata."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code" and "plt.subplots(" in "".join(cell["source"]):
            assert len(cell["metadata"]["mystnb"]["image"]["alt"]) > 20, "".join(cell["source"])


def test_no_badge_is_made_up():
    """Where setup.cfg names no address of the repository, the book has none either."""
    assert CONF["repository_url"] == "" or CONF["repository_url"].startswith("https://")
    assert not re.search(r"github\.com/[\w-]+/minivision", "".join(p.read_text("utf-8") for p in DOCS.glob("*.md")))
