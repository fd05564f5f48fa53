"""The grammar of captions: which words there are, and which phrases are made of them.

::

    phrase      a(n) [size] [pattern] [dark | light] color noun [property] [clause]
    noun        disc | circle | square | triangle | star | ring | person | figure
    property    with a hole | with three corners | with four corners | with five points
                | with both arms raised | with one arm raised | with both arms down
    clause      partly hidden by OTHER | in front of OTHER | left of | right of | above | below | next to OTHER
                | at the top | at the bottom | on the left | on the right | in the middle
    OTHER       a(n) color noun | another noun

`parse` reads a phrase back into its parts. It knows nothing of how phrases are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from minivision.data.captions.color_names import COLOR_NAMES

__all__ = ["NOUNS", "VOCABULARY", "Phrase", "parse"]

SIZES = ("tiny", "small", "large", "big")
PATTERNS = ("plain", "patterned", "textured")
SHADES = ("dark", "light")
NOUNS = {
    "disc": "disc",
    "circle": "disc",
    "square": "square",
    "triangle": "triangle",
    "star": "star",
    "ring": "ring",
    "person": "person",
    "figure": "person",
}  # word -> class
PROPERTIES = {
    "with a hole": "ring",
    "with three corners": "triangle",
    "with four corners": "square",
    "with five points": "star",
    "with both arms raised": "person",
    "with one arm raised": "person",
    "with both arms down": "person",
}  # words -> the class that can have it
RELATIONS = ("partly hidden by", "in front of", "left of", "right of", "above", "below", "next to")
PLACES = ("at the top", "at the bottom", "on the left", "on the right", "in the middle")

VOCABULARY = tuple(
    sorted(
        {"a", "an", "another", *SIZES, *PATTERNS, *SHADES, *COLOR_NAMES, *NOUNS}
        | {word for words in (*PROPERTIES, *RELATIONS, *PLACES) for word in words.split()}
    )
)


class Phrase(NamedTuple):
    """The parts of a caption; None for those that it does not have.

    Attributes
    ----------
    size, pattern, shade, color : str or None
    kind : str
        The class that the noun stands for.
    property : str or None
        One of `PROPERTIES`.
    relation : str or None
        One of `RELATIONS`.
    other_color : str or None
        Color of the other object of the relation; None after "another".
    other_kind : str or None
        Its class.
    place : str or None
        One of `PLACES`.
    """

    size: str | None
    pattern: str | None
    shade: str | None
    color: str | None
    kind: str
    property: str | None = None
    relation: str | None = None
    other_color: str | None = None
    other_kind: str | None = None
    place: str | None = None


def parse(caption: str) -> Phrase | None:
    """Read a caption back into its parts.

    Parameters
    ----------
    caption : str
        Words with blanks between them.

    Returns
    -------
    phrase : Phrase or None
        None if the grammar has no such phrase.

    Examples
    --------
    >>> from minivision.data.captions import parse
    >>> phrase = parse("a small dark red star left of a blue ring")
    >>> phrase.kind, phrase.shade, phrase.color, phrase.relation, phrase.other_kind
    ('star', 'dark', 'red', 'left of', 'ring')
    >>> parse("a star red") is None
    True
    """
    words = caption.split()
    rest = _after_article(words)
    if rest is None:
        return None
    size, rest = _one_of(SIZES, rest)
    pattern, rest = _one_of(PATTERNS, rest)
    shade, rest = _one_of(SHADES, rest)
    color, rest = _one_of(COLOR_NAMES, rest)
    noun, rest = _one_of(NOUNS, rest)
    if noun is None or (shade and not color):
        return None
    prop, rest = _one_of(PROPERTIES, rest)
    relation, rest = _one_of(RELATIONS, rest)
    other_color = other_kind = place = None
    if relation:
        found = _other(rest)
        if found is None:
            return None
        other_color, other_kind, rest = found
    else:
        place, rest = _one_of(PLACES, rest)
    if rest:
        return None
    return Phrase(size, pattern, shade, color, NOUNS[noun], prop, relation, other_color, other_kind, place)


def _after_article(words: Sequence[str]) -> Sequence[str] | None:
    """Return the words after "a" or "an", if it is the one that goes with the next word."""
    if len(words) < 2 or words[0] != article(words[1]):
        return None
    return words[1:]


def article(word: str) -> str:
    """Return the article before a word of the vocabulary."""
    return "an" if word[0] in "aeiou" else "a"


def _one_of(choices, words):
    """Return the choice that the words begin with, or None, and the words after it."""
    for choice in choices:
        parts = choice.split()
        if list(words[: len(parts)]) == parts:
            return choice, words[len(parts) :]
    return None, words


def _other(words):
    """Return color, class and the words that follow of the other object of a relation; None if there is none."""
    if words and words[0] == "another":
        color, rest = None, words[1:]
    else:
        after = _after_article(words)
        if after is None:
            return None
        color, rest = _one_of(COLOR_NAMES, after)
        if color is None:
            return None
    noun, rest = _one_of(NOUNS, rest)
    return None if noun is None else (color, NOUNS[noun], rest)
