"""The exercises of the notebooks: an answer is checked, and a wrong one is explained.

>>> from minivision.exercises import check
>>> check("02.1", ...)
02.1: not answered yet
>>> check("02.1", [2, 3])
02.1: not yet: the first window counts as well, + 1
>>> check("02.1", [3, 4])
02.1: right: a window fits (n + 2 p - k) // stride + 1 times

A module for each notebook; right answers are computed by the library. Answers with explanations are folded up in the
notebooks, below each question.
"""

from __future__ import annotations

import importlib
from typing import Any

from minivision.exercises.judge import EXERCISES, Exercise

MODULES = {
    "00": "start_here",
    "01": "gradients",
    "02": "convolution",
    "03": "upsampling",
    "04": "transpose_convolution",
    "04b": "network_by_hand",
    "05": "segmentation",
    "06": "localization",
    "07": "proposals",
    "08": "rcnn",
    "09": "fast_rcnn",
    "10": "faster_rcnn",
    "11": "yolo",
    "12": "ssd_and_yolov2",
    "13": "speed_and_accuracy",
    "14": "mask_rcnn",
    "15": "making_it_fast",
    "16": "how_good",
    "17": "dense_captioning",
}

__all__ = ["Exercise", "check", "find_exercise", "verdict"]


def check(number: str, answer: Any) -> None:
    """Print whether an answer is right and, if it is not, what is wrong with it. Nothing is raised.

    Parameters
    ----------
    number : str
        The notebook and the question, such as ``"02.1"``.
    answer : object
        ``...`` stands for no answer.

    Raises
    ------
    KeyError
        When there is no such exercise.

    Examples
    --------
    >>> from minivision.exercises import check
    >>> check("04b.1", 1.1)
    04b.1: not yet: that was for three classes
    """
    print(f"{number}: {verdict(number, answer)}")


def verdict(number: str, answer: Any) -> str:
    """Return what :func:`check` prints behind the number.

    Parameters
    ----------
    number : str
    answer : object

    Returns
    -------
    text : str
        Begins with "right", "not yet" or "not answered yet".

    Examples
    --------
    >>> from minivision.exercises import verdict
    >>> verdict("04b.1", ...)
    'not answered yet'
    """
    found = find_exercise(number)
    if answer is ...:
        return "not answered yet"
    problem = found.judge(answer)
    return f"right: {found.because}" if problem is None else f"not yet: {problem}"


def find_exercise(number: str) -> Exercise:
    """Return an exercise by its number.

    Parameters
    ----------
    number : str

    Returns
    -------
    exercise : Exercise

    Raises
    ------
    KeyError
        When there is none.

    Examples
    --------
    >>> from minivision.exercises import find_exercise
    >>> find_exercise("04b.1").wanted
    'The loss of a network that gives four classes the same score, one number.'
    """
    notebook = number.partition(".")[0]
    if notebook in MODULES:
        importlib.import_module(f"minivision.exercises.{MODULES[notebook]}")
    if number not in EXERCISES:
        known = ", ".join(each for each in EXERCISES if each.startswith(f"{notebook}.")) or ", ".join(MODULES)
        raise KeyError(f"there is no exercise {number!r}; there are {known}")
    return EXERCISES[number]
