"""What students are told about wrong solutions: the true cause, and none that is not.

Each file in `wrong_solutions` is what a student might write for one task. Its docstring says what is wrong; the line
"Told:" is a pattern of the message that names it, the line "Not:" one that no message may contain, because it would be
another cause.
"""

import pathlib
import re

import pytest

from minivision.homework import load_assignment
from minivision.homework.plugin import run_pytest
from minivision.homework.trusted_student import TrustedPlugin, solution_functions

FILES = sorted((pathlib.Path(__file__).parent / "wrong_solutions").glob("*.py"))


class Messages(TrustedPlugin):
    """Runs the visible tests of a task until a message names the cause, or to the end if a word is forbidden."""

    def __init__(self, path):
        text, self.task = path.read_text(encoding="utf-8"), path.stem.partition("-")[0]
        assignment = load_assignment(f"hw{self.task[0]}")
        functions = solution_functions(assignment, text, path.stem)
        super().__init__(assignment, functions, path.name, [self.task], on_outcome=self.note)
        self.told = re.search(r"^Told: (.*)$", text, re.MULTILINE)[1]
        self.forbidden = re.search(r"^Not: (.*)$", text, re.MULTILINE)
        self.messages = []

    def note(self, outcome):
        if not outcome.passed:
            self.messages.append(" ".join(outcome.message.split()))

    def pytest_runtest_protocol(self, item, nextitem):
        named = any(re.search(self.told, message) for message in self.messages)
        return True if named and not self.forbidden else super().pytest_runtest_protocol(item, nextitem)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_cause_is_told(path):
    plugin = Messages(path)
    run_pytest(plugin, ("tests",))
    text = "\n".join(plugin.messages)
    assert re.search(plugin.told, text), text
    assert not plugin.forbidden or not re.search(plugin.forbidden[1], text), text


def test_there_are_many_of_every_assignment():
    assert all(sum(path.name.startswith(number) for path in FILES) >= 15 for number in "123")
