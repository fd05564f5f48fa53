"""Anchors, what each should find, and the loss of a region proposal network."""

import math

import numpy as np
import pytest

from minivision.homework.expected import expect

BACKGROUND, IGNORED = -1, -2


# ---- 3.1: anchors ---------------------------------------------------------------------------------------------------


@pytest.mark.task("3.1")
def test_one_box_at_each_of_two_places(student):
    # two places side by side, 8 pixels apart; a box of 4 x 4 pixels is 2 pixels wide to each side of its centre
    anchors = student.anchor_grid((1, 2), 8, (4,), (1,), dtype=np.float64)
    expect(
        "the anchors of a map of 1 x 2",
        anchors,
        [[-2, -2, 2, 2], [6, -2, 10, 2]],
        [
            (
                [[-2, -2, 2, 2], [-2, 6, 2, 10]],
                "x and y are swapped: from column to column x grows, from row to row y.",
            ),
            (
                [[-4, -4, 4, 4], [4, -4, 12, 4]],
                "A box reaches half its width and half its height to each side of its centre.",
            ),
            ([[0, 0, 4, 4], [8, 0, 12, 4]], "The place is the centre of the box, not its upper left corner."),
            ([[0, 0, 2, 2], [6, 0, 10, 2]], "Boxes may reach out of the image: they are not clipped."),
            ([[0, 0, 2, 2], [6, 0, 8, 2]], "Boxes may reach out of the image: they are not clipped."),
            (
                [[-1.5, -1.5, 1.5, 1.5], [6.5, -1.5, 9.5, 1.5]],
                "A box from x1 to x2 is x2 - x1 wide: there is no - 1 or + 1.",
            ),
            ([[-2, -2, 1, 1], [6, -2, 9, 1]], "A box from x1 to x2 is x2 - x1 wide: there is no - 1 or + 1."),
            ([[0, 0, 4, 4], [8, 0, 4, 4]], "Boxes are x1, y1, x2, y2: two corners, not a centre and a size."),
            ([[-2, -2, 4, 4], [6, -2, 4, 4]], "Boxes are x1, y1, x2, y2: two corners, not a corner and a size."),
        ],
    )


@pytest.mark.task("3.1")
def test_the_ratio_is_height_by_width_and_leaves_the_area(student):
    # 8 x 8 = 4 x 16: four times as high as wide, with the same area
    expect(
        "a box of size 8 and ratio 4",
        student.anchor_grid((1, 1), 8, (8,), (4,), dtype=np.float64),
        [[-2, -8, 2, 8]],
        [
            ([[-8, -2, 8, 2]], "A ratio is height divided by width, not width divided by height."),
            ([[-1, -16, 1, 16]], "The square root is missing: height / width would be the ratio squared."),
            (
                [[-4, -16, 4, 16]],
                "The area is to stay size ** 2, whatever the ratio: the width must become smaller too.",
            ),
            ([[-1, -4, 1, 4]], "The area is to stay size ** 2, whatever the ratio: the height must become larger too."),
            ([[-2, -4, 2, 4]], "The area is to stay size ** 2, whatever the ratio: the height must become larger too."),
        ],
    )
    expect(
        "a box of size 5",
        student.anchor_grid((1, 1), 8, (5,), (1,), dtype=np.float64),
        [[-2.5, -2.5, 2.5, 2.5]],
        [
            ([[-2, -2, 2, 2]], "Nothing is rounded to whole pixels."),
            ([[-3, -3, 3, 3]], "Nothing is rounded to whole pixels."),
            ([[-3, -3, 2, 2]], "Nothing is rounded to whole pixels: divide by /, not by //."),
        ],
    )


