"""Anchors, and their matching with objects."""

import numpy as np
import pytest

from minivision.homework.expected import expect

BACKGROUND, IGNORED = -1, -2


# ---- 3.1: anchors ---------------------------------------------------------------------------------------------------


@pytest.mark.task("3.1")
def test_one_box_at_each_of_two_places(student):
    # two places side by side, 8 pixels apart; a box of 4 x 4 pixels extends 2 pixels to each side of its center
    anchors = student.anchor_grid((1, 2), 8, (4,), (1,), dtype=np.float64)
    expect(
        "the anchors of a 1 x 2 map",
        anchors,
        [[-2, -2, 2, 2], [6, -2, 10, 2]],
        [
            (
                [[-2, -2, 2, 2], [-2, 6, 2, 10]],
                "x and y are swapped: x grows from column to column, y from row to row.",
            ),
            (
                [[-4, -4, 4, 4], [4, -4, 12, 4]],
                "A box extends half its width and half its height to each side of its center.",
            ),
            ([[-1, -1, 1, 1], [7, -1, 9, 1]], "A box has the area size ** 2: a size is a side, and not an area."),
            ([[0, 0, 4, 4], [8, 0, 12, 4]], "The place is the center of the box, not its upper left corner."),
            ([[0, 0, 2, 2], [6, 0, 10, 2]], "Boxes may extend beyond the image: they are not clipped."),
            ([[0, 0, 2, 2], [6, 0, 8, 2]], "Boxes may extend beyond the image: they are not clipped."),
            (
                [[-1.5, -1.5, 1.5, 1.5], [6.5, -1.5, 9.5, 1.5]],
                "A box from x1 to x2 is x2 - x1 wide, without - 1 or + 1.",
            ),
            ([[-2, -2, 1, 1], [6, -2, 9, 1]], "A box from x1 to x2 is x2 - x1 wide, without - 1 or + 1."),
            ([[0, 0, 4, 4], [8, 0, 4, 4]], "Boxes are x1, y1, x2, y2: two corners, not a center and a size."),
            ([[-2, -2, 4, 4], [6, -2, 4, 4]], "Boxes are x1, y1, x2, y2: two corners, not a corner and a size."),
            ([[2, 2, 6, 6], [10, 2, 14, 6]], "Half a stride is added to the centers, although `offset` is 0: use it."),
            ([[-16, -16, 16, 16], [-8, -16, 24, 16]], "Sizes are pixels: do not multiply them by the stride."),
        ],
    )


@pytest.mark.task("3.1")
def test_the_ratio_is_height_by_width_and_does_not_change_the_area(student):
    # 18 x 18 = 6 x 54: nine times as high as wide, with the same area
    expect(
        "a box of size 18 and ratio 9",
        student.anchor_grid((1, 1), 8, (18,), (9,), dtype=np.float64),
        [[-3, -27, 3, 27]],
        [
            ([[-27, -3, 27, 3]], "A ratio is height divided by width, not width divided by height."),
            ([[-1, -81, 1, 81]], "The square root is missing: height / width would be the ratio squared."),
            (
                [[-9, -81, 9, 81]],
                "The area must be size ** 2 for every ratio: the width must become smaller, too.",
            ),
            ([[-1, -9, 1, 9]], "The area must be size ** 2 for every ratio: the height must become larger, too."),
            ([[-3, -9, 3, 9]], "The area must be size ** 2 for every ratio: the height must become larger, too."),
        ],
    )
    expect(
        "a box of size 5",
        student.anchor_grid((1, 1), 8, (5,), (1,), dtype=np.float64),
        [[-2.5, -2.5, 2.5, 2.5]],
        [
            ([[-2, -2, 2, 2]], "Boxes are rounded to whole pixels: do not round."),
            ([[-3, -3, 3, 3]], "Boxes are rounded to whole pixels: do not round."),
            ([[-3, -3, 2, 2]], "Boxes are rounded to whole pixels: divide with /, not with //."),
        ],
    )


