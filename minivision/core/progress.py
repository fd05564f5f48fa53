"""Progress bars: one line that moves in a terminal or notebook, and a line now and then in a log."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

SECONDS_BETWEEN_LINES = 10.0  # in a log


def progress_bar(iterable: Iterable[Any] | None = None, **options: Any) -> Any:
    """Return a bar of tqdm on the error output, with the options of ``tqdm.tqdm``.

    Where the output is no terminal, such as a file, a bar that overwrites itself would be one line of many thousand
    characters: there each state is a line of its own, every 10 s.
    """
    from tqdm import tqdm

    if not sys.stderr.isatty() and "ipykernel" not in sys.modules:  # a notebook overwrites lines too
        options = {"file": _Lines(sys.stderr), "mininterval": SECONDS_BETWEEN_LINES, "ncols": 100, **options}
    return tqdm(iterable, **options)


class _Lines:
    """A stream that gets what tqdm writes to overwrite a line, and writes a line of its own instead."""

    def __init__(self, stream):
        self._stream = stream

    def write(self, text):
        text = text.strip()
        if text:
            self._stream.write(f"{text}\n")

    def flush(self):
        self._stream.flush()
