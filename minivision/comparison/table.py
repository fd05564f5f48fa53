"""The table of a comparison: exact for programs (CSV), rounded for people (Markdown)."""

import csv
import io
from collections.abc import Callable
from typing import NamedTuple

PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "µ"))


class Column(NamedTuple):
    """One figure of every row.

    Attributes
    ----------
    key : str
        Its name among the figures, and in the CSV file.
    head : str
        Its name for people.
    shown : callable
        Turns the figure into text for people.
    meaning : str
        What it is, for below the table.
    """

    key: str
    head: str
    shown: Callable
    meaning: str


def decimal(figure):
    """Show a figure from 0 to 1: 0.394."""
    return f"{figure:.3f}"


def with_unit(unit=""):
    """Return a function that shows a figure with three digits and the prefix that fits: 2.18 G, 14.6 MB, 4.40 ms."""

    def shown(figure):
        rounded = float(f"{figure:.3g}")  # first, so that 999.9 k is 1.00 M
        factor, prefix = next((pair for pair in PREFIXES if rounded >= pair[0]), (1, ""))
        digits = f"{rounded / factor:#.3g}".rstrip(".")
        return f"{digits} {prefix}{unit}".strip()

    return shown


def whole(figure):
    """Show a count: 1,820."""
    return f"{figure:,}"


def csv_table(rows, columns, table):
    """Return the table as CSV: a line for each row, the figures as they were measured (bytes, seconds)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["group", "row", *(column.key for column in columns)])
    for row in rows:
        figures = table[row.title]
        writer.writerow([row.group, row.name, *(figures.get(column.key, "") for column in columns)])
    return text.getvalue()


def markdown_table(comparison, table, settings):
    """Return the table in Markdown, with what its columns mean and the notes of the comparison."""
    columns = comparison.columns
    lines = [
        f"# Comparison: {comparison.name}",
        "",
        f"{settings}. Each system by its own recipe (batch size, learning rate).",
        "",
        f"| | | {' | '.join(column.head for column in columns)} |",
        f"|---|---|{'---:|' * len(columns)}",
    ]
    group = None
    for row in comparison.rows:
        figures = table[row.title]
        cells = [column.shown(figures[column.key]) if column.key in figures else "-" for column in columns]
        lines.append(f"| {row.group if row.group != group else ''} | {row.name} | {' | '.join(cells)} |")
        group = row.group
    lines += ["", *(f"- **{column.head}**: {column.meaning}" for column in columns)]
    for note in comparison.notes(table):
        lines += ["", note]
    return "\n".join(lines) + "\n"
