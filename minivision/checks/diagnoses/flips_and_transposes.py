"""Arrays that are flipped, transposed or reshaped: a filter turned by 180 degrees, swapped axes, x and y swapped."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minivision.checks.diagnoses.other_arguments import MAX_OTHER_CASES, explains

if TYPE_CHECKING:
    from minivision.checks.evidence import Evidence

_FLIPS = (((-2, -1), "turned by 180 degrees"), ((-2,), "upside down"), ((-1,), "mirrored left to right"))

_FILTER_FLIPPED = {
    "conv2d": "That is the convolution of mathematics; here, as everywhere in deep learning, the filter is not "
    "flipped. Take out the [::-1, ::-1] (or np.flip, or scipy.signal.convolve2d).",
    "conv2d_backward": "If you compute dx as a convolution of dy, the filter must be flipped: pixel (r, s) of a window "
    "was multiplied by w[..., r, s], so its gradient comes from the opposite side in dy. If you add dy * w window by "
    "window, no flip is needed.",
    "conv_transpose2d": "Each input value writes a copy of the filter as it is. If you compute this as a convolution "
    "of a map with zeros between its pixels, the filter must be flipped once.",
    "conv_transpose2d_backward": "In the backward pass, dx is a plain sliding dot product of dy with w as it is.",
}


def argument_flipped_or_transposed(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose an argument (often the filter) that is read flipped, with two axes swapped, or with x and y swapped."""
    for name, value in evidence.values.items():
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or value.ndim < 2:
            continue
        for axes, how in _FLIPS:
            if value.ndim >= 3 and explains(evidence, **{name: np.flip(value, axes).copy()}):
                hint = _FILTER_FLIPPED.get(evidence.op.__name__, "") if name == "w" else "Look for a negative step."
                return f"{evidence.result} is what the reference gives for {name} {how}. {hint}".rstrip()
        names = evidence.axis_names(name)
        for a, b in itertools.combinations(range(value.ndim), 2):
            if value.shape[a] == value.shape[b] and explains(evidence, **{name: np.swapaxes(value, a, b).copy()}):
                return (
                    f"{evidence.result} is what the reference gives for {name} with two axes swapped: {names[a]} and "
                    f"{names[b]}. The axes of {name} are ({', '.join(names)}); check the order of your indices, each "
                    f"transpose, and on which side of a matrix product {name} is."
                )
        if value.ndim == 2 and value.shape[1] in (4, 5):
            order = [1, 0, 3, 2] if value.shape[1] == 4 else [0, 2, 1, 4, 3]
            if explains(evidence, **{name: value[:, order]}) and not _outvoted(name, order, others):
                return (
                    f"{evidence.result} is what the reference gives for {name} with x and y swapped. A box is "
                    "(x1, y1, x2, y2): x counts columns, y counts rows, and maps are indexed [row, column]."
                )
    return None


def _outvoted(name, order, others):
    """Return whether more cases speak against boxes with these columns than for them; some they do not change."""
    against = 0
    for other in others[:MAX_OTHER_CASES]:
        changed = {name: other.values[name][:, order]}
        result = other.reference(**changed)
        if result is not None and not other.same(result, other.expected):
            against += -1 if explains(other, **changed) else 1
    return against > 0


def result_flipped_or_transposed(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose right numbers in another order: flipped, transposed, or reshaped where a transpose was meant."""
    got, expected, result = evidence.got, evidence.expected, evidence.result
    if got.size != expected.size or np.unique(expected).size < 3:
        return None
    if evidence.same_shape and got.ndim >= 3:
        for axes, how in _FLIPS:
            if evidence.same(np.flip(got, axes), expected):
                return (
                    f"{result} has the right numbers, but {how}: look for a flip or a negative step, [::-1], that is "
                    "one too many (or one that is missing)."
                )
    if evidence.same_shape and got.ndim == 2 and got.shape[1] <= 5:
        for columns in itertools.permutations(range(got.shape[1])):
            if evidence.same(expected[:, columns], got):
                return f"The columns of {result} are right, but in the wrong order: they are {list(columns)}."
    names = evidence.axis_names(result)
    for order in list(itertools.permutations(range(expected.ndim)))[1:]:
        swapped = expected.transpose(order)
        now = ", ".join(names[k] for k in order)
        if evidence.same(swapped, got):
            return (
                f"{result} has the right numbers, but its axes are ({now}) instead of ({', '.join(names)}): a "
                "transpose is missing or one too many, or the two factors of a product are the wrong way round."
            )
        if evidence.same(swapped.reshape(got.shape), got):
            return (
                f"{result} has the right numbers in the wrong places, as if the axes were ({now}) and were then "
                f"reshaped to {got.shape}. A reshape does not move axes; transpose first."
            )
    return None
