"""A setting (stride, padding, reduction, a bias, ...) that is ignored, swapped or confused with another.

The reference implementation is called with other settings. "The stride is ignored" is no guess if the wrong result is,
number for number, that of stride 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.checks.diagnoses.other_arguments import agrees, either, explains, undisputed
from minivision.core.signatures import signature

if TYPE_CHECKING:
    from minivision.checks.evidence import Evidence

# What to look at when an argument was not used as it should be.
_WHERE_TO_LOOK = {
    "stride": "Window (i, j) begins at row i * stride[0] and column j * stride[1]: look for an i or a j without it.",
    "dilation": "The elements of a filter are `dilation` pixels apart: its window is a slice with that step, "
    "start : start + dilation * (kernel - 1) + 1 : dilation.",
    "padding": "Row 0 of the map is row `top` of the padded map, column 0 is column `left`; "
    "padding is ((top, bottom), (left, right)).",
    "output_padding": "These rows and columns are added at the bottom and at the right of the output.",
    "scale": "Output pixel (i, j) belongs to input pixel (i // scale[0], j // scale[1]).",
    "kernel_size": "A window is kernel_size[0] rows high and kernel_size[1] columns wide.",
    "reduction": "For 'mean', the value and its gradient are both divided by the number of terms; for 'sum', neither.",
    "ignore_index": "A target of this value counts neither in the sum nor in what the sum is divided by.",
    "weight": "The loss and the gradient of each place are multiplied by weight[target] there, and the mean is "
    "divided by the sum of these weights.",
    "b": "b[k] is added once to every element of output k.",
    "training": "In training the statistics are those of the batch, and they have a gradient too; "
    "otherwise they are the running ones, which are constants.",
}


def other_settings(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose a setting that was ignored, swapped or confused with another."""
    explanations = {}  # mistake -> sentence
    for name, other, mistake in _settings(evidence):
        changed = {name: other}
        if mistake not in explanations and explains(evidence, **changed) and not evidence.contradicts(**changed):
            instead = f"with {name}={shown(other)} instead of {shown(evidence.values[name])}"
            instead = f"without {name}" if other is None else instead
            hint = _WHERE_TO_LOOK.get(name, "")
            sentence = f"{evidence.part} is what the reference gives {instead}: {mistake}. {hint}".rstrip()
            explanations[mistake] = sentence
    found = undisputed(explanations, _agrees, others)
    return either([explanations[mistake] for mistake in found]) if found else None


def _agrees(mistake, evidence):
    return agrees(evidence, [{name: other} for name, other, each in _settings(evidence) if each == mistake])


def shown(value: Any) -> str:
    """Return a setting as Python code."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        fields = (f"{name}={part!r}" for name, part in zip(value._fields, value, strict=True) if np.ndim(part) == 0)
        return f"{type(value).__name__}({', '.join(fields)})"
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _settings(evidence: Evidence) -> Iterator[tuple[str, Any, str]]:
    """Yield ``(name, other value, mistake)`` for every other value that a setting may have been confused with."""
    for name, value in evidence.values.items():
        for other, mistake in _alternatives(evidence, name, value):
            if shown(other) != shown(value):
                yield name, other, mistake


def _alternatives(evidence: Evidence, name: str, value: Any) -> Iterator[tuple[Any, str]]:
    """Yield other values of an argument, each with the mistake that it stands for."""
    default = signature(evidence.op).parameters[name].default
    if isinstance(value, bool):
        yield True, f"{name} is not looked at, as if it were True"
        yield False, f"{name} is not looked at, as if it were False"
    elif name == "reduction":
        other = "sum" if value == "mean" else "mean"
        yield other, "a division by the number of terms is " + ("missing" if value == "mean" else "one too many")
    elif name == "padding":
        yield from _other_paddings(value)
    elif _is_pair(value):
        if default is None or isinstance(default, int):
            plain = 1 if default is None else default
            yield (plain, plain), f"{name} is ignored"
        if default is None and "kernel_size" in evidence.values:
            yield evidence.values["kernel_size"], f"{name} is ignored and kernel_size used"
        yield value[::-1], f"its two numbers are swapped ({name} is vertical first, then horizontal)"
        yield (value[0],) * 2, f"the vertical number of {name} is used for both directions"
        yield (value[1],) * 2, f"the horizontal number of {name} is used for both directions"
    elif hasattr(value, "_replace"):  # a named tuple
        for field, part in zip(value._fields, value, strict=True):
            if isinstance(part, bool):
                for switch in (True, False):
                    mistake = f"{name}.{field} is not looked at, as if it were {switch}"
                    yield value._replace(**{field: switch}), mistake
    elif default is None and value is not None:
        yield None, f"{name} is ignored"
    elif isinstance(value, (int, float)):
        if isinstance(default, (int, float)):
            yield default, f"{name} is ignored"
        if 0 < value < 1 and "thresh" not in name:
            yield 1 - value, f"{name} and 1 - {name} are swapped"


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(isinstance(part, int) for part in value)


def _other_paddings(value):
    (top, bottom), (left, right) = value
    yield ((0, 0), (0, 0)), "the padding is ignored"
    yield ((left, right), (top, bottom)), "vertical and horizontal padding are swapped"
    yield ((bottom, top), (right, left)), "the two sides are swapped (top with bottom, left with right)"
    yield ((top, top), (left, left)), "the padding at the top and at the left is used for the other side too"
    yield (
        ((bottom, bottom), (right, right)),
        "the padding at the bottom and at the right is used for the other side too",
    )
    yield ((top, bottom), (top, bottom)), "the vertical padding is used for both directions"
    yield ((left, right), (left, right)), "the horizontal padding is used for both directions"
    yield ((top, top), (top, top)), "one number is used for all four sides"
