"""Selective search as a whole: which boxes, in which order, and how good they are beside OpenCV's."""

import importlib

import numpy as np
import pytest

import minivision
from minivision import ops
from minivision.data import Scenes
from minivision.detection import region_hierarchy, selective_search
from minivision.detection.selective_search.search import MODES, hierarchies, rank
from minivision.metrics import evaluate_proposals

search = importlib.import_module("minivision.detection.selective_search.search")  # the function has its package's name


@pytest.fixture(scope="module")
def scenes():
    return Scenes("hard", "val").draw(16)


@pytest.mark.parametrize("mode", ["single", "fast"])
@pytest.mark.parametrize("size", [(32, 40), (1, 1), (1, 30), (30, 1)])
def test_the_compiled_search_is_the_textbook_bit_for_bit(scenes, mode, size):
    image = np.ascontiguousarray(scenes[1].image[40 : 40 + size[0], 50 : 50 + size[1]])
    compiled = selective_search(image, mode)
    with minivision.backend("reference"):
        np.testing.assert_array_equal(compiled, selective_search(image, mode), strict=True)


def test_boxes_are_float32_inside_the_image_and_no_two_alike(scenes):
    image = scenes[0].image[:100]
    boxes = selective_search(image)
    assert boxes.dtype == np.float32 and len(boxes) > 100
    assert len(np.unique(boxes, axis=0)) == len(boxes)
    assert (boxes[:, :2] >= 0).all() and (boxes[:, 2:] > boxes[:, :2]).all() and (boxes[:, 2:] <= [128, 100]).all()
    assert (boxes == [0, 0, 128, 100]).all(axis=1).any()


