"""The drawing functions, each compared with a slow reference."""

import numpy as np
import pytest

from minivision.data import Scenes, drawing
from minivision.data.scenes import LEVELS
from minivision.data.shapes import JOINTS, draw_shape


def supersampled(inside, size=40, times=16):
    """Return the fraction of each pixel in which ``inside(x, y)`` is true."""
    points = (np.arange(size * times) + 0.5) / times
    fine = inside(points[None, :], points[:, None])
    return fine.reshape(size, times, size, times).mean(axis=(1, 3))


def coverage_of(draw, *arguments):
    coverage = np.zeros((40, 40), np.float32)
    draw(coverage, *arguments)
    return coverage


def check(coverage, inside):
    exact = supersampled(inside)
    assert np.abs(coverage - exact).max() < 0.3  # the distance to a corner is not an area
    assert np.abs(coverage - exact).mean() < 0.003
    assert abs(coverage.sum() / exact.sum() - 1) < 0.01
    clear = np.abs(exact - 0.5) > 0.25
    np.testing.assert_array_equal((coverage > 0.5)[clear], (exact > 0.5)[clear])


def test_a_capsule_contains_all_points_within_its_radius_of_the_segment():
    def inside(x, y):
        t = np.clip(((x - 8.3) * 20 + (y - 12.1) * 15) / (20**2 + 15**2), 0, 1)
        return np.hypot(x - 8.3 - 20 * t, y - 12.1 - 15 * t) < 4.2

    check(coverage_of(drawing.draw_capsule, 8.3, 12.1, 28.3, 27.1, 4.2), inside)
    point = coverage_of(drawing.draw_capsule, 20.0, 20.0, 20.0, 20.0, 5.0)
    check(point, lambda x, y: np.hypot(x - 20, y - 20) < 5)


def test_an_ellipse_is_rotated_by_its_angle():
    def inside(x, y):
        u = np.cos(0.7) * (x - 19) + np.sin(0.7) * (y - 21.5)
        v = np.cos(0.7) * (y - 21.5) - np.sin(0.7) * (x - 19)
        return (u / 15) ** 2 + (v / 11) ** 2 < 1

    check(coverage_of(drawing.draw_ellipse, 19.0, 21.5, 15.0, 11.0, 0.7), inside)


def test_a_ring_has_a_hole():
    def inside(x, y):
        r = np.hypot(x - 20.2, y - 18.7)
        return (r < 14) & (r > 8)

    check(coverage_of(drawing.draw_ring, 20.2, 18.7, 14.0, 8.0), inside)


def test_a_polygon_may_be_concave_and_grows_on_all_sides():
    corners = np.array([[5, 5], [34, 8], [20, 18], [32, 34], [8, 30.0]])

    def inside(x, y):
        odd = np.zeros(np.broadcast(x, y).shape, bool)
        for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, 1, axis=0), strict=True):
            odd ^= ((y1 > y) != (y2 > y)) & (x < x1 + (y - y1) / (y2 - y1) * (x2 - x1))
        return odd

    check(coverage_of(drawing.draw_polygon, corners, 0.0), inside)
    square = np.array([[10, 10], [30, 10], [30, 30], [10, 30.0]])
    grown = coverage_of(drawing.draw_polygon, square, 2.0)
    assert grown[8, 20] == grown[31, 20] == grown[20, 8] == grown[20, 31] == 1
    assert grown[7, 20] == grown[32, 20] == grown[20, 7] == grown[20, 32] == 0


def test_shapes_are_cut_off_at_the_border_of_the_image():
    assert coverage_of(drawing.draw_capsule, -30.0, -30.0, 80.0, 80.0, 5.0)[20, 20] == 1
    assert not coverage_of(drawing.draw_ring, 100.0, 100.0, 20.0, 10.0).any()


