"""Turned rectangles, ellipses and parts of masks, by hand and against the whole mask."""

import numpy as np
import pytest

from minivision.data import rle
from minivision.data.formats.regions import ellipse, mask_of_rows, place, rectangle, turn, union


def test_turning_is_clockwise_in_an_image():
    # The rectangle is 4 wide and 2 high. A quarter turn about its center (4, 3) makes it 2 wide and 4 high, and its
    # upper left corner becomes the upper right one.
    turned = turn(rectangle(2, 2, 6, 4), (4, 3), 90)
    np.testing.assert_allclose(turned, [[5, 1], [5, 5], [3, 5], [3, 1]], atol=1e-12)
    # By 30 degrees, (1, 0) goes to (cos 30, sin 30): to the right and down.
    np.testing.assert_allclose(turn(np.array([[1.0, 0]]), (0, 0), 30), [[np.sqrt(3) / 2, 0.5]])


def test_an_ellipse_has_its_vertices_and_its_area():
    points = ellipse((10, 8), (4, 2))
    assert points.min(axis=0).round(9).tolist() == [6, 6] and points.max(axis=0).round(9).tolist() == [14, 10]
    x, y = points.T
    area = 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
    assert area == pytest.approx(np.pi * 8, rel=2e-3)
    np.testing.assert_allclose(np.ptp(ellipse((0, 0), (4, 2), 90), axis=0), [4, 8])


@pytest.mark.parametrize("left,top", [(0, 0), (3, 1), (5, 0), (0, 4), (5, 4)])
def test_a_part_is_placed(left, top):
    rng = np.random.default_rng(left + top)
    for part in (rng.random((3, 2)) < 0.5, np.ones((3, 2), bool), np.zeros((3, 2), bool)):
        whole = np.zeros((7, 7), bool)
        whole[top : top + 3, left : left + 2] = part
        assert (rle.decode(place(part, left, top, (7, 7))) == whole).all()
    assert (rle.decode(place(np.ones((7, 7), bool), 0, 0, (7, 7)))).all()


@pytest.mark.parametrize("left,top", [(-1, 0), (0, -1), (6, 0), (0, 5)])
def test_a_part_that_reaches_out(left, top):
    with pytest.raises(ValueError, match="reaches out of the image of 7x7"):
        place(np.ones((3, 2), bool), left, top, (7, 7))


def test_run_lengths_row_by_row():
    assert mask_of_rows([1, 4, 1], (2, 3)).tolist() == [[False, True, True], [True, True, False]]
    for counts, size in (([1, 4], (2, 3)), ([2**63 - 1, 2**63 - 1, 8], (2, 3)), ([-1, 7], (2, 3)), ([4], (0, 4))):
        with pytest.raises(ValueError):
            mask_of_rows(counts, size)
    with pytest.raises(ValueError, match="none of an image"):
        mask_of_rows([65535 * 65535], (65535, 65535))


def test_the_union():
    mask = np.zeros((6, 6), bool)
    mask[0, 0] = True
    together = rle.decode(union([rectangle(2, 2, 4, 4)], [rle.encode(mask)], (6, 6)))
    assert together.sum() == 5 and together[0, 0] and together[2:4, 2:4].all()
