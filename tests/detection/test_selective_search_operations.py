"""The steps of selective search that are operations: argument checks, a user's own functions, and their cache."""

import numpy as np
import pytest

import minivision
from minivision.checks import check_operation, load_backend
from minivision.core.registry import operations
from minivision.data import Scenes
from minivision.detection import propose_dataset, selective_search
from minivision.detection.selective_search.region_grouping import group_regions
from minivision.detection.selective_search.region_histograms import Regions
from minivision.detection.selective_search.similarity import fill_similarity, similarity

SIZES, BOXES = np.array([2, 6, 4]), np.array([[0, 0, 2, 1], [1, 2, 4, 4], [0, 1, 2, 4]])
COUNTS = np.array([[2], [6], [4]], np.int32)
REGIONS, PAIRS = Regions(SIZES, BOXES, COUNTS, COUNTS), np.array([[0, 2], [1, 2]])


STEPS = ("correlate1d", "sorted_edges", "merge_pixels", "choose_bins", "measure_regions", "depths_and_heights")


@pytest.mark.parametrize("name", ["fill_similarity", "group_regions", *STEPS])
def test_the_reference_and_the_kernel_pass_the_check(name):
    assert check_operation(name, "reference").passed
    assert check_operation(name, "numba").verdict == ("reference" if name == "fill_similarity" else "ok")


def test_many_pairs_are_what_each_of_them_is_alone():
    i, j = np.array([0, 1, 2]), np.array([1, 2, 0])
    for used in ("C", "T", "S", "F", "CTSF"):
        each = [similarity(REGIONS, one, other, 50, used) for one, other in zip(i.tolist(), j.tolist(), strict=True)]
        np.testing.assert_array_equal(similarity(REGIONS, i, j, 50, used), each)


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("i: expected values in 0 .. 2, got 3", lambda: fill_similarity(BOXES, SIZES, [0, 3], [1, 1], 50)),
        ("boxes: expected shape \\(3, 4\\)", lambda: fill_similarity(BOXES[:2], SIZES, [0], [1], 50)),
        ("j: expected shape \\(2,\\)", lambda: fill_similarity(BOXES, SIZES, [0, 1], [1], 50)),
        ("used: expected some of the letters C, T, S, F", lambda: group_regions(REGIONS, PAIRS, 50, "X")),
        ("pairs: expected values in 0 .. 2, got 7", lambda: group_regions(REGIONS, np.array([[0, 7]]), 50, "S")),
        ("pairs: expected the smaller number first", lambda: group_regions(REGIONS, PAIRS[:, ::-1], 50, "S")),
        ("every region can be reached", lambda: group_regions(REGIONS, PAIRS[:1], 50, "S")),
        ("each of at least one pixel", lambda: group_regions(REGIONS._replace(sizes=0 * SIZES), PAIRS, 50, "S")),
        ("regions.colors: expected shape", lambda: group_regions(REGIONS._replace(colors=COUNTS[:2]), PAIRS, 50, "S")),
    ],
)
def test_wrong_arguments_are_named(message, call):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_is_no_regions_is_refused():
    with pytest.raises(TypeError, match="regions: expected Regions\\(sizes, boxes, colors, textures\\), got ndarray"):
        group_regions(SIZES, PAIRS, 50, "S")


def test_a_function_of_one_s_own_proposes_and_nothing_of_it_is_kept(tmp_path):
    """A cache would give its boxes to all who ask later."""
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n\n\n"
        "def group_regions(regions, pairs, image_size, used):\n"
        "    R = len(regions.sizes)\n"
        "    children = np.arange(2 * R - 2).reshape(R - 1, 2)\n"
        "    return regions.with_room(R - 1).boxes, children\n"
    )
    scenes = Scenes("easy", "train", objects=(1, 1), size=64).draw(1)
    right = selective_search(scenes[0].image)
    with minivision.backend(load_backend(tmp_path / "mine.py")):
        own = selective_search(scenes[0].image)
        propose_dataset(scenes, folder=tmp_path / "cache")
    assert own.shape != right.shape or not np.allclose(own, right)
    assert not list(tmp_path.glob("cache/*.npz"))
    propose_dataset(scenes, folder=tmp_path / "cache")
    assert list(tmp_path.glob("cache/*.npz"))


IMAGE, ONE = np.zeros((2, 3, 1)), np.ones(1)
EDGES, WEIGHTS = np.array([[0, 1], [1, 2]]), np.array([1.0, 2.0])
LABELS, BINS = np.array([[0, 1, 1]]), np.array([[[0], [1], [1]]])


@pytest.mark.parametrize(
    ("message", "name", "arguments", "keywords"),
    [
        ("weights: expected shape .* an odd number", "correlate1d", (IMAGE, np.ones(2)), {"axis": 0}),
        ("axis: expected 0 .* or 1 .*, got 2", "correlate1d", (IMAGE, ONE), {"axis": 2}),
        ("image: it has no pixels", "correlate1d", (IMAGE[:0], ONE), {"axis": 0}),
        ("image: expected shape \\(H, W, C\\)", "sorted_edges", (IMAGE[0],), {}),
        ("image: it has values that are not finite", "sorted_edges", (IMAGE + np.nan,), {}),
        ("edges: expected values in 0 .. 1, got 2", "merge_pixels", (EDGES, WEIGHTS, (1, 2)), {"k": 1, "min_size": 1}),
        ("edges: .* got -1", "merge_pixels", (EDGES - 1, WEIGHTS, (1, 3)), {"k": 1, "min_size": 1}),
        ("weights: expected ascending", "merge_pixels", (EDGES, -WEIGHTS, (1, 3)), {"k": 1, "min_size": 1}),
        ("weights: expected shape", "merge_pixels", (EDGES, WEIGHTS[:1], (1, 3)), {"k": 1, "min_size": 1}),
        ("k: expected a number greater than 0", "merge_pixels", (EDGES, WEIGHTS, (1, 3)), {"k": 0, "min_size": 1}),
        ("image: expected values from 0 to 255", "choose_bins", (IMAGE - 5, IMAGE, IMAGE, ONE, ONE), {}),
        ("right: .* not finite", "choose_bins", (IMAGE, IMAGE + np.inf, IMAGE, ONE, ONE), {}),
        ("down: expected shape", "choose_bins", (IMAGE, IMAGE, IMAGE[:1], ONE, ONE), {}),
        ("labels: expected values in 0 .. 0", "measure_regions", (LABELS, BINS), {"num_regions": 1, "num_bins": 2}),
        ("region 1 has none", "measure_regions", (2 * LABELS, BINS), {"num_regions": 3, "num_bins": 2}),
        ("bins: expected values in 0 .. 0", "measure_regions", (LABELS, BINS), {"num_regions": 2, "num_bins": 1}),
        ("bins: expected shape", "measure_regions", (LABELS, BINS[:, :2]), {"num_regions": 2, "num_bins": 2}),
        ("children: .* earlier regions", "depths_and_heights", (np.array([[0, 3], [1, 2]]),), {}),
        ("children: .* exactly once", "depths_and_heights", (np.array([[0, 1], [0, 3]]),), {}),
    ],
)
def test_wrong_arguments_of_the_steps_are_named_before_a_kernel_runs(message, name, arguments, keywords):
    with pytest.raises(ValueError, match=message):
        operations()[name](*arguments, **keywords)
