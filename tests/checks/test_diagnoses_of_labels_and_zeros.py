"""Diagnoses of wrong labels, and of zeros that are missing or too many; chance has none."""

import inspect
import re

import numpy as np
import pytest
from wrong_functions import register

from minivision.checks import check_operation
from minivision.core.registry import operations

OPERATIONS = operations()


def report_of(name, change):
    """Return the report about a reference implementation with changed results: ``change(*results)`` returns others."""
    op = OPERATIONS[name]

    def wrong(*args, **kwargs):
        results = op.reference(*args, **kwargs)
        return change(*results) if isinstance(results, tuple) else change(results)

    wrong.__signature__, wrong.__name__, wrong.__module__ = inspect.signature(op), name, "wrong"
    return str(check_operation(name, register(**{name: wrong})))


MISTAKES = [
    # The same numbers as with one threshold for both, which is how it comes about.
    ("match", lambda m: np.where(m == -2, -1, m), "fg_iou_thresh is used for bg_iou_thresh too"),
    ("match", lambda m: np.where(m < 0, -3 - m, m), "-2 it is -1, and where it should be -1 it is -2: swapped"),
    ("match", lambda m: m + 1, "matches is 1 too large everywhere"),
    (
        "yolo_targets",
        lambda target, weight: (target, np.where(weight == 1, 0, weight)),
        "weight is right but for .* elements, which are 0 and should not be",
    ),
    (
        "yolo_targets",
        lambda target, weight: (target, np.where(weight == 0, 5, weight)),
        "weight is right wherever it should not be 0, but .* elements that should be 0 are not",
    ),
]


@pytest.mark.parametrize(("name", "change", "sentence"), MISTAKES)
def test_the_mistake_is_diagnosed(name, change, sentence):
    text = " ".join(report_of(name, change).split())
    assert re.search(sentence, text), text


CHANCE = [
    ("match", lambda m: np.where(np.arange(m.size) % 3 == 0, (m + 2) % 4 - 2, m)),
    ("anchor_grid", lambda a: a + np.sin(np.arange(a.size)).reshape(a.shape)),
    ("yolo_targets", lambda target, weight: (target, weight + (np.arange(weight.size) == 7).reshape(weight.shape))),
]


@pytest.mark.parametrize(("name", "change"), CHANCE)
def test_other_mistakes_have_no_diagnosis(name, change):
    text = " ".join(report_of(name, change).split())
    assert "wrong" in text
    for sentence in ("each time", "swapped", "too large everywhere", "which are 0", "should be 0 are not"):
        assert sentence not in text, text
