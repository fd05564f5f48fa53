"""Whether a caption is true of an object."""

from __future__ import annotations

from collections.abc import Sequence

from minivision.data.captions.facts import ObjectFacts
from minivision.data.captions.grammar import PROPERTIES, Phrase, parse

__all__ = ["is_true", "wrong_parts"]

# Limits up to which a word is accepted. Captions are written only where it is clearer (`writing`).
TINY, SMALL, LARGE = 22, 30, 34  # longer side of the box, in pixels
DARK, LIGHT = 48, 58  # lightness
PLAIN, PATTERNED = 5.0, 3.5  # roughness
NEAR, FAR = 0.8, 6  # the distance along the axis: relative to that across, and in pixels
NEXT_TO = 1.0  # distance of two boxes, relative to the longer side of the larger one
EDGE, MIDDLE = 0.42, 0.2  # of the picture: how far from its border, and from its middle, a center may lie


def is_true(caption: str, k: int, facts: Sequence[ObjectFacts]) -> bool:
    """Return whether everything that a caption says is true of an object.

    Parameters
    ----------
    caption : str
    k : int
        Index of the object.
    facts : sequence of ObjectFacts
        Of all objects in the scene, from `look_at`.

    Returns
    -------
    bool
        False also for what is no phrase of the grammar.
    """
    return not wrong_parts(caption, k, facts)


def wrong_parts(caption: str, k: int, facts: Sequence[ObjectFacts]) -> list[str]:
    """Return the parts of a caption that are not true of an object; parameters are those of :func:`is_true`.

    Returns
    -------
    list of str
        Out of ``"grammar"`` and the fields of :class:`Phrase`: ``"color"``, ``"kind"``, ``"relation"``, ...
    """
    phrase = parse(caption)
    if phrase is None:
        return ["grammar"]
    tests = {
        "size": _size,
        "pattern": _pattern,
        "shade": _shade,
        "color": lambda phrase, k, facts: phrase.color in facts[k].colors,
        "kind": lambda phrase, k, facts: phrase.kind == facts[k].kind,
        "property": _property,
        "relation": _relation,
        "place": _place,
    }
    return [name for name, test in tests.items() if getattr(phrase, name) is not None and not test(phrase, k, facts)]


def _size(phrase: Phrase, k: int, facts: Sequence[ObjectFacts]) -> bool:
    extent = facts[k].extent
    return {"tiny": extent < TINY, "small": extent < SMALL}.get(str(phrase.size), extent > LARGE)


def _pattern(phrase, k, facts):
    roughness = facts[k].roughness
    if roughness is None:
        return phrase.pattern == "plain"  # too little to see a pattern on
    return roughness < PLAIN if phrase.pattern == "plain" else roughness > PATTERNED


def _shade(phrase, k, facts):
    return facts[k].lightness < DARK if phrase.shade == "dark" else facts[k].lightness > LIGHT


def _property(phrase, k, facts):
    if PROPERTIES[phrase.property] != facts[k].kind:
        return False
    raised = {"with both arms raised": 2, "with one arm raised": 1, "with both arms down": 0}.get(phrase.property)
    if raised is None:
        return True
    arms = facts[k].arms
    return arms.count(True) <= raised <= arms.count(True) + arms.count(None)


def _relation(phrase, k, facts):
    """Return whether there is another object as described in that relation."""
    for j, other in enumerate(facts):
        named = other.kind == phrase.other_kind and (phrase.other_color is None or phrase.other_color in other.colors)
        if j != k and named and _related(phrase, k, j, facts):
            return True
    return False


def _related(phrase, k, j, facts):
    if phrase.other_color is None and facts[j].kind != facts[k].kind:
        return False  # another disc: there must be one already
    if phrase.relation == "partly hidden by":
        return j in facts[k].hidden_by
    if phrase.relation == "in front of":
        return k in facts[j].hidden_by
    if phrase.relation == "next to":
        return gap(facts[k].box, facts[j].box) <= NEXT_TO * max(facts[k].extent, facts[j].extent)
    (x, y), (other_x, other_y) = facts[k].center, facts[j].center
    along, across = {
        "left of": (other_x - x, other_y - y),
        "right of": (x - other_x, other_y - y),
        "above": (other_y - y, other_x - x),
        "below": (y - other_y, other_x - x),
    }[phrase.relation]
    return along >= FAR and along >= NEAR * abs(across)


def gap(box: Sequence[float], other: Sequence[float]) -> float:
    """Return the distance of two boxes along the axis on which it is larger; 0 if they overlap."""
    return max(0.0, box[0] - other[2], other[0] - box[2], box[1] - other[3], other[1] - box[3])


def _place(phrase, k, facts):
    (x, y), (height, width) = facts[k].center, facts[k].image_size
    x, y = x / width, y / height
    return {
        "at the top": y <= EDGE,
        "at the bottom": y >= 1 - EDGE,
        "on the left": x <= EDGE,
        "on the right": x >= 1 - EDGE,
        "in the middle": max(abs(x - 0.5), abs(y - 0.5)) <= MIDDLE,
    }[phrase.place]
