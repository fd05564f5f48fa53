"""The code blocks of the pages: those of the README run in order, and every command of any page can be typed so."""

import pathlib
import re
import shlex
import shutil

import pytest

from minivision.cli import _parse, main

ROOT = pathlib.Path(__file__).parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
SHORTER = {r"--minutes [\d.]+": "--steps 2", r"--seconds [\d.]+": "--seconds 1"}


def blocks(page):
    """Return the code blocks of a page: language and text."""
    return re.findall(r"```(\w*)\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


def commands(page):
    """Return the arguments of every minivision command in the blocks of a page."""
    text = "\n".join(text for language, text in blocks(page) if language in ("sh", "")).replace("\\\n", " ")
    parts = (part.strip() for line in text.splitlines() for part in line.split("&&"))
    return [shlex.split(part, comments=True)[1:] for part in parts if re.match(r"minivision \w", part)]


EVERY = [(page, arguments) for page in PAGES for arguments in commands(page)]


def test_there_are_commands():
    assert len(EVERY) > 20 and {page for page, _ in EVERY} > {"README.md", "docs/homework.md", "docs/results.md"}


@pytest.mark.parametrize(("page", "arguments"), EVERY, ids=lambda value: value if isinstance(value, str) else value[0])
def test_every_command_has_arguments_that_exist(page, arguments):
    _parse(arguments)


def test_no_two_commands_of_a_page_train_into_one_folder():
    for page in PAGES:
        folders = [arguments[arguments.index("--out") + 1] for arguments in commands(page) if arguments[0] == "train"]
        assert len(folders) == len(set(folders)), page


def test_the_code_of_the_readme_runs_in_order_as_typed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "minivision-demo").mkdir()  # as the first command leaves it; it runs in .ci/run
    shutil.copy(ROOT / "docs" / "images" / "demo.png", tmp_path / "minivision-demo" / "scene-1-input.png")
    names = {}
    for language, text in blocks("README.md"):
        if language == "python":
            exec(text, names)
            assert "def conv2d(" in capsys.readouterr().out
    for arguments in commands("README.md"):
        if arguments[0] == "demo":
            continue
        line = " ".join(arguments)
        for long, short in SHORTER.items():
            line = re.sub(long, short, line)
        assert main(shlex.split(line)) == 0, line
