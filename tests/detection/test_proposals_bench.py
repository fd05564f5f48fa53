"""The bench of selective search beside OpenCV runs and prints what it says."""

import pytest

from minivision.bench import selective_search as proposals


def test_it_prints_a_line_for_each_and_the_ratio_of_their_times(capsys):
    pytest.importorskip("cv2")
    assert proposals.main(["--images", "2", "--modes", "fast"]) == 0
    head, ours, theirs, ratio = capsys.readouterr().out.splitlines()
    assert "scenes, fast, 2 images" in ours and "OpenCV" in theirs and "first 2000" in head
    assert float(ratio.split()[-1]) == pytest.approx(float(ours.split()[-1]) / float(theirs.split()[-1]), abs=0.02)


def test_opencvs_boxes_are_corners_inside_the_image(rng):
    pytest.importorskip("cv2")
    boxes = proposals.opencv_search(rng.integers(0, 256, (40, 60, 3), dtype="uint8"), "fast")
    assert (boxes[:, 2:] > boxes[:, :2]).all() and (boxes[:, 2:] <= [60, 40]).all() and (boxes >= 0).all()
