"""Text that a terminal shows and does not obey."""

from __future__ import annotations

import unicodedata


def printable(text: object) -> str:
    """Return a text with its control characters escaped, save line ends and tabs.

    Names of files and classes are anybody's: an escape sequence in one could clear a terminal or color it, and half of
    a surrogate pair, which stands for a byte that is no text in the name of a file, cannot be written at all.

    Examples
    --------
    >>> from minivision.core.printable import printable
    >>> printable("red: \\x1b[31m")
    'red: \\\\x1b[31m'
    """
    return "".join(_escaped(letter) for letter in str(text))


def _escaped(letter):
    if letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cs"):
        return letter
    return letter.encode("unicode_escape").decode()
