"""The table of several detectors' errors: for people as text and Markdown, for programs as CSV."""

from __future__ import annotations

import csv
import io
import math
from typing import NamedTuple

from minivision.metrics.errors import KINDS
from minivision.metrics.errors.repair import SPECIAL
from minivision.tasks.error_comparison import ErrorComparison, column_title
from minivision.tasks.misses import CAUSE_GROUPS, CAUSES
from minivision.tasks.text import UNKNOWN

__all__ = ["comparison_csv", "comparison_lines", "comparison_markdown"]

FEW = 0.05  # an AP50 below which costs say little
WIDEST = 16  # letters of a column's title in the text


class Line(NamedTuple):
    """A line of the table: its name, how far it is indented, and a cell for each system."""

    name: str
    depth: int
    cells: list[str]


def comparison_lines(comparison: ErrorComparison) -> list[str]:
    """Return the table as lines of text."""
    titles = [column_title(*column) for column in comparison.columns()]
    lines = _lines(comparison)
    first = max(len(line.name) + 2 * line.depth for line in lines) + 2
    widths = [max(min(len(title), WIDEST), 7) for title in titles]
    heads = [title if len(title) <= WIDEST else f"{title[: WIDEST - 3]}..." for title in titles]
    text = ["  ".join([" " * first, *(f"{head:>{width}}" for head, width in zip(heads, widths, strict=True))])]
    for line in lines:
        name = f"{'  ' * line.depth}{line.name}"
        cells = (f"{cell:>{width}}" for cell, width in zip(line.cells, widths, strict=True))
        text.append("  ".join([f"{name:<{first}}", *cells]).rstrip())
    return [*text, "", *_notes(comparison)]


def comparison_markdown(comparison: ErrorComparison, about: str) -> str:
    """Return the table in Markdown with its explanation; `about` says what was evaluated."""
    titles = [_plain(column_title(*column)) for column in comparison.columns()]
    text = [
        "# What each system mends, and what it breaks",
        "",
        _plain(about),
        "",
        f"| | {' | '.join(titles)} |",
        f"|---|{'---:|' * len(titles)}",
    ]
    for line in _lines(comparison):
        name = f"**{line.name}**" if line.depth == 0 else f"{'&nbsp;' * 4 * (line.depth - 1)}{line.name}"
        text.append(f"| {name} | {' | '.join(line.cells)} |")
    occurring = [cause for cause in CAUSES if _occurs(comparison, cause)]
    text += ["", *(f"- *{cause}*: {CAUSES[cause]}." for cause in occurring)]
    for note in _notes(comparison):
        text += ["", _plain(note)]
    return "\n".join(text) + "\n"


def comparison_csv(comparison: ErrorComparison) -> str:
    """Return the table as CSV: a line for each system, and one more for its masks, with exact numbers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = [
        "system",
        "compared",
        "images",
        "objects",
        "AP50",
        "least score",
        "not found",
        *(f"lost: {cause}" for cause in CAUSES),
    ]
    head += [
        "mended",
        "broken",
        *(f"count: {name}" for name in KINDS),
        *(f"dAP: {name}" for name in (*KINDS, *SPECIAL)),
    ]
    writer.writerow(head)
    changes = {change.after: change for change in comparison.changes()}
    for name, kind in comparison.columns():
        system = comparison.systems[name]
        errors, causes = system.report.errors[kind], system.report.causes[kind]
        change = changes.get(name) if kind == "box" else None
        writer.writerow([
            name, kind, len(errors.images), _objects(errors), _exact(errors.ap), system.least_score, errors.unfound,
            *(causes.get(cause, 0) if cause in system.possible[kind] else "" for cause in CAUSES),
            *(("", "") if change is None else (sum(change.mended.values()), sum(change.broken.values()))),
            *(errors.counts[each] for each in KINDS), *(_exact(errors.cost[each]) for each in (*KINDS, *SPECIAL)),
        ])  # fmt: skip
    return text.getvalue()


def _lines(comparison):
    """Return all lines of the table."""
    parts = [(comparison.systems[name], kind) for name, kind in comparison.columns()]
    errors = [system.report.errors[kind] for system, kind in parts]
    lines = [
        Line("AP50", 0, [_number(each.ap) for each in errors]),
        Line("boxes are kept above score", 0, [f"{system.least_score:g}" for system, _ in parts]),
        Line("objects", 0, [str(_objects(each)) for each in errors]),
        Line("objects not found", 0, [str(each.unfound) for each in errors]),
    ]
    for group, causes in CAUSE_GROUPS.items():
        lines.append(
            Line(group, 1, [str(sum(system.report.causes[kind].get(c, 0) for c in causes)) for system, kind in parts])
        )
        for cause in causes:
            if any(cause in system.possible[kind] for system, kind in parts):
                lines.append(Line(cause, 2, [_count(system, kind, cause) for system, kind in parts]))
    if len(comparison.systems) > 1:
        changes = {change.after: change for change in comparison.changes()}
        for name, field in (("found, missed before", "mended"), ("missed, found before", "broken")):
            cells = [_change(changes, column, field) for column in comparison.columns()]
            lines.append(Line(name, 0, cells))
    lines.append(Line("AP50 gained without (dAP)", 0, [""] * len(parts)))
    lines += [Line(name, 1, [_number(each.cost[name]) for each in errors]) for name in (*KINDS, *SPECIAL)]
    lines.append(Line("number of errors", 0, [""] * len(parts)))
    lines += [Line(name, 1, [str(each.counts[name]) for each in errors]) for name in KINDS]
    return lines


def _notes(comparison):
    """Return what one has to know to read the table."""
    notes = [f"{UNKNOWN}: the system has no such step."]
    if len(comparison.systems) > 1:
        notes.append("Found or missed before: by the system to the left (boxes).")
    poor = [
        column_title(name, kind)
        for name, kind in comparison.columns()
        if comparison.systems[name].report.errors[kind].ap < FEW
    ]
    if poor:
        notes.append(
            f"AP50 is below {FEW:g} for {', '.join(poor)}: with so little that is right, repairing one kind of error "
            "gains next to nothing, and dAP says little. The missed objects do count."
        )
    return notes


def _occurs(comparison, cause):
    return any(cause in comparison.systems[name].possible[kind] for name, kind in comparison.columns())


def _count(system, kind, cause):
    return str(system.report.causes[kind].get(cause, 0)) if cause in system.possible[kind] else UNKNOWN


def _change(changes, column, field):
    name, kind = column
    return str(sum(getattr(changes[name], field).values())) if kind == "box" and name in changes else ""


def _objects(errors):
    return sum(each["objects"] for each in errors.by_class.values())


def _number(value):
    return UNKNOWN if math.isnan(value) else f"{value:.3f}"


def _exact(value):
    return "" if math.isnan(value) else value


def _plain(text):
    """Return a text that Markdown shows as it is: names are anybody's."""
    return "".join(f"\\{letter}" if letter in r"\`*_[]<>|#&$~" else letter for letter in text)
