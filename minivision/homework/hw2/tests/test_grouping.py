"""Selective search: fill similarity, and grouping of regions."""

import numpy as np
import pytest

from minivision.detection.selective_search.region_histograms import Regions
from minivision.homework.expected import expect


def boxes(*rows):
    """Return boxes (K, 4), one for each row of four numbers."""
    return np.array(rows, dtype=np.float64).reshape(len(rows), 4)


# ---- 2.8: fill similarity -------------------------------------------------------------------------------------------


@pytest.mark.task("2.8")
def test_the_empty_part_of_the_common_bounding_box(student):
    # Regions of 2 and 6 pixels in a box of 4 x 4: 8 of the 100 pixels of the image are in the box and in no region.
    around, sizes = np.array([[0, 0, 2, 1], [1, 2, 4, 4]]), np.array([2, 6])
    fill = student.fill_similarity(around, sizes, np.array([0]), np.array([1]), 100)
    mistakes = [
        ([0.08], "this is the empty part: subtract it from 1"),
        ([1 - 16 / 100], "the pixels of the two regions are not subtracted from the box"),
        ([1 - 8 / 16], "divide by the number of pixels of the image, not of the box"),
        ([8 / 16], "divide by the number of pixels of the image, and subtract from 1"),
        ([1 - 17 / 100], "widths and heights are counted with + 1: a box is x2 - x1 wide"),
        ([1 - 24 / 100], "the pixels of the two regions are added: subtract them"),
        ([1.08], "the sign is wrong: empty pixels make the regions less similar"),
        ([1 - 14 / 100], "only the pixels of the first region are subtracted from the box"),
        ([1 - 10 / 100], "only the pixels of the second region are subtracted from the box"),
        ([0.92 + 16 / 100], "the box around both goes from the smaller x1, y1 to the larger x2, y2"),
        ([0.92 + 20 / 100], "the box around both goes from the smaller y1 to the larger y2: this is where both are"),
        ([0.92 + 12 / 100], "the box around both goes from the smaller x1 to the larger x2: this is where both are"),
        (
            [1.09],
            "the box around both goes from the smaller x1, y1 to the larger x2, y2; this is the intersection",
        ),
        ([1.0], "the box around both goes from the smaller x1, y1 to the larger x2, y2; or an integer division"),
    ]
    expect("1 - (16 - 2 - 6) / 100", fill, [0.92], mistakes)


@pytest.mark.task("2.8")
def test_many_pairs_at_once_and_a_filled_hole(student):
    around = np.array([[0, 0, 10, 10], [4, 4, 6, 6], [10, 0, 20, 10], [30, 30, 40, 40]])
    fill = student.fill_similarity(around, np.array([96, 4, 100, 90]), np.array([0, 0, 0]), np.array([1, 2, 3]), 2000)
    right = [1, 1 - (200 - 196) / 2000, 1 - (1600 - 186) / 2000]
    mistakes = [
        (
            [1 + 4 / 2000, 1, 1 - 1400 / 2000],
            "the areas of the two boxes are subtracted: subtract the pixels of the regions, sizes[i] and sizes[j]",
        ),
        ([right[0]], "i and j contain several pairs: return one similarity for each"),
        ([1, 1, 1], "the box around both goes from the smaller x1, y1 to the larger x2, y2; or an integer division"),
    ]
    expect("the similarities of a filled hole, two neighbors, and two distant regions", fill, right, mistakes)


@pytest.mark.task("2.8")
def test_fill_similarity_agrees_with_the_reference(student):
    student.check("fill_similarity")


# ---- 2.9: grouping --------------------------------------------------------------------------------------------------


def stripes(widths, counts=None):
    """Return stripes with a height of one pixel side by side, their neighboring pairs, and the size of the image."""
    ends = np.cumsum(widths)
    around = np.stack([ends - widths, 0 * ends, ends, 0 * ends + 1], axis=1)
    counts = np.array(widths)[:, None] if counts is None else np.array(counts)
    first = np.arange(len(widths) - 1)
    regions = Regions(np.array(widths), around, counts.astype(np.int32), counts.astype(np.int32))
    return regions, np.stack([first, first + 1], axis=1), int(ends[-1])


FORGOTTEN = (
    "a merged region has the pixels of both regions, sizes[new] = sizes[i] + sizes[j], and its similarities are "
    "computed afresh from them, not taken over from its parts"
)


@pytest.mark.task("2.9")
def test_four_stripes_of_one_pixel(student):
    # By size all pairs are equally similar: the first merges. Then the other two stripes are the smallest regions.
    found, children = student.group_regions(*stripes([1, 1, 1, 1]), "S")
    mistakes = [
        ([[2, 3], [0, 1], [4, 5]], "of equally similar pairs the first merges, here (0, 1): use >, not >="),
        ([[2, 3], [1, 4], [0, 5]], "of equally similar pairs the first merges, here (0, 1): use >, not >="),
        ([[0, 1], [2, 4], [3, 5]], "the least similar pair merges: merge the most similar one"),
        ([[1, 0], [3, 2], [5, 4]], "the smaller of the two region numbers comes first"),
        ([[0, 1], [3, 2], [5, 4]], "the smaller of the two region numbers comes first"),
    ]
    expect("the merged pairs", children, [[0, 1], [2, 3], [4, 5]], mistakes)
    right = [[0, 0, 1, 1], [1, 0, 2, 1], [2, 0, 3, 1], [3, 0, 4, 1], [0, 0, 2, 1], [2, 0, 4, 1], [0, 0, 4, 1]]
    mistakes = [
        (right[:4], "return the boxes of all regions: first the given regions, then one for each merge"),
        (right[4:], "return the boxes of all regions: first the given regions, then one for each merge"),
        (right[:4] + [[0, 0, 1, 1], [2, 0, 3, 1], [0, 0, 1, 1]], "the box of a merged region encloses both regions"),
        (right[:4] + [[1, 0, 1, 1], [3, 0, 3, 1], [2, 0, 2, 1]], "x1 and y1 of the merged box are the smaller ones"),
    ]
    expect("the boxes of all seven regions", found, right, mistakes)


