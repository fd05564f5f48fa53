"""The picture of one step: arrays as grids of cells, with marks for read and written elements.

Elements read are light with a thick frame, elements written are dark, so the picture also works in black and white.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minivision.tracing import Padding, Traced
from minivision.tracing.expression import format_value

if TYPE_CHECKING:
    pass

WIDTH, HEIGHT = 9.0, 6.0  # inches; the height of the arrays at most
CELL = 0.46  # inches at most
NUMBERS = 0.23  # inches: in smaller cells numbers cannot be read, and are drawn as grays
GAP = 1.5  # cells between panels
ROW = 34  # cells in a row of panels, at most
LINES = 5  # of explanation, at most
LETTER = 0.24  # cells that a letter of a panel's title takes
HEAD, FOOT = 0.95, 1.3  # inches

# Light and dark, thin and thick: the same picture in black and white.
PAPER, INK, FAINT = "#ffffff", "#1a1a1a", "#a8a8a8"
DONE, OUTSIDE = "#fdf1dc", "#f1f1f1"
READING = {"fill": "#cfe4f7", "frame": "#0b5394", "thick": 1.8}
WRITING = {"fill": "#b3430f", "frame": INK, "thick": 2.2, "ink": PAPER, "weight": "bold"}


class Frame(NamedTuple):
    """The content of the picture of one step.

    Attributes
    ----------
    head, code : str
        The title, and the line of code under it.
    cells : list of list
        For each panel its elements.
    reads, writes, done : dict
        For each panel, by its number, the flat cells to mark as read, as written, and as written before.
    lines : list of str
        Explanations.
    marks : (str, str)
        What the marks for read and for written mean here.
    """

    head: str
    code: str
    cells: list
    reads: dict
    writes: dict
    done: dict
    lines: list
    marks: tuple


class Canvas:
    """A figure with a grid of cells for each panel, into which frames are drawn one after another.

    Parameters
    ----------
    panels : list of Panel
    dpi : int
    head, foot : float
        Inches above and below the arrays.
    legend : bool
        Whether to say what the marks mean.
    """

    def __init__(
        self, panels: list, *, dpi: int = 110, head: float = HEAD, foot: float = FOOT, legend: bool = True
    ) -> None:
        from matplotlib.collections import PatchCollection
        from matplotlib.patches import Rectangle

        from minivision.viz.figure import Figure

        self.panels = panels
        self.corners, wide, high = _place(panels)
        self.cell = min(CELL, WIDTH / (wide + 1), HEIGHT / max(high, 1))  # inches
        self.figure = Figure(figsize=(WIDTH, head + self.cell * high + foot), dpi=dpi, facecolor=PAPER)
        self.axis = self.figure.add_axes((0, 0, 1, 1))
        self.axis.set_axis_off()
        left = (WIDTH / self.cell - wide) / 2
        self.axis.set_xlim(-left, WIDTH / self.cell - left)
        self.axis.set_ylim(high + foot / self.cell, -head / self.cell)
        where = np.concatenate(self.corners)
        self.squares = PatchCollection([Rectangle(corner, 1, 1) for corner in where])
        self.squares.set(edgecolor="#8c8c8c", linewidth=0.6, zorder=1)
        self.frames = PatchCollection([Rectangle(corner + 0.06, 0.88, 0.88) for corner in where])
        self.frames.set(facecolor="none", zorder=2)
        self.axis.add_collection(self.squares)
        self.axis.add_collection(self.frames)
        self.points = min(11, 72 * self.cell * 0.34)
        self.numbers = []
        if self.cell >= NUMBERS:
            self.numbers = [self.axis.text(x + 0.5, y + 0.53, "", ha="center", va="center", zorder=3) for x, y in where]
        for panel, corner in zip(panels, self.corners, strict=True):
            if len(corner):
                x, y = corner.min(axis=0)
                self.axis.text(x, y - 0.25, _title(panel), va="bottom", fontsize=10, color=INK, weight="bold")
        self._draw_arrow()
        self.head = self._line(-head + 0.1, fontsize=10.5, weight="bold")
        self.code = self._line(-head + 0.34, fontsize=9.5, family="monospace")
        self.lines = self._line(self.cell * high + 0.28, fontsize=9.5, linespacing=1.5)
        looks = (READING, WRITING) if legend else ()
        self._marks = [self._draw_mark(1.45 * k + 6.1, 0.1 - head, look) for k, look in enumerate(looks)]

    def draw(self, frame: Frame) -> None:
        """Update the figure to show a frame."""
        looks = [
            _look(panel, frame, number, cell)
            for number, panel in enumerate(self.panels)
            for cell in range(len(self.corners[number]))
        ]
        self.frames.set_edgecolor([look["frame"] for look in looks])
        self.frames.set_linewidth([look["thick"] for look in looks])
        for text, look in zip(self.numbers, looks, strict=False):
            text.set(text=look["text"], color=look["ink"], weight=look["weight"])
            text.set_fontsize(self.points * min(1, 4.4 / max(len(look["text"]), 1)))
        fills = [look["fill"] for look in looks]
        self.squares.set_facecolor(fills if self.numbers else _grays(frame, fills))
        self.head.set_text(frame.head)
        self.code.set_text(frame.code)
        self.lines.set_text("\n".join(frame.lines[:LINES]))
        for mark, text in zip(self._marks, frame.marks, strict=False):
            mark.set_text(text)

    def _line(self, y, **style):
        """Return an empty text at the left margin, `y` inches below the arrays' top."""
        x = self.axis.get_xlim()[0] + 0.25 / self.cell
        return self.axis.text(x, y / self.cell, "", va="top", color=INK, **style)

    def _draw_mark(self, x, y, look):
        """Draw an entry of the legend, `x` inches from the left and `y` below the arrays' top; return its text."""
        from matplotlib.patches import Rectangle

        side, corner = 0.15 / self.cell, (self.axis.get_xlim()[0] + x / self.cell, y / self.cell)
        box = Rectangle(corner, side, side, facecolor=look["fill"], edgecolor=look["frame"], linewidth=1.5)
        self.axis.add_patch(box)
        middle = corner[1] + side / 2
        return self.axis.text(corner[0] + 1.5 * side, middle, "", va="center", fontsize=9.5, color=INK)

    def _draw_arrow(self):
        """Draw an arrow from the arguments to the results, where they stand in one row."""
        first = _first_result(self.panels)
        if not 0 < first < len(self.panels):
            return
        before, after = self.corners[first - 1], self.corners[first]
        if not len(before) or not len(after):
            return
        (start, top), (end, level) = before.min(axis=0), after.min(axis=0)
        right = max(before[:, 0].max() + 1, start + LETTER * len(_title(self.panels[first - 1])))
        if top == level and end - right > 1:
            style = {"arrowstyle": "-|>", "color": INK}
            self.axis.annotate("", (end - 0.5, level + 0.5), (end - 1.6, level + 0.5), arrowprops=style)