@pytest.mark.task("3.1")
def test_the_order_of_the_anchors(student):
    anchors = student.anchor_grid((2, 3), 100, (2, 4), (1, 4), dtype=np.float64)
    assert np.shape(anchors) == (24, 4), (
        f"2 x 3 places with 2 x 2 boxes are 24 anchors, an array (24, 4), not {np.shape(anchors)}"
    )
    centers = (np.asarray(anchors)[:, :2] + np.asarray(anchors)[:, 2:]) / 2
    places = np.array([[0, 0], [100, 0], [200, 0], [0, 100], [100, 100], [200, 100]])
    right = np.repeat(places, 4, axis=0)
    expect(
        "the centers (x, y) of all anchors",
        centers,
        right,
        [
            (
                np.tile(places, (4, 1)),
                "All boxes of a place come first, then all boxes of the next place.",
            ),
            (np.repeat(places[[0, 3, 1, 4, 2, 5]], 4, axis=0), "Places come row by row: x changes first."),
            (right[:, ::-1], "x and y are swapped: x grows from column to column, y from row to row."),
        ],
    )
    heights = np.asarray(anchors)[:4, 3] - np.asarray(anchors)[:4, 1]
    expect(
        "the heights of the boxes at a place (sizes 2 and 4, ratios 1 and 4)",
        heights,
        [2, 4, 4, 8],
        [([2, 4, 4, 8][::-1], "The sizes and ratios are in the wrong order.")],
    )
    widths = np.asarray(anchors)[:4, 2] - np.asarray(anchors)[:4, 0]
    expect(
        "the widths of the boxes at a place (sizes 2 and 4, ratios 1 and 4)",
        widths,
        [2, 4, 1, 2],
        [([2, 1, 4, 2], "At each place all sizes of the first ratio come first, then all sizes of the next ratio.")],
    )


@pytest.mark.task("3.1")
def test_the_offset_is_a_fraction_of_the_stride(student):
    anchors = student.anchor_grid((1, 2), (8, 4), (2,), (1,), offset=0.5, dtype=np.float64)
    expect(
        "two boxes of size 2, each in the middle of 8 x 4 pixels (rows x columns),",
        anchors,
        [[1, 3, 3, 5], [5, 3, 7, 5]],
        [
            ([[-1, -1, 1, 1], [3, -1, 5, 1]], "The offset is ignored."),
            (
                [[-0.5, -0.5, 1.5, 1.5], [3.5, -0.5, 5.5, 1.5]],
                "The unit of the offset is the stride, not a pixel: add it before you multiply.",
            ),
            (
                [[3, 1, 5, 3], [11, 1, 13, 3]],
                "The stride is (vertical, horizontal): the two numbers are swapped.",
            ),
            (
                [[3, 1, 5, 3], [3, 5, 5, 7]],
                "x and y are swapped: x grows from column to column, y from row to row.",
            ),
            ([[-1, 3, 1, 5], [3, 3, 5, 5]], "The offset is not added to x: it is for rows and columns."),
            ([[1, -1, 3, 1], [5, -1, 7, 1]], "The offset is not added to y: it is for rows and columns."),
        ],
    )


@pytest.mark.task("3.1")
def test_anchor_grid_agrees_with_the_reference(student):
    student.check("anchor_grid")


# ---- 3.2: matching --------------------------------------------------------------------------------------------------


def matches(student, iou, **options):
    return student.match(np.array(iou, float), **{"fg_iou_thresh": 0.7, "bg_iou_thresh": 0.3, **options})


@pytest.mark.task("3.2")
def test_each_box_gets_the_object_with_the_largest_iou(student):
    iou = [[0.8, 0.5, 0.1], [0.1, 0.6, 0.2]]  # two objects (rows), three boxes (columns)
    expect(
        "the matches of three boxes",
        matches(student, iou, allow_low_quality_matches=False),
        [0, IGNORED, BACKGROUND],
        [
            ([0, BACKGROUND, IGNORED], "BACKGROUND and IGNORED are swapped: below `bg_iou_thresh` is background."),
            (
                [0, BACKGROUND, BACKGROUND],
                "A box with an IoU between `bg_iou_thresh` and `fg_iou_thresh` is ignored: it is not background.",
            ),
            (
                [0, 1, BACKGROUND],
                "A box with an IoU between `bg_iou_thresh` and `fg_iou_thresh` is ignored: it has no object, "
                "not even the best box of an object where `allow_low_quality_matches` is False.",
            ),
            ([0, 1], "There is one number for each box: search the largest IoU along axis 0, the objects."),
            ([0, IGNORED], "There is one number for each box: search the largest IoU along axis 0, the objects."),
            (
                [0, 1, 1],
                "The thresholds are ignored: the IoU of a box and its object must be at least `fg_iou_thresh`.",
            ),
            ([0.8, IGNORED, BACKGROUND], "A match is the index (row) of the object, not the IoU."),
            (
                [1, IGNORED, BACKGROUND],
                "A match is the index of the object with the largest IoU, argmax: 0 is the first object.",
            ),
        ],
    )
    expect(
        "the match of a box with the same IoU with two objects",
        matches(student, [[0.8], [0.8]], allow_low_quality_matches=False),
        [0],
        [([1], "If the IoU with several objects is the same, a box gets the first.")],
    )


