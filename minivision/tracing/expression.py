"""Write numbers, and the formulas they were computed by, as short text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from minivision.tracing.number import Number

_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "neg": 3, "**": 4}
_SIGNS = {"*": "·", "/": " / "}


def subscripted(name: str, index: Sequence[int], shape: Sequence[int]) -> str:
    """Return ``name[i,j]``, without the leading axes of length 1 (often batch and channel)."""
    first = next((axis for axis, size in enumerate(shape) if size > 1), max(len(shape) - 1, 0))
    inner = ",".join(map(str, index[first:]))
    return f"{name}[{inner}]" if inner else name


def format_value(value: Any) -> str:
    """Return a number in at most three significant digits, short enough for a cell."""
    if value is None:
        return ""
    if isinstance(value, bool | np.bool_) or isinstance(value, int | np.integer):
        return str(int(value))
    value = float(value)
    if not math.isfinite(value):
        return {math.inf: "∞", -math.inf: "−∞"}.get(value, "NaN")
    if 0 < abs(value) < 0.005 or abs(value) >= 1e5:
        text = f"{value:.0e}".replace("e+0", "e").replace("e-0", "e-")
    else:
        text = f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
        if len(text) > 5:  # -0.0123 would not fit
            text = f"{value:.2f}"
    return "0" if value == 0 else text.replace("-", "−")


def write_expression(number: Number, *, numeric: bool = False, terms: int | None = None) -> str:
    """Return the formula that a traced number was computed by.

    Parameters
    ----------
    number : Traced or number
    numeric : bool
        Whether to write the inputs' values instead of their names.
    terms : int, optional
        Number of terms of a long sum that are written; by default all are.

    Returns
    -------
    text : str
    """
    # A product of many factors is too deep for recursion: each generator below yields the operands that it needs as
    # text, and waits here until they are written.
    waiting: list = [_write(number, 0, numeric, terms)]
    text: Any = None
    while waiting:
        try:
            operand, outer = waiting[-1].send(text)
        except StopIteration as done:
            waiting.pop()
            text = done.value
        else:
            waiting.append(_write(operand, outer, numeric, terms))
            text = None
    return text


def _write(number, outer, numeric, terms):
    """Return `number` as an operand of an operator of the precedence `outer`, with brackets where needed.

    Yields each operand with its own `outer`, and is sent its text.
    """
    if not hasattr(number, "operation"):  # a plain number
        return _in_sum(format_value(number), outer)
    if number.operation is None:
        return _in_sum(format_value(number.value), outer) if numeric else number.name
    if number.operation in ("+", "-"):
        text = yield from _write_sum(number, terms)
    elif number.operation == "*":
        text = yield from _write_product(number, numeric)
    elif number.operation in ("/", "**"):
        base, other = number.operands
        own = _PRECEDENCE[number.operation]
        left = yield base, own + 0.5 if number.operation == "**" else own  # a·b / 4 needs no brackets
        right = yield other, own + 0.5
        text = f"{left}{_SIGNS.get(number.operation, '^')}{right}"
    elif number.operation == "neg":
        text = "−" + (yield number.operands[0], _PRECEDENCE["neg"])
    else:
        return f"{number.operation}({(yield number.operands[0], 0)})"
    return f"({text})" if _PRECEDENCE[number.operation] < outer else text


def _operation(number):
    return getattr(number, "operation", None)


def _in_sum(text, outer):
    """Return a negative value in brackets where an operator is before it."""
    return f"({text})" if outer and text.startswith("−") else text


def _write_sum(number, terms):
    parts = []  # (sign, number), the last one first
    while _operation(number) in ("+", "-"):
        left, right = number.operands
        parts.append((number.operation, right))
        number = left
    parts.append(("+", number))
    parts.reverse()
    cut = terms is not None and len(parts) > terms
    shown = parts[:terms] if cut else parts
    pieces = [(yield shown[0][1], 1)]
    for sign, part in shown[1:]:
        pieces += [f" {sign.replace('-', '−')} ", (yield part, 1 if sign == "+" else 1.5)]
    return "".join(pieces) + (f" + … {len(parts) - terms} more" if cut else "")


def _write_product(number, numeric):
    left, right = number.operands
    a, b = (yield left, 2), (yield right, 2.5)
    # as in algebra: ax
    juxtaposed = not numeric and a.isalpha() and b.isalpha() and len(b) == 1 and len(a) <= 2
    return a + b if juxtaposed else f"{a}·{b}"
