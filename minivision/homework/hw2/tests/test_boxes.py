"""Boxes: IoU, box coding and non-maximum suppression."""

import numpy as np
import pytest

from minivision.homework.expected import expect


def boxes(*rows):
    """Return boxes (K, 4), one for each row of four numbers."""
    return np.array(rows, dtype=np.float64).reshape(len(rows), 4)


# ---- 2.1: intersection over union -----------------------------------------------------------------------------------


# Three pairs, since several mistakes can give one and the same number. Sides of the intersection, its area, both areas:
# 2 x 1 = 2 of 4 x 2 and 6 x 4; 3 x 4 = 12 of 6 x 5 and 3 x 8; 2 x 3 = 6 of 7 x 6 and 5 x 7.
PAIRS = (
    (boxes([1, 1, 5, 3]), boxes([3, 2, 9, 6])),
    (boxes([0, 0, 6, 5]), boxes([2, 1, 5, 9])),
    (boxes([4, 2, 11, 8]), boxes([1, 5, 6, 12])),
)


@pytest.mark.task("2.1")
def test_two_boxes_that_overlap_in_part(student):
    found = [student.box_iou(a, b) for a, b in PAIRS]
    assert np.shape(found[0]) == (1, 1), f"one box and one box give a table of 1 x 1, not of {np.shape(found[0])}"
    copied = "a line that was copied from the other side?"
    mistakes = [
        ([6 / 44, 20 / 58, 12 / 92], "widths and heights are counted with + 1: a box is x2 - x1 wide"),
        ([2 / 32, 12 / 54, 6 / 77], "the intersection is counted twice: subtract it from the sum of the two areas"),
        ([2 / 8, 12 / 24, 6 / 35], "the intersection is divided by one area, the smaller one, not by the union"),
        ([2 / 24, 12 / 30, 6 / 42], "the intersection is divided by one area, the larger one, not by the union"),
        ([2 / 8, 12 / 30, 6 / 42], "the intersection is divided by one area, that of a, not by the union"),
        ([2 / 24, 12 / 24, 6 / 35], "the intersection is divided by one area, that of b, not by the union"),
        ([2 / 46, 12 / 36, 6 / 64], "the union has the area of b twice, and not that of a"),
        ([2 / 14, 12 / 48, 6 / 78], "the union has the area of a twice, and not that of b"),
        ([2 / 40, 12 / 54, 6 / 100], "it is divided by the area of the box around both, not by the union"),
        ([6 / 63, 16 / 59, 15 / 145], "the last two numbers of a box are taken for width and height; they are x2, y2"),
        ([4 / 28, 9 / 45, 4 / 73], f"the height of the intersection is computed from x, as its width: {copied}"),
        ([1 / 31, 16 / 38, 9 / 68], f"the width of the intersection is computed from y, as its height: {copied}"),
        ([30, 42, 71], "this is the union: divide the intersection by it"),
        ([2, 12, 6], "this is the intersection: divide it by the union"),
        ([0, 0, 0], "an integer division? 2 / 30 became 0"),
    ]
    what = (
        "the IoU of [1, 1, 5, 3] and [3, 2, 9, 6], of [0, 0, 6, 5] and [2, 1, 5, 9], and of [4, 2, 11, 8] and "
        "[1, 5, 6, 12], 2 / 30, 12 / 42, 6 / 71,"
    )
    expect(what, np.ravel(found), [2 / 30, 12 / 42, 6 / 71], mistakes)


@pytest.mark.task("2.1")
def test_separate_boxes_have_an_iou_of_0(student):
    iou = student.box_iou(boxes([0, 0, 2, 2]), boxes([5, 5, 8, 8], [5, 0, 8, 2], [2, 0, 4, 2]))
    clip = "the sides of an intersection are not below 0: clip each of them to 0 before you multiply them"
    mistakes = [
        ([2.25, -0.375, 0], f"two negative sides have a positive product, one has a negative: {clip}"),
        ([2.25, 0, 0], f"both sides are negative in the first pair, but their product is positive: {clip}"),
        ([0, -0.375, 0], f"one side is negative in the second pair: {clip}"),
        ([2.25, 1.5, 0], f"negative sides are made positive (abs): {clip}"),
    ]
    expect("the IoU of [0, 0, 2, 2] with [5, 5, 8, 8], [5, 0, 8, 2] and [2, 0, 4, 2]", iou, [[0, 0, 0]], mistakes)


