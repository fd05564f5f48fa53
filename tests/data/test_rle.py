"""Run lengths and polygons are identical to those of pycocotools, bit for bit."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minivision.data import rle


@settings(deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_decoding_undoes_encoding(mask):
    np.testing.assert_array_equal(rle.decode(rle.encode(mask)), mask)


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**6), max_size=20))
def test_decompressing_undoes_compressing(counts):
    assert rle.decompress(rle.compress(counts)).tolist() == counts


@settings(deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 6))))
def test_the_bounding_box_is_tight(mask):
    rows, columns = mask.nonzero()
    expected = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) if mask.any() else (0, 0, 0, 0)
    assert rle.bounding_box(rle.encode(mask)) == expected


def test_runs_are_columns_and_the_first_is_of_zeros():
    mask = np.array([[1, 0], [1, 1]], bool)
    assert rle.decompress(rle.encode(mask)["counts"]).tolist() == [0, 2, 1, 1]
    np.testing.assert_array_equal(rle.decode({"size": [2, 2], "counts": [0, 2, 1, 1]}), mask)


def test_encoding_equals_pycocotools():
    coco = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(0)
    for density in (0, 0.02, 0.5, 0.98, 1):
        for _ in range(40):
            mask = rng.random(rng.integers(1, 90, 2)) < density
            theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
            ours = rle.encode(mask)
            assert ours == {"size": theirs["size"], "counts": theirs["counts"].decode()}
            np.testing.assert_array_equal(rle.decode(theirs), mask)


def test_masks_of_any_layout_and_without_pixels_are_encoded():
    rng = np.random.default_rng(3)
    mask = rng.random((30, 21)) < 0.4
    for view in (mask, mask.T, mask[::-1, ::-1], mask[2:19:3, 1:20:2], np.asfortranarray(mask)):
        np.testing.assert_array_equal(rle.decode(rle.encode(view)), view)
        assert rle.encode(view) == rle.encode(view.copy(order="C"))
    for size in ((0, 0), (0, 5), (5, 0)):
        assert rle.encode(np.zeros(size, bool)) == {"size": list(size), "counts": "0"}  # as pycocotools


def test_large_masks_are_encoded_as_by_pycocotools():
    coco = pytest.importorskip("pycocotools.mask")
    y, x = np.mgrid[:1021, :1003]
    ring = abs(np.hypot(y - 500, x - 480) - 300) < 60
    ring[:, -1] = True  # a run that goes on in the last column
    for mask in (ring, ~ring, np.sin(x * y / 900) > 0.3, np.ones((1000, 1000), bool)):
        theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
        assert rle.encode(mask)["counts"] == theirs["counts"].decode()


def test_the_loops_are_the_same_when_they_are_not_compiled():
    program = (
        "import sys, numpy as np; from minivision.data import rle; "
        "masks = np.random.default_rng(0).random((20, 17, 23)) < 0.5; "
        "print([rle.encode(mask)['counts'] for mask in masks])"
    )
    without = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    output = subprocess.run([sys.executable, "-c", program], env=without, capture_output=True, text=True, check=True)
    masks = np.random.default_rng(0).random((20, 17, 23)) < 0.5
    assert output.stdout.strip() == str([rle.encode(mask)["counts"] for mask in masks])


@pytest.mark.parametrize("step", [None, 1, 0.5, 0.2])
def test_polygons_equal_pycocotools_also_outside_the_image_and_with_repeated_corners(step):
    coco = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(1)
    for trial in range(150):
        height, width = (int(n) for n in rng.integers(1, 60, 2))
        polygon = rng.uniform(-15, 75, 2 * rng.integers(3, 12))
        polygon = polygon if step is None else np.round(polygon / step) * step
        if trial % 5 == 0:
            polygon[2:4] = polygon[:2]
        theirs = coco.decode(coco.frPyObjects([polygon.tolist()], height, width))[..., 0]
        np.testing.assert_array_equal(rle.polygons_to_mask([polygon], (height, width)), theirs.astype(bool))


def test_several_polygons_are_one_object():
    left, right = [0, 0, 3, 0, 3, 4, 0, 4], [5, 0, 8, 0, 8, 4, 5, 4]
    mask = rle.polygons_to_mask([left, right], (4, 8))
    np.testing.assert_array_equal(mask, np.repeat([[1, 1, 1, 0, 0, 1, 1, 1]], 4, axis=0).astype(bool))
    overlapping = rle.polygons_to_mask([left, left], (4, 8))
    assert overlapping.sum() == 12  # the union: two polygons do not cancel each other


@pytest.mark.parametrize("counts", [[1, 2], [-1, 5], "0", "~~", "aaaa"])
def test_run_lengths_that_do_not_fit_are_an_error(counts):
    with pytest.raises(ValueError, match="run lengths"):
        rle.decode({"size": [2, 2], "counts": counts})


def test_wrong_arguments_are_an_error():
    with pytest.raises(ValueError, match="three corners"):
        rle.polygons_to_mask([[0, 0, 1, 1]], (4, 4))
    with pytest.raises(ValueError, match="a million pixels|more than 1000000"):
        rle.polygons_to_mask([[-900, 0, 1000, 1] * 500], (100, 100))
    with pytest.raises(ValueError, match="nan, far outside"):
        rle.polygons_to_mask([[0, 0, 1, 1, float("nan"), 3]], (4, 4))
    for wrong in ({}, None, {"size": [2, 2]}):
        with pytest.raises(ValueError, match="need 'size' and 'counts'"):
            rle.decode(wrong)
    for counts in ([2**62] * 4 + [4], rle.compress([2**59] * 32 + [4]), [2.0, 2.0], [10**30]):
        with pytest.raises(ValueError, match="run lengths|list of integers"):
            rle.decode({"size": [2, 2], "counts": counts})
    with pytest.raises(ValueError, match="bool array"):
        rle.encode(np.zeros((2, 2), int))
