"""What happened at every step, one line of JSON each: easy to read again, and never lost as a whole."""

import json
import math
import pathlib


class Log:
    """The file ``log.jsonl`` of a run, open for appending.

    Each line is an object: ``step`` (from 1), ``loss`` (the sum of the losses), the losses by name, ``rate``,
    ``gradient_norm`` and ``seconds`` (of training, since it began).

    Parameters
    ----------
    path : path, optional
        Without one nothing is written.
    step : int
        Lines of later steps are cut off: they come from a run that went on after its last checkpoint.

    Attributes
    ----------
    entries : list of dict
        All lines, also those from before.
    """

    def __init__(self, path=None, *, step=0):
        self.entries = []
        self._file = None
        if path is not None:
            self.entries = _cut(path, step)
            self._file = open(path, "a", encoding="utf-8")

    def append(self, entry):
        """Add the entry of one step."""
        self.entries.append(entry)
        if self._file is not None:
            self._file.write(json.dumps(entry) + "\n")

    def flush(self):
        """Hand what was written to the operating system."""
        if self._file is not None:
            self._file.flush()

    def close(self):
        """Close the file."""
        if self._file is not None:
            self._file.close()


def read_log(path):
    """Return the entries of a log file, in order; a last line that was cut short is left out."""
    return [entry for entry, _ in _lines(path)]


def _lines(path):
    """Yield ``(entry, position after its line)`` for every whole line."""
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


def _cut(path, step):
    """Cut off the lines after `step`, return those that stay."""
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