@pytest.mark.task("2.1")
def test_a_box_without_area_has_an_iou_of_0(student):
    points = boxes([3, 3, 3, 3], [0, 2, 5, 2])
    iou = student.box_iou(points, points)
    assert not np.isnan(iou).any(), "0 / 0: if the intersection is 0, the IoU is 0 for any union"
    expect("the IoU of a point and a line with themselves", iou, np.zeros((2, 2)))


@pytest.mark.task("2.1")
def test_the_table_has_an_iou_for_each_pair(student):
    a, b = boxes([0, 0, 2, 2], [0, 0, 4, 2]), boxes([0, 0, 2, 2], [2, 0, 4, 2], [0, 0, 2, 4])
    iou = student.box_iou(a, b)
    right = [[1, 0, 1 / 2], [1 / 2, 1 / 2, 1 / 3]]
    mistakes = [
        (np.transpose(right), "a and b are swapped"),
        (
            [[1, 0, 0], [0, 1 / 2, 0]],
            "compare each box of a with each box of b, not only with the box at the same index",
        ),
        ([1, 1 / 2], "compare each box of a with each box of b, not only with the box at the same index"),
    ]
    expect("the 2 x 3 table of IoU", iou, right, mistakes)


@pytest.mark.task("2.1")
def test_box_iou_agrees_with_the_reference(student):
    student.check("box_iou", keep=lambda case: len(case["a"]) * len(case["b"]) < 100, empty=("a", "b"))


# ---- 2.2: box coding ------------------------------------------------------------------------------------------------


# 20 wide, 40 high, with its center at (20, 30); and 40 wide, 30 high, with its center at (40, 40).
ANCHOR, TARGET = boxes([10, 10, 30, 50]), boxes([20, 25, 60, 55])
LOGS = [np.log(40 / 20), np.log(30 / 40)]


@pytest.mark.task("2.2")
def test_offsets_from_an_anchor_to_its_target(student):
    deltas = student.encode_boxes(TARGET, ANCHOR)
    mistakes = [
        ([[10 / 20, 15 / 40, *LOGS]], "corners are subtracted: tx and ty are the differences of the centers"),
        ([[20 / 40, 10 / 30, *LOGS]], "tx and ty are divided by the width and height of the target, not of the anchor"),
        ([[20 / 20, 10 / 20, *LOGS]], "ty is divided by the width of the anchor, not by its height"),
        ([[1, 0.25, 40 / 20 - 1, 30 / 40 - 1]], "tw and th are logarithms, not the relative differences of the sizes"),
        ([[20, 10, *LOGS]], "tx and ty are not divided by the width and height of the anchor"),
        ([[20 / 40, 10 / 20, *LOGS]], "tx is divided by the height and ty by the width: they are swapped"),
        ([[1, 0.25, 2, 0.75]], "the logarithms of the widths and heights are missing"),
        ([[1, 0.25, np.log2(2), np.log2(0.75)]], "use np.log, the natural logarithm, not np.log2"),
        ([[1, 0.25, -LOGS[0], -LOGS[1]]], "tw and th are the logarithms of target / anchor, not anchor / target"),
        ([[-1, -0.25, *LOGS]], "tx and ty have the wrong sign: subtract the anchor from the target"),
        ([[-20 / 40, -10 / 30, -LOGS[0], -LOGS[1]]], "the anchor and the target are swapped"),
        ([[20 / 21, 10 / 41, np.log(41 / 21), np.log(31 / 41)]], "widths and heights are counted with + 1"),
        ([[0.25, 1, *LOGS[::-1]]], "x and y are swapped: the order is tx, ty, tw, th"),
        ([[1, *LOGS[:1], 0.25, *LOGS[1:]]], "the order of the four numbers is tx, ty, tw, th"),
    ]
    expect("tx, ty, tw, th: 20 / 20, 10 / 40, log 2, log 3 / 4", deltas, [[1, 0.25, *LOGS]], mistakes)


