"""A player for traced operations: which elements each step reads and writes, and how they were computed.

Pictures are made from the trace alone, so the same code draws any operation.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.atomic import atomic_write
from minivision.tracing import Trace, Traced
from minivision.tracing.expression import format_value
from minivision.viz.canvas import Canvas, Frame

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_STEPS = 60  # pictures in a player
TERMS = 10  # of a sum that are written out
LINE = 112  # letters in a line of explanation
VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1">'  # else a phone shrinks the page


class Player(Trace):
    """A trace that can be looked at: as a player in a notebook or page, or picture by picture.

    The last expression of a notebook's cell shows it. For the rest see :class:`minivision.tracing.Trace`.
    """

    def _repr_html_(self) -> str:
        return self.player()

    def player(self, by: str = "step", *, dpi: int = 80) -> str:
        """Return a player as HTML that works in a page without a server.

        Parameters
        ----------
        by : str
            ``"step"`` follows the function as it runs. ``"output"`` shows for each element of the results which inputs
            it depends on; ``"input"`` shows for each element of the arguments which outputs it reaches.
        dpi : int
            Size of the pictures.
        """
        from matplotlib.animation import FuncAnimation

        frames = self._frames(by)
        canvas = Canvas(self.panels, dpi=dpi)
        draw = FuncAnimation(canvas.figure, lambda k: canvas.draw(frames[k]), len(frames), init_func=lambda: None)
        return _self_contained(draw.to_jshtml(fps=1.5, default_mode="once"))  # type: ignore[arg-type]

    def save(self, path: Path | str, by: str = "step") -> None:
        """Write the player as a page of its own."""
        page = f'<!DOCTYPE html><meta charset="utf-8">{VIEWPORT}<title>{self.title}</title>\n{self.player(by)}'
        with atomic_write(path) as file:
            file.write_text(page, encoding="utf-8")

    def draw(self, step: int = -1) -> Figure:
        """Return the picture of one step (by default the last) as a matplotlib Figure."""
        return self._picture(self._step_frame(range(len(self.steps))[step]))

    def draw_inputs_of(self, index: tuple[int, ...], name: str | None = None) -> Figure:
        """Return a matplotlib Figure that marks the inputs on which one element of a result depends."""
        name = self._result_name(name)
        return self._picture(self._dependence_frame(name, index, self.inputs_of(index, name)))

    def draw_outputs_of(self, index: tuple[int, ...], name: str) -> Figure:
        """Return a matplotlib Figure that marks the outputs that depend on one element of an argument."""
        return self._picture(self._dependence_frame(name, index, self.outputs_of(index, name)))

    def _picture(self, frame):
        canvas = Canvas(self.panels)
        canvas.draw(frame)
        return canvas.figure

    # ---- frames

    def _frames(self, by):
        if by == "step":
            frames = [self._step_frame(k) for k in range(len(self.steps))]
        elif by in ("output", "input"):
            arrays = self.results if by == "output" else self._arguments
            ask = self.inputs_of if by == "output" else lambda index, name: self.outputs_of(index, name)
            frames = [
                self._dependence_frame(name, index, ask(index, name))
                for name, array in arrays.items()
                if array.dtype == object
                for index in np.ndindex(*array.shape)
            ]
        else:
            raise ValueError(f"by: expected 'step', 'output' or 'input', got {by!r}")
        if not frames:
            raise ValueError(f"{self.title} wrote nothing, so there is nothing to show")
        return frames[: MAX_STEPS - 1] + frames[-1:] if len(frames) > MAX_STEPS else frames

    def _step_frame(self, k):
        step = self.steps[k]
        last = len(self.steps)
        named = re.findall(r"[A-Za-z_]\w*", step.code)
        changing = [name for name in step.counters if len({s.counters.get(name) for s in self.steps}) > 1]
        turn = ", ".join(f"{name} = {step.counters[name]}" for name in changing if name in named)
        head = f"{self.title}   step {k + 1} of {last}"
        code = step.code + (f"        {turn}" if turn else "")
        done = self._written_before(k)
        return Frame(head, code, step.cells, step.reads, step.writes, done, self._explain(step), ("read", "written"))

    def _written_before(self, k):
        done = {}
        for step in self.steps[:k]:
            for number, cells in step.writes.items():
                done.setdefault(number, set()).update(cells)
        return done

    def _explain(self, step):
        """Return how written elements were computed: for each result the element with the most terms."""
        lines = []
        terms = TERMS if len(step.writes) == 1 else TERMS // 2
        for number, cells in step.writes.items():
            elements = {cell: step.cells[number][cell] for cell in cells}
            inside = self.panels[number].inside
            cell = max(elements, key=lambda c: (inside[c], _richness(elements[c])))
            lines += _equation(self.panels[number].title_of(cell), elements[cell], terms)
            if len(cells) > 1:
                lines[-1] += f"      (and {len(cells) - 1} more elements of {self.panels[number].name})"
        return lines

    def _dependence_frame(self, name, index, masks):
        """Return the frame in which one element is marked as written and the elements of `masks` as read."""
        shown = {}
        for number, panel in enumerate(self.panels):
            if panel.name in masks or panel.name == name:
                shown[panel.name] = number, panel.own_cells
        number, places = shown[name]
        own = int(places[index])
        reads = {shown[other][0]: set(shown[other][1][mask].tolist()) for other, mask in masks.items()}
        cells = self.steps[-1].cells
        title = self.panels[number].title_of(own)
        count = sum(len(marked) for marked in reads.values())
        if self.panels[number].is_result:
            head, marks = f"{self.title}   {title} depends on {count} numbers", ("its inputs", "the output")
            lines = _equation(title, cells[number][own], TERMS)
        else:
            head, marks = f"{self.title}   {title} reaches {count} numbers", ("its outputs", "the input")
            lines = []
            for other, marked in reads.items():
                for cell in sorted(marked)[:2]:
                    lines += _equation(self.panels[other].title_of(cell), cells[other][cell], TERMS)[:1]
        done = {n: set(range(len(p.inside))) for n, p in enumerate(self.panels) if p.is_result}
        return Frame(head, "", cells, reads, {number: [own]}, done, lines, marks)


def trace(op: Callable, *arrays: Any, **keywords: Any) -> Player:
    """Run an operation's reference implementation, or a function of your own, and record every step.

    Parameters
    ----------
    op : operation or function
        An operation of ``minivision.ops``; or your own function, right or wrong. If that has an operation's name and
        parameters, its arguments go through that operation's door.
    *arrays, **keywords
        Small arrays, and the operation's other arguments.

    Returns
    -------
    Player
        A notebook displays it. ``player(by="output")`` and ``player(by="input")`` show which elements depend on which,
        ``draw(step)`` returns one picture, ``save(path)`` writes a page, ``expressions()`` returns how each result was
        computed.

    Raises
    ------
    ValueError
        When the arrays are too large to be drawn.

    Examples
    --------
    >>> from minivision import ops
    >>> from minivision.tracing import symbols
    >>> from minivision.viz import trace
    >>> ab, xyz = symbols("a b", (1, 1, 1, 2)), symbols("x y z", (1, 1, 1, 3))
    >>> trace(ops.conv_transpose2d, ab, xyz, stride=2).expressions()
    array([[[['ax', 'ay', 'az + bx', 'by', 'bz']]]], dtype=object)
    """
    return Player(op, *arrays, **keywords)


# Matplotlib's buttons are letters of a font that is fetched from the network: here they are letters of any font.
_BUTTONS = {
    "fa-minus": "−",
    "fa-fast-backward": "|◀◀",
    "fa-step-backward": "|◀",
    "fa-play fa-flip-horizontal": "◀",
    "fa-pause": "❚❚",
    "fa-play": "▶",
    "fa-step-forward": "▶|",
    "fa-fast-forward": "▶▶|",
    "fa-plus": "+",
}


def _self_contained(page):
    """Return Matplotlib's player so that it needs nothing from the network."""
    page = re.sub(r"<link[^>]*>", "<style>.animation, .animation button { font-family: sans-serif }</style>", page)
    return re.sub(r'<i class="fa ([^"]*)"></i>', lambda icon: _BUTTONS.get(icon[1], icon[1]), page)