@pytest.mark.task("2.9")
def test_the_most_similar_pair_merges_first(student):
    _, children = student.group_regions(*stripes([9, 1, 2, 8]), "S")
    mistakes = [
        ([[0, 1], [2, 3], [4, 5]], "the least similar pair merges, or the first: merge the most similar one"),
        ([[0, 1], [2, 4], [3, 5]], "the first pair merges, or the least similar: merge the most similar one"),
        ([[0, 1], [3, 4], [2, 5]], "the least similar pair merges: merge the most similar one"),
        ([[2, 3], [0, 1], [4, 5]], "the least similar pair merges: merge the most similar one"),
        ([[1, 2], [0, 4], [3, 5]], FORGOTTEN),
    ]
    # 1 + 2 pixels, then 8 + 3 before 9 + 3, then all
    expect("the merged pairs of stripes with the widths 9, 1, 2 and 8", children, [[1, 2], [3, 4], [0, 5]], mistakes)


@pytest.mark.task("2.9")
def test_a_merged_region_has_the_pixels_of_both(student):
    # 0 and 1 merge: two pixels. Then 3 and 4 (2 + 4 pixels) merge before 2 and the merged region (5 + 2 pixels).
    _, children = student.group_regions(*stripes([1, 1, 5, 2, 4]), "S")
    mistakes = [
        ([[0, 1], [2, 5], [3, 4], [6, 7]], FORGOTTEN),
        ([[0, 1], [2, 5], [3, 6], [4, 7]], FORGOTTEN),
    ]
    expect(
        "the merged pairs of stripes with the widths 1, 1, 5, 2 and 4",
        children,
        [[0, 1], [3, 4], [2, 5], [6, 7]],
        mistakes,
    )


@pytest.mark.task("2.9")
def test_a_merged_region_has_the_histograms_of_both(student):
    # 2 and 3 are equal and merge: 10 and 10 of 20 pixels. The similarity of 1 to them (0.9) is larger than to 0 (0.8).
    colors = [[8, 2], [6, 4], [5, 5], [5, 5]]
    regions, pairs, pixels = stripes([10, 10, 10, 10], colors)
    for used, name in (("C", "colors"), ("T", "textures")):
        _, children = student.group_regions(regions, pairs, pixels, used)
        forgotten = f"a merged region has the pixels of both regions: {name}[new] = {name}[i] + {name}[j], not a mean"
        mistakes = [([[2, 3], [0, 1], [4, 5]], forgotten)]
        expect(f"the merged pairs by {name}", children, [[2, 3], [1, 4], [0, 5]], mistakes)


@pytest.mark.task("2.9")
def test_only_the_similarities_in_used_count(student):
    # Boxes that are much larger than their regions: 0 and 1 are the smallest, 1 and 2 fill their box most.
    sizes, around = np.array([2, 2, 8]), np.array([[0, 0, 9, 9], [9, 0, 11, 1], [9, 1, 11, 5]])
    counts = sizes[:, None].astype(np.int32)
    regions, pairs = Regions(sizes, around, counts, counts), np.array([[0, 1], [0, 2], [1, 2]])
    _, by_size = student.group_regions(regions, pairs, 100, "S")
    mistakes = [([[1, 2], [0, 3]], "by size it is (0, 1): is fill added although `used` does not contain it?")]
    expect("the merged pairs by size", by_size, [[0, 1], [2, 3]], mistakes)
    _, by_fill = student.group_regions(regions, pairs, 100, "F")
    mistakes = [([[0, 1], [2, 3]], "by fill it is (1, 2): is fill_similarity added if 'F' is in `used`?")]
    expect("the merged pairs by fill", by_fill, [[1, 2], [0, 3]], mistakes)


@pytest.mark.task("2.9")
def test_a_merged_region_has_the_neighbors_of_both(student):
    # 1 and 2 merge first. 0 touched 1, and 3 touched 2: both touch the merged region, and all merge to one region.
    regions, pairs, pixels = stripes([5, 1, 1, 6])
    try:
        _, children = student.group_regions(regions, pairs, pixels, "S")
    except (ValueError, KeyError, IndexError) as error:
        raise AssertionError(
            f"{type(error).__name__}: {error}\n  → Are there no pairs left, but more than one region? Each region that "
            "touched one of the merged regions touches the new region: add these pairs, with their similarities."
        ) from None
    mistakes = [
        ([[1, 2], [0, 1], [2, 3]], "a merged region does not exist any more: remove all of its pairs"),
        ([[1, 2], [0, 1], [0, 4]], "a merged region does not exist any more: remove all of its pairs"),
    ]
    expect("the merged pairs of stripes with the widths 5, 1, 1 and 6", children, [[1, 2], [0, 4], [3, 5]], mistakes)


@pytest.mark.task("2.9")
def test_one_region_does_not_merge(student):
    found, children = student.group_regions(*stripes([7]), "CTSF")
    expect("the boxes", found, [[0, 0, 7, 1]])
    assert children.shape == (0, 2), f"nothing merges: expected children of shape (0, 2), got {children.shape}"


@pytest.mark.task("2.9")
def test_group_regions_agrees_with_the_reference(student):
    student.check("group_regions")
