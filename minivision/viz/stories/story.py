"""A story: pictures over an image, step by step, with a sentence for each step (docs/players.md, "Stories")."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

from minivision.core.types import Array
from minivision.detection.selective_search.image_checks import check_rgb
from minivision.tracing import Trace
from minivision.viz.player.display import PAGES, Display
from minivision.viz.player.page import STORY_FORMAT

LONGEST = 640  # pixels of the longer side of a picture in a page


class Story(Display):
    """What :func:`play_nms`, :func:`play_regions` and :func:`play_sequence` return.

    The last expression of a notebook's cell shows it; :meth:`save` writes a page.

    Parameters
    ----------
    data : dict
        As docs/players.md describes it, without ``format``.
    """

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = {"format": STORY_FORMAT, **data}

    @property
    def data(self) -> dict[str, Any]:
        """What the player shows, as ``json.dumps`` takes it: see docs/players.md."""
        return self._data

    @property
    def traces(self) -> list[Trace]:
        return []

    def save(
        self, path: Path | str, *, step: int = -1, pace: float = 1.5, dark: bool | None = None, large: bool = False
    ) -> None:
        """Write a page, one HTML file that needs nothing from elsewhere.

        Parameters
        ----------
        path : str or Path
            Its name ends in ``.html``.
        step, pace
            For films and pictures of traces: a story is always a page.
        dark : bool, optional
            Whether the page is dark or light; by default as the reader's system is.
        large : bool
            Whether everything is large, for slides.

        Raises
        ------
        ValueError
            If the name has another ending.
        """
        if Path(path).suffix.lower() not in PAGES:
            raise ValueError(f"path: a story is written as a page, expected a name that ends in .html, got {path}")
        super().save(path, dark=dark, large=large)


def as_link(image: Array, name: str = "image") -> str:
    """Return an image, uint8 ``(H, W, 3)``, as a link that contains it: a JPEG of at most `LONGEST` pixels a side."""
    check_rgb(image, name)
    from PIL import Image

    picture = Image.fromarray(image)
    picture.thumbnail((LONGEST, LONGEST))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