@pytest.mark.task("3.1")
def test_all_sizes_of_the_first_ratio_come_first_and_places_row_by_row(student):
    anchors = student.anchor_grid((2, 2), 100, (2, 4), (1, 4), dtype=np.float64)
    assert np.shape(anchors) == (16, 4), (
        f"2 x 2 places with 2 x 2 boxes are 16 anchors, an array (16, 4), not {np.shape(anchors)}"
    )
    centres = (np.asarray(anchors)[:, :2] + np.asarray(anchors)[:, 2:]) / 2
    right = np.repeat([[0, 0], [100, 0], [0, 100], [100, 100]], 4, axis=0)
    expect(
        "the centres (x, y) of all anchors",
        centres,
        right,
        [
            (
                np.tile(right[::4], (4, 1)),
                "All boxes of a place come one after the other, then those of the next place.",
            ),
            (right[:, ::-1], "Places come row by row: along a row first, which is along x."),
        ],
    )
    heights = np.asarray(anchors)[:4, 3] - np.asarray(anchors)[:4, 1]
    expect(
        "the heights of the boxes at a place (sizes 2 and 4, ratios 1 and 4)",
        heights,
        [2, 4, 4, 8],
        [([2, 4, 4, 8][::-1], "The sizes and ratios keep their order.")],
    )
    widths = np.asarray(anchors)[:4, 2] - np.asarray(anchors)[:4, 0]
    expect(
        "the widths of the boxes at a place (sizes 2 and 4, ratios 1 and 4)",
        widths,
        [2, 4, 1, 2],
        [([2, 1, 4, 2], "At each place all sizes of the first ratio come first, then all sizes of the next ratio.")],
    )


@pytest.mark.task("3.1")
def test_the_offset_is_a_part_of_the_stride(student):
    anchors = student.anchor_grid((1, 1), (8, 4), (2,), (1,), offset=0.5, dtype=np.float64)
    expect(
        "a box of size 2 in the middle of 8 x 4 pixels (rows x columns)",
        anchors,
        [[1, 3, 3, 5]],
        [
            ([[-1, -1, 1, 1]], "The offset is ignored."),
            ([[-0.5, -0.5, 1.5, 1.5]], "The offset counts in strides, not in pixels: add it before you multiply."),
            ([[3, 1, 5, 3]], "The stride is (down, across): rows and columns are swapped."),
        ],
    )


@pytest.mark.task("3.1")
def test_anchors_of_all_kinds(student):
    student.check("anchor_grid")


# ---- 3.2: matching --------------------------------------------------------------------------------------------------


def matches(student, iou, **options):
    return student.match(np.array(iou, float), **{"fg_iou_thresh": 0.7, "bg_iou_thresh": 0.3, **options})


@pytest.mark.task("3.2")
def test_each_box_gets_the_object_that_it_overlaps_most(student):
    iou = [[0.8, 0.5, 0.1], [0.1, 0.6, 0.2]]  # two objects (rows), three boxes (columns)
    expect(
        "the matches of three boxes",
        matches(student, iou, allow_low_quality_matches=False),
        [0, IGNORED, BACKGROUND],
        [
            ([0, BACKGROUND, IGNORED], "BACKGROUND and IGNORED are swapped: below `bg_iou_thresh` is background."),
            (
                [0, BACKGROUND, BACKGROUND],
                "A box between `bg_iou_thresh` and `fg_iou_thresh` is ignored: it is neither object nor background.",
            ),
            (
                [0, 1, BACKGROUND],
                "A box between `bg_iou_thresh` and `fg_iou_thresh` has not found its object: it is ignored.",
            ),
            ([0, 1], "There is one number for each box: look for the largest overlap along axis 0, the objects."),
            ([0, IGNORED], "There is one number for each box: look for the largest overlap along axis 0, the objects."),
            ([0, 1, 1], "The thresholds are not looked at: a box must overlap its object by `fg_iou_thresh`."),
            ([0.8, IGNORED, BACKGROUND], "A match is the number (row) of the object, not the overlap."),
            ([1, IGNORED, BACKGROUND], "Take the object with the largest overlap, argmax; 0 is the first object."),
        ],
    )
    expect(
        "the match of a box that overlaps two objects equally",
        matches(student, [[0.8], [0.8]], allow_low_quality_matches=False),
        [0],
        [([1], "Of objects that it overlaps equally a box gets the first.")],
    )


