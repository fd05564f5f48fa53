"""Captions of the objects in drawn scenes: what can be seen, phrases that say it, and whether a phrase is true.

::

    color_names    what people call a color
    facts          what can be seen of each object: look_at(sample)
    grammar        the words there are; parse a phrase, independently of who wrote it
    writing        several phrases for each object: write_captions(facts, rng)
    truth          is_true(phrase, k, facts), wrong_parts: which parts of a phrase are not so

Phrases are lists of words: lower case, without punctuation.
"""

from minivision.data.captions.color_names import color_names
from minivision.data.captions.facts import ObjectFacts, look_at
from minivision.data.captions.grammar import VOCABULARY, Phrase, parse
from minivision.data.captions.truth import is_true, wrong_parts
from minivision.data.captions.writing import write_captions

__all__ = [
    "VOCABULARY",
    "ObjectFacts",
    "Phrase",
    "color_names",
    "is_true",
    "look_at",
    "parse",
    "write_captions",
    "wrong_parts",
]
