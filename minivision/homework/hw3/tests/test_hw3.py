"""What your functions are asked in the open: each task has small examples that can be followed by hand, and a check.

The hidden tests ask the same of more, and larger, arguments.
"""

import math

import numpy as np
import pytest

BACKGROUND, IGNORED = -1, -2


def same(got, right, what, *known, atol=1e-6):
    """Fail unless `got` is `right`; where it is what a known mistake gives, say which: pairs of (wrong, cause)."""
    got, right = np.asarray(got), np.asarray(right)
    if got.shape == right.shape and np.allclose(got, right, rtol=0, atol=atol):
        return
    causes = [
        cause
        for wrong, cause in known
        if np.shape(wrong) == got.shape and np.allclose(wrong, got, rtol=0, atol=atol, equal_nan=True)
    ]
    lines = [f"{what} should be", f"{right}", "and is", f"{got}", *(f"→ {cause}" for cause in causes[:1])]
    if got.shape != right.shape:
        lines.insert(4, f"with the shape {got.shape} instead of {right.shape}")
    raise AssertionError("\n".join(lines))


# ---- 3.1 anchors ------------------------------------------------------------------------------------------------


@pytest.mark.task("3.1")
def test_one_box_at_each_of_two_places(student):
    # two places side by side, 8 pixels apart; a box of 4 x 4 pixels is 2 pixels wide to each side of its centre
    anchors = student.anchor_grid((1, 2), 8, (4,), (1,), dtype=np.float64)
    same(
        anchors, [[-2, -2, 2, 2], [6, -2, 10, 2]], "the anchors of a map of 1 x 2",
        ([[-2, -2, 2, 2], [-2, 6, 2, 10]], "x and y are swapped: from column to column x grows, from row to row y."),
        ([[-4, -4, 4, 4], [4, -4, 12, 4]],
         "A box reaches half its width and half its height to each side of its centre."),
        ([[0, 0, 4, 4], [8, 0, 12, 4]], "The place is the centre of the box, not its upper left corner."),
        ([[0, 0, 2, 2], [6, 0, 10, 2]], "Boxes may reach out of the image: they are not clipped."),
        ([[0, 0, 2, 2], [6, 0, 8, 2]], "Boxes may reach out of the image: they are not clipped."),
        ([[-1.5, -1.5, 1.5, 1.5], [6.5, -1.5, 9.5, 1.5]],
         "A box from x1 to x2 is x2 - x1 wide: there is no - 1 or + 1."),
        ([[-2, -2, 1, 1], [6, -2, 9, 1]], "A box from x1 to x2 is x2 - x1 wide: there is no - 1 or + 1."),
        ([[0, 0, 4, 4], [8, 0, 4, 4]], "Boxes are x1, y1, x2, y2: two corners, not a centre and a size."),
        ([[-2, -2, 4, 4], [6, -2, 4, 4]], "Boxes are x1, y1, x2, y2: two corners, not a corner and a size."),
    )  # fmt: skip


@pytest.mark.task("3.1")
def test_the_ratio_is_height_by_width_and_leaves_the_area(student):
    # 8 x 8 = 4 x 16: four times as high as wide, with the same area
    same(
        student.anchor_grid((1, 1), 8, (8,), (4,), dtype=np.float64), [[-2, -8, 2, 8]], "a box of size 8 and ratio 4",
        ([[-8, -2, 8, 2]], "A ratio is height divided by width, not width divided by height."),
        ([[-1, -16, 1, 16]], "The square root is missing: height / width would be the ratio squared."),
        ([[-4, -16, 4, 16]], "The area is to stay size ** 2, whatever the ratio: the width must become smaller too."),
        ([[-1, -4, 1, 4]], "The area is to stay size ** 2, whatever the ratio: the height must become larger too."),
        ([[-2, -4, 2, 4]], "The area is to stay size ** 2, whatever the ratio: the height must become larger too."),
    )  # fmt: skip
    same(
        student.anchor_grid((1, 1), 8, (5,), (1,), dtype=np.float64), [[-2.5, -2.5, 2.5, 2.5]], "a box of size 5",
        ([[-2, -2, 2, 2]], "Nothing is rounded to whole pixels."),
        ([[-3, -3, 3, 3]], "Nothing is rounded to whole pixels."),
        ([[-3, -3, 2, 2]], "Nothing is rounded to whole pixels: divide by /, not by //."),
    )  # fmt: skip


@pytest.mark.task("3.1")
def test_all_sizes_of_the_first_ratio_come_first_and_places_row_by_row(student):
    anchors = student.anchor_grid((2, 2), 100, (2, 4), (1, 4), dtype=np.float64)
    assert np.shape(anchors) == (16, 4), (
        f"2 x 2 places with 2 x 2 boxes are 16 anchors, an array (16, 4), not {np.shape(anchors)}"
    )
    centres = (np.asarray(anchors)[:, :2] + np.asarray(anchors)[:, 2:]) / 2
    right = np.repeat([[0, 0], [100, 0], [0, 100], [100, 100]], 4, axis=0)
    same(
        centres, right, "the centres (x, y) of all anchors",
        (np.tile(right[::4], (4, 1)), "All boxes of a place come one after the other, then those of the next place."),
        (right[:, ::-1], "Places come row by row: along a row first, which is along x."),
    )  # fmt: skip
    heights = np.asarray(anchors)[:4, 3] - np.asarray(anchors)[:4, 1]
    same(
        heights, [2, 4, 4, 8], "the heights of the boxes at a place (sizes 2 and 4, ratios 1 and 4)",
        ([2, 4, 4, 8][::-1], "The sizes and ratios keep their order."),
    )  # fmt: skip
    widths = np.asarray(anchors)[:4, 2] - np.asarray(anchors)[:4, 0]
    same(
        widths, [2, 4, 1, 2], "the widths of the boxes at a place (sizes 2 and 4, ratios 1 and 4)",
        ([2, 1, 4, 2], "At each place all sizes of the first ratio come first, then all sizes of the next ratio."),
    )  # fmt: skip