@pytest.mark.task("2.2")
def test_offsets_are_multiplied_by_their_weights(student):
    deltas = student.encode_boxes(TARGET, ANCHOR, weights=(10, 20, 5, 4))
    mistakes = [
        ([[1, 0.25, *LOGS]], "the weights are ignored"),
        (
            [[1 / 10, 0.25 / 20, LOGS[0] / 5, LOGS[1] / 4]],
            "encode_boxes multiplies by the weights, decode_boxes divides by them",
        ),
        (
            [[10, 2.5, 10 * LOGS[0], 10 * LOGS[1]]],
            "the first weight is used for all four numbers: there are wx, wy, ww, wh",
        ),
        ([[10, 2.5, 5 * LOGS[0], 5 * LOGS[1]]], "each of the four numbers has a weight: wx, wy, ww, wh"),
    ]
    expect("the offsets times (10, 20, 5, 4)", deltas, [[10, 5, 5 * LOGS[0], 4 * LOGS[1]]], mistakes)


@pytest.mark.task("2.2")
def test_decoding_returns_the_target(student):
    found = student.decode_boxes(np.array([[1, 0.25, *LOGS]]), ANCHOR)
    mistakes = [
        ([[40, 40, 40, 30]], "this is center, width and height: a box is x1, y1, x2, y2"),
        ([[20, 25, 40, 30]], "this is x, y, width and height: a box is x1, y1, x2, y2"),
        ([[0, 10, 80, 70]], "from the center to a side it is half of the width: a factor 1 / 2 is missing"),
        ([[10, 5, 50, 35]], "tx and ty are added to the corner of the anchor, not to its center"),
        (
            [[40 - LOGS[0] * 10, 40 - LOGS[1] * 20, 40 + LOGS[0] * 10, 40 + LOGS[1] * 20]],
            "the exp of tw, th is missing",
        ),
        ([[1, 15.25, 41, 45.25]], "multiply tx and ty by the width and height of the anchor"),
        (
            [[40, 22.5, 80, 52.5]],
            "multiply tx and ty by the width and height of the anchor, not by those of the decoded box",
        ),
        ([[40, 40, 80, 70]], "the center is used as the corner x1, y1: go half of the width to each side"),
    ]
    expect("the decoded box, [20, 25, 60, 55],", found, TARGET, mistakes)


@pytest.mark.task("2.2")
def test_decoding_divides_by_the_weights(student):
    deltas = np.array([[10, 5, 5 * LOGS[0], 4 * LOGS[1]]])
    found = student.decode_boxes(deltas, ANCHOR, weights=(10, 20, 5, 4))
    ignored = [20 + 200 - 0.5 * 20 * 2**5, 30 + 200 - 0.5 * 40 * 0.75**4]
    ignored += [20 + 200 + 0.5 * 20 * 2**5, 30 + 200 + 0.5 * 40 * 0.75**4]
    multiplied = [20 + 2000 - 10 * 2**25, 30 + 4000 - 20 * 0.75**16, 20 + 2000 + 10 * 2**25, 30 + 4000 + 20 * 0.75**16]
    wide = np.exp(min(25 * LOGS[0], np.log(1000 / 16)))
    cut = [2020 - 10 * wide, multiplied[1], 2020 + 10 * wide, multiplied[3]]
    mistakes = [
        ([ignored], "the weights are ignored"),
        ([multiplied], "encode_boxes multiplies by the weights, so decode_boxes divides by them"),
        ([cut], "encode_boxes multiplies by the weights, so decode_boxes divides by them"),
    ]
    expect("the box decoded with weights, [20, 25, 60, 55],", found, TARGET, mistakes)


