"""Several sets of boxes on one image: a film of a detector that learns, or steps that boxes pass through."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from minivision.core.types import Array
from minivision.viz.boxes import cell_size, draw_box, show_image
from minivision.viz.colors import GREEN, VERMILION
from minivision.viz.grid import make_grid
from minivision.viz.words import listed

if TYPE_CHECKING:
    from minivision.data.instances import Instances
    from minivision.viz.figure import Figure

CELL = 2.7  # inches of a picture's longer side
HEAD = 0.32  # inches above each row: its titles
FAINTEST = 0.1  # opacity of a box with a score of 0


def draw_box_sets(
    image: Array,
    sets: Mapping[str, Array | tuple[Array, Array]],
    instances: Instances | None = None,
    *,
    columns: int = 4,
) -> Figure:
    """Draw sets of boxes, each over the image again, under its title.

    Parameters
    ----------
    image : uint8 ndarray of shape (H, W, 3)
    sets : dict of str to array, or to pair of arrays
        By title: boxes ``(K, 4)``, or boxes and their scores ``(K,)`` from 0 to 1. Boxes of a higher score are darker.
    instances : Instances, optional
        The ground-truth objects, drawn below the boxes, in green.
    columns : int
        How many pictures a row has at most.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.data import Scenes
    >>> from minivision.viz import draw_box_sets
    >>> sample = Scenes("easy", "val")[0]
    >>> boxes, scores = sample.instances.boxes, np.linspace(1, 0.2, len(sample.instances))
    >>> sets = {f"moved by {k}": (boxes + k, scores) for k in (8, 4, 0)}
    >>> figure = draw_box_sets(sample.image, sets, sample.instances)
    >>> figure.alt
    'An image 3 times, with boxes: moved by 8 (6 boxes), moved by 4 (6 boxes), moved by 0 (6 boxes)'
    """
    if not sets:
        raise ValueError("sets: there is nothing to draw")
    columns = min(columns, len(sets))
    rows = math.ceil(len(sets) / columns)
    figure, axes = make_grid(rows, [""] * columns, cell=cell_size(image, CELL))
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + HEAD * rows)
    figure.subplots_adjust(top=1 - HEAD / (height + HEAD * rows), hspace=HEAD / (height / rows))
    counts = []
    for axis, (title, given) in zip(axes.ravel(), sets.items(), strict=False):
        boxes, scores = given if isinstance(given, tuple) else (given, np.ones(len(given)))
        show_image(axis, image)
        for box in () if instances is None else instances.boxes:
            draw_box(axis, box, GREEN, 2.4)
        for box, score in zip(boxes[::-1], scores[::-1], strict=True):
            draw_box(axis, box, VERMILION, 1.2, alpha=FAINTEST + (1 - FAINTEST) * float(np.clip(score, 0, 1)))
        axis.set_title(title, fontsize=10, color="0.2", pad=5)
        counts.append(f"{title} ({len(boxes)} {'box' if len(boxes) == 1 else 'boxes'})")
    figure.alt = f"An image {len(sets)} times, with boxes: {listed(counts)}"
    return figure
