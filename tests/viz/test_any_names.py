"""Names of classes and files in pictures: never mathematics, in any script, however long."""

import io
import logging

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from minivision.data.instances import Instances
from minivision.viz import draw_instances, draw_segmentation, draw_yolo_planes, figure
from minivision.viz.figure import Figure

IMAGE = np.zeros((40, 60, 3), np.uint8)
BOX = Instances([[5, 15, 30, 35]], [1])
ONLY_IN_STIX = "\u20e9"  # of the fonts that matplotlib brings, DejaVu Sans lacks it


def pixels(drawn):
    file = io.BytesIO()
    drawn.savefig(file, format="png", dpi=60)
    return np.asarray(Image.open(file).convert("L"))


def texts(drawn):
    return [text for text in drawn.findobj(Text) if text.get_text()]


@pytest.mark.parametrize("name", ["a$^$", "cost $5 or $6", r"$\frac$", "\udcff", "long " * 50, "_x", "\u7d30\u80de"])
def test_any_name_is_drawn_as_it_is(name):
    classes = ("background", name)
    for drawn in (
        draw_instances(IMAGE, BOX, classes, title=name),
        draw_instances(IMAGE, BOX[np.zeros(13, np.int64)], classes),  # with a legend
        draw_segmentation(IMAGE, np.ones((40, 60), np.uint8), classes, title=name),
        draw_yolo_planes(np.zeros((2, 2, 6)), classes, 1),
    ):
        pixels(drawn)
        shown = name.encode("utf-8", "replace").decode()
        assert any(shown in text.get_text() for text in texts(drawn))


def test_dollars_are_no_mathematics():
    def width(text):
        drawn = Figure(figsize=(6, 0.5))
        drawn.text(0, 0.5, text)
        return np.flatnonzero((pixels(drawn) < 128).any(axis=0)).max()

    assert width("$abc$") > 1.2 * width("abc")


@pytest.fixture
def anew(monkeypatch):
    monkeypatch.setattr(figure, "_told", set())


@pytest.mark.filterwarnings("error")
def test_letters_that_the_usual_font_lacks_come_from_another(anew, caplog):
    drawn = draw_instances(IMAGE, BOX, ("background", f"x{ONLY_IN_STIX}"))
    pixels(drawn)
    (name,) = texts(drawn)
    assert name.get_fontfamily()[0] == "sans-serif" and len(name.get_fontfamily()) == 2
    assert figure._font_of(ONLY_IN_STIX) == name.get_fontfamily()[1] and not caplog.records


@pytest.mark.filterwarnings("error")
def test_letters_of_no_font_are_told_once(anew, caplog, monkeypatch):
    monkeypatch.setattr(figure, "_font_of", lambda letter: None)
    monkeypatch.setattr(figure, "_has", lambda paths, letter: letter != "\u7d30")
    with caplog.at_level(logging.WARNING, "minivision"):
        for _ in range(2):
            pixels(draw_instances(IMAGE, BOX, ("background", "cell \u7d30")))
    (message,) = caplog.messages
    assert "\u7d30" in message and "install" in message
