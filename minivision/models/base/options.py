"""Values of a system's options from the text of a command line: the ``parse`` functions of ``Model.OPTIONS``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any


def positive_numbers(text: str) -> tuple[float, ...]:
    """Return the numbers in a text such as ``"16,28,48"``.

    Raises
    ------
    ValueError
        When there is none, or one that is no positive number.

    Examples
    --------
    >>> from minivision.models.base.options import positive_numbers
    >>> positive_numbers("0.5,1,2")
    (0.5, 1.0, 2.0)
    """
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if not values or not all(0 < value < math.inf for value in values):
        raise ValueError(f"expected positive numbers with commas between them, such as 16,28,48, got {text!r}")
    return values


def number(text: str) -> float:
    """Return a number.

    Raises
    ------
    ValueError
        When the text is none.
    """
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"expected auto or a number, got {text!r}") from None


def auto_or(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a function that reads ``"auto"`` as None and any other text by `parse`."""

    def parse_unless_auto(text: str) -> Any:
        return None if text == "auto" else parse(text)

    return parse_unless_auto


def one_of(values: tuple[int, ...]) -> Callable[[str], int]:
    """Return a function that reads one of a few whole numbers."""
    names = {str(value): value for value in values}

    def parse_name(text: str) -> int:
        if text not in names:
            raise ValueError(f"expected auto or one of {', '.join(names)}, got {text!r}")
        return names[text]

    return parse_name


def as_text(value: Any) -> str:
    """Return the text from which a command line reads the value of an option.

    Examples
    --------
    >>> from minivision.models.base.options import as_text
    >>> as_text((16.0, 28.5)), as_text(None), as_text(True), as_text("align")
    ('16,28.5', 'auto', 'yes', 'align')
    """
    if value is None:
        return "auto"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (tuple, list)):
        return ",".join(f"{number:g}" for number in value)
    return str(value)
