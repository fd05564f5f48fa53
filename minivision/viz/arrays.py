"""Small arrays side by side, with their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.types import Array
from minivision.tracing import Panel
from minivision.viz.canvas import Canvas, Frame

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_arrays(arrays: dict[str, Any], *, title: str = "", marked: dict[str, Array] | None = None) -> Figure:
    """Draw arrays as grids of numbers; grids too fine for numbers are drawn in gray.

    Parameters
    ----------
    arrays : dict of str to array
        By their names. Planes of an array with more than two axes are drawn side by side.
    title : str
    marked : dict of str to bool array, optional
        Elements to mark, for some or all of the arrays.

    Returns
    -------
    matplotlib Figure
    """
    arrays = {name: np.asarray(array) for name, array in arrays.items()}
    marked = {} if marked is None else marked
    if not arrays:
        raise ValueError("arrays: there is nothing to draw")
    for name, mask in marked.items():
        if name not in arrays or np.shape(mask) != arrays[name].shape:
            raise ValueError(f"marked: {name!r} with shape {np.shape(mask)} belongs to none of the arrays")
    panels = [
        Panel(name, array.shape, tuple(slice(0, size) for size in array.shape), False, {})
        for name, array in arrays.items()
    ]
    cells = [array.ravel().tolist() for array in arrays.values()]
    reads = {k: set(np.flatnonzero(marked[name]).tolist()) for k, name in enumerate(arrays) if name in marked}
    canvas = Canvas(panels, head=0.6 if title else 0.35, foot=0.15, legend=False)
    canvas.draw(Frame(title, "", cells, reads, {}, {}, [], ("", "")))
    return canvas.figure
