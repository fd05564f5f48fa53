"""A trace that can be looked at: as a player to step through and to ask, or picture by picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from minivision.tracing import Trace
from minivision.viz.canvas import Canvas
from minivision.viz.player.display import Display
from minivision.viz.player.pictures import dependence_frame, step_frame
from minivision.viz.player.record import FORMAT, record_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Player(Trace, Display):
    """A trace that can be looked at.

    The last expression of a notebook's cell shows the player. :meth:`save` writes a page, a film or a picture. For the
    rest see :class:`minivision.tracing.Trace`.
    """

    @property
    def data(self) -> dict[str, Any]:
        """What the player shows, as ``json.dumps`` takes it: see docs/players.md."""
        return {"format": FORMAT, "title": self.title, "runs": [record_of(self)]}

    @property
    def traces(self) -> list[Trace]:
        return [self]

    def draw(self, step: int = -1) -> Figure:
        """Return the picture of one step (by default the last) as a matplotlib Figure."""
        return self._picture(step_frame(self, step))

    def draw_inputs_of(self, index: tuple[int, ...], name: str | None = None) -> Figure:
        """Return a matplotlib Figure that marks the inputs on which one element of a result depends."""
        name = self._result_name(name)
        return self._picture(dependence_frame(self, name, index, self.inputs_of(index, name)))

    def draw_outputs_of(self, index: tuple[int, ...], name: str) -> Figure:
        """Return a matplotlib Figure that marks the outputs that depend on one element of an argument."""
        return self._picture(dependence_frame(self, name, index, self.outputs_of(index, name)))

    def _picture(self, frame):
        canvas = Canvas(self.panels)
        canvas.draw(frame)
        return canvas.figure


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
        A notebook displays it: step through it, and click a cell to see where it came from or what it reached.
        ``save("conv2d.html")`` writes a page, ``save("conv2d.gif")`` a film, ``show(large=True, dark=True)`` is for
        slides, ``draw(step)`` returns one picture, ``expressions()`` how each result was computed.

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
