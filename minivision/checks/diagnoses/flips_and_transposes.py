"""Arrays that are flipped, transposed or reshaped: a filter turned by 180 degrees, swapped axes, x and y swapped."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.checks.diagnoses.other_arguments import agrees, either, explains, undisputed

if TYPE_CHECKING:
    from minivision.checks.evidence import Evidence
    from minivision.core.types import Array

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
    sentences = {}
    for key, changed in _readings(evidence):
        if key not in sentences and explains(evidence, **changed):
            sentences[key] = _about(key, evidence)
    found = undisputed(sentences, _agrees, others)
    return either([sentences[key] for key in found]) if found else None


def _readings(evidence: Evidence) -> Iterator[tuple[tuple, dict[str, Any]]]:
    """Yield other ways to read an argument, ``(name, way, which axes)``, with the arguments that come to the same."""
    for name, value in evidence.values.items():
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or value.ndim < 2:
            continue
        if value.ndim >= 3:
            for axes, how in _FLIPS:
                yield (name, how, axes), {name: np.flip(value, axes).copy()}
        for a, b in itertools.combinations(range(value.ndim), 2):
            if value.shape[a] == value.shape[b]:
                yield (name, "swapped", (a, b)), {name: np.swapaxes(value, a, b).copy()}
        if value.ndim == 2 and value.shape[1] in (4, 5):
            order = [1, 0, 3, 2] if value.shape[1] == 4 else [0, 2, 1, 4, 3]
            yield (name, "x and y", None), {name: value[:, order]}


def _agrees(key, evidence):
    changes = [changed for each, changed in _readings(evidence) if each == key]
    if not changes:  # axes of different lengths: such a result has another shape, or there is none
        return None
    return agrees(evidence, changes)


def _about(key, evidence):
    name, how, axes = key
    lead = f"{evidence.result} is what the reference gives for {name}"
    if how == "x and y":
        return (
            f"{lead} with x and y swapped. A box is (x1, y1, x2, y2): x counts columns, y counts rows, and maps are "
            "indexed [row, column]."
        )
    if how != "swapped":
        hint = _FILTER_FLIPPED.get(evidence.op.__name__, "") if name == "w" else "Look for a negative step."
        return f"{lead} {how}. {hint}".rstrip()
    names = evidence.axis_names(name)
    return (
        f"{lead} with two axes swapped: {names[axes[0]]} and {names[axes[1]]}. The axes of {name} are "
        f"({', '.join(names)}); check the order of your indices, each transpose, and on which side of a matrix product "
        f"{name} is."
    )


def result_flipped_or_transposed(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose right numbers in another order: flipped, transposed, or reshaped where a transpose was meant."""
    if evidence.got.size != evidence.expected.size or np.unique(evidence.expected).size < 3:
        return None
    for key, moved, sentence in _rearrangements(evidence):
        if evidence.same(moved, evidence.got) and undisputed([key], _is_rearranged, others):
            return sentence
    return None


def _is_rearranged(key, evidence):
    """Return whether another result is rearranged likewise; None where that cannot be told."""
    given = evidence.expected if evidence.is_right else evidence.got
    moved = [moved for each, moved, _ in _rearrangements(evidence) if each == key and moved.shape == given.shape]
    if not moved or not given.size:
        return None
    return any(evidence.same(each, given) for each in moved)


def _rearrangements(evidence: Evidence) -> Iterator[tuple[tuple, Array, str]]:
    """Yield ways to rearrange the right result, each with what it gives, and a sentence."""
    got, expected, result = evidence.got, evidence.expected, evidence.result
    if got.size != expected.size:
        return
    if evidence.same_shape and got.ndim >= 3:
        for axes, how in _FLIPS:
            yield (
                (how,),
                np.flip(expected, axes),
                f"{result} has the right numbers, but {how}: look for a flip or a negative step, [::-1], that is one "
                "too many (or one that is missing).",
            )
    if evidence.same_shape and got.ndim == 2 and got.shape[1] <= 5:
        for columns in list(itertools.permutations(range(got.shape[1])))[1:]:
            sentence = f"The columns of {result} are right, but in the wrong order: they are {list(columns)}."
            yield ("columns", columns), expected[:, columns], sentence
    names = evidence.axis_names(result)
    for order in list(itertools.permutations(range(expected.ndim)))[1:]:
        swapped = expected.transpose(order)
        now = ", ".join(names[k] for k in order)
        yield (
            ("axes", order),
            swapped,
            f"{result} has the right numbers, but its axes are ({now}) instead of ({', '.join(names)}): a transpose is "
            "missing or one too many, or the two factors of a product are the wrong way round.",
        )
        yield (
            ("reshaped", order),
            swapped.reshape(got.shape),
            f"{result} has the right numbers in the wrong places, as if the axes were ({now}) and were then reshaped "
            f"to {got.shape}. A reshape does not move axes; transpose first.",
        )
