"""The figure of all pictures: its texts are plain, and letters that the usual font lacks come from other fonts.

Names of classes and files are anybody's: `$` is no mathematics in them, and they are in any script.
"""

from __future__ import annotations

import base64
import functools
import io
import logging
import warnings
from typing import Any

import matplotlib.figure
from matplotlib import font_manager
from matplotlib.text import Text

from minivision.viz.words import listed

__all__ = ["Figure"]

_told: set[str] = set()  # letters without any font, of which the user knows


class Figure(matplotlib.figure.Figure):
    """A matplotlib Figure that looks at its texts before it is drawn, and says in words what it shows.

    Attributes
    ----------
    alt : str
        What it shows, for those who do not see it: notebooks and pages have it as the picture's alternative text.
    """

    _alt = ""

    @property
    def alt(self) -> str:
        return self._alt or f"Figure: {listed(text.get_text() for text in self.findobj(Text) if text.get_text())}"

    @alt.setter
    def alt(self, text: str) -> None:
        self._alt = text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, str], dict[str, Any]]:
        """Return the picture as a notebook shows it, with its alternative text."""
        png = io.BytesIO()
        self.savefig(png, format="png", dpi=self.dpi, bbox_inches="tight", facecolor=self.get_facecolor())
        data = {"image/png": base64.b64encode(png.getvalue()).decode(), "text/plain": self.alt}
        return data, {"image/png": {"alt": self.alt}}

    def draw(self, renderer: Any) -> None:
        for text in self.findobj(Text):
            text.set_parse_math(False)
            if not text.get_text().isascii():
                _choose_fonts(text)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from")  # told once, in `_choose_fonts`
            super().draw(renderer)


def _choose_fonts(text):
    """Add fonts of this machine to those of a text, for letters that they lack."""
    text.set_text(text.get_text().encode("utf-8", "replace").decode())  # a lone surrogate cannot be drawn
    families = text.get_fontfamily()
    usual = [font_manager.findfont(font_manager.FontProperties(family=[family])) for family in families]
    lacking = {letter for letter in text.get_text() if letter.isprintable() and not _has(usual, letter)}
    others = {letter: _font_of(letter) for letter in sorted(lacking)}
    text.set_fontfamily([*families, *sorted({name for name in others.values() if name and name not in families})])
    unknown = {letter for letter, name in others.items() if name is None} - _told
    if unknown:
        _told.update(unknown)
        logging.getLogger("minivision").warning(
            "No font of this machine has %s, so empty squares are drawn; install one, such as Noto Sans CJK",
            " ".join(sorted(unknown)),
        )


def _has(paths, letter):
    """Return whether one of these font files has a letter."""
    return any(font_manager.get_font(path).get_char_index(ord(letter)) for path in paths)


@functools.cache
def _font_of(letter):
    """Return the name of a font that has a letter, None if there is none; upright fonts of usual weight come first."""
    fonts = [font for font in font_manager.fontManager.ttflist if not font.name.startswith("Last")]  # "Last Resort"
    for font in sorted(fonts, key=lambda font: (font.style != "normal", font.weight not in (400, "normal"), font.name)):
        try:
            if _has([font.fname], letter):
                return font.name
        except (OSError, RuntimeError):
            continue  # no longer there, or damaged
    return None
