"""The leaderboard of an open project: who is ranked where, in a folder of tables that a rerun continues."""

import csv
import dataclasses
import io
import json
import pathlib
import re

import minivision
from minivision.core.atomic import atomic_write
from minivision.core.printable import printable
from minivision.homework.class_results import plain_cell
from minivision.homework.judging import PREDICTIONS, Entry

JSON, CSV, MARKDOWN = "leaderboard.json", "leaderboard.csv", "leaderboard.md"
MARGIN = 1.1  # of the budget may be used up: on a busy machine a training ends no more exactly than that
_HEADS = "rank", "submission", "AP", "AP50", "minutes", "system", "note"
_NUMBERS = "rank", "AP", "AP50", "minutes"  # to the right
_IDENTITY = "fingerprint"  # of the images: results on others cannot stand in one table


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes
    ----------
    rank : int or None
        From 1; None for what is over the budget, or could not be judged.
    entry : Entry
    note : str
        Why there is no rank, and what else is to be known.
    """

    rank: int | None
    entry: Entry
    note: str

    def cells(self):
        """Return the texts of the line, by the names of the columns."""
        numbers = {key: getattr(self.entry, key) for key in ("AP", "AP50")}
        cells = {key: "" if number is None else f"{number:.3f}" for key, number in numbers.items()}
        minutes = self.entry.minutes
        cells |= {"minutes": "" if minutes is None else f"{minutes:.1f}", "rank": f"{self.rank or '-'}"}
        return cells | {"submission": self.entry.submission, "system": self.entry.system, "note": self.note}


def ranked(entries, budget):
    """Return the lines of the table, the best first.

    The order is that of AP, where it is equal that of AP50, then that of the names. Those that used more than the
    budget follow in the same order, without a rank; at last come those without a result.

    Parameters
    ----------
    entries : iterable of Entry
    budget : float
        In minutes; `MARGIN` times as much is allowed.

    Returns
    -------
    rows : list of Row
    """

    def place(entry):
        judged = not entry.problem
        return (not judged, _is_over(entry, budget), -entry.AP if judged else 0, -entry.AP50 if judged else 0)

    rows = []
    for entry in sorted(entries, key=lambda entry: (*place(entry), entry.submission)):
        without_rank = bool(entry.problem) or _is_over(entry, budget)
        rows.append(Row(None if without_rank else len(rows) + 1, entry, _note(entry, budget)))
    return rows


def _is_over(entry, budget):
    return entry.minutes is not None and entry.minutes > MARGIN * budget


def _note(entry, budget):
    if entry.problem:
        return entry.problem
    if _is_over(entry, budget):
        return f"over the budget: {entry.minutes:.1f} of {budget:g} minutes"
    return "predictions, without a record of the minutes" if entry.source == PREDICTIONS else ""


class Leaderboard:
    """A folder with the table as JSON, CSV and Markdown. At every moment it has all that was judged.

    Parameters
    ----------
    folder : path
        A folder, or a new one. If it has a leaderboard, its entries are kept.
    settings : dict
        What submissions are judged by; ``fingerprint`` is that of the images.
    budget : float
        In minutes.

    Attributes
    ----------
    entries : dict
        Name of a submission -> Entry.

    Raises
    ------
    ValueError
        If the folder has a leaderboard on other images, or one that cannot be read.
    """

    def __init__(self, folder, settings, budget):
        self.folder, self.settings, self.budget, self.entries = pathlib.Path(folder), settings, budget, {}
        path = self.folder / JSON
        if path.exists():
            before, entries = _read(path)
            if before.get(_IDENTITY) != settings[_IDENTITY]:
                raise ValueError(
                    f"{self.folder} has a leaderboard on other images ({before.get('data')}, {before.get('split')}), "
                    "and results on these cannot be compared with it: give a new folder by --out"
                )
            self.entries = {entry.submission: entry for entry in entries}

    @property
    def rows(self):
        """The lines of the table, the best first."""
        return ranked(self.entries.values(), self.budget)

    def add(self, entry):
        """Put an entry in the place of the one of the same name, and write all tables."""
        self.entries[entry.submission] = entry
        self.write()

    def write(self):
        """Write all tables; each file is at every moment complete."""
        rows = self.rows
        listed = [{"rank": row.rank, **dataclasses.asdict(row.entry), "note": row.note} for row in rows]
        content = {**self.settings, "budget": self.budget, "minivision": minivision.__version__, "submissions": listed}
        self.folder.mkdir(parents=True, exist_ok=True)
        texts = {JSON: json.dumps(content, indent=1, allow_nan=False) + "\n"}
        texts |= {CSV: csv_text(rows), MARKDOWN: markdown_text(rows, self.settings, self.budget)}
        for name, text in texts.items():
            with atomic_write(self.folder / name) as partial:
                partial.write_text(text, encoding="utf-8", newline="")


def _read(path):
    """Return the settings and the entries of a leaderboard."""
    names = {field.name for field in dataclasses.fields(Entry)}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        listed = content.pop("submissions")
        return content, [Entry(**{key: each[key] for key in names}) for each in listed]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no leaderboard that could be continued ({error}): move it away") from None


def csv_text(rows):
    """Return the table as CSV; AP with all digits, and nothing that a spreadsheet takes for a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADS)
    for row in rows:
        cells = {key: value if key in _NUMBERS else plain_cell(value) for key, value in row.cells().items()}
        exact = {key: getattr(row.entry, key) for key in ("AP", "AP50") if getattr(row.entry, key) is not None}
        writer.writerow([{**cells, **exact, "rank": row.rank or ""}[head] for head in _HEADS])
    return text.getvalue()


def markdown_text(rows, settings, budget):
    """Return the table as Markdown, with a line on what it is about."""
    where = f"{settings['images']} images of {settings['data']}, split {settings['split']}"
    lines = [f"AP and AP50 on {_escaped(where)}; {budget:g} minutes of training.", "", f"| {' | '.join(_HEADS)} |"]
    lines.append("|" + "|".join("---:" if head in _NUMBERS else "---" for head in _HEADS) + "|")
    lines += ["| " + " | ".join(_escaped(row.cells()[head]) for head in _HEADS) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _escaped(text):
    """Return a text on one line in which nothing is markup."""
    return re.sub(r"([\\`*_\[\]<>|#~&])", r"\\\1", " ".join(printable(text).split()))


def text_lines(rows):
    """Return the table for a terminal."""
    table = [dict(zip(_HEADS, _HEADS, strict=True)), *(row.cells() for row in rows)]
    table = [{head: " ".join(printable(cells[head]).split()) for head in _HEADS} for cells in table]
    widths = {head: max(len(cells[head]) for cells in table) for head in _HEADS}
    signs = {head: ">" if head in _NUMBERS else "<" for head in _HEADS}
    return ["  ".join(f"{cells[head]:{signs[head]}{widths[head]}}" for head in _HEADS).rstrip() for cells in table]
