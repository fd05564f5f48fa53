"""What names of files and classes have in them is shown by a terminal, not obeyed."""

import pytest

from minivision.cli import main
from minivision.core.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\rb\x00\x9b", r"a\rb\x00\x9b"),
        ("\udcff", r"\udcff"),
        ("a\n\tb é 细", "a\n\tb é 细"),
    ],
)
def test_control_characters_are_escaped(text, shown):
    assert printable(text) == shown


def test_messages_of_a_command_name_files_without_obeying_them(tmp_path, capsys):
    assert main(["evaluate", str(tmp_path / "\x1b[2J\udcff")]) == 2
    said = capsys.readouterr().err
    assert "\x1b" not in said and r"\x1b[2J\udcff" in said