@pytest.mark.task("3.1")
def test_the_offset_is_a_part_of_the_stride(student):
    anchors = student.anchor_grid((1, 1), (8, 4), (2,), (1,), offset=0.5, dtype=np.float64)
    same(
        anchors, [[1, 3, 3, 5]], "a box of size 2 in the middle of 8 x 4 pixels (rows x columns)",
        ([[-1, -1, 1, 1]], "The offset is ignored."),
        ([[-0.5, -0.5, 1.5, 1.5]], "The offset counts in strides, not in pixels: add it before you multiply."),
        ([[3, 1, 5, 3]], "The stride is (down, across): rows and columns are swapped."),
    )  # fmt: skip


@pytest.mark.task("3.1")
def test_anchors_of_all_kinds(student):
    student.check("anchor_grid")


# ---- 3.2 matching -----------------------------------------------------------------------------------------------


def matches(student, iou, **options):
    return student.match(np.array(iou, float), **{"high": 0.7, "low": 0.3, **options})


@pytest.mark.task("3.2")
def test_each_box_gets_the_object_that_it_overlaps_most(student):
    iou = [[0.8, 0.5, 0.1], [0.1, 0.6, 0.2]]  # two objects (rows), three boxes (columns)
    same(
        matches(student, iou, best_for_each=False), [0, IGNORED, BACKGROUND], "the matches of three boxes",
        ([0, BACKGROUND, IGNORED], "BACKGROUND and IGNORED are swapped: below `low` is background."),
        ([0, BACKGROUND, BACKGROUND],
         "A box between `low` and `high` is ignored: it is neither object nor background."),
        ([0, 1, BACKGROUND], "A box between `low` and `high` has not found its object: it is ignored."),
        ([0, 1], "There is one number for each box: look for the largest overlap along axis 0, the objects."),
        ([0, IGNORED], "There is one number for each box: look for the largest overlap along axis 0, the objects."),
        ([0, 1, 1], "The thresholds are not looked at: a box must overlap its object by `high`."),
        ([0.8, IGNORED, BACKGROUND], "A match is the number (row) of the object, not the overlap."),
        ([1, IGNORED, BACKGROUND], "Take the object with the largest overlap, argmax; 0 is the first object."),
    )  # fmt: skip
    same(
        matches(student, [[0.8], [0.8]], best_for_each=False), [0],
        "the match of a box that overlaps two objects equally",
        ([1], "Of objects that it overlaps equally a box gets the first."),
    )  # fmt: skip


@pytest.mark.task("3.2")
def test_overlaps_exactly_at_a_threshold(student):
    same(
        matches(student, [[0.75, 0.25]], high=0.75, low=0.25, best_for_each=False), [0, IGNORED],
        "the matches of two boxes with the IoU 0.75 and 0.25, where high=0.75 and low=0.25",
        ([IGNORED, IGNORED], "A box has found its object from `high` on, so at exactly `high` too: >=, not >."),
        ([0, BACKGROUND], "A box is background below `low`; at exactly `low` it is ignored: <, not <=."),
        ([IGNORED, BACKGROUND],
         "At exactly `high` a box has found its object (>=); at exactly `low` it is ignored (<)."),
    )  # fmt: skip


@pytest.mark.task("3.2")
def test_the_best_boxes_of_an_object_are_found_however_small_their_overlap(student):
    same(
        matches(student, [[0.1, 0.2, 0.2, 0.0]]), [BACKGROUND, 0, 0, BACKGROUND],
        "the matches with an object of small overlap",
        ([BACKGROUND] * 4, "The best boxes of each object are found, however small the overlap is (best_for_each)."),
        ([BACKGROUND, 0, BACKGROUND, BACKGROUND],
         "All boxes that overlap an object most, equally, are found; not the first alone."),
        ([BACKGROUND, BACKGROUND, 0, BACKGROUND],
         "All boxes that overlap an object most, equally, are found; not the last alone."),
        ([0, 0, 0, BACKGROUND], "Only the *best* boxes of an object are found however small their overlap is."),
    )  # fmt: skip
    for iou in ([[0.5, 0.4], [0.6, 0.1]], [[0.6, 0.1], [0.5, 0.4]]):
        most, least = (1, 0) if iou[1][0] > iou[0][0] else (0, 1)
        same(
            matches(student, iou), [most, IGNORED],
            f"the matches for the IoU {iou}, where two objects have the same best box",
            ([least, IGNORED], "A best box, too, gets the object that *it* overlaps most."),
        )  # fmt: skip
    same(
        matches(student, [[0.0, 0.0, 0.0], [0.0, 0.9, 0.5]]), [BACKGROUND, 1, IGNORED],
        "the matches where no box overlaps the first object",
        ([0, 0, 0], "An object that no box overlaps gets none: its best overlap is 0, and all boxes have that."),
        ([0, 1, 0], "An object that no box overlaps gets none: its best overlap is 0, and all boxes have that."),
        ([0, 1, IGNORED], "An object that no box overlaps gets none: its best overlap is 0, and all boxes have that."),
        ([0, 1, 1], "An object that no box overlaps gets none: its best overlap is 0, and all boxes have that."),
        ([1, 1, 1], "An object that no box overlaps gets none: its best overlap is 0, and all boxes have that."),
    )  # fmt: skip


@pytest.mark.task("3.2")
def test_without_objects_all_boxes_are_background(student):
    try:
        found = student.match(np.zeros((0, 3)), high=0.7, low=0.3)
    except NotImplementedError:
        raise
    except Exception as error:
        raise AssertionError(
            f"an image may hold no object at all; then every box is background, and no error: {error}"
        ) from None
    same(found, [BACKGROUND] * 3, "the matches of three boxes in an image without objects")


@pytest.mark.task("3.2")
def test_matches_of_all_kinds(student):
    student.check("match")


# ---- 3.3 what each anchor should find ---------------------------------------------------------------------------