def _richness(element):
    """Return the number of inputs in the expression of an element."""
    return len(element.leaves()) if isinstance(element, Traced) else 0


def _equation(title, element, terms):
    """Return lines that say ``y[0,0] = x[0,0]·w[0,0] + … = 1·2 + … = 5``, as far as values and names are known."""
    if element is None:
        return [f"{title} is not written"]
    if not isinstance(element, Traced):
        return [f"{title} = {format_value(getattr(element, 'value', element))}"]
    symbolic = f"{title} = {element.expression(terms=terms)}"
    if element.value is None:
        return [symbolic]
    value = format_value(element.value)
    if element.operation is None:
        return [f"{symbolic} = {value}"]
    numeric = f"= {element.expression(numeric=True, terms=terms)} = {value}"
    if len(symbolic) + len(numeric) < LINE:
        return [f"{symbolic} {numeric}"]
    indent = " " * (2 * len(title) + 1)  # a space is half as wide as a letter
    return [*_wrapped(symbolic, "", indent, " …"), *_wrapped(numeric, indent, indent, f" … = {value}")]


def _wrapped(text, first, rest, ending):
    """Return a long sum in at most two lines; `ending` says how it goes on where that is not enough."""
    lines = textwrap.wrap(text, LINE, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
    return lines if len(lines) <= 2 else [lines[0], lines[1][: LINE - len(ending)] + ending]