def _first_result(panels):
    return next((number for number, panel in enumerate(panels) if panel.is_result), len(panels))


def _place(panels):
    """Return the upper left corners of the cells of each panel, and the size of it all, in cells."""
    corners, x, y, below, widest = [], 0.0, 0.0, 0.0, 0.0
    first_result = _first_result(panels)
    for number, panel in enumerate(panels):
        shape = (1,) * (4 - len(panel.shape)) + panel.shape
        *blocks, rows, columns = shape[-4:] if len(shape) <= 4 else (1, 1, 1, int(np.prod(shape)))
        down, across = blocks[-2:]
        width, height = across * (columns + 0.5) - 0.5, down * (rows + 0.5) - 0.5
        title = LETTER * len(_title(panel)) + 0.3
        if x and x + width > ROW:
            x, y, below = 0.0, below + 2.2, 0.0
        elif number == first_result and x:
            x += GAP  # room for the arrow
        j, i = np.meshgrid(np.arange(columns), np.arange(rows))
        corner = [
            np.stack([x + c * (columns + 0.5) + j, y + r * (rows + 0.5) + i], axis=-1).reshape(-1, 2)
            for r in range(down)
            for c in range(across)
        ]
        corners.append(np.concatenate(corner) if corner else np.zeros((0, 2)))
        below = max(below, y + height)
        x += max(width, title) + GAP
        widest = max(widest, x - GAP)
    return corners, widest, below


def _title(panel):
    shape = tuple(part.stop - part.start for part in panel.part)
    return f"{panel.name}  {'×'.join(map(str, shape))}" if shape else panel.name


def _look(panel, frame, number, cell):
    """Return how a cell is drawn: its text, fill, frame and ink."""
    written = cell in frame.writes.get(number, ())
    read = cell in frame.reads.get(number, ())
    done = cell in frame.done.get(number, ())
    text = _cell_text(frame.cells[number][cell])
    look = {"text": text, "fill": PAPER, "frame": "none", "thick": 0, "ink": INK, "weight": "normal"}
    if not panel.inside[cell]:
        look |= {"fill": OUTSIDE, "ink": FAINT}
    elif done:
        look["fill"] = DONE
    elif panel.is_result:
        look["ink"] = FAINT
    if read:
        look |= READING | {"ink": look["ink"] if not panel.is_result else INK}
    if written:
        look |= WRITING
    return look


def _cell_text(element):
    if element is None or isinstance(element, str):
        return element or ""
    if isinstance(element, Traced) and element.value is None:
        return element.expression()
    return format_value(element.value if isinstance(element, Traced | Padding) else element)


def _grays(frame, fills):
    """Return fills for cells too small for numbers: light for small values, dark for large ones."""
    from matplotlib.colors import to_rgb

    result, start = [to_rgb(fill) for fill in fills], 0
    for elements in frame.cells:
        values = np.array([_number(element) for element in elements], float)
        known = values[np.isfinite(values)]
        for k in np.flatnonzero(np.isfinite(values)):
            if fills[start + k] in (PAPER, OUTSIDE, DONE):
                result[start + k] = (0.97 - 0.6 * (values[k] - known.min()) / (np.ptp(known) or 1),) * 3
        start += len(elements)
    return result


def _number(element):
    value = getattr(element, "value", element)
    return np.nan if value is None or isinstance(value, str) else value
