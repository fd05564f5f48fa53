"""Masks as run lengths are the same masks, wherever `Instances` are used."""

import numpy as np
import pytest

from minivision.data import Instances, RunLengths, Sample, crop, flip_horizontal, flip_vertical, resize, rle, transpose


def some_masks(rng, count=5, size=(7, 11)):
    masks = rng.random((count, *size)) < rng.choice([0.02, 0.5, 0.98], (count, 1, 1))
    masks[0], masks[1] = False, True
    return masks


def test_they_decode_to_the_masks_and_know_their_areas(rng):
    masks = some_masks(rng)
    runs = RunLengths.from_masks(masks)
    np.testing.assert_array_equal(runs.decode(), masks)
    np.testing.assert_array_equal(runs.areas, masks.sum(axis=(1, 2)))
    assert len(runs) == 5 and runs.size == (7, 11)


def test_those_of_pycocotools_are_read(rng):
    mask_api = pytest.importorskip("pycocotools.mask", reason="another encoder")
    masks = some_masks(rng)
    theirs = mask_api.encode(np.asfortranarray(masks.transpose(1, 2, 0), np.uint8))
    runs = RunLengths(theirs)
    np.testing.assert_array_equal(runs.decode(), masks)
    np.testing.assert_array_equal(runs.areas, mask_api.area(theirs))


def test_empty_runs_and_runs_that_touch_change_nothing():
    runs = RunLengths([{"size": [2, 3], "counts": [1, 2, 0, 1, 1, 0, 1]}])
    np.testing.assert_array_equal(runs.decode(), rle.decode({"size": [2, 3], "counts": [1, 3, 2]})[None])
    assert runs.areas.tolist() == [3]


def test_selected_rows_are_those_of_the_masks(rng):
    masks = some_masks(rng)
    runs = RunLengths.from_masks(masks)
    for rows in ([], [2], [4, 0, 1], [3, 3]):
        chosen = runs[np.array(rows, int)]
        np.testing.assert_array_equal(chosen.decode(), masks[rows])
        np.testing.assert_array_equal(chosen.areas, runs.areas[rows])


def test_objects_with_run_lengths_are_used_as_those_with_masks(rng):
    masks = some_masks(rng)
    boxes, labels = np.tile(np.float32([1, 1, 4, 5]), (5, 1)), np.ones(5, int)
    with_runs = Instances(boxes, labels, run_lengths=RunLengths.from_masks(masks))
    assert with_runs.has_masks and with_runs.mask_size == (7, 11) and "masks 7x11" in repr(with_runs)
    np.testing.assert_array_equal(with_runs[[3, 1]].masks, masks[[3, 1]])
    np.testing.assert_array_equal(with_runs.replace(labels=labels + 1).masks, masks)
    assert with_runs.replace(masks=masks).run_lengths is None


@pytest.mark.parametrize(
    "transform",
    [flip_horizontal, flip_vertical, transpose, lambda s: crop(s, 2, 1, 6, 9), lambda s: resize(s, (14, 9))],
    ids=["flip_horizontal", "flip_vertical", "transpose", "crop", "resize"],
)
def test_transforms_move_the_pixels_of_run_lengths(rng, transform):
    masks = some_masks(rng)[1:]
    boxes, labels = np.tile(np.float32([1, 1, 6, 5]), (4, 1)), np.arange(1, 5)
    image, label_map = np.zeros((7, 11, 3), np.uint8), np.zeros((7, 11), np.uint8)
    with_masks = Instances(boxes, labels, masks=masks)
    with_runs = Instances(boxes, labels, run_lengths=RunLengths.from_masks(masks))
    expected, moved = (transform(Sample(image, each, label_map)).instances for each in (with_masks, with_runs))
    np.testing.assert_array_equal(moved.masks, expected.masks)
    np.testing.assert_array_equal(moved.boxes, expected.boxes)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RunLengths([]), ValueError, "size: there are no run lengths"),
        (lambda: RunLengths([{"size": [2, 2], "counts": [5]}]), ValueError, "add up to 4, but they add up to 5"),
        (
            lambda: RunLengths([{"size": [2, 3], "counts": [6]}, {"size": [3, 2], "counts": [6]}]),
            ValueError,
            "object 1 are of a 3x2 mask, not of 2x3",
        ),
        (lambda: RunLengths.from_masks(np.zeros((2, 2), bool)), ValueError, r"shape \(K, H, W\), got \(2, 2\)"),
        (lambda: Instances([[0, 0, 1, 1]], [1], run_lengths=[1]), TypeError, "must be RunLengths, got list"),
        (lambda: Instances([[0, 0, 1, 1]], [1], run_lengths=RunLengths([], (2, 2))), ValueError, "1; got 0"),
        (
            lambda: Instances([], [], masks=np.zeros((0, 2, 2), bool), run_lengths=RunLengths([], (2, 2))),
            ValueError,
            "not both",
        ),
    ],
)
def test_what_is_wrong_is_said(make, error, message):
    with pytest.raises(error, match=message):
        make()
