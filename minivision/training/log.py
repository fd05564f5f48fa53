"""The log of a run: one line of JSON for each step."""

from __future__ import annotations

import json
import os
import pathlib
from typing import IO, Any

from minivision.core.atomic import atomic_write

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
    """Return the entries of a log file, in order. Lines that are damaged or incomplete are left out."""
    with open(path, "rb") as file:
        return [entry for entry in map(_entry, file) if entry is not None]


def _entry(line):
    """Return the entry of a line; None if it is none, such as zeros after a loss of power."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not line.endswith(b"\n") or not isinstance(entry, dict):
        return None
    numbers = [entry.get("step"), entry.get("loss")]
    return entry if all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers) else None


def _truncate(path, step):
    """Remove the lines after `step`, and damaged ones; return the entries that are left."""
    path = pathlib.Path(path)
    path.touch()
    entries = [entry for entry in read_log(path) if entry["step"] <= step]
    text = "".join(json.dumps(entry) + "\n" for entry in entries)
    if path.read_bytes() != text.encode():
        with atomic_write(path) as partial:
            partial.write_text(text, encoding="utf-8", newline="\n")
    return entries
