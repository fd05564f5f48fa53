"""The folder of a comparison: its settings, the measurements of the rows that are done, the table and the figure."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from typing import Any

from minivision.comparison.rows import Comparison, ComparisonSettings, Row, Table
from minivision.comparison.table import csv_table, markdown_table
from minivision.core.atomic import atomic_write

STATE = "comparison.json"
TABLES, PICTURE = ("comparison.csv", "comparison.md"), "comparison.png"


class Folder:
    """The folder of a comparison.

    Parameters
    ----------
    path : path
        It is created if it does not exist.
    comparison : Comparison
    settings : ComparisonSettings

    Raises
    ------
    ValueError
        When it holds something else, or the comparison was started with other settings.
    """

    def __init__(self, path: str | os.PathLike, comparison: Comparison, settings: ComparisonSettings) -> None:
        self.path, self.comparison, self.settings = pathlib.Path(path), comparison, settings
        self.measured: dict[str, dict[str, Any]] = {}  # measurements of the rows that are done, by title
        if (self.path / STATE).exists():
            self._load()
        elif self.path.exists() and any(self.path.iterdir()):
            raise ValueError(f"{path} holds something else; choose an empty folder, or one that does not exist yet")
        else:
            self.path.mkdir(parents=True, exist_ok=True)
            self._save()

    def _load(self):
        file = self.path / STATE
        try:
            state = json.loads(file.read_text(encoding="utf-8"))
            name, measured = state["comparison"], dict(state["figures"])
            earlier = ComparisonSettings(**state["settings"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{file} cannot be read ({error}); choose another folder") from error
        if name != self.comparison.name:
            raise ValueError(f"{self.path} holds a comparison of {name}, not of {self.comparison.name}")
        if earlier != self.settings:
            raise ValueError(
                f"{self.path} was started with {earlier}, not with {self.settings}; "
                "give the same settings to continue it, or choose another folder"
            )
        self.measured = measured

    def _save(self):
        settings = dataclasses.asdict(self.settings)
        state = {"comparison": self.comparison.name, "settings": settings, "figures": self.measured}
        with atomic_write(self.path / STATE) as partial:
            partial.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")

    def missing(self) -> list[Row]:
        """Return the rows that are not done yet."""
        return [row for row in self.comparison.rows if row.title not in self.measured]

    def add(self, row: Row, measurements: dict[str, Any]) -> None:
        """Save the measurements of a row, which is then done."""
        self.measured[row.title] = measurements
        self._save()

    def table(self) -> Table:
        """Return the measurements of every row by its title; empty if it is not done yet."""
        return {row.title: self.measured.get(row.title, {}) for row in self.comparison.rows}

    def write(self) -> None:
        """Write the tables and the figure of the rows that are done."""
        comparison, table = self.comparison, self.table()
        texts = (
            csv_table(comparison.rows, comparison.columns, table),
            markdown_table(comparison, table, self.settings),
        )
        for name, text in zip(TABLES, texts, strict=True):
            with atomic_write(self.path / name) as partial:
                partial.write_text(text, encoding="utf-8")
        with atomic_write(self.path / PICTURE) as partial:
            comparison.draw(table, self.settings).savefig(partial, format="png")
