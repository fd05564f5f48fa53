"""Progress bars in a terminal, and in a file."""

import io
import sys

from minivision.core import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(monkeypatch, stream, seconds):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", seconds)
    assert list(progress.progress_bar(range(50), unit="image")) == list(range(50))
    return stream.getvalue()


def test_in_a_file_each_state_is_a_line(monkeypatch):
    text = shown(monkeypatch, io.StringIO(), 0)
    assert "\r" not in text and text.endswith("image/s]\n")
    assert len(text.splitlines()) > 10 and "100%" in text.splitlines()[-1]


def test_in_a_file_there_are_few_lines(monkeypatch):
    assert len(shown(monkeypatch, io.StringIO(), 10).splitlines()) == 2  # the start and the end


def test_in_a_terminal_one_line_moves(monkeypatch):
    text = shown(monkeypatch, Terminal(), 10)
    assert "\r" in text and text.count("\n") == 1
