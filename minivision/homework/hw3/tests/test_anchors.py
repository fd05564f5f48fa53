"""Anchors, matching, training targets of anchors, and the loss of a region proposal network."""

import math

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


# ---- 3.3: training targets of anchors -------------------------------------------------------------------------------


ANCHORS = np.array([[0, 0, 10, 10], [50, 50, 60, 60], [0, 0, 10, 16], [100, 0, 110, 10]], float)
OBJECTS = np.array([[50, 52, 60, 62], [2, 0, 12, 10]], float)  # object 1 is at the first anchor, object 0 at the second


@pytest.mark.task("3.3")
def test_each_anchor_has_its_object_and_the_offsets_to_it(student):
    found, deltas = student.anchor_targets(ANCHORS, OBJECTS)
    expect(
        "the matches of four anchors",
        found,
        [1, 0, IGNORED, BACKGROUND],
        [
            (
                [IGNORED, IGNORED, IGNORED, BACKGROUND],
                "The best anchors of each object are matched for any IoU (allow_low_quality_matches).",
            ),
            (
                [1, 0],
                "`match` expects a row for each object: ops.box_iou(boxes, anchors), not ops.box_iou(anchors, boxes).",
            ),
            (
                [1, 0, BACKGROUND, BACKGROUND],
                "Anchors with an IoU between `bg_iou_thresh` and `fg_iou_thresh` are ignored, not background.",
            ),
        ],
    )
    if np.shape(deltas) == (4, 4):
        others = np.asarray(deltas)[2:]
        assert not others[0].any() or others[1].any(), (
            f"the offsets of an ignored anchor should be 0 and are\n{others[0]}\n  → Only anchors with an object have "
            "offsets, matches >= 0: IGNORED is -2, which as an index is the last object but one."
        )
        assert not np.any(others), f"the offsets of anchors without an object should be 0 and are\n{others}"
    right = np.zeros((4, 4))
    right[0, 0] = right[1, 1] = 0.2  # two of ten pixels to the right; two of ten pixels down
    expect(
        "the offsets of four anchors",
        deltas,
        right,
        [
            (
                -right,
                "The offsets lead from the anchor to its object: encode_boxes(boxes, anchors), not (anchors, boxes).",
            ),
            (right[:2], "There is a row for each anchor: zeros for anchors without an object."),
            (
                [[5, 5.2, 0, 0], [-4.8, -5, 0, 0], *right[2:]],
                "Each anchor needs the box of *its* object, boxes[matches].",
            ),
        ],
    )


@pytest.mark.task("3.3")
def test_the_offsets_contain_the_size_of_the_object(student):
    _, deltas = student.anchor_targets(np.array([[0.0, 0.0, 10.0, 10.0]]), np.array([[0.0, 0.0, 10.0, 20.0]]))
    log2 = math.log(2)
    expect(
        "the offsets from a square to a box that is twice as high",
        deltas,
        [[0, 0.5, 0, log2]],
        [
            (
                [[0, -0.25, 0, -log2]],
                "The offsets lead from the anchor to its object: encode_boxes(boxes, anchors), not (anchors, boxes).",
            ),
            (
                [[0, 0, 0, 0]],
                "This anchor is the best one of its object, so it is matched and has offsets.",
            ),
        ],
    )


@pytest.mark.task("3.3")
def test_anchor_targets_agrees_with_the_reference(student):
    student.check("anchor_targets", empty=("boxes",))


# ---- 3.4: the loss of a region proposal network ---------------------------------------------------------------------


def rpn(student, logits, positive, negative, deltas=None, targets=None, **options):
    logits = np.array(logits, float)
    deltas = np.zeros((*logits.shape, 4)) if deltas is None else np.array(deltas, float)
    targets = np.zeros((len(positive), 4)) if targets is None else np.array(targets, float)
    return student.rpn_loss(logits, deltas, np.array(positive, int), np.array(negative, int), targets, **options)


