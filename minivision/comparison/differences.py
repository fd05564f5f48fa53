"""Which row of a comparison is better than which, and how sure that is: the paired bootstrap."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minivision.core.types import Array
from minivision.metrics.resampling import LEVEL, RESAMPLES, Difference, paired_difference

if TYPE_CHECKING:
    from minivision.comparison.rows import Row, Table


class Evidence(NamedTuple):
    """A metric of one row: with each seed, on the test set and on the resampled ones.

    Attributes
    ----------
    values : dict of int to float
        By seed.
    resampled : dict of int to ndarray of shape (B,)
        By seed; the resampled sets are the same for all rows.
    """

    values: Mapping[int, float]
    resampled: Mapping[int, Array]


def difference(first: Evidence, second: Evidence) -> Difference | None:
    """Compare two rows by the seeds that both were trained with; None if there are none."""
    seeds = sorted(first.resampled.keys() & second.resampled.keys())
    if not seeds:
        return None
    both = (first, second)
    values = [np.array([each.values[seed] for seed in seeds]) for each in both]
    resampled = [np.stack([each.resampled[seed] for seed in seeds]) for each in both]
    return paired_difference(*values, *resampled)


def neighbors(rows: Sequence[Row], table: Table, metric: str) -> list[tuple[Row, Row]]:
    """Return each row with the next best one, the best first."""
    measured = [row for row in rows if metric in table[row.title]]
    ranked = sorted(measured, key=lambda row: table[row.title][metric], reverse=True)
    return list(itertools.pairwise(ranked))


def steps_up(rows: Sequence[Row], table: Table, metric: str) -> list[tuple[Row, Row]]:
    """Return each row with the one above it in the table, which it improves on."""
    return [(row, before) for before, row in itertools.pairwise(rows)]


def within_groups(rows: Sequence[Row], table: Table, metric: str) -> list[tuple[Row, Row]]:
    """Return the first row of each group with each other row of the group."""
    pairs = []
    for _, members in itertools.groupby(rows, key=lambda row: row.group):
        first, *others = members
        pairs += [(first, other) for other in others]
    return pairs


def csv_differences(rows: Sequence[Row], evidence: Mapping[str, Mapping[str, Evidence]]) -> str:
    """Return the differences of all pairs of rows as CSV.

    Parameters
    ----------
    rows : sequence of Row
    evidence : mapping
        By the name of the metric, then by the title of the row.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["metric", "row", "other", "difference", "low", "high", "better_share"])
    for metric, by_row in evidence.items():
        for one, other in itertools.combinations([row.title for row in rows if row.title in by_row], 2):
            found = difference(by_row[one], by_row[other])
            if found is not None:
                writer.writerow([metric, one, other, *found])
    return text.getvalue()


def markdown_differences(
    pairs: Mapping[str, Sequence[tuple[Row, Row]]],
    evidence: Mapping[str, Mapping[str, Evidence]],
    heads: Mapping[str, str],
    seeds: int,
) -> list[str]:
    """Return the lines of a table with some pairs, and what it means; none if nothing can be compared.

    Parameters
    ----------
    pairs : mapping
        Pairs of rows for each metric.
    evidence : mapping
        As for `csv_differences`.
    heads : mapping
        The metrics as they are called in the table.
    seeds : int
        Number of trainings of each row.
    """
    lines = []
    for metric, by_row in evidence.items():
        for one, other in pairs[metric]:
            found = difference(by_row[one.title], by_row[other.title]) if _has(by_row, one, other) else None
            if found is not None:
                lines.append(
                    f"| {heads[metric]} | {one.title} | {other.title} | {found.difference:+.3f} | "
                    f"{found.low:+.3f} to {found.high:+.3f} | {found.share:.1%} |"
                )
    if not lines:
        return []
    drawn = "the images" if seeds == 1 else f"the images, and the {seeds} seeds,"
    meaning = (
        f"Paired bootstrap: {drawn} are drawn again with replacement, {RESAMPLES:,} times and the same for both rows. "
        f"The interval holds {LEVEL:.0%} of the differences; *better in* says in how many of the draws the row is "
        f"better "
        "than the other one (50 %: nobody knows)."
    )
    more = (
        " One seed: what another training of the same row would give is not part of it."
        if seeds == 1
        else " Few seeds say little about the variation between trainings: the intervals tend to be too narrow."
    )
    head = ["| | row | than | better by | interval | better in |", "|---|---|---|---:|---:|---:|"]
    return ["## Which is better", "", *head, *lines, "", meaning + more]


def _has(by_row, *rows):
    return all(row.title in by_row for row in rows)
