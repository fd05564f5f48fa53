"""Bars and trade-offs say in words what they show, with what is not known left out."""

from minivision.viz.bars import BarPanel, draw_bars
from minivision.viz.tradeoff import Point, draw_tradeoffs


def test_bars_in_words():
    panels = [
        BarPanel("training", "table 4", [84, 9.5], lambda hours: f"{hours:g} h"),
        BarPanel("one image", "ours", [None, 0.02], lambda seconds: f"{1e3 * seconds:g} ms"),
    ]
    figure = draw_bars([("", "R-CNN"), ("Fast", "R-CNN")], panels, title="Where time goes")
    training = "training, table 4: R-CNN 84 h, Fast R-CNN 9.5 h"
    assert figure.alt == f"Where time goes, as bars; {training}; one image, ours: Fast R-CNN 20 ms"


def test_tradeoffs_in_words():
    points = [Point("SSD", "a", 0.1, 0.5), Point("YOLO", "b", 0.05, 0.3), Point("YOLO", "c", 0.2, 0.4)]
    figure = draw_tradeoffs({"AP": points, "AP50": []}, title="Speed", xlabel="time")
    assert figure.alt == "Speed: points of time and AP, of SSD, YOLO; best SSD 0.50, worst YOLO 0.30; AP50, none"
