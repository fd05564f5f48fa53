"""The folder of a comparison: its settings, the measurements of the rows that are done, the tables and the figure."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import re
from typing import Any

import numpy as np

from minivision.comparison.differences import Evidence, csv_differences, markdown_differences
from minivision.comparison.rows import Comparison, ComparisonSettings, Row, Table
from minivision.comparison.spread import mean_and_spread
from minivision.comparison.table import csv_table, markdown_table
from minivision.core.atomic import atomic_write
from minivision.core.types import Array
from minivision.metrics.resampling import resample_counts

STATE = "comparison.json"
TABLES, PICTURE = ("comparison.csv", "comparison.md"), "comparison.png"
DIFFERENCES = "differences.csv"
OUTCOMES = "outcomes"  # a folder: what every detection was worth, and the metrics on resampled images


class Folder:
    """The folder of a comparison.

    Parameters
    ----------
    path : path
        It is created if it does not exist.
    comparison : Comparison
    settings : ComparisonSettings

    Attributes
    ----------
    measured : dict of int to dict
        Measurements of the rows that are done, by seed, then by title.

    Raises
    ------
    ValueError
        When it holds something else, or the comparison was started with other settings.
    """

    def __init__(self, path: str | os.PathLike, comparison: Comparison, settings: ComparisonSettings) -> None:
        self.path, self.comparison, self.settings = pathlib.Path(path), comparison, settings
        self.measured: dict[int, dict[str, dict[str, Any]]] = {}
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
            earlier = ComparisonSettings(**{"minutes": None, **state["settings"]})
            name, more = state["comparison"], state.get("more_seeds", {})
            measured = {earlier.seed: dict(state["figures"]), **{int(seed): dict(more[seed]) for seed in more}}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{file} cannot be read ({error}); choose another folder") from error
        if name != self.comparison.name:
            raise ValueError(f"{self.path} holds a comparison of {name}, not of {self.comparison.name}")
        if earlier != self.settings:
            raise ValueError(
                f"{self.path} was started with {earlier}, not with {self.settings}; "
                "give the same settings to continue it, or choose another folder"
            )
        self.measured = measured
        last = max((seed for seed, rows in measured.items() if rows), default=earlier.seed)
        seeds = max(self.settings.seeds, last + 1 - earlier.seed)  # trainings that are there are kept
        self.settings = dataclasses.replace(self.settings, seeds=seeds)

    def _save(self):
        first, *others = self.settings.all_seeds()
        state: dict[str, Any] = {
            "comparison": self.comparison.name,
            "settings": self.settings.as_dict(),
            "figures": self.measured.get(first, {}),
        }
        more = {str(seed): self.measured[seed] for seed in others if self.measured.get(seed)}
        if more:
            state["more_seeds"] = more
        with atomic_write(self.path / STATE) as partial:
            partial.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")

    def missing(self, seeds: range, rows: tuple[Row, ...]) -> list[tuple[int, Row]]:
        """Return the seeds and rows that are not done yet."""
        return [(seed, row) for seed in seeds for row in rows if row.title not in self.measured.get(seed, {})]

    def run_path(self, run: str, seed: int) -> pathlib.Path:
        """Return the folder of a training."""
        return self.path / (run if seed == self.settings.seed else f"{run}-seed{seed}")

    def add(self, seed: int, row: Row, measurements: dict[str, Any], outcomes: Any = None) -> None:
        """Save the measurements of a row, which is then done with this seed.

        Parameters
        ----------
        seed : int
        row : Row
        measurements : dict
        outcomes : DetectionOutcomes or SegmentationOutcomes, optional
            With them the row can be compared with others.
        """
        if outcomes is not None:
            images = len(outcomes.objects if hasattr(outcomes, "objects") else outcomes.confusion)
            resampled = outcomes.metrics(resample_counts(images))
            arrays = {**outcomes._asdict(), **{f"resampled_{name}": values for name, values in resampled.items()}}
            (self.path / OUTCOMES).mkdir(exist_ok=True)
            with atomic_write(self._outcomes_path(seed, row)) as partial, open(partial, "wb") as file:
                np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        self.measured.setdefault(seed, {})[row.title] = measurements
        self._save()

    def _outcomes_path(self, seed, row):
        words = "-".join(re.findall(r"[a-z0-9]+", row.title.lower()))
        return self.path / OUTCOMES / f"{words}-seed{seed}.npz"

    def table(self) -> Table:
        """Return the measurements of every row by its title, means over seeds; empty if it is not done yet."""
        return {
            row.title: mean_and_spread([rows[row.title] for rows in self.measured.values() if row.title in rows])
            for row in self.comparison.rows
        }

    def evidence(self) -> dict[str, dict[str, Evidence]]:
        """Return what rows can be compared by: for each metric, by title, if a row has outcomes."""
        found: dict[str, dict[str, Evidence]] = {name: {} for name in self.comparison.metrics}
        for row in self.comparison.rows:
            by_seed = {seed: rows[row.title] for seed, rows in self.measured.items() if row.title in rows}
            resampled = {seed: self._resampled(seed, row) for seed in by_seed}
            for name, by_row in found.items():
                arrays = {seed: each[name] for seed, each in resampled.items() if name in each}
                if arrays:
                    by_row[row.title] = Evidence({seed: by_seed[seed][name] for seed in arrays}, arrays)
        return {name: by_row for name, by_row in found.items() if by_row}

    def _resampled(self, seed: int, row: Row) -> dict[str, Array]:
        """Return the metrics on resampled images, by name; a row of an older version has none."""
        path = self._outcomes_path(seed, row)
        if not path.exists():
            return {}
        with np.load(path) as arrays:
            prefix = "resampled_"
            return {name.removeprefix(prefix): arrays[name] for name in arrays if name.startswith(prefix)}

    def write(self) -> None:
        """Write the tables and the figure of the rows that are done."""
        comparison, table, evidence = self.comparison, self.table(), self.evidence()
        pairs = {name: comparison.pairs(comparison.rows, table, name) for name in evidence}
        heads = {column.key: column.head for column in comparison.columns}
        compared = markdown_differences(pairs, evidence, heads, self.settings.seeds)
        texts = {
            TABLES[0]: csv_table(comparison.rows, comparison.columns, table),
            TABLES[1]: markdown_table(comparison, table, self.settings, compared),
        }
        if evidence:
            texts[DIFFERENCES] = csv_differences(comparison.rows, evidence)
        for name, text in texts.items():
            with atomic_write(self.path / name) as partial:
                partial.write_text(text, encoding="utf-8")
        with atomic_write(self.path / PICTURE) as partial:
            comparison.draw(table, self.settings).savefig(partial, format="png")