@pytest.mark.task("2.2")
def test_large_offsets_are_limited_and_small_ones_are_not(student):
    anchor, all_four = boxes([0, 0, 16, 16]), (1, 1, 5, 5)
    found = student.decode_boxes(np.array([[0, 0, 100.0, -100]]), anchor)
    unlimited = "an untrained network may predict such numbers. Limit tw and th to LARGEST_LOG_SCALE before exp"
    mistakes = [(16 * np.exp(100.0), unlimited), (np.inf, unlimited)]
    expect("the width of a box of 16 pixels with tw = 100", found[0, 2] - found[0, 0], 1000, mistakes)
    mistakes = [(16 / (1000 / 16), "tw and th have an upper limit only: small boxes are no problem")]
    expect("the height of a box of 16 pixels with th = -100", found[0, 3] - found[0, 1], 0, mistakes, atol=1e-6)
    found = student.decode_boxes(np.array([[0, 0, 20.0, 20]]), anchor, weights=all_four)
    mistakes = [(16 * (1000 / 16) ** (1 / 5), "divide by the weight first, then limit to LARGEST_LOG_SCALE")]
    expect("16 * exp(20 / 5), the width for tw = 20", found[0, 2] - found[0, 0], 16 * np.exp(4), mistakes)


@pytest.mark.task("2.2")
def test_the_center_may_move_as_far_as_it_likes(student):
    # 6 widths to the right, 8 heights up
    found = student.decode_boxes(np.array([[6.0, -8, 0, 0]]), boxes([0, 0, 10, 20]))
    largest = np.log(1000 / 16)
    far = "only tw and th are limited, before exp: tx and ty move the center, as far as they say"
    mistakes = [
        ([[10 * largest, -160, 10 * largest + 10, -140]], far),
        ([[10 * largest, -20 * largest, 10 * largest + 10, 20 - 20 * largest]], far),
    ]
    expect("the box of tx = 6 and ty = -8, [60, -160, 70, -140],", found, [[60, -160, 70, -140]], mistakes)


@pytest.mark.task("2.2")
def test_decoding_is_the_inverse_of_encoding(student):
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 50, (2, 6, 2))
    targets, anchors = np.concatenate([corners, corners + rng.uniform(1, 50, (2, 6, 2))], axis=2)
    deltas = student.encode_boxes(targets, anchors, weights=(10, 10, 5, 5))
    decoded = student.decode_boxes(deltas, anchors, weights=(10, 10, 5, 5))
    assert np.allclose(decoded, targets), f"decode_boxes(encode_boxes(targets)) is {decoded[0]}, not {targets[0]}"
    # two images with the same three anchors, (2, 3, 4): the axes before the last one are kept
    shaped = student.encode_boxes(targets.reshape(2, 3, 4), anchors[:3])
    assert shaped.shape == (2, 3, 4), (
        f"targets of shape (2, 3, 4) should give offsets of shape (2, 3, 4), not {shaped.shape}"
    )


@pytest.mark.task("2.2")
def test_encode_boxes_agrees_with_the_reference(student):
    student.check("encode_boxes")


@pytest.mark.task("2.2")
def test_decode_boxes_agrees_with_the_reference(student):
    student.check("decode_boxes")


# ---- 2.3: non-maximum suppression -----------------------------------------------------------------------------------


@pytest.mark.task("2.3")
def test_the_best_box_suppresses_its_duplicate(student):
    # Box 2 has the best score, box 0 is its duplicate (IoU 9 / 11), boxes 1 and 3 do not overlap any box.
    found = student.nms(
        boxes([1, 0, 11, 10], [20, 20, 30, 30], [0, 0, 10, 10], [40, 0, 50, 10]), np.array([0.8, 0.6, 0.9, 0.7]), 0.5
    )
    mistakes = [
        ([2, 0, 3, 1], "nothing is suppressed"),
        ([1, 3, 0], "it begins with the worst score: sort the scores in descending order"),
        ([0, 1, 3], "the scores are ignored: begin with the best score, not with the first box"),
        ([1, 2, 3], "these are the right boxes in the order of their indices: sort them by descending score"),
        ([0, 2, 3], "these are indices into the sorted boxes: return indices into `boxes`"),
        ([False, True, True, True], "this is a mask: return the indices, the best first"),
        ([2], "all boxes after the best one are suppressed, also those that do not overlap it"),
    ]
    expect("the boxes that stay, the best first,", found, [2, 3, 1], mistakes)


