"""The source of a traced function: its lines without the docstring, and its loops."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Loop(NamedTuple):
    """A ``for`` loop: its first and last line, and the variables that it sets."""

    first: int
    last: int
    names: frozenset[str]


class Source(NamedTuple):
    """The source of a function.

    Attributes
    ----------
    lines : list of (int, str)
        Line numbers in the file and texts, from ``def`` on, without decorators and docstring.
    loops : list of Loop
        The outer ones before the inner ones.
    """

    lines: list[tuple[int, str]]
    loops: list[Loop]

    def loops_at(self, line: int) -> list[Loop]:
        """Return the loops around a line, the outermost first."""
        return [loop for loop in self.loops if loop.first <= line <= loop.last]

    def code(self, line: int) -> str:
        """Return the text of a line without its indentation; an empty one where the source is not known."""
        return dict(self.lines).get(line, "").strip()


def read_source(function: Callable[..., Any]) -> Source:
    """Return the source of a function; it has no lines where Python does not know them."""
    try:
        texts, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(texts)))
    except (OSError, TypeError, SyntaxError):  # typed at a prompt, made by exec, or a lambda inside of a line
        return Source([], [])
    body = next((node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)), None)
    before = max(first - 1, 0)  # line numbers of the tree begin with 1
    if body is None:
        return Source(_numbered(texts, range(len(texts)), before), [])
    shown = [k for k in range(body.lineno - 1, len(texts)) if k not in _docstring(body)]
    loops = [
        Loop(node.lineno + before, (node.end_lineno or node.lineno) + before, _names(node.target))
        for node in ast.walk(body)  # breadth first: what is outside comes before what is inside
        if isinstance(node, ast.For)
    ]
    return Source(_numbered(texts, shown, before), loops)


def _docstring(body):
    """Return the lines of a function's docstring, counted from 0."""
    if ast.get_docstring(body, clean=False) is None:
        return range(0)
    return range(body.body[0].lineno - 1, body.body[0].end_lineno)


def _names(target):
    return frozenset(node.id for node in ast.walk(target) if isinstance(node, ast.Name))


def _numbered(texts: Sequence[str], shown, before):
    """Return lines with their numbers in the file, without the indentation that all have."""
    lines = textwrap.dedent("\n".join(texts[k].rstrip() for k in shown)).split("\n")
    return [(k + 1 + before, text) for k, text in zip(shown, lines, strict=True)]
