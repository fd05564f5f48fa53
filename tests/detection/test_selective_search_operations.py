"""The two steps of selective search that are operations: doors, functions of one's own, and no cache for these."""

import numpy as np
import pytest

import minivision
from minivision.checks import check_operation, load_backend
from minivision.data import Scenes
from minivision.detection import propose_dataset, selective_search
from minivision.detection.selective_search.region_grouping import group_regions
from minivision.detection.selective_search.region_histograms import Regions
from minivision.detection.selective_search.similarity import fill_similarity, similarity

SIZES, BOXES = np.array([2, 6, 4]), np.array([[0, 0, 2, 1], [1, 2, 4, 4], [0, 1, 2, 4]])
COUNTS = np.array([[2], [6], [4]], np.int32)
REGIONS, PAIRS = Regions(SIZES, BOXES, COUNTS, COUNTS), np.array([[0, 2], [1, 2]])


@pytest.mark.parametrize("name", ["fill_similarity", "group_regions"])
def test_the_textbook_and_the_kernel_pass_the_check(name):
    assert check_operation(name, "reference").passed
    assert check_operation(name, "numba").verdict == ("ok" if name == "group_regions" else "reference")


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