ANCHORS = np.array([[0, 0, 10, 10], [50, 50, 60, 60], [0, 0, 10, 16], [100, 0, 110, 10]], float)
OBJECTS = np.array([[50, 52, 60, 62], [2, 0, 12, 10]], float)  # the first anchor finds object 1, the second object 0


@pytest.mark.task("3.3")
def test_anchors_know_their_object_and_the_way_to_it(student):
    found, deltas = student.anchor_targets(ANCHORS, OBJECTS)
    same(
        found, [1, 0, IGNORED, BACKGROUND], "the matches of four anchors",
        ([IGNORED, IGNORED, IGNORED, BACKGROUND],
         "The best anchors of each object count as found in any case (best_for_each)."),
        ([1, 0], "`match` wants a row for each object: ops.box_iou(boxes, anchors), not the other way round."),
        ([1, 0, BACKGROUND, BACKGROUND], "Anchors between `low` and `high` stay ignored."),
    )  # fmt: skip
    if np.shape(deltas) == (4, 4):
        others = np.asarray(deltas)[2:]
        assert not np.any(others), f"the deltas are 0 for anchors that have found no object; here they are\n{others}"
    right = np.zeros((4, 4))
    right[0, 0] = right[1, 1] = 0.2  # two of ten pixels to the right; two of ten pixels down
    same(
        deltas, right, "the deltas of four anchors",
        (-right,
         "The way is that from the anchor to its object: ops.encode_boxes(boxes, anchors), not the other way round."),
        (right[:2], "There is a row for each anchor, zeros for those that have found no object."),
        ([[5, 5.2, 0, 0], [-4.8, -5, 0, 0], *right[2:]], "Each anchor has the box of *its* object, boxes[matches]."),
    )  # fmt: skip


@pytest.mark.task("3.3")
def test_the_size_of_the_object_is_in_its_deltas(student):
    _, deltas = student.anchor_targets(np.array([[0.0, 0.0, 10.0, 10.0]]), np.array([[0.0, 0.0, 10.0, 20.0]]))
    log2 = math.log(2)
    same(
        deltas, [[0, 0.5, 0, log2]], "the deltas from a square to a box twice as high",
        ([[0, -0.25, 0, -log2]],
         "The way is that from the anchor to its object: ops.encode_boxes(boxes, anchors), not back."),
        ([[0, 0, 0, 0]], "This anchor is the best one of its object, so it is found (best_for_each), and has deltas."),
    )  # fmt: skip


@pytest.mark.task("3.3")
def test_targets_of_all_kinds(student):
    student.check("anchor_targets")


# ---- 3.4 the loss of a region proposal network ------------------------------------------------------------------


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
    same(
        loss, (yes + no) / 2, "the loss of two anchors",
        (yes + no, "It is the mean over the anchors that were drawn, not the sum."),
        ((yes + no) / 6, "It is the mean over the anchors that were drawn (2), not over all there are (6)."),
        ((math.log1p(math.exp(-5)) + no) / 2,
         "Anchor k of image n has the number n * K + k: here both are in the first image."),
        ((yes + 2 + no - 1) / 2,
         "The targets are the wrong way round: positive anchors should say 1, negative ones 0."),
        (math.log1p(math.exp(-2)), "Negative anchors count too: they should say 0."),
        (math.log1p(math.exp(-2)) / 2, "Negative anchors count too: they should say 0."),
    )  # fmt: skip
    one, two = -1 / (1 + math.exp(2)) / 2, 1 / (1 + math.exp(-1)) / 2
    right = [[0, two, 0], [one, 0, 0]]
    same(
        dlogits, right, "the gradient of the logits",
        (2 * np.array(right), "It is the gradient of the mean: divide by the number of anchors that were drawn."),
        ([[two, one, 0], [0, 0, 0]], "Anchor k of image n has the number n * K + k."),
    )  # fmt: skip


@pytest.mark.task("3.4")
def test_boxes_count_for_positive_anchors_alone_and_are_divided_by_all_that_were_drawn(student):
    deltas = np.zeros((1, 4, 4))
    deltas[0, 2] = 3, 0, 0, 0  # 3 too far to the right: with beta = 1 that costs 3 - 1/2
    deltas[0, 1] = 7  # of a negative anchor: that counts nothing
    total, objects, loss, _, ddeltas = rpn(student, [[0, 0, 0, 0]], [2], [0, 1, 3], deltas, beta=1.0)
    same(
        loss, 2.5 / 4, "the loss of the boxes, of one positive and three negative anchors",
        (2.5, "It is divided by the number of anchors that were drawn, 4 here, not by that of the positive ones."),
        (2.5 / 4 / 4,
         "It is summed over the four numbers of a box, and divided by the number of anchors that were drawn."),
        ((2.5 + 4 * 6.5) / 4, "Only positive anchors have a box to find: negative ones do not count here."),
        ((2.5 + 4 * 6.5) / 16, "Only positive anchors have a box to find: negative ones do not count here."),
        ((3 - 1 / 18) / 4, "beta is ignored: give it to ops.smooth_l1_loss."),
        (9 / 4, "The smooth L1 loss is meant, not the square."),
        (4.5 / 4, "The smooth L1 loss is meant, not the square."),
    )  # fmt: skip
    right = np.zeros((1, 4, 4))
    right[0, 2, 0] = 1 / 4
    same(
        ddeltas, right, "the gradient of the deltas",
        (4 * right, "The gradient is divided by the number of anchors that were drawn, as the loss is."),
        (0 * right,
         "The gradient of the deltas is 0 everywhere: put what smooth_l1_loss returned where the anchor was."),
    )  # fmt: skip
    same(
        total, math.log(2) + 2.5 / 4, "the loss in all (objectness: log 2)",
        (math.log(2), "The loss is the sum of both: add that of the boxes."),
        (2.5 / 4, "The loss is the sum of both: add that of the objectness."),
    )  # fmt: skip
    same(objects, math.log(2), "the loss of the objectness")


