"""The picture of several detectors' errors has the numbers that it is given."""

import pytest

from minivision.viz.error_comparison import SystemBar, draw_error_comparison

GROUPS = {"early": ("lost", "late"), "class": ("wrong",)}
BARS = [
    SystemBar("old", 0.5, 100, {"lost": 30, "wrong": 10}, {"missed": 0.3, "both": float("nan")}),
    SystemBar("new", 0.75, 100, {"late": 5}, {"missed": 0.1, "both": 0.0}, (37, 2)),
    SystemBar("perfect", 1.0, 100, {}, {"missed": 0.0, "both": 0.0}, (5, 0)),
]


def texts(axis):
    return [text.get_text() for text in axis.texts]


def test_bars_are_the_causes_stacked_in_the_order_of_the_groups():
    figure = draw_error_comparison(BARS, GROUPS, title="Errors")
    misses, changes, ap, missed, both = figure.axes
    parts = [(round(bar.get_y() + 0.35), bar.get_x(), bar.get_width()) for bar in misses.patches]
    assert parts == [(0, 0, 30), (0, 30, 10), (1, 0, 5)]
    colors = {bar.get_facecolor() for bar in misses.patches}
    assert len(colors) == 3
    assert {"40 of 100 (40%)", "5 of 100 (5%)", "0 of 100 (0%)", "30"} <= set(texts(misses))
    assert [bar.get_width() for bar in changes.patches] == [37, -2, 5, 0]
    assert [bar.get_width() for bar in ap.patches] == [0.5, 0.75, 1.0]
    assert [bar.get_width() for bar in missed.patches] == [0.3, 0.1, 0.0]
    assert [bar.get_width() for bar in both.patches] == [0.0, 0.0]  # NaN has no bar
    assert [label.get_text() for label in misses.get_yticklabels()] == ["old", "new", "perfect"]


def test_the_legend_has_the_causes_that_occur_by_group():
    figure = draw_error_comparison(BARS, GROUPS, title="Errors")
    shown = {each.get_title().get_text(): [text.get_text() for text in each.texts] for each in figure.legends}
    assert shown == {"early": ["lost", "late"], "class": ["wrong"]}
    (legend,) = draw_error_comparison(BARS[1:2], GROUPS, title="Errors").legends
    assert [text.get_text() for text in legend.texts] == ["late"]


def test_one_system_has_nothing_before_it(tmp_path):
    figure = draw_error_comparison(BARS[:1], GROUPS, title="Errors", subtitle="$x_1$ are no formulas")
    assert len(figure.axes) == 4
    figure.savefig(tmp_path / "errors.png")
    draw_error_comparison([BARS[2]._replace(objects=0, change=None)], GROUPS, title="None").savefig(tmp_path / "b.png")


def test_bad_arguments():
    with pytest.raises(ValueError, match="nothing to draw"):
        draw_error_comparison([], GROUPS, title="")
    with pytest.raises(ValueError, match="no group has 'magic'"):
        draw_error_comparison([BARS[0]._replace(causes={"magic": 1})], GROUPS, title="")