def test_the_order_depends_on_the_generator_and_on_nothing_else(scenes):
    image = scenes[0].image
    first, again, other = (selective_search(image, rng=np.random.default_rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(selective_search(image), selective_search(image))
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(np.unique(first, axis=0), np.unique(other, axis=0))


def test_strategies_are_those_of_the_paper():
    """Uijlings et al. 2013, table 4: 1, 8 and 80."""
    assert {name: np.prod([len(part) for part in mode]) for name, mode in MODES.items()} == {
        "single": 1, "fast": 8, "quality": 80,
    }  # fmt: skip
    assert MODES["quality"].thresholds == (50, 100, 150, 300) and MODES["fast"].thresholds == (50, 100)


def test_a_modes_hierarchies_are_those_of_its_strategies_one_by_one(scenes):
    """What strategies share is computed once; it must not leak from one into the next."""
    image = scenes[2].image[:60, :60]
    found = list(hierarchies(image, "fast"))
    mode = MODES["fast"]
    alone = [
        region_hierarchy(image, color_space=space, k=k, similarities=used)
        for space in mode.color_spaces for k in mode.thresholds for used in mode.similarities
    ]  # fmt: skip
    assert len(found) == len(alone) == 8
    for one, other in zip(found, alone, strict=True):
        np.testing.assert_array_equal(one.labels, other.labels)
        np.testing.assert_array_equal(one.boxes, other.boxes)


def test_no_initial_region_is_smaller_than_k(scenes):
    for k in (50, 300):
        assert np.bincount(region_hierarchy(scenes[0].image, k=k).labels.ravel()).min() >= k


class Ones:
    """In place of a generator: what is random is 1, so positions alone decide."""

    def random(self, count):
        return np.ones(count)


def test_without_chance_the_order_is_that_of_depth_times_height_and_near_twins_come_last(scenes):
    found = list(hierarchies(scenes[0].image, "single"))
    boxes, (hierarchy,) = rank(found, Ones()), found
    best, parents = {}, {}
    for t, pair in enumerate(hierarchy.children):
        parents |= {int(child): len(hierarchy.children) + 1 + t for child in pair}

    def depth(region):
        return 1 if region not in parents else 1 + depth(parents[region])

    def height(region):
        merge = region - len(hierarchy.children) - 1
        return 1 if merge < 0 else 1 + max(height(child) for child in hierarchy.children[merge].tolist())

    for region, box in enumerate(hierarchy.boxes):
        value = depth(region) * height(region)
        best[tuple(box)] = min(value, best.get(tuple(box), value))
    values = np.array([best[tuple(box)] for box in boxes.astype(int)])
    overlaps = np.tril(ops.box_iou(boxes, boxes), -1)
    twins = np.flatnonzero((overlaps > 0.9).any(axis=1))
    first_twin = twins[0] if len(twins) else len(boxes)
    assert len(boxes) == len(best)
    assert (np.diff(values[:first_twin]) >= 0).all() and (np.diff(values[first_twin:]) >= 0).all()
    assert (overlaps[first_twin:].max(axis=1) > 0.9).all()


def test_a_plain_object_on_a_plain_ground_is_found_exactly():
    image = np.full((60, 80, 3), (30, 60, 200), np.uint8)
    image[20:45, 30:70] = (220, 180, 40)
    boxes = selective_search(image, "single")
    assert ops.box_iou(boxes, np.array([[30, 20, 70, 45]], np.float32)).max() > 0.9


def test_proposals_are_no_worse_than_opencvs_with_as_many_boxes(scenes):
    pytest.importorskip("cv2")
    from minivision.bench.selective_search import compare

    result = compare(list(scenes), scenes.classes, "fast")
    ours, theirs = result["minivision"], result["OpenCV"]
    for kind in ("recall", "mabo"):
        assert ours["figures"][kind][500] >= theirs["figures"][kind][500]
        assert ours["equal"][kind][None] >= theirs["equal"][kind][None] - 0.02  # on 60 objects


def test_more_strategies_find_more(scenes):
    truths = [sample.instances for sample in scenes]
    figures = {
        mode: evaluate_proposals(truths, [selective_search(sample.image, mode) for sample in scenes], scenes.classes)
        for mode in MODES
    }
    mabo = {mode: each["mabo"][None] for mode, each in figures.items()}
    assert mabo["single"] < mabo["fast"] < mabo["quality"] and mabo["fast"] > 0.8


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (np.zeros((8, 8, 3)), TypeError, "expected a uint8 array, 0 to 255, got float64; convert it"),
        ([[[0, 0, 0]]], TypeError, "expected a uint8 array, 0 to 255, got list"),
        (np.zeros((8, 8), np.uint8), ValueError, r"expected RGB of shape \(H, W, 3\), got \(8, 8\)"),
        (np.zeros((0, 8, 3), np.uint8), ValueError, "it has no pixels"),
        (np.zeros((1, 70_000, 3), np.uint8), ValueError, "1 x 70000 pixels are too many; make it smaller"),
    ],
)
def test_what_is_no_image_is_refused_with_the_mend(image, error, message):
    with pytest.raises(error, match=message):
        selective_search(image)


def test_unknown_modes_generators_and_similarities_are_named():
    image = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(ValueError, match="mode: expected 'single', 'fast', 'quality', got 'slow'"):
        selective_search(image, "slow")
    with pytest.raises(TypeError, match="rng: expected a numpy.random.Generator, got int"):
        selective_search(image, rng=3)
    with pytest.raises(ValueError, match="similarities: expected some of the letters C, T, S, F, got 'X'"):
        region_hierarchy(image, similarities="X")
    with pytest.raises(ValueError, match="k: expected a number greater than 0"):
        region_hierarchy(image, k=0)


def test_a_large_image_is_searched_at_a_bounded_size(monkeypatch):
    """The boxes of an image of twice the sides are those of the image, enlarged."""
    image = np.zeros((60, 80, 3), np.uint8)
    image[12:40, 20:50], image[45:, 60:] = (200, 30, 10), 255
    expected = selective_search(image)
    large = image.repeat(2, axis=0).repeat(2, axis=1)
    monkeypatch.setattr(search, "MAX_SEARCHED_PIXELS", 60 * 80)
    assert search.searched_size((120, 160)) == (60, 80) and search.searched_size((60, 80)) == (60, 80)
    np.testing.assert_array_equal(selective_search(image), expected)
    monkeypatch.setattr(search, "resize_image", lambda image, size: image[::2, ::2] if len(image) > size[0] else image)
    np.testing.assert_array_equal(selective_search(large), 2 * expected)
