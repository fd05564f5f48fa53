"""Pictures show what they should, need no display, and do not load matplotlib before they are drawn."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from minivision.viz import (
    class_colors,
    draw_comparison,
    draw_loss_curve,
    draw_pictures,
    draw_segmentation,
    overlay,
    save_label_map,
    save_loss_curve,
)
from minivision.viz.curves import smooth

CLASSES = ("background", "cat", "dog")


@pytest.fixture
def scene():
    image = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    label_map = np.zeros((20, 30), np.uint8)
    label_map[2:10, 3:12] = 1
    label_map[8:18, 15:29] = 2
    label_map[:, 0] = 255
    return image, label_map


def test_colors_are_fixed_and_differ():
    many = class_colors(81)
    assert len({tuple(color) for color in many}) == 81
    np.testing.assert_array_equal(many[:7], class_colors(7))
    assert many.dtype == np.uint8 and many[0].tolist() == [0, 0, 0]


def test_overlay_tints_objects_outlines_them_fully_and_leaves_the_background_gray(scene):
    image, label_map = scene
    picture = overlay(image, label_map)
    colors = class_colors(3)
    assert picture[2, 5].tolist() == colors[1].tolist()  # on the outline
    assert picture[8, 20].tolist() == colors[2].tolist()
    background = picture[label_map == 0]
    assert (background == background[:, :1]).all()
    inside = picture[5, 7].astype(int)
    assert 0 < np.abs(inside - colors[1]).max() < 90


def test_overlay_does_not_write_to_the_image_and_refuses_another_size(scene):
    image, label_map = scene
    before = image.copy()
    overlay(image, label_map)
    np.testing.assert_array_equal(image, before)
    with pytest.raises(ValueError, match="label_map"):
        overlay(image, label_map.T)


def test_label_map_file_holds_classes_and_a_palette(tmp_path, scene):
    save_label_map(scene[1], tmp_path / "map.png", 3)
    picture = Image.open(tmp_path / "map.png")
    assert picture.mode == "P"
    np.testing.assert_array_equal(np.array(picture), scene[1])
    np.testing.assert_array_equal(np.array(picture.convert("RGB"))[5, 7], class_colors(3)[1])


def test_figures_name_the_classes_they_show(tmp_path, scene):
    image, label_map = scene
    figure = draw_segmentation(image, np.where(label_map == 2, 0, label_map), CLASSES, title="a")
    assert [text.get_text() for text in figure.legends[0].texts] == ["cat", "not known"]
    figure = draw_comparison([image] * 2, [label_map] * 2, [label_map] * 2, CLASSES)
    assert [axis.get_title() for axis in figure.axes[:3]] == ["input", "ground truth", "prediction"]
    assert len(figure.axes) == 6
    figure.savefig(tmp_path / "comparison.png")
    assert Image.open(tmp_path / "comparison.png").width > 500


def test_empty_label_map_is_drawn_without_a_legend(scene):
    figure = draw_segmentation(scene[0], np.zeros((20, 30), np.uint8), CLASSES)
    assert not figure.legends


def entries(values, **others):
    return [
        {"step": i + 1, "loss": v, "seg": v, **others, "rate": 0.1, "gradient_norm": 1.0, "seconds": 0.1}
        for i, v in enumerate(values)
    ]


def test_loss_axis_is_logarithmic_only_for_losses_that_fell_far():
    far = draw_loss_curve(entries(np.geomspace(5, 0.01, 200))).axes[0]
    near = draw_loss_curve(entries(np.linspace(2, 1.5, 200))).axes[0]
    assert far.get_yscale() == "log" and near.get_yscale() == "linear" and near.get_ylim()[0] == 0


@pytest.mark.parametrize("dark", [False, True])
def test_the_losses_of_all_systems_have_lines_that_differ(dark):
    log = [{"step": step, **{f"{k}": 1.0 for k in range(6)}, "loss": 6.0} for step in (1, 2)]
    lines = draw_loss_curve(log, dark=dark).axes[0].lines[1::2]
    colors = np.array([to_rgb(line.get_color()) for line in lines])
    apart = np.linalg.norm(colors[:, None] - colors, axis=2)[~np.eye(7, dtype=bool)]
    assert len(lines) == 7 and apart.min() > 0.29  # blue and bluish green


def test_one_loss_is_drawn_once_several_with_their_sum():
    def names(log):
        return [text.get_text() for text in draw_loss_curve(log).axes[0].get_legend().texts]

    assert names(entries([1.0, 2.0])) == ["seg"]
    assert names(entries([1.0, 2.0], box_l1=0.5)) == ["loss", "seg", "box l1"]


@pytest.mark.parametrize("values", [[], [1.0], [0.0, 0.0], [1.0, float("inf"), 2.0], [-1.0, -2.0]])
def test_odd_losses_are_drawn_too(tmp_path, values):
    save_loss_curve(entries(values), tmp_path / "loss.png", dark=True)
    assert (tmp_path / "loss.png").stat().st_size > 1000


def test_smoothing_keeps_a_constant_and_the_length():
    np.testing.assert_allclose(smooth(np.full(100, 3.0)), 3.0)
    assert len(smooth(np.arange(7.0))) == 7 and smooth(np.zeros(0)).shape == (0,)


def test_importing_loads_no_matplotlib_and_drawing_no_pyplot():
    code = (
        "import sys, minivision.viz as v; assert 'matplotlib' not in sys.modules;"
        "v.draw_loss_curve([]); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_pictures_stand_in_rows_under_their_titles_with_the_limits_asked_for(rng):
    pictures = {"a": rng.normal(size=(1, 1, 4, 5)), "b": rng.normal(size=(4, 5)), "c": rng.random((4, 5, 3))}
    axes = draw_pictures(pictures, columns=2, limits="symmetric").axes
    assert [axis.get_title() for axis in axes] == ["a", "b", "c", ""]
    low, high = axes[0].images[0].get_clim()
    assert high == -low == abs(pictures["a"]).max()
    assert draw_pictures({"b": pictures["b"]}, limits=(0, 2)).axes[0].images[0].get_clim() == (0, 2)
    with pytest.raises(ValueError, match="'maps': expected a picture"):
        draw_pictures({"maps": np.zeros((2, 3, 4, 4))})
