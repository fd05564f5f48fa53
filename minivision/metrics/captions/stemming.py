"""Porter's stemmer: "connected", "connecting" and "connection" become "connect".

References
----------
Porter, "An algorithm for suffix stripping", Program 14, 1980: the rules and their conditions, step by step.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

__all__ = ["stem"]

# (suffix, what takes its place); of the suffixes that a word has, the longest decides, and only if the condition of the
# step holds for what stands before it
_STEP_2 = (
    ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("abli", "able"),
    ("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize"), ("ation", "ate"),
    ("ator", "ate"), ("alism", "al"), ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"), ("aliti", "al"),
    ("iviti", "ive"), ("biliti", "ble"),
)  # fmt: skip
_STEP_3 = (
    ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", ""),
)  # fmt: skip
_STEP_4 = tuple(
    (suffix, "")
    for suffix in (
        "al ance ence er ic able ible ant ement ment ent ion ou ism ate iti ous ive ize".split()
    )
)  # fmt: skip


@functools.lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """Return the stem of an English word in lower case.

    Examples
    --------
    >>> from minivision.metrics.captions import stem
    >>> [stem(word) for word in ("raised", "raising", "triangles", "partly", "relational")]
    ['rais', 'rais', 'triangl', 'partli', 'relat']
    """
    if len(word) <= 2:
        return word
    word = _replace(word, (("sses", "ss"), ("ies", "i"), ("ss", "ss"), ("s", "")), lambda before: True)  # 1a
    word = _step_1b(word)
    if word.endswith("y") and _has_vowel(word[:-1]):  # 1c
        word = word[:-1] + "i"
    word = _replace(word, _STEP_2, lambda before: _measure(before) > 0)
    word = _replace(word, _STEP_3, lambda before: _measure(before) > 0)
    word = _replace(word, _STEP_4, lambda before: _measure(before) > 1, last_of_ion=True)
    if word.endswith("e"):  # 5a
        before = word[:-1]
        if _measure(before) > 1 or (_measure(before) == 1 and not _ends_in_cvc(before)):
            word = before
    if word.endswith("ll") and _measure(word) > 1:  # 5b
        word = word[:-1]
    return word


def _step_1b(word):
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    for suffix in ("ed", "ing"):
        before = word.removesuffix(suffix)
        if before == word or not _has_vowel(before):
            continue
        if before.endswith(("at", "bl", "iz")):
            return before + "e"
        if re.search(r"([^aeioulsz])\1$", before) and _letters(before)[-1] == "c":
            return before[:-1]
        return before + "e" if _measure(before) == 1 and _ends_in_cvc(before) else before
    return word


def _replace(
    word: str, rules: tuple[tuple[str, str], ...], condition: Callable[[str], bool], last_of_ion: bool = False
) -> str:
    """Replace the longest suffix that the word has, if the condition holds for what is before it."""
    matching = [rule for rule in rules if word.endswith(rule[0])]
    if not matching:
        return word
    suffix, other = max(matching, key=lambda rule: len(rule[0]))
    before = word[: len(word) - len(suffix)]
    if not condition(before) or (last_of_ion and suffix == "ion" and not before.endswith(("s", "t"))):
        return word
    return before + other


def _letters(word):
    """Return "c" for each consonant and "v" for each vowel; y is a vowel after a consonant."""
    kinds = ""
    for letter in word:
        is_vowel = letter in "aeiou" or (letter == "y" and kinds.endswith("c"))
        kinds += "v" if is_vowel else "c"
    return kinds


def _measure(word):
    """Return m, how often consonants follow vowels."""
    return len(re.findall("v+c+", _letters(word)))


def _has_vowel(word):
    return "v" in _letters(word)


def _ends_in_cvc(word):
    """Return whether the word ends in consonant, vowel, consonant, the last of which is not w, x or y: fil, hop."""
    return _letters(word).endswith("cvc") and word[-1] not in "wxy"
