"""What an exercise is, and how an answer is judged: numbers, a word, or a function of one's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Judge = Callable[[Any], "str | None"]


@dataclass(frozen=True)
class Exercise:
    """A question of a notebook whose answer can be checked.

    Attributes
    ----------
    number : str
        The notebook and the question, such as ``"02.1"``.
    wanted : str
        What is asked for, in words.
    because : str
        Said of a right answer: why it is right.
    judge : callable
        Returns None for a right answer, else what is wrong with it.
    """

    number: str
    wanted: str
    because: str
    judge: Judge


EXERCISES: dict[str, Exercise] = {}


def exercise(number: str, because: str) -> Callable[[Judge], Judge]:
    """Make an exercise of a function that judges an answer; its docstring says what is asked for.

    Parameters
    ----------
    number : str
        The notebook and the question, such as ``"02.1"``.
    because : str
        Said of a right answer: why it is right, without a full stop.
    """

    def register(judge: Judge) -> Judge:
        if number in EXERCISES:
            raise ValueError(f"there are two exercises {number}")
        EXERCISES[number] = Exercise(number, (judge.__doc__ or "").strip(), because, judge)
        return judge

    return register


def numbers(answer: Any, right: Any, mistakes: Sequence[tuple[Any, str]] = (), atol: float = 0.005) -> str | None:
    """Compare numbers; a known mistake is named by the numbers that it gives.

    Parameters
    ----------
    answer : object
        What a learner wrote.
    right : float or array_like
    mistakes : sequence of (array_like, str)
        Numbers that a known mistake gives, and the mistake in words.
    atol : float
        How far each number may be off.

    Returns
    -------
    problem : str or None
    """
    expected = np.asarray(right, float)
    try:
        given = np.asarray(answer, float)
    except (TypeError, ValueError):
        return f"wanted: {_in_words(expected)}; got {type(answer).__name__}"
    if given.shape == expected.shape and np.allclose(given, expected, rtol=0, atol=atol):
        return None
    for value, words in mistakes:
        if given.shape == np.shape(value) and np.allclose(given, np.asarray(value, float), rtol=0, atol=atol):
            return words
    if given.shape != expected.shape:
        return f"wanted: {_in_words(expected)}; got {_in_words(given)}"
    if not np.isfinite(given).all():
        return "not all of them are numbers"
    if given.size > 1:
        fine = np.isclose(given, expected, rtol=0, atol=atol).sum()
        return f"{fine} of {given.size} are right"
    if expected > 0 and given > 0:
        return "too large" if given > expected else "too small"
    return "something else comes out"


def _in_words(array: np.ndarray) -> str:
    """Return "one number", "3 numbers", "an array of shape (2, 3)"."""
    if array.size == 1:
        return "one number"
    if array.ndim == 1:
        return f"{array.size} numbers"
    return f"an array of shape {array.shape}"


def choice(answer: Any, right: str, why_not: dict[str, str]) -> str | None:
    """Compare a word with the right one.

    Parameters
    ----------
    answer : object
        What a learner wrote; capitals and spaces around it do not matter.
    right : str
    why_not : dict
        The other words that one may choose: why each is wrong.

    Returns
    -------
    problem : str or None
    """
    words = [right, *why_not]
    given = " ".join(answer.split()).lower() if isinstance(answer, str) else None
    if given == right.lower():
        return None
    for word, why in why_not.items():
        if given == word.lower():
            return why
    return f"one of {', '.join(repr(word) for word in sorted(words))} is wanted"


def function(
    answer: Any,
    right: Callable,
    examples: Sequence[tuple],
    mistakes: Sequence[tuple[Callable, str]] = (),
    atol: float = 1e-6,
) -> str | None:
    """Call a learner's function beside the right one; a known mistake is named by what it returns.

    Parameters
    ----------
    answer : object
        A function that a learner wrote.
    right : callable
    examples : sequence of tuple
        Arguments of each call; both functions get copies of arrays.
    mistakes : sequence of (callable, str)
        A wrong function, and what is wrong with it.
    atol : float
        How far each number of the result may be off.

    Returns
    -------
    problem : str or None
    """
    if not callable(answer):
        return f"a function is wanted, got {type(answer).__name__}"
    results: list[Any] = []
    shapes = ""
    for arguments in examples:
        try:
            results.append(answer(*_copies(arguments)))
        except Exception as error:  # any that a learner's code raises
            return f"your function raises {type(error).__name__}: {error}"
        if results[-1] is None or results[-1] is ...:
            return "your function returns nothing yet"
        expected = np.asarray(right(*_copies(arguments)))
        try:
            shape = np.asarray(results[-1], float).shape
        except (TypeError, ValueError):
            return f"your function should return numbers, and returns {type(results[-1]).__name__}"
        if shape != expected.shape and not shapes:
            shapes = f"your function returns the shape {shape}, and should return {expected.shape}"
    if _alike(right, examples, results, atol):
        return None
    for wrong, words in mistakes:
        if _alike(wrong, examples, results, atol):
            return words
    if shapes:
        return shapes
    k = next(k for k in range(len(examples)) if not _alike(right, examples[k : k + 1], results[k : k + 1], atol))
    expected = np.asarray(right(*_copies(examples[k])), float)
    difference = np.abs(np.asarray(results[k], float) - expected).max()
    return f"for example {k + 1} of {len(examples)} its result is off by up to {difference:.3g}"


def _copies(arguments: tuple) -> list[Any]:
    """Return the arguments, their arrays copied: neither function may write into those of the other."""
    return [argument.copy() if isinstance(argument, np.ndarray) else argument for argument in arguments]


def _alike(function: Callable, examples: Sequence[tuple], results: Sequence[Any], atol: float) -> bool:
    """Return whether a function gives these results."""
    for arguments, result in zip(examples, results, strict=True):
        other, given = np.asarray(function(*_copies(arguments)), float), np.asarray(result, float)
        if other.shape != given.shape or not np.allclose(other, given, rtol=1e-6, atol=atol):
            return False
    return True
