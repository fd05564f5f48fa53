"""The log of a run: one line of JSON for each step."""

from __future__ import annotations

import json
import math
import os
import pathlib
from collections.abc import Iterator
from typing import IO, Any

LOG = "log.jsonl"  # its name in the folder of a run


class Log:
    """The file ``log.jsonl`` of a run, open for appending.

    Each line is an object: ``step`` (from 1), ``loss`` (the sum of the losses), the losses by name, ``rate``,
    ``gradient_norm`` and ``seconds`` (training time so far).

    Parameters
    ----------
    path : path, optional
        The file; without one nothing is written.
    step : int
        Lines of later steps are removed: they come from a run that was stopped after its last checkpoint.

    Attributes
    ----------
    entries : list of dict
        All entries, also those of earlier sessions.
    """

    def __init__(self, path: str | os.PathLike | None = None, *, step: int = 0) -> None:
        self.entries: list[dict[str, Any]] = []
        self._file: IO[str] | None = None
        if path is not None:
            self.entries = _truncate(path, step)
            self._file = open(path, "a", encoding="utf-8")

    def append(self, entry: dict[str, Any]) -> None:
        """Add the entry of one step."""
        self.entries.append(entry)
        if self._file is not None:
            self._file.write(json.dumps(entry) + "\n")

    def flush(self) -> None:
        """Pass all entries to the operating system."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def read_log(path: str | os.PathLike) -> list[dict[str, Any]]:
    """Return the entries of a log file, in order. An incomplete last line is left out."""
    return [entry for entry, _ in _lines(path)]


def _lines(path: str | os.PathLike) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield ``(entry, position after its line)`` for every complete line."""
    end = 0
    with open(path, "rb") as file:
        for line in file:
            end += len(line)
            try:
                entry = json.loads(line)
            except ValueError:
                return
            if not line.endswith(b"\n") or not isinstance(entry, dict):
                return
            yield entry, end


def _truncate(path, step):
    """Remove the lines after `step`; return the entries before it."""
    path = pathlib.Path(path)
    path.touch()
    entries, end = [], 0
    for entry, position in _lines(path):
        if entry.get("step", math.inf) > step:
            break
        entries.append(entry)
        end = position
    with open(path, "r+b") as file:
        file.truncate(end)
    return entries