@pytest.mark.task("3.4")
def test_the_square_turns_into_a_line_at_a_ninth(student):
    deltas = np.zeros((1, 1, 4))
    deltas[0, 0, 0] = 1 / 18
    *_, loss, _, _ = rpn(student, [[0]], [0], [], deltas)
    same(
        loss, 1 / 72, "the loss of a box that is off by 1/18",
        (1 / 648, "`beta` is not used: it is 1/9 here, unless the caller says otherwise."),
        (1 / 18, "With beta = 1/9, differences below that are squared: 0.5 * d ** 2 / beta."),
    )  # fmt: skip


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


# ---- 3.5 YOLO's tensor, written ---------------------------------------------------------------------------------


def encoded(student, boxes, labels, S, B, C, size):
    return student.encode_yolo(np.array(boxes, float), np.array(labels, int), S, B, C, size=size, dtype=np.float64)


@pytest.mark.task("3.5")
def test_the_cell_that_holds_the_centre_holds_the_object(student):
    # an image of 20 x 40 (height x width), 2 x 4 cells of 10 x 10; centre (25, 14): column 2, row 1
    try:
        tensor = encoded(student, [[21, 12, 29, 16]], [2], (2, 4), 2, 3, (20, 40))
    except IndexError as error:
        raise AssertionError(
            f"row 1, column 2 of 2 x 4 cells: is it tensor[row, column], row from y? {error}"
        ) from None
    assert np.shape(tensor) == (2, 4, 13), f"2 x 4 cells of 5 * 2 + 3 numbers, not {np.shape(tensor)}"
    cells = [tuple(map(int, cell)) for cell in np.argwhere(np.asarray(tensor).any(axis=-1))]
    where = {
        (1, 2): "",
        (0, 2): "Row 1 is y = 10 to 20: is it the box's upper corner, or the width, that you took?",
        (1, 1): "Columns are counted from 0, and column 2 is x = 20 to 30.",
        (1, 3): "Do not round: column 2 is x = 20 to 30, so x = 25 lies in it.",
    }
    if cells != [(1, 2)]:
        cause = where.get(cells[0], "") if len(cells) == 1 else ""
        raise AssertionError(
            f"the object is in cell (1, 2) (row, column) alone; here there is something in {cells}. {cause}"
        )
    cell = np.asarray(tensor)[1, 2]
    same(
        cell[:5], [0.5, 0.4, 0.2, 0.2, 1], "x, y, w, h and the confidence of the box",
        ([0.4, 0.5, 0.2, 0.2, 1], "x and y are swapped: x comes first."),
        ([0.625, 0.7, 0.2, 0.2, 1],
         "x and y say where in its *cell* the centre lies, from 0 to 1, not where in the image."),
        ([2.5, 1.4, 0.2, 0.2, 1], "Subtract the column and the row: x and y say where in its cell the centre lies."),
        ([0.1, 0.2, 0.2, 0.2, 1], "x and y are those of the box's centre, not of its upper left corner."),
        ([0.5, 0.4, 0.8, 0.4, 1], "w and h are parts of the image, not of the cell."),
        ([0.5, 0.4, 8, 4, 1], "w and h are parts of the image, from 0 to 1, not pixels."),
        ([5, 4, 0.2, 0.2, 1], "x and y are parts of the cell, from 0 to 1, not pixels."),
        ([0.5, 0.4, 0.2**0.5, 0.2**0.5, 1], "The tensor has w and h themselves; the roots are the loss's affair."),
        ([0.5, 0.4, 0.1, 0.4, 1], "w is a part of the width, h one of the height: they are swapped."),
        ([0.5, 0.4, 0.2, 0.2, 0], "The confidence of a box with an object is 1."),
    )  # fmt: skip
    same(
        cell[5:10],
        np.zeros(5),
        "the second box of the cell, which is free",
        (cell[:5], "One object takes one box, not all."),
    )
    same(
        cell[10:], [0, 1, 0], "the probabilities of the classes 1, 2, 3, for an object of class 2",
        ([0, 0, 1], "Labels count from 1: class 2 is the second number, at label - 1."),
        ([0, 2, 0],
         "The class probability of an object alone in its cell is 1: write it, or divide by the number of objects."),
        ([0, 0, 0], "The class of the object is missing."),
    )  # fmt: skip


@pytest.mark.task("3.5")
def test_of_several_objects_in_a_cell_the_largest_stay_and_share_its_classes(student):
    # one cell with room for two boxes; three objects of 2 x 2, 4 x 4 and 6 x 8 pixels in the middle of 10 x 10
    boxes = [[4, 4, 6, 6], [3, 3, 7, 7], [2, 1, 8, 9]]
    tensor = np.asarray(encoded(student, boxes, [1, 2, 3], 1, 2, 3, (10, 10)))[0, 0]
    same(
        tensor[[2, 3, 7, 8]], [0.6, 0.8, 0.4, 0.4], "the widths and heights of both boxes",
        ([0.2, 0.2, 0.4, 0.4], "The largest objects come first, not the first ones."),
        ([0.2, 0.2, 0, 0], "The second object takes the second box of the cell, the next free one."),
        ([0.6, 0.8, 0, 0], "The second object takes the second box of the cell, the next free one."),
        ([0.4, 0.4, 0, 0], "The second object takes the second box of the cell: what is there already stays."),
        ([0.6, 0.8, 0.2, 0.2], "Of more objects than boxes the largest stay: the smallest has overwritten one."),
        ([0.2, 0.2, 0.6, 0.8], "The largest object comes first."),
        ([0.4, 0.4, 0.6, 0.8], "The largest object comes first."),
        ([0.6, 0.8, 0.6, 0.8], "Each object takes one box."),
    )  # fmt: skip
    same(
        tensor[10:], [0, 0.5, 0.5], "the class probabilities of a cell with objects of class 3 and 2",
        ([0, 1, 1], "Probabilities add up to 1: two objects of different classes have one half each."),
        ([1 / 3, 1 / 3, 1 / 3], "What has no box in the cell is left out: its class too."),
        ([0.5, 0.5, 0.5], "What has no box in the cell is left out: its class too."),
        ([0, 0, 1], "Both objects count: two of different classes have one half each."),
        ([0, 1, 0], "Both objects count: two of different classes have one half each."),
        ([1, 1, 1], "What has no box in the cell is left out, its class too; and probabilities add up to 1."),
    )  # fmt: skip