@pytest.mark.task("3.2")
def test_overlaps_exactly_at_a_threshold(student):
    expect(
        "the matches of two boxes with the IoU 0.75 and 0.25, where fg_iou_thresh=0.75 and bg_iou_thresh=0.25",
        matches(student, [[0.75, 0.25]], fg_iou_thresh=0.75, bg_iou_thresh=0.25, allow_low_quality_matches=False),
        [0, IGNORED],
        [
            (
                [IGNORED, IGNORED],
                "A box has found its object from `fg_iou_thresh` on, so at exactly `fg_iou_thresh` too: >=, not >.",
            ),
            (
                [0, BACKGROUND],
                "A box is background below `bg_iou_thresh`; at exactly `bg_iou_thresh` it is ignored: <, not <=.",
            ),
            (
                [IGNORED, BACKGROUND],
                "At exactly `fg_iou_thresh` a box has found its object (>=); at exactly `bg_iou_thresh` it is ignored (<).",
            ),
        ],
    )


@pytest.mark.task("3.2")
def test_the_best_boxes_of_an_object_are_found_however_small_their_overlap(student):
    expect(
        "the matches with an object of small overlap",
        matches(student, [[0.1, 0.2, 0.2, 0.0]]),
        [BACKGROUND, 0, 0, BACKGROUND],
        [
            (
                [BACKGROUND] * 4,
                "The best boxes of each object are found, however small the overlap is (allow_low_quality_matches).",
            ),
            (
                [BACKGROUND, 0, BACKGROUND, BACKGROUND],
                "All boxes that overlap an object most, equally, are found; not the first alone.",
            ),
            (
                [BACKGROUND, BACKGROUND, 0, BACKGROUND],
                "All boxes that overlap an object most, equally, are found; not the last alone.",
            ),
            ([0, 0, 0, BACKGROUND], "Only the *best* boxes of an object are found however small their overlap is."),
        ],
    )
    for iou in ([[0.5, 0.4], [0.6, 0.1]], [[0.6, 0.1], [0.5, 0.4]]):
        most, least = (1, 0) if iou[1][0] > iou[0][0] else (0, 1)
        expect(
            f"the matches for the IoU {iou}, where two objects have the same best box",
            matches(student, iou),
            [most, IGNORED],
            [([least, IGNORED], "A best box, too, gets the object that *it* overlaps most.")],
        )
    expect(
        "the matches where no box overlaps the first object",
        matches(student, [[0.0, 0.0, 0.0], [0.0, 0.9, 0.5]]),
        [BACKGROUND, 1, IGNORED],
        [
            ([0, 0, 0], "An object that no box overlaps gets none: its best overlap is 0, and all boxes have that."),
            ([0, 1, 0], "An object that no box overlaps gets none: its best overlap is 0, and all boxes have that."),
            (
                [0, 1, IGNORED],
                "An object that no box overlaps gets none: its best overlap is 0, and all boxes have that.",
            ),
            ([0, 1, 1], "An object that no box overlaps gets none: its best overlap is 0, and all boxes have that."),
            ([1, 1, 1], "An object that no box overlaps gets none: its best overlap is 0, and all boxes have that."),
        ],
    )


@pytest.mark.task("3.2")
def test_without_objects_all_boxes_are_background(student):
    try:
        found = student.match(np.zeros((0, 3)), fg_iou_thresh=0.7, bg_iou_thresh=0.3)
    except NotImplementedError:
        raise
    except Exception as error:
        raise AssertionError(
            f"an image may hold no object at all; then every box is background, and no error: {error}"
        ) from None
    expect("the matches of three boxes in an image without objects", found, [BACKGROUND] * 3)


@pytest.mark.task("3.2")
def test_matches_of_all_kinds(student):
    student.check("match")


# ---- 3.3: what each anchor should find ------------------------------------------------------------------------------


ANCHORS = np.array([[0, 0, 10, 10], [50, 50, 60, 60], [0, 0, 10, 16], [100, 0, 110, 10]], float)
OBJECTS = np.array([[50, 52, 60, 62], [2, 0, 12, 10]], float)  # the first anchor finds object 1, the second object 0


