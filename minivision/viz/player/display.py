"""What can be shown in a notebook and saved: a page, a film, a picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minivision.core.atomic import atomic_write
from minivision.tracing import Trace
from minivision.viz.player import films, page

PAGES = (".html", ".htm")


class Display(ABC):
    """Something with the data of a player."""

    @property
    @abstractmethod
    def data(self) -> dict[str, Any]:
        """What the player shows, as ``json.dumps`` takes it: see docs/players.md."""

    @property
    @abstractmethod
    def traces(self) -> list[Trace]:
        """The runs that it shows."""

    def save(
        self, path: Path | str, *, step: int = -1, pace: float = 1.5, dark: bool | None = None, large: bool = False
    ) -> None:
        """Write a page, a film, or the picture of one step.

        Parameters
        ----------
        path : str or Path
            What is written depends on its ending: ``.html`` (a page that needs nothing from elsewhere), ``.gif``,
            ``.mp4`` (with the program ffmpeg), ``.svg`` or ``.png`` (one step).
        step : int
            The step of a picture, by default the last.
        pace : float
            Steps a second of a film.
        dark : bool, optional
            Whether a page is dark or light; by default as the reader's system is. Films and pictures are light.
        large : bool
            Whether everything is large, for slides.

        Raises
        ------
        ValueError
            If nothing can be written under such a name, or the run wrote nothing.
        """
        path = Path(path)
        if path.suffix.lower() in PAGES:
            save_players([self], path, dark=dark, large=large)
        elif path.suffix.lower() in films.WRITERS:
            if dark:
                raise ValueError("dark: films and pictures are light; a page (.html) can be dark")
            if len(self.traces) > 1:
                raise ValueError("path: a film or a picture shows one run; save a page (.html), or one of the runs")
            films.save(self.traces[0], path, step=step, pace=pace, large=large)
        else:
            raise ValueError(
                f"path: expected a name that ends in {', '.join([PAGES[0], *films.WRITERS])}, got {path.name}"
            )

    def show(self, *, dark: bool | None = None, large: bool = False) -> Shown:
        """Return the player for the output of a notebook's cell, dark or light, and large for slides."""
        return Shown(self.data, dark, large)

    def widget(self, *, dark: bool | None = None, large: bool = False) -> Any:
        """Return the player as a widget (``anywidget.AnyWidget``), for places that show widgets and no frames.

        A notebook shows the frame of the player itself, which also works in an exported page without a network, where
        widgets do not.

        Raises
        ------
        ImportError
            If anywidget is not installed: it comes with the extra ``notebooks``.
        """
        from minivision.viz.player.widget import make_widget

        return make_widget(self.data, dark=dark, large=large)

    def _repr_html_(self) -> str:
        return self.show()._repr_html_()


class Shown:
    """A player in the output of a notebook's cell: a frame with its page."""

    def __init__(self, data: dict[str, Any], dark: bool | None, large: bool) -> None:
        self.data, self.dark, self.large = data, dark, large

    def _repr_html_(self) -> str:
        return page.frame([self.data], dark=self.dark, large=self.large)


def save_players(
    players: Sequence[Display], path: Path | str, *, title: str = "", dark: bool | None = None, large: bool = False
) -> None:
    """Write one page with several players below one another.

    Parameters
    ----------
    players : sequence of Display
        What :func:`trace` and :func:`compare_runs` return.
    path : str or Path
        Name of the HTML file.
    title : str
        Title of the page; by default that of the first player.
    dark, large
        See :meth:`Display.save`.

    Raises
    ------
    ValueError
        If there is no player, a run wrote nothing, or the name has another ending.
    """
    if Path(path).suffix.lower() not in PAGES:
        raise ValueError(f"path: players are written as a page, expected a name that ends in .html, got {path}")
    if isinstance(players, Display):
        raise TypeError("players: expected a list of players, got a single one; it has a method save")
    data = [player.data for player in players]
    for one in data:
        if "runs" in one and not one["runs"][0]["steps"]:
            raise ValueError(f"{one['title']} wrote nothing, so there is nothing to show")
    text = page.page(data, title=title, dark=dark, large=large)
    with atomic_write(path) as file:
        file.write_text(text, encoding="utf-8")