@pytest.mark.task("2.3")
def test_a_suppressed_box_does_not_suppress_others(student):
    # Box 0 suppresses box 1 (IoU 3 / 7). Box 1 overlaps box 2 as much, but is suppressed; the IoU of 0 and 2 is 1 / 9.
    found = student.nms(boxes([0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]), np.array([0.9, 0.8, 0.7]), 0.3)
    mistakes = [
        ([0], "a suppressed box still suppresses others: compare only with boxes that stay"),
        ([0, 1, 2], "nothing is suppressed: is the threshold, 0.3, ignored?"),
    ]
    expect("the boxes that stay of three boxes in a row", found, [0, 2], mistakes)


@pytest.mark.task("2.3")
def test_a_box_is_compared_with_all_boxes_that_stay(student):
    # Box 1 lies apart. Box 2 overlaps box 0, not the one that was kept last.
    found = student.nms(boxes([0, 0, 10, 10], [50, 0, 60, 10], [1, 0, 11, 10]), np.array([0.9, 0.8, 0.7]), 0.5)
    mistakes = [([0, 1, 2], "a box is compared only with the one that was kept last: compare it with all that stay")]
    expect("the boxes that stay, where the last overlaps the first,", found, [0, 1], mistakes)


@pytest.mark.task("2.3")
def test_scores_may_have_any_sign(student):
    found = student.nms(boxes([0, 0, 1, 1], [5, 0, 6, 1], [9, 0, 10, 1]), np.array([-1.0, 0.0, 2.0]), 0.5)
    mistakes = [
        ([2], "the loop stops at a score of 0: scores may be 0 and negative (logits), so go on until no box is left"),
        ([2, 1], "the loop stops below a score of 0: scores may be negative (logits), so go on until no box is left"),
        ([0, 2, 1], "the scores are sorted by their size, without the sign"),
    ]
    expect("three separate boxes with the scores -1, 0 and 2", found, [2, 1, 0], mistakes)


@pytest.mark.task("2.3")
def test_a_box_with_an_iou_equal_to_the_threshold_stays(student):
    found = student.nms(boxes([0, 0, 2, 1], [0, 0, 1, 1]), np.array([0.9, 0.8]), 0.5)
    mistakes = [([0], "a box is suppressed if its IoU is above the threshold (>), not if it is equal (>=)")]
    expect("the boxes that stay of two boxes with an IoU of 0.5, for the threshold 0.5,", found, [0, 1], mistakes)


@pytest.mark.task("2.3")
def test_of_equal_scores_the_first_comes_first(student):
    found = student.nms(boxes([0, 0, 1, 1], [5, 0, 6, 1], [9, 0, 10, 1]), np.array([0.5, 0.5, 0.9]), 0.5)
    mistakes = [
        (
            [2, 1, 0],
            "equal scores: the lower index comes first. argsort()[::-1] reverses them. Sort -scores, kind=stable",
        )
    ]
    expect("the order of three separate boxes with scores 0.5, 0.5, 0.9,", found, [2, 0, 1], mistakes)
    found = student.nms(np.repeat(boxes([0, 0, 1, 1]), 20, axis=0), np.ones(20), 0.5)
    mistakes = [
        ([k], 'equal scores: the lower index comes first: np.argsort(-scores, kind="stable")') for k in range(1, 20)
    ]
    mistakes += [(range(0, 20, 2), "a box suppresses one other only: go on to the end, without a `break`")]
    expect("the box that stays of twenty equal boxes", found, [0], mistakes)


@pytest.mark.task("2.3")
def test_no_boxes_give_no_indices(student):
    found = student.nms(boxes(), np.zeros(0), 0.5)
    assert found.shape == (0,), f"no boxes: expected an array of shape (0,), got {found.shape}"
    assert found.dtype.kind == "i", "indices are integers: np.array([]) is an array of floats, give it a dtype"


@pytest.mark.task("2.3")
def test_nms_agrees_with_the_reference(student):
    student.check("nms", keep=lambda case: len(case["boxes"]) < 50, empty=("boxes", "scores"))
