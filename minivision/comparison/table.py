"""The table of a comparison: exact as CSV, rounded as Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from minivision.comparison.spread import SPREAD

if TYPE_CHECKING:
    from minivision.comparison.rows import Comparison, ComparisonSettings, Row, Table

SPREAD_MEANING = (
    "Means over the seeds, ± the standard deviation from one training to another (of a sample: divided by n - 1). It "
    "is not the uncertainty of the mean, which is smaller, and not that of the images, on which see below."
)
EQUAL_MINUTES = (
    "Equal minutes are equal times on one machine: how many steps a system takes in them depends on the machine, on "
    "what else runs there, and on how well the system is written. Minutes of different days or machines are not "
    "comparable; equal steps (--steps) are, but say nothing about speed."
)
ELSEWHERE = (
    "Rows were trained on the machines of a cluster, which may differ and may have had other work: the times of their "
    "trainings are not comparable. All other costs were measured on one machine."
)
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
    varies : bool
        Whether the spread over several seeds is shown.
    """

    key: str
    head: str
    shown: Callable[[Any], str]
    meaning: str
    varies: bool = False

    def text(self, values: Mapping[str, Any]) -> str:
        """Return the cell of a row with these measurements."""
        if self.key not in values:
            return "-"
        spread = values.get(self.key + SPREAD) if self.varies else None
        return self.shown(values[self.key]) + ("" if spread is None else f" ± {self.shown(spread)}")


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


def whole(value: float) -> str:
    """Return a count, or a mean of counts, as text: 1,820."""
    return f"{round(value):,}"


def csv_table(rows: Sequence[Row], columns: Sequence[Column], table: Table) -> str:
    """Return the table as CSV: a line for each row, with the measured values (bytes, seconds).

    With several seeds these are means; there is a column with the standard deviation of each, and one with the number
    of seeds.
    """
    keys = []
    for column in columns:
        keys.append(column.key)
        if any(column.key + SPREAD in values for values in table.values()):
            keys.append(column.key + SPREAD)
    if any("seeds" in values for values in table.values()):
        keys.append("seeds")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["group", "row", *keys])
    for row in rows:
        values = table[row.title]
        writer.writerow([row.group, row.name, *(values.get(key, "") for key in keys)])
    return text.getvalue()


def markdown_table(
    comparison: Comparison, table: Table, settings: ComparisonSettings, compared: Sequence[str] = ()
) -> str:
    """Return the table as Markdown, with the explanations of its columns and the notes of the comparison.

    Parameters
    ----------
    comparison : Comparison
    table : Table
    settings : ComparisonSettings
    compared : sequence of str
        Lines on which row is better than which.
    """
    columns = comparison.columns
    lines = [
        f"# Comparison: {comparison.name}",
        "",
        f"{settings}. {comparison.about}",
        "",
        *markdown_rows(comparison, table),
        "",
        *(f"- **{column.head}**: {column.meaning}" for column in columns),
    ]
    notes = comparison.notes(table)
    if settings.seeds > 1:
        notes = [*notes, SPREAD_MEANING]
    if settings.minutes is not None:
        notes = [*notes, EQUAL_MINUTES]
    if any(values.get("elsewhere") for values in table.values()):
        notes = [*notes, ELSEWHERE]
    for note in notes:
        lines += ["", note]
    if compared:
        lines += ["", *compared]
    return "\n".join(lines) + "\n"


def markdown_rows(comparison: Comparison, table: Table) -> list[str]:
    """Return the lines of the table itself."""
    columns = comparison.columns
    lines = [f"| | | {' | '.join(column.head for column in columns)} |", f"|---|---|{'---:|' * len(columns)}"]
    group = None
    for row in comparison.rows:
        cells = [column.text(table[row.title]) for column in columns]
        lines.append(f"| {row.group if row.group != group else ''} | {row.name} | {' | '.join(cells)} |")
        group = row.group
    return lines
