"""docs/troubleshooting.md: the errors that it explains are the package's, and so are variables and options."""

import ast
import re

import pytest
from test_docs import ROOT, TOP

TEXT = (TOP / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
TABLE = TEXT[TEXT.index("## Errors and what they mean") : TEXT.index("## Notebooks")]
SENTENCES = re.findall(r"^\| `([^`]+)` \|", TABLE, flags=re.MULTILINE)
LONG = 13  # characters in a row that are not there by chance


@pytest.fixture(scope="module")
def pieces():
    """Return the constant pieces of all texts in the package, f-strings included."""
    found = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def test_there_are_errors():
    assert len(SENTENCES) >= 14


@pytest.mark.parametrize("sentence", SENTENCES)
def test_the_package_says_this_sentence(sentence, pieces):
    known = set()  # characters that are part of a piece; the others are names and numbers
    for k in range(len(sentence) - LONG + 1):
        if any(sentence[k : k + LONG] in piece for piece in pieces):
            known.update(range(k, k + LONG))
    assert len(known) > 0.65 * len(sentence)


def test_variables_are_read_by_the_package_or_by_numba():
    from minivision.core.backends import VARIABLE

    sources = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py"))
    for name in set(re.findall(r"\b(?:MINIVISION|OMP|NUMBA)_[A-Z_]+\b", TEXT)):
        assert name == VARIABLE or name in sources or name in ("NUMBA_CACHE_DIR", "NUMBA_DISABLE_JIT"), name


def test_options_are_those_of_the_commands():
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "cli").glob("*.py"))
    sources += (ROOT / "training" / "settings.py").read_text(encoding="utf-8")
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", TEXT)) - {"--help", "--upgrade", "--user", "--name"}
    assert options and [name for name in options if f'"{name}"' not in sources] == []
