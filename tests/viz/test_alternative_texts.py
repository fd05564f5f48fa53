"""Every picture says in words what it shows, for those who do not see it."""

import base64
import doctest

import numpy as np
import pytest

from minivision import viz
from minivision.viz.figure import Figure

DRAWING = [name for name in viz.__all__ if name.startswith("draw_")]


@pytest.mark.parametrize("name", DRAWING)
def test_the_example_of_every_drawing_function_ends_with_its_text(name):
    """What the text says is compared by the doctests; the gallery shows these examples."""
    examples = doctest.DocTestParser().get_examples(getattr(viz, name).__doc__)
    assert examples, f"{name} has no Examples"
    *_, last, alt = examples
    assert last.source.startswith("figure") and f"{name}(" in last.source
    assert alt.source == "figure.alt\n" and len(alt.want) > 20


def test_no_two_functions_say_the_same():
    texts = {doctest.DocTestParser().get_examples(getattr(viz, name).__doc__)[-1].want for name in DRAWING}
    assert len(texts) == len(DRAWING)


def test_a_notebook_gets_the_picture_once_with_its_text():
    figure = viz.draw_iou([((0, 0, 2, 2), (0, 0, 2, 2))])
    data, metadata = figure._repr_mimebundle_()
    assert data["text/plain"] == metadata["image/png"]["alt"] == figure.alt
    assert "1.00" in figure.alt
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert set(data) == {"text/plain", "image/png"}


def test_a_figure_without_a_text_says_its_words():
    figure = Figure()
    figure.subplots().set(xlabel="steps taken", title="a run")
    assert "steps taken" in figure.alt and "a run" in figure.alt


def test_names_of_classes_are_said_as_they_are():
    figure = viz.draw_segmentation(np.zeros((4, 4, 3), np.uint8), np.ones((4, 4), np.uint8), ("ground", "$<b>x</b>$"))
    assert "$<b>x</b>$ 100%" in figure.alt