@pytest.mark.task("3.5")
def test_a_centre_upon_the_right_border_is_in_the_last_cell(student):
    try:
        tensor = np.asarray(encoded(student, [[8, 8, 12, 12]], [1], 2, 1, 1, (10, 10)))
    except IndexError as error:
        raise AssertionError(
            f"the centre (10, 10) lies upon the right and lower border of an image of 10 x 10; "
            f"it is in the last cell: {error}"
        ) from None
    same(
        tensor[1, 1], [1, 1, 0.4, 0.4, 1, 1], "the last cell, with a centre upon the right and lower border",
        ([0, 0, 0.4, 0.4, 1, 1], "In the last cell the right and lower border is x = 1, y = 1."),
        (np.zeros(6), "A centre upon the border belongs to the last cell: it is lost here."),
    )  # fmt: skip


@pytest.mark.task("3.5")
def test_tensors_of_all_kinds(student):
    student.check("encode_yolo")


# ---- 3.6 YOLO's tensor, read ------------------------------------------------------------------------------------


@pytest.mark.task("3.6")
def test_a_box_is_read_from_its_cell(student):
    # 2 x 4 cells of an image of 20 x 40; the box of cell (1, 2) has its centre at (25, 14), and is 8 x 4 pixels large
    tensor = np.zeros((2, 4, 7))
    tensor[1, 2] = 0.5, 0.4, 0.2, 0.2, 0.5, 0.25, 0.75
    boxes, scores = student.decode_yolo(tensor, 1, size=(20, 40))
    assert np.shape(boxes) == (8, 4), f"8 cells with one box each are an array (8, 4), not {np.shape(boxes)}"
    same(
        np.asarray(boxes)[6], [21, 12, 29, 16], "the box of row 1, column 2, cell number 6 along the rows",
        ([25, 14, 8, 4], "Boxes are x1, y1, x2, y2: two corners, not a centre and a size."),
        ([21, 12, 8, 4], "Boxes are x1, y1, x2, y2: two corners, not a corner and a size."),
        ([17, 10, 33, 18], "From the centre it is half the width and half the height to each side."),
        ([1, 2, 9, 6], "x and y are counted from the cell's corner: add the column and the row."),
        ([11, 22, 19, 26], "The column belongs to x, the row to y: they are swapped."),
        ([24, 12, 26, 16], "w and h are parts of the image, not of the cell."),
        ([24, 13, 26, 15], "w and h are parts of the image, not of the cell."),
        ([25, 14, 33, 18], "x and y are those of the centre, not of the upper left corner."),
        ([0.525, 0.6, 0.725, 0.8], "`size` is ignored: boxes are returned in its unit."),
        ([24.2, 13.6, 25.8, 14.4], "The tensor has w and h themselves: nothing is to be squared here."),
    )  # fmt: skip
    same(
        np.asarray(scores)[6], [0.125, 0.375], "the scores of that box",
        ([0.25, 0.75], "A score is confidence times class probability: the confidence is missing."),
        ([0.5, 0.5], "A score is confidence times class probability: the class probability is missing."),
        ([0.375, 0.125], "The classes keep their order."),
    )  # fmt: skip
    assert np.shape(scores) == (8, 2), f"8 boxes have 8 rows of 2 scores, not {np.shape(scores)}"


@pytest.mark.task("3.6")
def test_boxes_come_cell_after_cell_and_cells_may_be_no_whole_pixels(student):
    tensor = np.zeros((1, 4, 11))  # four cells of 2.5 pixels, two boxes in each, with the heights 0.1, 0.2, 0.3 ...
    tensor[..., 3] = [0.1, 0.3, 0.5, 0.7]
    tensor[..., 8] = [0.2, 0.4, 0.6, 0.8]
    boxes, _ = student.decode_yolo(tensor, 2, size=(10, 10))
    boxes = np.asarray(boxes)
    same(
        boxes[:, 3] - boxes[:, 1], np.arange(1, 9), "the heights of all boxes",
        ([1, 3, 5, 7, 2, 4, 6, 8],
         "Boxes come cell after cell, and in each one its B boxes: not the first boxes of all cells first."),
    )  # fmt: skip
    same(
        boxes[:, 0], [0, 0, 2.5, 2.5, 5, 5, 7.5, 7.5], "the x1 of all boxes, in cells of 2.5 pixels",
        ([0, 0, 2, 2, 4, 4, 6, 6], "A cell need not be of whole pixels: divide by /, not by //."),
        ([0, 2.5, 5, 7.5, 0, 2.5, 5, 7.5], "Boxes come cell after cell, and in each one its B boxes."),
    )  # fmt: skip


@pytest.mark.task("3.6")
def test_several_tensors_are_read_at_once(student):
    tensor = np.zeros((3, 2, 2, 6))
    tensor[1, 0, 1] = 0.5, 0.5, 0.5, 0.5, 1, 1
    try:
        boxes, scores = student.decode_yolo(tensor, 1)
    except NotImplementedError:
        raise
    except Exception as error:
        raise AssertionError(
            f"there may be more axes before the last three, one for several images, or none: {error}"
        ) from None
    assert np.shape(boxes) == (3, 4, 4) and np.shape(scores) == (3, 4, 1), (
        f"three images of 2 x 2 cells give boxes (3, 4, 4) and scores (3, 4, 1), not {np.shape(boxes)} and "
        f"{np.shape(scores)}: "
        "there may be more axes before the last three"
    )
    same(np.asarray(boxes)[1, 1], [0.5, 0, 1, 0.5], "the box of cell (0, 1) of the second image")