@pytest.mark.task("3.4")
def test_objectness_is_averaged_over_the_sampled_anchors(student):
    # of two images with three anchors each, anchor 0 of the second (number 3) is an object; anchor 1 of the first and
    # anchor 2 of the second (number 5) are none
    yes, no = math.log1p(math.exp(-2)), math.log1p(math.exp(1))  # -log(p) for the object, -log(1 - p) for the other
    also = math.log1p(math.exp(3))
    _, loss, *_ = rpn(student, [[5, 1, -7], [2, 9, 3]], [3], [1, 5])
    expect(
        "the objectness loss of an object and two others",
        loss,
        (yes + no + also) / 3,
        [
            (yes + (no + also) / 2, "It is one mean over all sampled anchors, not the sum of a mean for each kind."),
            ((yes + (no + also) / 2) / 2, "It is one mean over all sampled anchors, not a mean for each kind."),
            (yes + no + also, "It is the mean over the sampled anchors, not the sum."),
            ((yes + no + also) / 6, "It is the mean over the sampled anchors (3), not over all anchors (6)."),
            (
                (math.log1p(math.exp(-5)) + no + math.log1p(math.exp(-7))) / 3,
                "Anchor k of image n has the index n * K + k: here all are in the first image.",
            ),
            (
                (yes + 2 + no - 1 + also - 3) / 3,
                "The targets are swapped: the target of positive anchors is 1, of negative anchors 0.",
            ),
            (
                (yes + sum(math.log1p(math.exp(logit)) for logit in (5, 1, -7, 9, 3))) / 6,
                "Only sampled anchors count: those that are in neither list are left out, they are no background.",
            ),
            (yes, "Negative anchors count, too: their target is 0."),
            (yes / 3, "Negative anchors count, too: their target is 0."),
        ],
    )
    *_, dlogits, _ = rpn(student, [[5, 1, -7], [2, 9, 9]], [3], [1])
    one, two = -1 / (1 + math.exp(2)) / 2, 1 / (1 + math.exp(-1)) / 2
    right = [[0, two, 0], [one, 0, 0]]
    expect(
        "the gradient of the logits",
        dlogits,
        right,
        [
            (2 * np.array(right), "It is the gradient of the mean: divide by the number of sampled anchors."),
            ([[two, one, 0], [0, 0, 0]], "Anchor k of image n has the index n * K + k."),
        ],
    )


@pytest.mark.task("3.4")
def test_the_box_loss_counts_positive_anchors_and_is_divided_by_all_sampled_anchors(student):
    deltas = np.zeros((1, 4, 4))
    deltas[0, 2] = 3, 0, 0, 0  # 3 too far to the right: with beta = 1 the loss is 3 - 1/2
    deltas[0, 1] = 7  # of a negative anchor, which does not count
    total, objects, loss, _, ddeltas = rpn(student, [[0, 0, 0, 0]], [2], [0, 1, 3], deltas, beta=1.0)
    expect(
        "the box loss of one positive and three negative anchors",
        loss,
        2.5 / 4,
        [
            (2.5, "It is divided by the number of sampled anchors, 4, not by the number of positive anchors."),
            (
                2.5 / 4 / 4,
                "It is summed over the four numbers of a box, then divided by the number of sampled anchors.",
            ),
            ((2.5 + 4 * 6.5) / 4, "Only positive anchors have a target box: negative anchors do not count here."),
            ((2.5 + 4 * 6.5) / 16, "Only positive anchors have a target box: negative anchors do not count here."),
            ((3 - 1 / 18) / 4, "beta is ignored: pass it to ops.smooth_l1_loss."),
            (9 / 4, "It is the smooth L1 loss, not the square."),
            (4.5 / 4, "It is the smooth L1 loss, not the square."),
        ],
    )
    right = np.zeros((1, 4, 4))
    right[0, 2, 0] = 1 / 4
    expect(
        "the gradient of the offsets",
        ddeltas,
        right,
        [
            (4 * right, "The gradient is divided by the number of sampled anchors, like the loss."),
            (
                0 * right,
                "The gradient of the offsets is 0 everywhere: write that of smooth_l1_loss to the positive anchors.",
            ),
        ],
    )
    expect(
        "the total loss (objectness: log 2)",
        total,
        math.log(2) + 2.5 / 4,
        [
            (math.log(2), "The loss is the sum of both: add the box loss."),
            (2.5 / 4, "The loss is the sum of both: add the objectness loss."),
        ],
    )
    expect("the objectness loss", objects, math.log(2))


@pytest.mark.task("3.4")
def test_beta_is_one_ninth(student):
    deltas = np.zeros((1, 1, 4))
    deltas[0, 0, 0] = 1 / 18
    *_, loss, _, _ = rpn(student, [[0]], [0], [], deltas)
    expect(
        "the loss of a box with an error of 1/18",
        loss,
        1 / 72,
        [
            (1 / 648, "`beta` is not used: its default is 1/9."),
            (1 / 18, "With beta = 1/9, smaller differences are squared: 0.5 * d ** 2 / beta."),
        ],
    )


@pytest.mark.task("3.4")
def test_the_loss_without_sampled_anchors_is_0(student):
    loss, objects, boxes, dlogits, ddeltas = rpn(student, [[1, 2]], [], [])
    for value in (loss, objects, boxes):
        assert np.isfinite(value), "without sampled anchors the loss is 0, not NaN: a mean of no numbers divides by 0"
        assert value == 0, f"without sampled anchors the loss is 0, not {value}"
    assert not np.any(dlogits) and not np.any(ddeltas), "without sampled anchors all gradients are 0"


@pytest.mark.task("3.4")
def test_rpn_loss_agrees_with_the_reference(student):
    student.check("rpn_loss", empty=("positive", "negative", "targets"))
