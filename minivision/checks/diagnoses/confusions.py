"""Arguments that are confused with one another, off by one, or transformed once too often; results likewise.

The reference implementation is called with each such mistake. What it gives is compared with the wrong result, and a
mistake that another case refutes is no explanation.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.checks.diagnoses.other_arguments import Mistakes, explained_by

if TYPE_CHECKING:
    from minivision.checks.evidence import Evidence
    from minivision.core.types import Array

# Settings of the same kind, which are easily taken for one another.
_ALIKE = (
    ("stride", "dilation"),
    ("fg_iou_thresh", "bg_iou_thresh"),
    ("coordinates", "no_object"),
    ("kernel_size", "stride"),
    ("sizes", "ratios"),
    ("positive", "negative"),
)
_COUNTS = ("stride", "dilation", "output_padding", "scale", "sampling_ratio")  # that may be off by one
# Operations that compute with numbers of boxes and losses, and not only with positions in maps.
_ARITHMETIC = {
    "boxes",
    "anchor_grid",
    "matching",
    "rpn_training",
    "yolo_tensor",
    "yolo_training",
    "masks",
    "similarity",
}

MAX_PERMUTED = 6  # columns of which all orders are tried

TRANSFORMS: dict[str, Callable[[Array], Array]] = {
    "the sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "the exponential": np.exp,
    "the square root": lambda x: np.sqrt(np.abs(x)),
    "the square": np.square,
    "the logarithm": lambda x: np.log(np.where(x > 0, x, 1)),
    "the absolute value": np.abs,
    "the positive part": lambda x: np.maximum(x, 0),
    "the negative": np.negative,
    "the inverse": lambda x: np.divide(1, x, out=np.zeros(x.shape), where=x != 0),
    "the rounded value": np.round,
    "half": lambda x: x / 2,
    "twice": lambda x: 2 * x,
}


def arguments_confused(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose two settings that are swapped or taken for one another, or one that is off by one."""
    return explained_by(_confusions, evidence, others)


def _confusions(values: dict[str, Any], op: str) -> Mistakes:
    return [*_taken_for_another(values), *_off_by_one(values)]


def _taken_for_another(values) -> Iterator[tuple[str, dict[str, Any]]]:
    for one, other in _ALIKE:
        if not {one, other} <= set(values) or _same(values[one], values[other]):
            continue
        yield f"{one} and {other} are swapped.", {one: values[other], other: values[one]}
        yield f"{one} is used for {other} too.", {other: values[one]}
        yield f"{other} is used for {one} too.", {one: values[other]}


def _same(one, other):
    return type(one) is type(other) and np.array_equal(one, other)


def _off_by_one(values) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in _COUNTS:
        value = values.get(name)
        numbers = value if isinstance(value, tuple) else (value,)
        if any(isinstance(number, bool) or not isinstance(number, int) for number in numbers) or min(numbers) < 1:
            continue

        def moved(step, value=value, numbers=numbers):
            return tuple(number + step for number in numbers) if isinstance(value, tuple) else value + step

        yield f"{name} were one larger: it counts from one start to the next, not what lies between.", {name: moved(1)}
        if min(numbers) > 1:
            yield f"{name} were one smaller.", {name: moved(-1)}


def arguments_transformed(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose an argument of which the root, the sigmoid, ... is taken, which is not meant or was taken already."""
    if evidence.op.family not in _ARITHMETIC or not evidence.got.any():
        return None  # many a function of the argument gives zeros
    return explained_by(_transformed, evidence, others)


def _transformed(values: dict[str, Any], op: str) -> Mistakes:
    mistakes: Mistakes = []
    for name, value in values.items():
        number = isinstance(value, float)
        if not number and not (isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size):
            continue
        for what, transform in TRANSFORMS.items():
            with np.errstate(all="ignore"):
                other = transform(np.asarray(value))
            changed = float(other) if number else other.astype(value.dtype)
            mistakes.append((f"{what} of {name} is used in place of {name}.", {name: changed}))
    return mistakes


def result_transformed(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose a result of which the root, the logarithm, ... is returned."""
    if evidence.op.family not in _ARITHMETIC or not evidence.same_shape or not evidence.got.ndim:
        return None
    columns = evidence.wrong_columns
    expected, got = evidence.expected[..., columns], evidence.got[..., columns]
    if np.unique(expected).size < 3:
        return None
    for what, transform in {**TRANSFORMS, "one minus the right value": lambda x: 1 - x}.items():
        with np.errstate(all="ignore"):
            other = transform(expected)
        if np.isfinite(other).all() and evidence.same(other, got):
            of = "" if what.startswith("one") else " of the right value"
            return f"{evidence.part} is {what}{of}."
    return None


def columns_in_another_order(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose two numbers of a box, or of a cell, that stand in each other's place."""
    columns = evidence.wrong_columns
    if isinstance(columns, slice) or not 2 <= len(columns) <= MAX_PERMUTED:
        return None
    got, expected, names = evidence.got[..., columns], evidence.expected[..., columns], evidence.column_names
    for order in itertools.permutations(range(len(columns))):
        if evidence.same(expected[..., order], got):
            here = next(k for k, place in enumerate(order) if k != place)
            given, meant = names[columns[order[here]]], names[columns[here]]
            return f"{evidence.part} are in another order: {given} is where {meant} should be."
    return None


# ---- rows of a result in another order -----------------------------------------------------------------------------


def rows_in_another_order(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose boxes of a grid that are right, but are listed in another order."""
    axes, got, expected = _axes_of_rows(evidence), evidence.got, evidence.expected
    if axes is None or not evidence.same_shape:
        return None
    sizes = list(axes.values())
    lead = expected.shape[:-2]
    if (
        np.prod(sizes) != expected.shape[-2]
        or evidence.same(np.sort(got, axis=None), np.sort(expected, axis=None)) is False
    ):
        return None
    whole = expected.reshape(*lead, *sizes, expected.shape[-1])
    for order in itertools.permutations(range(len(sizes))):
        moved = whole.transpose(*range(len(lead)), *(len(lead) + k for k in order), whole.ndim - 1).reshape(got.shape)
        if evidence.same(moved, got) and not evidence.same(moved, expected):
            names = list(axes)
            given = _then(names[k] for k in order)
            return (
                f"The rows of {evidence.result} are right, but in another order: they run over {given}, and should run "
                f"over {_then(names)} (the last changes first)."
            )
    return None


def _axes_of_rows(evidence):
    """Return the names and lengths of the axes that the rows of a result run over."""
    values = evidence.values
    if evidence.op.__name__ == "anchor_grid":
        rows, columns = values["map_size"]
        return {"rows": rows, "columns": columns, "ratios": len(values["ratios"]), "sizes": len(values["sizes"])}
    if evidence.op.__name__ == "decode_yolo":
        rows, columns = values["tensor"].shape[-3:-1]
        return {"rows": rows, "columns": columns, "boxes of a cell": values["B"]}
    return None


def _then(names):
    return ", then ".join(names)