@pytest.mark.task("3.6")
def test_readings_of_all_kinds(student):
    student.check("decode_yolo")


# ---- 3.7 which box is responsible -------------------------------------------------------------------------------


def one_cell(boxes, classes=(1,), S=(1, 1), cell=(0, 0)):
    """Return a tensor of one image in which a single cell holds something."""
    tensor = np.zeros((1, *S, 5 * len(boxes) + len(classes)))
    tensor[(0, *cell)] = np.concatenate([*map(np.ravel, boxes), classes])
    return tensor


LARGE, SMALL = (0.5, 0.5, 0.8, 0.8, 1), (0.5, 0.5, 0.2, 0.2, 1)  # x, y, w, h, confidence
NOTHING = (0, 0, 0, 0, 0)


def says(x, y, w, h, confidence=0.3):
    """Return what a network says of a box: roots for w and h."""
    return x, y, w**0.5, h**0.5, confidence


@pytest.mark.task("3.7")
def test_the_box_that_overlaps_most_is_responsible(student):
    # the cell's second box covers the object exactly, its first one only a quarter of it
    outputs = one_cell([says(0.5, 0.5, 0.4, 0.4), says(0.5, 0.5, 0.8, 0.8)], (0.6,))
    target, weight = student.yolo_targets(outputs, one_cell([LARGE, NOTHING]), 2)
    first, second = (5, 5, 5, 5, 1), (0, 0, 0, 0, 0.5)
    same(
        np.asarray(weight)[0, 0, 0], [*second, *first, 1], "how much each number of the cell counts",
        ([*first, *second, 1],
         "The second box overlaps the object more: that one is responsible, not always the first."),
        ([*first, *first, 1], "Only one box is responsible for an object."),
        ([*NOTHING, *first, 1],
         "The confidence of a box that is not responsible counts too, no_object, also in a cell with an object."),
        ([*second, *first, 0], "In a cell with an object the class probabilities count 1."),
        ([*second, 5, 5, 5, 5, 0.5, 1], "The confidence of a responsible box counts 1."),
        ([*second, 5, 5, 5, 5, 5, 1], "The confidence of a responsible box counts 1, not as its coordinates do."),
        ([*second, 5, 5, 1, 1, 1, 1], "`coordinates` counts for w and h as well as for x and y."),
        ([*second, 5, 5, 5, 5, 1, 5], "The class probabilities count 1, not as the coordinates do."),
    )  # fmt: skip
    root = 0.8**0.5
    right = [*NOTHING, 0.5, 0.5, root, root, 1, 1]
    same(
        np.asarray(target)[0, 0, 0], right, "what the cell should say",
        ([*NOTHING, 0.5, 0.5, 0.8, 0.8, 1, 1],
         "The network says the square roots of w and h: the roots are the target."),
        ([0.5, 0.5, root, root, 0.25, *NOTHING, 1],
         "The second box overlaps the object more: that one is responsible."),
        ([0.5, 0.5, root, root, 0.25, 0.5, 0.5, root, root, 1, 1], "Only one box is responsible for an object."),
        ([*NOTHING, 0.5, 0.5, root, root, 1, 0],
         "In a cell with an object the class probabilities are those of the truth."),
    )  # fmt: skip


@pytest.mark.task("3.7")
def test_the_confidence_should_be_the_overlap(student):
    # the box covers a quarter of the object: half as wide, half as high, around the same centre
    target, _ = student.yolo_targets(one_cell([says(0.5, 0.5, 0.4, 0.4)], (0.6,)), one_cell([LARGE]), 1)
    same(
        np.asarray(target)[0, 0, 0, 4], 0.25, "the confidence that this box should have, the IoU",
        (1, "The confidence should be the IoU of what was said with the object, not 1."),
        (0.3, "The confidence should be the IoU of what was said with the object, not what was said."),
        (0.625, "The outputs are the roots of w and h: square them before you compare boxes."),
        (0.5,
         "The outputs are the roots of w and h: square them before you compare boxes, and leave the truth as it is."),
    )  # fmt: skip
    # in a grid of 2 x 4 cells a step of half a cell to the right is an eighth of the image, a quarter of this object
    grid = {"S": (2, 4), "cell": (1, 2)}
    target, _ = student.yolo_targets(
        one_cell([says(0.75, 0.5, 0.5, 0.5)], (0.6,), **grid), one_cell([(0.25, 0.5, 0.5, 0.5, 1)], **grid), 1
    )
    same(
        np.asarray(target)[0, 1, 2, 4], 0.6, "the IoU of two boxes of half the image, half a cell apart in 2 x 4 cells",
        (0,
         "x and y are parts of a cell, w and h parts of the image: divide x by the columns and y by the rows first."),
        (1 / 3, "x is divided by the number of columns, y by that of the rows: they are swapped."),
    )  # fmt: skip


@pytest.mark.task("3.7")
def test_each_object_of_a_cell_takes_another_box(student):
    # both boxes say the same, so the large object takes the first and the small one what is left
    said = says(0.5, 0.5, 0.8, 0.8)
    target, weight = student.yolo_targets(one_cell([said, said], (0.6,)), one_cell([LARGE, SMALL]), 2)
    same(
        np.asarray(weight)[0, 0, 0, :10], 2 * [5, 5, 5, 5, 1], "how much both boxes of a cell with two objects count",
        ([5, 5, 5, 5, 1, 0, 0, 0, 0, 0.5],
         "Both objects have taken the same box: a box that is taken is not free for the next."),
        ([0, 0, 0, 0, 0.5, 5, 5, 5, 5, 1],
         "Both objects have taken the same box: of boxes that overlap equally the first is taken."),
    )  # fmt: skip
    roots = np.sqrt([0.8, 0.8, 0.2, 0.2])
    same(
        np.asarray(target)[0, 0, 0, [2, 3, 7, 8]], roots, "the roots of the sizes that both boxes should say",
        (roots[[2, 3, 0, 1]],
         "The first object of the cell, the largest, chooses first; of boxes alike it takes the first."),
        (roots**2, "The network says the square roots of w and h: the roots are the target."),
    )  # fmt: skip


