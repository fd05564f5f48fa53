"""Metrics as text: numbers, lists and tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

UNKNOWN = "-"  # stands for NaN, such as the metric of a class that does not occur


def list_lines(metrics: Mapping[str, float]) -> list[str]:
    """Return a line for each metric."""
    width = 2 + max(map(len, metrics))
    return [f"{name:<{width}}{_number(value)}" for name, value in metrics.items()]


def table_lines(head: str, columns: Sequence[str], rows: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return a line of titles and one for each row; `rows` maps a name to its metrics by column."""
    width = 2 + max(map(len, [head, *rows]))
    widths = [max(len(column), 5) for column in columns]
    lines = [f"{head:<{width}}" + "  ".join(f"{c:>{w}}" for c, w in zip(columns, widths, strict=True))]
    for name, metrics in rows.items():
        cells = (f"{_number(metrics[c]):>{w}}" for c, w in zip(columns, widths, strict=True))
        lines.append(f"{name:<{width}}" + "  ".join(cells))
    return lines


def two_decimals(value: float) -> str:
    """Return a metric with two decimals; NaN is ``"none"``."""
    return "none" if math.isnan(value) else f"{value:.2f}"


def percent(value: float) -> str:
    """Return a metric in percent."""
    return f"{100 * value:.0f} %"


def _number(value):
    return UNKNOWN if math.isnan(value) else f"{value:.3f}"
