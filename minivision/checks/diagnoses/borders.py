"""Results that are wrong only at the border of the maps, where windows reach into the padding."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.evidence import Evidence
    from minivision.core.types import Array


def border_wrong(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose maps that are right except in a frame along their border."""
    wrong = evidence.wrong
    if wrong.ndim != 4 or np.sum(wrong) < 6 or not _reaches_beyond(evidence):
        return None
    places: Array = np.any(wrong, axis=(0, 1))  # (H, W)
    H, W = places.shape
    widest = [range(min(3, n // 2) + 1) for n in (H, H, W, W)]
    for top, bottom, left, right in sorted(itertools.product(*widest), key=sum):
        rows, columns = slice(top, H - bottom), slice(left, W - right)
        inside = places[rows, columns]
        if inside.size * wrong[:, :, 0, 0].size < 8 or inside.any():
            continue
        if np.mean(evidence.expected[:, :, rows, columns] != 0) < 0.5:
            return None  # zeros are easily right
        if places.sum() < 0.6 * (places.size - inside.size):
            return None  # single wrong elements that happen to lie there
        sides = ("top", top), ("bottom", bottom), ("left", left), ("right", right)
        where = ", ".join(f"{name} {width}" for name, width in sides if width)
        rule = _PADDING_RULE if "padding" in evidence.values else _EDGE_RULE
        if evidence.op.__name__.startswith("conv_transpose2d"):
            rule = _TRANSPOSE_RULE
        return f"Only the border of {evidence.result} is wrong ({where}); all inside of it is right. {rule}"
    return None


_PADDING_RULE = (
    "So the windows that reach into the padding have wrong values there: zeros are added around a convolution's "
    "input, they count in an average, and they never win a maximum (-inf does not either)."
)

_TRANSPOSE_RULE = (
    "Here padding is what is removed from the output, and output_padding what is shown at the end: look at where the "
    "output is cut, and in the backward pass at how dy is extended."
)

_EDGE_RULE = "Look at what your code does where it would need pixels beyond the edge of the map."


def _reaches_beyond(evidence):
    """Return whether these are maps with something beyond their border: padding, or the neighbors of a blend."""
    beyond = "scale" in evidence.values or np.any(evidence.values.get("padding", 0))
    return beyond and evidence.axis_names(evidence.result)[0] == "N"