@pytest.mark.task("3.7")
def test_a_cell_without_objects_has_nothing_but_its_confidences_to_learn(student):
    outputs = one_cell([says(0.5, 0.5, 0.4, 0.4), says(0.5, 0.5, 0.8, 0.8)], (0.6,))
    target, weight = student.yolo_targets(outputs, np.zeros_like(outputs), 2)
    same(np.asarray(target)[0, 0, 0], np.zeros(11), "what a cell without objects should say")
    right = np.array([0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5, 0])
    same(
        np.asarray(weight)[0, 0, 0], right, "how much each number of a cell without objects counts",
        (0 * right, "The confidences of a cell without objects count no_object, or boxes would be found everywhere."),
        (2 * right, "The confidences of a cell without objects count no_object, 0.5, or they would outweigh all else."),
        ([0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5, 1], "The class probabilities of a cell without objects do not count."),
        ([5, 5, 5, 5, 1, 0, 0, 0, 0, 0.5, 0], "Where no object is, no box is responsible."),
        ([5, 5, 5, 5, 1, 0, 0, 0, 0, 0.5, 1], "Where no object is, no box is responsible."),
    )  # fmt: skip


@pytest.mark.task("3.7")
def test_responsibilities_of_all_kinds(student):
    student.check("yolo_targets")


# ---- 3.8 YOLO's loss --------------------------------------------------------------------------------------------

TARGET = np.array([[[[0.5, 0.5, 0.5, 0.5, 0.0, 0, 0, 0, 0, 0, 1]]]])  # one cell, two boxes, one class
WEIGHT = np.array([[[[5, 5, 5, 5, 1, 0, 0, 0, 0, 0.5, 1.0]]]])  # the first box is responsible


@pytest.mark.task("3.8")
def test_every_number_costs_its_weighted_square(student):
    outputs = TARGET + np.array([0.1, 0, 0, 0.2, 0.3, 9, 9, 9, 9, 0.4, 0.5])
    loss, *parts, doutputs = student.yolo_loss(outputs, TARGET, WEIGHT, 2)
    boxes, objects, no_objects, classes = parts
    same(
        boxes, 0.25, "the loss of the coordinates, 5 * (0.1 ** 2 + 0.2 ** 2)",
        (0.05, "The weight is missing: coordinates count 5 times."),
        (324.05,
         "The weight is missing: coordinates count 5 times, and those of boxes that are not responsible nothing."),
        (1.25, "The weight is squared: it multiplies the square of the error."),
        (0.125, "There is no 1/2 in this loss."),
        (1.5, "The errors are squared, and their signs do not matter."),
        (0.0625, "It is a sum, not a mean."),
        (0.34, "The confidences have parts of their own: box_loss is that of x, y, w and h."),
        (0.42, "The confidences have parts of their own: box_loss is that of x, y, w and h."),
    )  # fmt: skip
    same(
        objects, 0.09, "the loss of the confidence of the responsible box, 0.3 ** 2",
        (0.08, "The parts are the wrong way round: the box whose x counts is responsible."),
        (0, "A box is responsible if its x counts (its weight is above 0), whatever confidence it should have."),
        (0.17, "The confidences of boxes that are not responsible belong to no_object_loss."),
        (0.3, "The errors are squared."),
    )  # fmt: skip
    same(
        no_objects, 0.08, "the loss of the confidence of the other box, 0.5 * 0.4 ** 2",
        (0.09, "The parts are the wrong way round: the box whose x counts is responsible."),
        (0.17, "A box is responsible if its x counts (its weight is above 0), whatever confidence it should have."),
        (0.16, "The weight is missing: confidences of such boxes count one half."),
    )  # fmt: skip
    same(
        classes, 0.25, "the loss of the class, 0.5 ** 2",
        (0.33, "The class probabilities begin behind all boxes, at 5 * B."),
        (0, "The class probabilities begin behind all boxes, at 5 * B."),
    )  # fmt: skip
    total = 0.25 + 0.09 + 0.08 + 0.25
    same(
        loss, total, "the loss in all",
        (total - 0.25, "The loss is the sum of all four parts: one is missing, or stands twice."),
        (total - 0.09, "The loss is the sum of all four parts: that of the objects is missing."),
        (total - 0.08, "The loss is the sum of all four parts: that of boxes without an object is missing."),
        (total / 2, "There is no 1/2 in this loss."),
    )  # fmt: skip
    right = 2 * (WEIGHT * (outputs - TARGET))
    same(
        doutputs, right, "the gradient",
        (right / 2, "The derivative of x * x is 2 * x: a factor 2 is missing."),
        (-right, "The sign is wrong: the error is outputs - target."),
        (2 * (outputs - TARGET), "The weight is missing in the gradient."),
        (WEIGHT * right, "The weight is there twice."),
    )  # fmt: skip


@pytest.mark.task("3.8")
def test_it_is_averaged_over_the_images(student):
    outputs, target, weight = (np.repeat(each, 4, axis=0) for each in (TARGET + 0.1, TARGET, WEIGHT))
    loss, *_, doutputs = student.yolo_loss(outputs, target, weight, 2)
    one = 5 * 0.04 + 0.01 + 0.005 + 0.01
    same(
        loss, one, "the loss of four images that are alike",
        (4 * one, "It is averaged over the images: divide by their number."),
        (one / 11, "It is averaged over the images alone: summed over the cells and all numbers of a cell."),
    )  # fmt: skip
    same(
        np.asarray(doutputs)[0, 0, 0, 0], 5 * 0.2 / 4, "the gradient of x in the first image",
        (5 * 0.2, "It is averaged over the images: divide the gradient by their number too."),
    )  # fmt: skip