@pytest.mark.task("3.3")
def test_anchors_know_their_object_and_the_way_to_it(student):
    found, deltas = student.anchor_targets(ANCHORS, OBJECTS)
    expect(
        "the matches of four anchors",
        found,
        [1, 0, IGNORED, BACKGROUND],
        [
            (
                [IGNORED, IGNORED, IGNORED, BACKGROUND],
                "The best anchors of each object count as found in any case (allow_low_quality_matches).",
            ),
            ([1, 0], "`match` wants a row for each object: ops.box_iou(boxes, anchors), not back."),
            ([1, 0, BACKGROUND, BACKGROUND], "Anchors between `bg_iou_thresh` and `fg_iou_thresh` stay ignored."),
        ],
    )
    if np.shape(deltas) == (4, 4):
        others = np.asarray(deltas)[2:]
        assert not np.any(others), f"the deltas are 0 for anchors that have found no object; here they are\n{others}"
    right = np.zeros((4, 4))
    right[0, 0] = right[1, 1] = 0.2  # two of ten pixels to the right; two of ten pixels down
    expect(
        "the deltas of four anchors",
        deltas,
        right,
        [
            (
                -right,
                "The way is that from the anchor to its object: ops.encode_boxes(boxes, anchors), not back.",
            ),
            (right[:2], "There is a row for each anchor, zeros for those that have found no object."),
            (
                [[5, 5.2, 0, 0], [-4.8, -5, 0, 0], *right[2:]],
                "Each anchor has the box of *its* object, boxes[matches].",
            ),
        ],
    )


@pytest.mark.task("3.3")
def test_the_size_of_the_object_is_in_its_deltas(student):
    _, deltas = student.anchor_targets(np.array([[0.0, 0.0, 10.0, 10.0]]), np.array([[0.0, 0.0, 10.0, 20.0]]))
    log2 = math.log(2)
    expect(
        "the deltas from a square to a box twice as high",
        deltas,
        [[0, 0.5, 0, log2]],
        [
            (
                [[0, -0.25, 0, -log2]],
                "The way is that from the anchor to its object: ops.encode_boxes(boxes, anchors), not back.",
            ),
            (
                [[0, 0, 0, 0]],
                "This anchor is the best one of its object, so it is found (allow_low_quality_matches), and has deltas.",
            ),
        ],
    )


@pytest.mark.task("3.3")
def test_targets_of_all_kinds(student):
    student.check("anchor_targets")


# ---- 3.4: the loss of a region proposal network ---------------------------------------------------------------------


def rpn(student, logits, positive, negative, deltas=None, targets=None, **options):
    logits = np.array(logits, float)
    deltas = np.zeros((*logits.shape, 4)) if deltas is None else np.array(deltas, float)
    targets = np.zeros((len(positive), 4)) if targets is None else np.array(targets, float)
    return student.rpn_loss(logits, deltas, np.array(positive, int), np.array(negative, int), targets, **options)


@pytest.mark.task("3.4")
def test_objectness_is_averaged_over_the_anchors_that_were_drawn(student):
    # of two images with three anchors each, anchor 0 of the second (number 3) is an object, anchor 1 of
    # the first is not
    _, loss, _, dlogits, _ = rpn(student, [[5, 1, -7], [2, 9, 9]], [3], [1])
    yes, no = math.log1p(math.exp(-2)), math.log1p(math.exp(1))  # -log(p) for the object, -log(1 - p) for the other
    expect(
        "the loss of two anchors",
        loss,
        (yes + no) / 2,
        [
            (yes + no, "It is the mean over the anchors that were drawn, not the sum."),
            ((yes + no) / 6, "It is the mean over the anchors that were drawn (2), not over all there are (6)."),
            (
                (math.log1p(math.exp(-5)) + no) / 2,
                "Anchor k of image n has the number n * K + k: here both are in the first image.",
            ),
            (
                (yes + 2 + no - 1) / 2,
                "The targets are the wrong way round: positive anchors should say 1, negative ones 0.",
            ),
            (math.log1p(math.exp(-2)), "Negative anchors count too: they should say 0."),
            (math.log1p(math.exp(-2)) / 2, "Negative anchors count too: they should say 0."),
        ],
    )
    one, two = -1 / (1 + math.exp(2)) / 2, 1 / (1 + math.exp(-1)) / 2
    right = [[0, two, 0], [one, 0, 0]]
    expect(
        "the gradient of the logits",
        dlogits,
        right,
        [
            (2 * np.array(right), "It is the gradient of the mean: divide by the number of anchors that were drawn."),
            ([[two, one, 0], [0, 0, 0]], "Anchor k of image n has the number n * K + k."),
        ],
    )


