"""The comparison of segmenters: its rows, its measurements of the sliding window, and its figure."""

import numpy as np
import pytest
from PIL import Image

from minivision.comparison import ComparisonSettings, comparisons, costs, get_comparison
from minivision.comparison.segmentation import COLUMNS, ROWS, draw, notes, scan_difference
from minivision.data import Sample, Scenes
from minivision.data.instances import Instances
from minivision.models import make_model, systems
from minivision.models.encoder_decoder import UPSAMPLINGS
from minivision.viz.bars import BarPanel, draw_bars

SETTINGS = ComparisonSettings("mid", 1, 0, 8000, 300)
CLASSES = ("background", "disc", "square")


@pytest.fixture
def scenes(rng):
    images = [rng.integers(0, 256, (16, 16, 3), dtype=np.uint8) for _ in range(2)]
    return [Sample(image, Instances.empty(), image[..., 0] // 86) for image in images]


@pytest.fixture
def table(rng):
    """Figures such as they are, for every row."""
    keys = [column.key for column in COLUMNS]
    table = {row.title: dict(zip(keys, rng.uniform(1, 1000, len(keys)), strict=True)) for row in ROWS}
    for row in ROWS:
        table[row.title]["training_steps"] = 100
        if row.system == "encoder-decoder":
            table[row.title]["multiply_adds_at_full_size"] = 5000.0
    table[ROWS[0].title] |= {"score_difference": 2e-6, "pixels_differing": 1, "pixels_compared": 32768}
    return table


def test_the_rows_are_the_approaches_of_the_lecture_in_its_order():
    assert list(dict.fromkeys(row.system for row in ROWS)) == systems()[:3]
    assert {row.options.get("upsampling") for row in ROWS} - {None} == set(UPSAMPLINGS)
    assert len({row.title for row in ROWS}) == len(ROWS) == 8 and len({row.run for row in ROWS}) == 7
    for row in ROWS:
        make_model(row.system, CLASSES, **{**row.options, **row.variant})


def test_comparisons_are_found_by_name():
    assert all(get_comparison(name).name == name for name in comparisons())
    with pytest.raises(ValueError, match="no comparison is called 'poses'; there are segmentation"):
        get_comparison("poses")


def test_every_row_has_every_column_and_the_scans_differ_in_cost_alone(scenes, monkeypatch):
    monkeypatch.setattr(costs, "median_seconds", lambda function: function() and 0.5)
    comparison, found = get_comparison("segmentation"), {}
    for row in ROWS[:4]:
        model = make_model(row.system, CLASSES, **{**row.options, **row.variant})
        found[row.title] = comparison.costs(model, scenes)
        measured = {"miou", "training_seconds", "training_steps", *found[row.title]}
        assert {column.key for column in COLUMNS} <= measured
    patches, convolutional, _, down_and_up = found.values()
    assert patches["multiply_adds"] > 1.5 * convolutional["multiply_adds"]  # of an image this small
    assert patches["parameters"] == convolutional["parameters"]
    assert patches["pixels_compared"] == 2 * 16 * 16 and patches["score_difference"] < 1e-4
    assert down_and_up["multiply_adds_at_full_size"] > 10 * down_and_up["multiply_adds"]


def test_a_difference_between_the_scans_is_measured(scenes, monkeypatch):
    model = make_model("sliding-window", CLASSES)
    images = [sample.image for sample in scenes]
    right = model.scores_convolutional

    def wrong(image):
        scores = right(image)
        scores[0, :, 3, 4] = [0, 0, 100 + scores.max()]
        return scores

    monkeypatch.setattr(model, "scores_convolutional", wrong)
    found = scan_difference(model, images)
    assert found["score_difference"] > 90 and 1 <= found["pixels_differing"] <= 2


def test_notes_are_about_measured_rows_only(table):
    first, second = notes(table)
    assert "32,768 pixels" in first and "2e-06" in first and "5.00 k multiply-adds" in second
    assert notes(dict.fromkeys(table, {})) == []


def texts(axis):
    return [text.get_text() for text in axis.texts]


def test_the_figure_has_a_panel_for_each_quantity_and_the_number_at_each_bar(table, tmp_path):
    figure = draw(table, SETTINGS)
    shown = {column.key: column.shown for column in COLUMNS}
    keys = ("miou", "multiply_adds", "prediction_seconds", "prediction_memory", "training_memory")
    assert len(figure.axes) == len(keys)
    for axis, key in zip(figure.axes, keys, strict=True):
        assert len(axis.patches) == len(ROWS)
        for row, bar in zip(ROWS, axis.patches, strict=True):
            assert bar.get_width() == table[row.title][key] and shown[key](table[row.title][key]) in texts(axis)
    assert len(figure.axes[1].lines) >= sum(row.system == "encoder-decoder" for row in ROWS)
    figure.savefig(tmp_path / "figure.png")
    assert Image.open(tmp_path / "figure.png").width > 1500


def test_the_figure_leaves_out_what_is_not_measured_yet(table):
    del table[ROWS[2].title]["miou"]
    table[ROWS[-1].title] = {}
    figure = draw(table, SETTINGS)
    assert [len(axis.patches) for axis in figure.axes] == [len(ROWS) - 2] + [len(ROWS) - 1] * 4
    assert [len(axis.patches) for axis in draw(dict.fromkeys(table, {}), SETTINGS).axes] == [0] * 5


def test_an_axis_is_logarithmic_only_for_a_wide_range_of_values_and_is_labeled_so():
    rows = [("way", "one"), ("way", "two"), ("other", "three")]
    values = ([1.0, 2.0, 19.0], [1.0, 2.0, 2000.0], [0.0, 1.0, 2000.0])
    figure = draw_bars(rows, [BarPanel("a", "b", list(each), str) for each in values], title="t")
    assert [axis.get_xscale() for axis in figure.axes] == ["linear", "log", "linear"]
    assert ["logarithmic" in axis.get_xlabel() for axis in figure.axes] == [False, True, False]
    assert all(axis.get_xlim()[1] > max(each) for axis, each in zip(figure.axes, values, strict=True))


def test_numbers_stay_inside_their_panel(table):
    figure = draw(table, SETTINGS)
    figure.canvas.draw()
    for axis in figure.axes:
        box = axis.get_window_extent()
        for text in axis.texts:
            if text.get_text() not in ("sliding window", "full resolution", "encoder-decoder"):
                assert text.get_window_extent().x1 <= box.x1 + 12, text.get_text()


def test_bars_have_lines_as_long_as_the_spread_and_the_number_beyond(table):
    table[ROWS[2].title] |= {"miou": 0.5, "miou_sd": 0.05}
    axis = draw(table, SETTINGS).axes[0]
    (line,) = axis.collections
    assert line.get_segments()[0][:, 0].tolist() == pytest.approx([0.45, 0.55])
    (number,) = [text for text in axis.texts if text.get_text() == "0.500"]
    assert number.xy[0] == pytest.approx(0.55)
    assert "± standard deviation" in axis.get_xlabel()


def test_the_confusion_matrices_of_the_images_are_kept_and_add_up():
    scenes = Scenes("easy", "val").draw(2)
    model = make_model("encoder-decoder", scenes.classes)
    found = get_comparison("segmentation").quality(model, scenes)
    every_image = found["outcomes"].metrics(np.ones((1, 2), int))
    assert every_image["miou"][0] == pytest.approx(found["miou"])
    assert found["outcomes"].confusion.shape == (2, 7, 7) and found["outcomes"].confusion.sum() == 2 * 128 * 128
