"""Text is read and written as UTF-8 on every system: no file is opened with the system's encoding."""

import ast
import pathlib

import pytest

import minivision

ROOT = pathlib.Path(minivision.__file__).parent
MODES = set("rwxat+")  # of text


def opened_without_encoding(source):
    """Yield the calls that read or write text in the system's encoding."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or any(keyword.arg == "encoding" for keyword in call.keywords):
            continue
        function = ast.unparse(call.func)
        name = function.rpartition(".")[2]
        mode = next((keyword.value for keyword in call.keywords if keyword.arg == "mode"), None)
        if name in ("open", "fdopen") and mode is None:
            place = 0 if function.endswith(".open") else 1  # `path.open(mode)`, but `open(path, mode)`
            mode = call.args[place] if len(call.args) > place else ast.Constant("r")
        is_text_mode = isinstance(mode, ast.Constant) and isinstance(mode.value, str) and set(mode.value) <= MODES
        if function.endswith((".read_text", ".write_text")) or is_text_mode:
            yield ast.unparse(call)


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("open(path)", True), ("open(path, 'a')", True), ("path.open('w')", True), ("path.read_text()", True),
        ("path.write_text(text)", True), ("open(path, 'rb')", False), ("path.open(mode='wb')", False),
        ("path.write_text(text, encoding='utf-8')", False), ("NamedTemporaryFile()", False),
        ("NamedTemporaryFile(mode='w')", True), ("Image.open(path)", False), ("spec.open('val')", False),
    ],
)  # fmt: skip
def test_calls_are_recognized(call, found):
    assert bool(list(opened_without_encoding(call))) == found


def test_every_text_file_is_opened_with_an_encoding():
    wrong = {}
    for path in sorted(ROOT.rglob("*.py")):
        calls = list(opened_without_encoding(path.read_text(encoding="utf-8")))
        if calls:
            wrong[str(path.relative_to(ROOT))] = calls
    assert wrong == {}