@pytest.mark.parametrize("side", [17, 40, 64, 97])
@pytest.mark.parametrize("mirror", [(False, False), (True, False), (False, True)])
def test_a_crop_is_averaged_over_areas(side, mirror):
    rng = np.random.default_rng(side)
    photo = rng.integers(0, 256, (110, 120, 3), np.uint8)
    mix = rng.random((2, 3)).astype(np.float32)
    out = np.empty((40, 40, 2), np.float32)
    drawing.resize_crop(photo.reshape(110, -1), 7, 11, side, mix, *mirror, out)
    crop = photo[7 : 7 + side, 11 : 11 + side].astype(float)
    exact = crop.repeat(40, axis=0).repeat(40, axis=1).reshape(40, side, 40, side, 3).mean(axis=(1, 3)) @ mix.T
    exact = exact[:, ::-1] if mirror[0] else exact
    exact = exact[::-1] if mirror[1] else exact
    np.testing.assert_allclose(out, exact, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("sigma", [0.4, 0.9, 1.3])
def test_the_blur_is_gaussian_and_mirrors_at_the_border(sigma):
    ndimage = pytest.importorskip("scipy.ndimage")
    image = np.random.default_rng(0).uniform(0, 255, (20, 30, 3)).astype(np.float32)
    exact = ndimage.gaussian_filter(image.astype(float), (sigma, sigma, 0), mode="mirror", truncate=5)
    np.testing.assert_allclose(drawing.blur(image, sigma), exact, atol=0.02)


def test_painting_blends_color_texture_and_shading():
    rng = np.random.default_rng(0)
    image = rng.uniform(0, 255, (8, 9, 3)).astype(np.float32)
    coverage, texture = rng.random((8, 9), np.float32), rng.standard_normal((8, 9, 1), np.float32)
    color, before = np.array([10.0, 200.0, 90.0]), image.copy()
    drawing.paint(image, coverage, (1, 7, 2, 9), color, texture, 20.0, 4.0, 3.0, 1.5, -0.5, 0.8)
    y, x = np.mgrid[:8, :9]
    fill = color + 20 * texture + ((x - 4) * 1.5 + (y - 3) * -0.5)[..., None]
    alpha = 0.8 * coverage[..., None]
    expected = before.copy()
    expected[1:7, 2:9] = (before * (1 - alpha) + fill * alpha)[1:7, 2:9]
    np.testing.assert_allclose(image, expected, rtol=1e-4)


def test_measuring_returns_area_color_extent_and_hidden_pixels():
    coverage, owners = np.zeros((8, 9), np.float32), np.zeros((8, 9), np.uint8)
    coverage[2:5, 3:7], coverage[5, 3:7] = 1, 0.4
    owners[4], owners[:, 6] = 2, 7
    image = np.random.default_rng(0).uniform(0, 255, (8, 9, 3)).astype(np.float32)
    hidden = np.full(256, 99)
    area, red, green, blue, *extent = drawing.measure(coverage, image, owners, hidden)
    assert area == 12 and extent == [2, 6, 3, 7]
    np.testing.assert_allclose([red, green, blue], image[2:5, 3:7].mean(axis=(0, 1)), rtol=1e-6)
    assert hidden[:8].tolist() == [6, 0, 3, 0, 0, 0, 0, 3] and hidden.sum() == 12


def test_textures_are_standardized_and_noise_is_clipped():
    texture = np.random.default_rng(0).uniform(50, 90, (16, 16, 1)).astype(np.float32)
    drawing.standardize(texture)
    assert abs(texture.mean()) < 1e-5 and abs(texture.std() - 1) < 1e-3
    black = np.zeros((4, 4, 1), np.float32)
    drawing.standardize(black)
    assert not black.any()

    image = np.array([[[-5.0, 100.9, 300.0]]], np.float32)
    out = np.empty((1, 1, 3), np.uint8)
    drawing.add_noise(image, np.zeros_like(image), 3.0, out)
    assert out.ravel().tolist() == [0, 100, 255]
    drawing.add_noise(image, np.ones_like(image), 10.0, out)
    assert out.ravel().tolist() == [5, 110, 255]


def test_levels_are_those_for_which_the_thresholds_were_measured():
    # sizes, visible, contrast, texture, strength, shading, opacity, blur, noise, strokes
    assert LEVELS["mid"] == ((16, 56), 0.4, 40, 0.6, 35, 1.0, 0.8, 1.0, 15, 2)
    assert LEVELS["hard"] == ((12, 56), 0.3, 25, 0.8, 50, 1.5, 0.65, 1.3, 25, 4)


def test_objects_with_too_little_contrast_are_left_out(monkeypatch):
    monkeypatch.setitem(LEVELS, "hard", LEVELS["hard"]._replace(contrast=400))
    assert all(len(Scenes()[i].instances) == 0 for i in range(5))


def test_three_scenes_in_ten_are_blurred(monkeypatch):
    calls = []
    original = drawing.blur
    monkeypatch.setattr(drawing, "blur", lambda image, sigma: calls.append(sigma) or original(image, sigma))
    for i in range(120):
        Scenes("hard", "test")[i]
    assert 22 <= len(calls) <= 50 and min(calls) >= 0.4 and max(calls) <= 1.3


def test_arms_hang_or_are_raised():
    rng = np.random.default_rng(0)
    wrist, shoulder = JOINTS.index("left_wrist"), JOINTS.index("left_shoulder")
    poses = [draw_shape("person", 64.0, 64.0, 60.0, 128, rng)[1] for _ in range(100)]
    raised = np.mean([pose[wrist, 1] < pose[shoulder, 1] for pose in poses])
    assert 0.2 < raised < 0.6