@pytest.mark.task("3.4")
def test_boxes_count_for_positive_anchors_alone_and_are_divided_by_all_that_were_drawn(student):
    deltas = np.zeros((1, 4, 4))
    deltas[0, 2] = 3, 0, 0, 0  # 3 too far to the right: with beta = 1 that costs 3 - 1/2
    deltas[0, 1] = 7  # of a negative anchor: that counts nothing
    total, objects, loss, _, ddeltas = rpn(student, [[0, 0, 0, 0]], [2], [0, 1, 3], deltas, beta=1.0)
    expect(
        "the loss of the boxes, of one positive and three negative anchors",
        loss,
        2.5 / 4,
        [
            (2.5, "It is divided by the number of anchors that were drawn, 4 here, not by that of the positive ones."),
            (
                2.5 / 4 / 4,
                "It is summed over the four numbers of a box, and divided by the number of anchors that were drawn.",
            ),
            ((2.5 + 4 * 6.5) / 4, "Only positive anchors have a box to find: negative ones do not count here."),
            ((2.5 + 4 * 6.5) / 16, "Only positive anchors have a box to find: negative ones do not count here."),
            ((3 - 1 / 18) / 4, "beta is ignored: give it to ops.smooth_l1_loss."),
            (9 / 4, "The smooth L1 loss is meant, not the square."),
            (4.5 / 4, "The smooth L1 loss is meant, not the square."),
        ],
    )
    right = np.zeros((1, 4, 4))
    right[0, 2, 0] = 1 / 4
    expect(
        "the gradient of the deltas",
        ddeltas,
        right,
        [
            (4 * right, "The gradient is divided by the number of anchors that were drawn, as the loss is."),
            (
                0 * right,
                "The gradient of the deltas is 0 everywhere: put what smooth_l1_loss returned where the anchor was.",
            ),
        ],
    )
    expect(
        "the loss in all (objectness: log 2)",
        total,
        math.log(2) + 2.5 / 4,
        [
            (math.log(2), "The loss is the sum of both: add that of the boxes."),
            (2.5 / 4, "The loss is the sum of both: add that of the objectness."),
        ],
    )
    expect("the loss of the objectness", objects, math.log(2))


@pytest.mark.task("3.4")
def test_the_square_turns_into_a_line_at_a_ninth(student):
    deltas = np.zeros((1, 1, 4))
    deltas[0, 0, 0] = 1 / 18
    *_, loss, _, _ = rpn(student, [[0]], [0], [], deltas)
    expect(
        "the loss of a box that is off by 1/18",
        loss,
        1 / 72,
        [
            (1 / 648, "`beta` is not used: it is 1/9 here, unless the caller says otherwise."),
            (1 / 18, "With beta = 1/9, differences below that are squared: 0.5 * d ** 2 / beta."),
        ],
    )


@pytest.mark.task("3.4")
def test_nothing_drawn_costs_nothing(student):
    loss, objects, boxes, dlogits, ddeltas = rpn(student, [[1, 2]], [], [])
    for value in (loss, objects, boxes):
        assert np.isfinite(value), "without any anchor drawn the loss is 0, and not NaN: a mean of nothing divides by 0"
        assert value == 0, f"without any anchor drawn the loss is 0, not {value}"
    assert not np.any(dlogits) and not np.any(ddeltas), "without any anchor drawn all gradients are 0"


@pytest.mark.task("3.4")
def test_the_loss_of_proposals_of_all_kinds(student):
    student.check("rpn_loss")