@pytest.mark.task("3.8")
def test_losses_of_all_kinds(student):
    student.check("yolo_loss")


# ---- 3.9 the loss of masks --------------------------------------------------------------------------------------


@pytest.mark.task("3.9")
def test_only_the_map_of_the_right_class_counts(student):
    logits = np.zeros((2, 3, 1, 2))  # two regions, three classes, masks of 1 x 2 cells
    logits[0, 1] = 2, -2  # what the first region says for its class
    logits[0, [0, 2]] = 5
    masks = np.array([[[1.0, 1.0]], [[0.0, 1.0]]])
    try:
        loss, dlogits = student.mask_loss(logits, np.array([2, 3]), masks)
    except IndexError as error:
        raise AssertionError(
            f"labels count from 1, and the background has no map: class c has map c - 1. {error}"
        ) from None
    good, bad, unsure = math.log1p(math.exp(-2)), math.log1p(math.exp(2)), math.log(2)
    right = (good + bad + 2 * unsure) / 4
    p = 1 / (1 + math.exp(2))
    gradient = np.zeros((2, 3, 1, 2))
    gradient[0, 1], gradient[1, 2] = (-p / 4, -(1 - p) / 4), (0.5 / 4, -0.5 / 4)
    assert np.shape(dlogits) == logits.shape, (
        f"the gradient has the shape of the logits, {logits.shape}, zeros for all other classes; "
        f"not {np.shape(dlogits)}"
    )
    others = [(0, 0), (0, 2), (1, 0), (1, 1)]
    own = np.any(np.asarray(dlogits)[[0, 1], [1, 2]])
    assert not own or not any(np.any(np.asarray(dlogits)[other]) for other in others), (
        "the maps of other classes do not count, so their gradient is 0: is it a softmax over the classes, or are "
        f"they told to be 0? dlogits is\n{dlogits}"
    )
    five = math.log1p(math.exp(5))
    same(
        loss, right, "the loss of two regions",
        (4 * right, "It is averaged over the cells and the regions, not summed."),
        (2 * right, "It is averaged over the cells and the regions, not over the regions alone."),
        ((2 * math.log1p(math.exp(-5)) + 2 * unsure) / 4, "Labels count from 1: class c has map c - 1."),
        ((4 * math.log1p(math.exp(-5)) + good + bad + 6 * unsure) / 12, "Only the map of the right class counts."),
        ((4 * five + good + bad + 6 * unsure) / 12, "Only the map of the right class counts: others are not to be 0."),
    )  # fmt: skip
    same(
        dlogits, gradient, "the gradient",
        (4 * gradient, "It is the gradient of the mean: divide by the number of cells of all regions."),
        (-gradient, "The sign is wrong: the gradient is p - t."),
    )  # fmt: skip


@pytest.mark.task("3.9")
def test_a_share_of_a_cell_is_a_target_as_it_is(student):
    loss, dlogits = student.mask_loss(np.zeros((1, 1, 1, 1)), np.array([1]), np.array([[[0.75]]]))
    same(loss, math.log(2), "the loss of a probability of one half")
    same(
        np.asarray(dlogits).ravel(), [-0.25], "the gradient where three quarters of a cell belong to the object",
        ([-0.5], "The masks hold shares of cells: they are not to be rounded to 0 or 1."),
        ([0.5], "The masks hold shares of cells: they are not to be rounded to 0 or 1."),
    )  # fmt: skip


@pytest.mark.task("3.9")
def test_masks_of_all_kinds(student):
    student.check("mask_loss")


# ---- 3.10 train detectors on it ---------------------------------------------------------------------------------


def scene():
    """Return a batch of two images of 32 x 32 pixels with bright squares, and the tools to train on it."""
    from minivision.data import Batch
    from minivision.instances import Instances

    objects = [Instances([[3, 4, 20, 19], [16, 14, 30, 31]], [1, 2]), Instances([[8, 8, 24, 28]], [2])]
    images = np.full((2, 32, 32, 3), 90, np.uint8)
    for k, (image, each) in enumerate(zip(images, objects, strict=True)):
        masks = np.zeros((len(each), 32, 32), bool)
        for mask, (x1, y1, x2, y2), label in zip(masks, each.boxes.astype(int), each.labels, strict=True):
            image[y1:y2, x1:x2, label] = 230
            mask[y1:y2, x1:x2] = True
        objects[k] = each.replace(masks=masks)
    return Batch(images, objects, None)


CLASSES = ("background", "disc", "square")


def descends(student, model, rate):
    """Take four steps down on your functions; return the sum of the losses before each."""
    batch, totals = scene(), []
    with student.backend():
        for _ in range(4):
            totals.append(sum(map(float, model.step(batch).values())))
            for parameter in model.parameters():
                parameter.value -= rate * parameter.grad
    assert np.isfinite(totals).all(), f"the loss is not finite: {totals}"
    assert totals[-1] < 0.95 * totals[0], (
        f"the loss should fall, and in four steps it went {', '.join(f'{total:.3f}' for total in totals)}: does each "
        "gradient belong to its loss, and have its sign?"
    )


@pytest.mark.task("3.10")
def test_yolo_learns_from_your_targets_and_loss(student):
    from minivision.models import make_model
    from minivision.models.backbone import Backbone

    model = make_model("yolo", CLASSES, width=4, rng=np.random.default_rng(0))
    model.backbone = Backbone((4, 4, 64), (0, 0, 0), rng=np.random.default_rng(1))  # a small one
    descends(student, model, rate=0.01)


@pytest.mark.task("3.10")
def test_mask_rcnn_learns_from_your_anchors_matches_and_losses(student):
    from minivision.models import make_model

    options = {"anchor_sizes": "8,16", "stride": "8", "widths": (4, 8, 8), "depths": (0, 0, 0), "hidden": 16}
    model = make_model("mask-rcnn", CLASSES, mask_size=4, mask_width=4, rng=np.random.default_rng(0), **options)
    descends(student, model, rate=0.05)
