"""The comparison of detectors: its rows, what it measures, and its figure."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from minivision.comparison import ComparisonSettings, costs, detection, get_comparison, run_comparison
from minivision.comparison.detection import COLUMNS, ROWS, draw, notes
from minivision.data import Scenes
from minivision.data.instances import Instances
from minivision.models import make_model
from minivision.models.base.resizing import Resizing
from minivision.viz.tradeoff import Point, draw_tradeoff

SETTINGS = ComparisonSettings("hard", 3, 0, 8000, 300)


@pytest.fixture
def table(rng):
    """Return possible measurements for every row."""
    keys = [column.key for column in COLUMNS]
    table = {row.title: dict(zip(keys, rng.uniform(0.01, 0.9, len(keys)), strict=True)) for row in ROWS}
    for row in ROWS:
        table[row.title]["training_steps"] = 100
    return table


def test_every_detector_of_the_lecture_has_a_row_and_each_can_be_made():
    detectors = ["rcnn", "fast-rcnn", "faster-rcnn", "yolo", "ssd", "yolov2"]
    assert list(dict.fromkeys(row.system for row in ROWS)) == detectors
    assert len({row.title for row in ROWS}) == len(ROWS)
    for row in ROWS:
        model = make_model(row.system, ("background", "disc"), **{**row.options, **row.variant})
        assert model.task == "detection"
        if "max_proposals" in row.variant:
            assert model.max_proposals == row.variant["max_proposals"]


class Squares:
    """Detects one box in each image, a quarter of its size; keeps the shapes of the images."""

    task = "detection"

    def __init__(self):
        self.shapes = []

    def predict(self, images):
        self.shapes += [image.shape for image in images]
        return [Instances([[0, 0, image.shape[1] / 2, image.shape[0] / 2]], [1], scores=[0.5]) for image in images]


def test_a_resizing_model_gets_images_of_its_size_and_predicts_in_pixels_of_the_image():
    model = Squares()
    images = [np.zeros((40, 60, 3), np.uint8), np.zeros((20, 20, 3), np.uint8)]
    first, second = Resizing(model, (32, 32)).predict(images)
    assert model.shapes == [(32, 32, 3)] * 2
    np.testing.assert_allclose(first.boxes, [[0, 0, 30, 20]])
    np.testing.assert_allclose(second.boxes, [[0, 0, 10, 10]])
    assert Resizing(model, (32, 32)).task == "detection" and first.scores[0] == 0.5


def test_fewer_proposals_and_smaller_images_cost_less(monkeypatch):
    monkeypatch.setattr(costs, "median_seconds", lambda function: function() and 0.5)
    scenes = Scenes("easy", "val").draw(2)
    monkeypatch.setattr(detection, "median_seconds", lambda function: function() and 0.5)
    found = {}
    for row in ROWS[2:8]:
        model = make_model(row.system, scenes.classes, rng=np.random.default_rng(0), **row.variant)
        found[row.title] = detection.costs(model if row.size is None else Resizing(model, (row.size,) * 2), scenes)
    counts = [each["multiply_adds"] for each in found.values()]
    assert counts[0] > counts[1] and counts[2] > counts[3] > counts[4] and counts[2] > counts[5]
    assert ["proposal_seconds" in each for each in found.values()] == [True, True, False, False, False, False]


def test_rows_of_one_run_are_evaluated_separately(tmp_path, monkeypatch):
    monkeypatch.setattr(detection, "median_seconds", lambda function: function() and 0.5)
    evaluated = []

    def quality(model, scenes):
        evaluated.append((model.options["max_proposals"], isinstance(model, Resizing)))
        return {"AP50": 0.5, "AP75": 0.2, "AP": 0.3}

    comparison = dataclasses.replace(get_comparison("detection"), rows=(ROWS[4], ROWS[6], ROWS[7]), quality=quality)
    settings = ComparisonSettings("easy", 0.005, 0, 8, 4)
    assert run_comparison(comparison, tmp_path, settings, progress=False)
    assert evaluated == [(300, False), (10, False), (300, True)]
    assert (tmp_path / "comparison.csv").read_text().count("Faster R-CNN") == 3


def test_notes_say_how_long_the_proposals_take(table):
    table[ROWS[2].title] |= {"proposal_seconds": 0.03, "prediction_seconds": 0.04}
    assert "75% of the time" in notes(table)[1]
    assert len(notes(dict.fromkeys(table, {}))) == 1


def test_the_figure_has_a_point_for_each_row_that_is_measured(table, tmp_path):
    table[ROWS[0].title] = {}
    figure = draw(table, SETTINGS)
    assert [axis.get_ylabel() for axis in figure.axes] == ["AP50", "AP"]
    for axis, metric in zip(figure.axes, ("AP50", "AP"), strict=True):
        points = {tuple(point) for line in axis.lines for point in line.get_xydata()}
        expected = {(table[row.title]["batch_seconds"], table[row.title][metric]) for row in ROWS[1:]}
        assert points == expected and axis.get_xscale() == "log" and not axis.collections
        assert len(axis.lines) == 6 and len(axis.texts) == len(ROWS) - 1
    figure.savefig(tmp_path / "figure.png")
    assert Image.open(tmp_path / "figure.png").width > 1000
    assert not draw(dict.fromkeys(table, {}), SETTINGS).axes[0].lines


def test_the_figure_has_lines_as_long_as_the_spread(table):
    table[ROWS[3].title] |= {"AP_sd": 0.02, "AP50": 0.5, "AP": 0.4}
    upper, lower = draw(table, SETTINGS).axes
    (line,) = lower.collections
    (ends,) = line.get_segments()
    assert not upper.collections and ends[:, 1].tolist() == pytest.approx([0.38, 0.42])


def test_points_of_a_group_are_joined_in_the_order_of_their_times():
    points = [Point("a", "slow", 0.5, 0.9), Point("a", "quick", 0.01, 0.4), Point("b", "", 0.1, 0.5)]
    first, second = draw_tradeoff(points, title="t", xlabel="x", ylabel="y").axes[0].lines
    assert first.get_xdata().tolist() == [0.01, 0.5] and second.get_xdata().tolist() == [0.1]
