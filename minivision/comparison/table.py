"""The table of a comparison: exact as CSV, rounded as Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from minivision.comparison.rows import Comparison, ComparisonSettings, Row, Table

PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "µ"))


class Column(NamedTuple):
    """A column of the table: one measurement of every row.

    Attributes
    ----------
    key : str
        Name of the measurement, also in the CSV file.
    head : str
        Heading.
    shown : callable
        Converts the measurement into text.
    meaning : str
        Explanation below the table.
    """

    key: str
    head: str
    shown: Callable[[Any], str]
    meaning: str


def decimal(value: float) -> str:
    """Return a number from 0 to 1 as text: 0.394."""
    return f"{value:.3f}"


def with_unit(unit: str = "") -> Callable[[float], str]:
    """Return a function that writes a number with three digits and an SI prefix: 2.18 G, 14.6 MB, 4.40 ms."""

    def shown(value: float) -> str:
        rounded = float(f"{value:.3g}")  # first, so that 999.9 k is 1.00 M
        factor, prefix = next((pair for pair in PREFIXES if rounded >= pair[0]), (1, ""))
        digits = f"{rounded / factor:#.3g}".rstrip(".")
        return f"{digits} {prefix}{unit}".strip()

    return shown


def whole(value: int) -> str:
    """Return a count as text: 1,820."""
    return f"{value:,}"


def csv_table(rows: Sequence[Row], columns: Sequence[Column], table: Table) -> str:
    """Return the table as CSV: a line for each row, with the measured values (bytes, seconds)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["group", "row", *(column.key for column in columns)])
    for row in rows:
        values = table[row.title]
        writer.writerow([row.group, row.name, *(values.get(column.key, "") for column in columns)])
    return text.getvalue()


def markdown_table(comparison: Comparison, table: Table, settings: ComparisonSettings) -> str:
    """Return the table as Markdown, with the explanations of its columns and the notes of the comparison."""
    columns = comparison.columns
    lines = [
        f"# Comparison: {comparison.name}",
        "",
        f"{settings}. Each system is trained with its own recipe (batch size, learning rate).",
        "",
        f"| | | {' | '.join(column.head for column in columns)} |",
        f"|---|---|{'---:|' * len(columns)}",
    ]
    group = None
    for row in comparison.rows:
        values = table[row.title]
        cells = [column.shown(values[column.key]) if column.key in values else "-" for column in columns]
        lines.append(f"| {row.group if row.group != group else ''} | {row.name} | {' | '.join(cells)} |")
        group = row.group
    lines += ["", *(f"- **{column.head}**: {column.meaning}" for column in columns)]
    for note in comparison.notes(table):
        lines += ["", note]
    return "\n".join(lines) + "\n"
