"""The folder of a comparison: what it was begun with, which rows are done, their figures, and the table of them."""

import dataclasses
import json
import pathlib

from minivision.comparison.rows import Settings
from minivision.comparison.table import csv_table, markdown_table
from minivision.core.atomic import atomic_write

STATE = "comparison.json"
TABLES, PICTURE = ("comparison.csv", "comparison.md"), "comparison.png"


class Folder:
    """The folder of a comparison.

    Parameters
    ----------
    path : path
        Made if absent.
    comparison : Comparison
    settings : Settings

    Raises
    ------
    ValueError
        When there is something else in it, or the comparison was begun with other settings.
    """

    def __init__(self, path, comparison, settings):
        self.path, self.comparison, self.settings = pathlib.Path(path), comparison, settings
        self.figures = {}  # of the rows that are done, by title
        if (self.path / STATE).exists():
            self._go_on()
        elif self.path.exists() and any(self.path.iterdir()):
            raise ValueError(f"{path} holds something else; choose an empty folder, or one that does not exist yet")
        else:
            self.path.mkdir(parents=True, exist_ok=True)
            self._save()

    def _go_on(self):
        file = self.path / STATE
        try:
            state = json.loads(file.read_text(encoding="utf-8"))
            name, begun, figures = state["comparison"], Settings(**state["settings"]), dict(state["figures"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{file} cannot be read ({error}); choose another folder") from error
        if name != self.comparison.name:
            raise ValueError(f"{self.path} holds a comparison of {name}, not of {self.comparison.name}")
        if begun != self.settings:
            raise ValueError(
                f"{self.path} was begun with {begun}, not with {self.settings}; "
                "give the same settings to go on with it, or choose another folder"
            )
        self.figures = figures

    def _save(self):
        settings = dataclasses.asdict(self.settings)
        state = {"comparison": self.comparison.name, "settings": settings, "figures": self.figures}
        with atomic_write(self.path / STATE) as file:
            file.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")

    def missing(self):
        """Return the rows that are not done yet."""
        return [row for row in self.comparison.rows if row.title not in self.figures]

    def keep(self, row, figures):
        """Note the figures of a row, which is done then."""
        self.figures[row.title] = figures
        self._save()

    def table(self):
        """Return the figures of every row by its title; none where it is not done yet."""
        return {row.title: self.figures.get(row.title, {}) for row in self.comparison.rows}

    def write(self):
        """Write what is known so far: as a table, for programs and for people, and as a figure."""
        comparison, table = self.comparison, self.table()
        texts = (
            csv_table(comparison.rows, comparison.columns, table),
            markdown_table(comparison, table, self.settings),
        )
        for name, text in zip(TABLES, texts, strict=True):
            with atomic_write(self.path / name) as file:
                file.write_text(text, encoding="utf-8")
        with atomic_write(self.path / PICTURE) as file:
            comparison.draw(table, self.settings).savefig(file, format="png")
