"""Writing numbers, and how they were calculated, for people."""

import math

import numpy as np

_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "neg": 3, "**": 4}
_SIGNS = {"*": "·", "/": " / "}


def subscripted(name, index, shape):
    """Return ``name[i,j]``, without the leading axes that have only one entry (batch and channel, in most pictures)."""
    first = next((axis for axis, size in enumerate(shape) if size > 1), max(len(shape) - 1, 0))
    inner = ",".join(map(str, index[first:]))
    return f"{name}[{inner}]" if inner else name


def format_value(value):
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


def write_expression(number, *, numeric=False, terms=None):
    """Return how a traced number was calculated.

    Parameters
    ----------
    number : Traced or number
    numeric : bool
        Whether to write the inputs' values in place of their names.
    terms : int, optional
        Of a longer sum, write only as many terms.
    """
    return _write(number, 0, numeric, terms)


def _write(number, outer, numeric, terms):
    """Write `number` so that it can stand beside an operator of the precedence `outer`."""
    if not hasattr(number, "operation"):  # a plain one
        return _in_sum(format_value(number), outer)
    if number.operation is None:
        return _in_sum(format_value(number.value), outer) if numeric else number.name
    if number.operation in ("+", "-"):
        text = _write_sum(number, numeric, terms)
    elif number.operation == "*":
        text = _write_product(number, numeric, terms)
    elif number.operation in ("/", "**"):
        base, other = number.operands
        inner = _PRECEDENCE[number.operation]
        sign = _SIGNS.get(number.operation, "^")
        text = f"{_write(base, inner + 0.5, numeric, terms)}{sign}{_write(other, inner + 0.5, numeric, terms)}"
    elif number.operation == "neg":
        text = "−" + _write(number.operands[0], _PRECEDENCE["neg"], numeric, terms)
    else:
        return f"{number.operation}({_write(number.operands[0], 0, numeric, terms)})"
    return f"({text})" if _PRECEDENCE[number.operation] < outer else text


def _operation(number):
    return getattr(number, "operation", None)


def _in_sum(text, outer):
    """Bracket a negative value where an operator stands before it."""
    return f"({text})" if outer and text.startswith("−") else text


def _write_sum(number, numeric, terms):
    parts = []  # (sign, number), the last one first; a sum may be too long for recursion
    while _operation(number) in ("+", "-"):
        left, right = number.operands
        parts.append((number.operation, right))
        number = left
    parts.append(("+", number))
    parts.reverse()
    cut = terms is not None and len(parts) > terms
    shown = parts[:terms] if cut else parts
    text = _write(shown[0][1], 1, numeric, terms)
    for sign, part in shown[1:]:
        text += f" {sign.replace('-', '−')} {_write(part, 1 if sign == '+' else 1.5, numeric, terms)}"
    return text + f" + … {len(parts) - terms} more" if cut else text


def _write_product(number, numeric, terms):
    left, right = number.operands
    a, b = _write(left, 2, numeric, terms), _write(right, 2.5, numeric, terms)
    # Algebra's way of writing: ax
    juxtaposed = not numeric and a.isalpha() and b.isalpha() and len(b) == 1 and len(a) <= 2
    return a + b if juxtaposed else f"{a}·{b}"
