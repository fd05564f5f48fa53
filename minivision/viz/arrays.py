"""Small arrays side by side, with their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.types import Array
from minivision.tracing import Panel
from minivision.viz.canvas import Canvas, Frame
from minivision.viz.words import listed

if TYPE_CHECKING:
    from minivision.viz.figure import Figure


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

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> from minivision.viz import draw_arrays
    >>> x = np.array([[1.0, 2], [3, 4]])[None, None]
    >>> figure = draw_arrays({"x": x, "nearest": ops.upsample_nearest(x), "bed of nails": ops.bed_of_nails(x)})
    >>> figure.alt
    'Arrays as grids of numbers: x (1 x 1 x 2 x 2), nearest (1 x 1 x 4 x 4), bed of nails (1 x 1 x 4 x 4)'
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
    shapes = listed(f"{name} ({' x '.join(map(str, array.shape))})" for name, array in arrays.items())
    canvas.figure.alt = f"{title or 'Arrays'} as grids of numbers: {shapes}"
    return canvas.figure