@pytest.mark.task("3.2")
def test_an_iou_equal_to_a_threshold(student):
    expect(
        "the matches of three boxes with the IoU 0.75, 0.5 and 0.25, for fg_iou_thresh=0.75 and bg_iou_thresh=0.25",
        matches(student, [[0.75, 0.5, 0.25]], fg_iou_thresh=0.75, bg_iou_thresh=0.25, allow_low_quality_matches=False),
        [0, IGNORED, IGNORED],
        [
            (
                [IGNORED, IGNORED, IGNORED],
                "A box with an IoU equal to `fg_iou_thresh` is matched: >=, not >.",
            ),
            (
                [0, IGNORED, BACKGROUND],
                "A box with an IoU equal to `bg_iou_thresh` is ignored; below, it is background: <, not <=.",
            ),
            (
                [IGNORED, IGNORED, BACKGROUND],
                "A box with an IoU equal to `fg_iou_thresh` is matched (>=), equal to `bg_iou_thresh` ignored (<).",
            ),
        ],
    )


@pytest.mark.task("3.2")
def test_the_best_boxes_of_an_object_are_matched_for_any_iou(student):
    expect(
        "the matches with an object of small IoU",
        matches(student, [[0.1, 0.2, 0.2, 0.0]]),
        [BACKGROUND, 0, 0, BACKGROUND],
        [
            (
                [BACKGROUND] * 4,
                "The best boxes of each object are matched for any IoU (allow_low_quality_matches).",
            ),
            (
                [BACKGROUND, 0, BACKGROUND, BACKGROUND],
                "All boxes with the largest IoU of an object are matched, not only the first.",
            ),
            (
                [BACKGROUND, BACKGROUND, 0, BACKGROUND],
                "All boxes with the largest IoU of an object are matched, not only the last.",
            ),
            ([0, 0, 0, BACKGROUND], "Only the *best* boxes of an object are matched for any IoU."),
            (
                [BACKGROUND, IGNORED, IGNORED, BACKGROUND],
                "The best boxes of each object are matched for any IoU, also below `fg_iou_thresh`: not ignored.",
            ),
        ],
    )
    expect(
        "the matches with two objects whose best boxes have an IoU of 0.5 and 0.2",
        matches(student, [[0.5, 0.4, 0.0, 0.0], [0.0, 0.0, 0.2, 0.1]]),
        [0, IGNORED, 1, BACKGROUND],
        [
            (
                [0, IGNORED, BACKGROUND, BACKGROUND],
                "Each object has a best box of its own: the largest IoU of its row, not that of the whole table.",
            ),
        ],
    )
    expect(
        "the matches with an object whose IoU with two boxes is nearly the same",
        matches(student, [[0.2, 0.19999, 0.0]]),
        [0, BACKGROUND, BACKGROUND],
        [([0, 0, BACKGROUND], "Nearly the largest IoU is not the largest: only equal ones are best boxes, too (==).")],
    )
    for iou in ([[0.5, 0.4], [0.6, 0.1]], [[0.6, 0.1], [0.5, 0.4]]):
        larger, smaller = (1, 0) if iou[1][0] > iou[0][0] else (0, 1)
        expect(
            f"the matches for the IoU {iou}, with the same best box for two objects",
            matches(student, iou),
            [larger, IGNORED],
            [([smaller, IGNORED], "A best box, too, gets the object with the largest IoU in *its* column.")],
        )
    expect(
        "the matches if no box overlaps the first object",
        matches(student, [[0.0, 0.0, 0.0], [0.0, 0.9, 0.5]]),
        [BACKGROUND, 1, IGNORED],
        [
            ([0, 0, 0], "An object with an IoU of 0 with all boxes gets no box: all of them would be its best boxes."),
            ([0, 1, 0], "An object with an IoU of 0 with all boxes gets no box: all of them would be its best boxes."),
            (
                [0, 1, IGNORED],
                "An object with an IoU of 0 with all boxes gets no box: all of them would be its best boxes.",
            ),
            ([0, 1, 1], "An object with an IoU of 0 with all boxes gets no box: all of them would be its best boxes."),
            ([1, 1, 1], "An object with an IoU of 0 with all boxes gets no box: all of them would be its best boxes."),
        ],
    )


@pytest.mark.task("3.2")
def test_without_objects_all_boxes_are_background(student):
    try:
        found = student.match(np.zeros((0, 3)), fg_iou_thresh=0.7, bg_iou_thresh=0.3)
    except NotImplementedError:
        raise
    except Exception as error:
        raise AssertionError(f"an image may contain no objects; then every box is background: {error}") from None
    expect("the matches of three boxes in an image without objects", found, [BACKGROUND] * 3)


@pytest.mark.task("3.2")
def test_match_agrees_with_the_reference(student):
    student.check("match", empty=("iou",))
