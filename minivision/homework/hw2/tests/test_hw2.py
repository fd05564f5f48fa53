"""What the slides show, in numbers that can be followed by hand; and a check of each function with many more."""

import numpy as np
import pytest

from minivision.data import Batch
from minivision.detection import selective_search
from minivision.detection.region_histograms import Regions
from minivision.instances import Instances
from minivision.models import make_model
from minivision.training import SGD


def expect(what, got, right, mistakes=None):
    """Fail unless `got` is `right`; say which of some well-known mistakes gives these very numbers.

    `mistakes` are pairs: what it would give, and the mistake in words.
    """
    got, right = np.asarray(got), np.asarray(right)
    if got.shape == right.shape and np.allclose(got, right, rtol=1e-6):
        return
    message = f"{what} should be {right.tolist()} and is {got.tolist()}"
    for numbers, mistake in mistakes or ():
        if got.shape == np.shape(numbers) and np.allclose(got, numbers, rtol=1e-6, equal_nan=True):
            raise AssertionError(f"{message}\n  → {mistake}{'' if mistake.endswith('?') else '.'}")
    if got.shape != right.shape:
        message += f"\n  → Its shape is {got.shape}, and should be {right.shape}."
    raise AssertionError(message)


def boxes(*rows):
    """Return boxes, one for each row of four numbers; without rows none, (0, 4)."""
    return np.array(rows, dtype=np.float64).reshape(len(rows), 4)


def maps(numbers):
    """Return one map of one channel, (1, 1, H, W), from rows of numbers; a list of numbers is a map of one row."""
    return np.atleast_2d(np.array(numbers, dtype=np.float64))[None, None]


def rois(*rows):
    """Return regions (K, 5): the number of the image, then x1, y1, x2, y2."""
    return np.array(rows, dtype=np.float64).reshape(len(rows), 5)


def on_small_maps(case):
    """Return whether maps and regions of a case are so small that it is quick, also in plain loops."""
    shape = case["x"].shape if "x" in case else case["input_shape"]
    return 0 < shape[1] and np.prod(shape) <= 150 and np.abs(case["rois"]).max(initial=0) < 100


# ---- 2.1: intersection over union --------------------------------------------------------------------------------


@pytest.mark.task("2.1")
def test_two_boxes_that_share_a_corner(student):
    # 4 x 2 = 8 pixels and 6 x 4 = 24 pixels share 2 x 1 = 2 and cover 8 + 24 - 2 = 30 together.
    iou = student.box_iou(boxes([1, 1, 5, 3]), boxes([3, 2, 9, 6]))
    mistakes = [
        ([[3 / 22]], "widths and heights are counted with + 1: a box is x2 - x1 wide"),
        ([[2 / 32]], "the intersection is counted twice: take it off the sum of the two areas once"),
        ([[2 / 8]], "the intersection is divided by one area alone (the smaller one, or that of a), not by the union"),
        ([[2 / 24]], "the intersection is divided by one area alone (the larger one, or that of b), not by the union"),
        ([[2 / 21]], "the last two numbers of a box are taken for width and height; they are the corner x2, y2"),
        ([[30.0]], "that is the union: divide the intersection by it"),
        ([[2.0]], "that is the intersection: divide it by the union"),
        ([[0.0]], "an integer division? 2 / 30 became 0"),
    ]
    expect("the IoU of [1, 1, 5, 3] and [3, 2, 9, 6], 2 / 30,", iou, [[1 / 15]], mistakes)


@pytest.mark.task("2.1")
def test_boxes_that_are_apart_do_not_overlap(student):
    iou = student.box_iou(boxes([0, 0, 2, 2]), boxes([5, 5, 8, 8], [5, 0, 8, 2], [2, 0, 4, 2]))
    assert iou[0, 0] == 0, (
        f"[0, 0, 2, 2] and [5, 5, 8, 8] are apart and have an IoU of 0, not {iou[0, 0]:g}\n"
        "  → the width and the height of the intersection are both negative there, and their product is not: "
        "cut each at 0 before they are multiplied."
    )
    assert iou[0, 1] == 0, (
        f"[0, 0, 2, 2] and [5, 0, 8, 2] are apart and have an IoU of 0, not {iou[0, 1]:g}\n"
        "  → the width of the intersection is negative there: cut it at 0."
    )
    assert iou[0, 2] == 0, f"[0, 0, 2, 2] and [2, 0, 4, 2] touch, but share no area: an IoU of 0, not {iou[0, 2]:g}"


@pytest.mark.task("2.1")
def test_a_box_without_area_overlaps_nothing(student):
    points = boxes([3, 3, 3, 3], [0, 2, 5, 2])
    iou = student.box_iou(points, points)
    assert not np.isnan(iou).any(), "0 / 0: where the intersection is 0 the IoU is 0, whatever the union is"
    expect("the IoU of a point and a line with themselves", iou, np.zeros((2, 2)))


@pytest.mark.task("2.1")
def test_each_box_meets_each(student):
    a, b = boxes([0, 0, 2, 2], [0, 0, 4, 2]), boxes([0, 0, 2, 2], [2, 0, 4, 2], [0, 0, 2, 4])
    iou = student.box_iou(a, b)
    right = [[1, 0, 1 / 2], [1 / 2, 1 / 2, 1 / 3]]
    mistakes = [
        (np.transpose(right), "a and b are the wrong way round"),
        ([[1, 0, 0], [0, 1 / 2, 0]], "each box of a meets each box of b, not only the one in its own place"),
        ([1, 1 / 2], "each box of a meets each box of b, not only the one in its own place"),
    ]
    expect("the table of 2 x 3", iou, right, mistakes)


@pytest.mark.task("2.1")
def test_box_iou_agrees_with_the_textbook(student):
    student.check("box_iou", keep=lambda case: len(case["a"]) * len(case["b"]) < 100)


# ---- 2.2: box coding ---------------------------------------------------------------------------------------------

# 20 wide, 40 high, its centre at (20, 30); and 40 wide, 30 high, its centre at (40, 40).
ANCHOR, TARGET = boxes([10, 10, 30, 50]), boxes([20, 25, 60, 55])
LOGS = [np.log(40 / 20), np.log(30 / 40)]


@pytest.mark.task("2.2")
def test_the_way_from_an_anchor_to_its_target(student):
    deltas = student.encode_boxes(TARGET, ANCHOR)
    mistakes = [
        ([[10 / 20, 15 / 40, *LOGS]], "the corners are subtracted; tx and ty are about the centres"),
        ([[20 / 40, 10 / 30, *LOGS]], "it is divided by the width and height of the target, not of the anchor"),
        ([[20, 10, *LOGS]], "tx and ty are not divided by the width and height of the anchor"),
        ([[20 / 40, 10 / 20, *LOGS]], "width and height are swapped where tx and ty are divided"),
        ([[1, 0.25, 2, 0.75]], "the logarithms of the widths and heights are missing"),
        ([[1, 0.25, np.log2(2), np.log2(0.75)]], "np.log is meant, the natural logarithm, not np.log2"),
        ([[1, 0.25, -LOGS[0], -LOGS[1]]], "tw and th are about target / anchor, not anchor / target"),
        ([[-1, -0.25, *LOGS]], "tx and ty lead from the anchor to the target: target - anchor"),
        ([[-20 / 40, -10 / 30, -LOGS[0], -LOGS[1]]], "the anchor and the target are the wrong way round"),
        ([[20 / 21, 10 / 41, np.log(41 / 21), np.log(31 / 41)]], "widths and heights are counted with + 1"),
        ([[0.25, 1, *LOGS[::-1]]], "x and y are swapped: the order is tx, ty, tw, th"),
        ([[1, *LOGS[:1], 0.25, *LOGS[1:]]], "the order of the four numbers is tx, ty, tw, th"),
    ]
    expect("tx, ty, tw, th: 20 / 20, 10 / 40, log 2, log 3 / 4", deltas, [[1, 0.25, *LOGS]], mistakes)


@pytest.mark.task("2.2")
def test_deltas_are_multiplied_with_their_weights(student):
    deltas = student.encode_boxes(TARGET, ANCHOR, weights=(10, 20, 5, 4))
    mistakes = [
        ([[1, 0.25, *LOGS]], "the weights are ignored"),
        ([[1 / 10, 0.25 / 20, LOGS[0] / 5, LOGS[1] / 4]], "encode_boxes multiplies with the weights, decode divides"),
        ([[10, 2.5, 10 * LOGS[0], 10 * LOGS[1]]], "the first weight is used for all: there are wx, wy, ww, wh"),
        ([[10, 2.5, 5 * LOGS[0], 5 * LOGS[1]]], "each has a weight of its own: wx, wy, ww, wh"),
    ]
    expect("the deltas times (10, 20, 5, 4)", deltas, [[10, 5, 5 * LOGS[0], 4 * LOGS[1]]], mistakes)


@pytest.mark.task("2.2")
def test_the_way_back_to_the_target(student):
    found = student.decode_boxes(np.array([[1, 0.25, *LOGS]]), ANCHOR)
    mistakes = [
        ([[40, 40, 40, 30]], "that is the centre, width and height: a box is x1, y1, x2, y2"),
        ([[20, 25, 40, 30]], "that is x, y, width and height: a box is x1, y1, x2, y2"),
        ([[0, 10, 80, 70]], "from the centre to a side it is half of the width: half of it is missing"),
        ([[10, 5, 50, 35]], "it starts from the corner of the anchor, not from its centre"),
        (
            [[40 - LOGS[0] * 10, 40 - LOGS[1] * 20, 40 + LOGS[0] * 10, 40 + LOGS[1] * 20]],
            "the exp of tw, th is missing",
        ),
        ([[1, 15.25, 41, 45.25]], "tx and ty are in widths and heights of the anchor: multiply with these"),
        ([[40, 40, 80, 70]], "the centre is taken for the corner x1, y1: half of the width goes to either side"),
    ]
    expect("[20, 25, 60, 55] once more", found, TARGET, mistakes)


@pytest.mark.task("2.2")
def test_deltas_are_divided_by_their_weights_on_the_way_back(student):
    deltas = np.array([[10, 5, 5 * LOGS[0], 4 * LOGS[1]]])
    found = student.decode_boxes(deltas, ANCHOR, weights=(10, 20, 5, 4))
    ignored = [20 + 200 - 0.5 * 20 * 2**5, 30 + 200 - 0.5 * 40 * 0.75**4]
    ignored += [20 + 200 + 0.5 * 20 * 2**5, 30 + 200 + 0.5 * 40 * 0.75**4]
    multiplied = [20 + 2000 - 10 * 2**25, 30 + 4000 - 20 * 0.75**16, 20 + 2000 + 10 * 2**25, 30 + 4000 + 20 * 0.75**16]
    wide = np.exp(min(25 * LOGS[0], np.log(1000 / 16)))
    cut = [2020 - 10 * wide, multiplied[1], 2020 + 10 * wide, multiplied[3]]
    mistakes = [
        ([ignored], "the weights are ignored"),
        ([multiplied], "encode_boxes multiplied with the weights, so decode_boxes divides by them"),
        ([cut], "encode_boxes multiplied with the weights, so decode_boxes divides by them"),
    ]
    expect("[20, 25, 60, 55] with weights", found, TARGET, mistakes)


@pytest.mark.task("2.2")
def test_no_box_becomes_huge_and_small_ones_are_allowed(student):
    anchor, all_four = boxes([0, 0, 16, 16]), (1, 1, 5, 5)
    found = student.decode_boxes(np.array([[0, 0, 100.0, -100]]), anchor)
    assert np.isclose(found[0, 2] - found[0, 0], 1000), (
        f"a box of 16 pixels with tw = 100 should become 1000 wide and is {found[0, 2] - found[0, 0]:g} wide\n"
        "  → exp(100) has no end: an untrained network says such things. Cut tw and th at LARGEST_LOG_SCALE before exp."
    )
    assert found[0, 3] - found[0, 1] < 1e-6, (
        "th = -100 makes a box as good as flat\n  → tw and th are cut at the top only: small boxes are no danger."
    )
    found = student.decode_boxes(np.array([[0, 0, 20.0, 20]]), anchor, weights=all_four)
    assert np.isclose(found[0, 2] - found[0, 0], 16 * np.exp(4)), (
        f"tw = 20 with the weight 5 is 4, so 16 becomes {16 * np.exp(4):g}, not {found[0, 2] - found[0, 0]:g}\n"
        "  → divide by the weight first, then cut at LARGEST_LOG_SCALE."
    )


@pytest.mark.task("2.2")
def test_there_and_back_again(student):
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 50, (2, 6, 2))
    targets, anchors = np.concatenate([corners, corners + rng.uniform(1, 50, (2, 6, 2))], axis=2)
    deltas = student.encode_boxes(targets, anchors, weights=(10, 10, 5, 5))
    back = student.decode_boxes(deltas, anchors, weights=(10, 10, 5, 5))
    assert np.allclose(back, targets), f"decode_boxes(encode_boxes(targets)) is {back[0]} where {targets[0]} went in"
    # two images with the same three anchors, (2, 3, 4): axes before the last are kept
    shaped = student.encode_boxes(targets.reshape(2, 3, 4), anchors[:3])
    assert shaped.shape == (2, 3, 4), f"targets (2, 3, 4) should give deltas (2, 3, 4), not {shaped.shape}"


@pytest.mark.task("2.2")
def test_encode_boxes_agrees_with_the_textbook(student):
    student.check("encode_boxes")


@pytest.mark.task("2.2")
def test_decode_boxes_agrees_with_the_textbook(student):
    student.check("decode_boxes")


# ---- 2.3: non-maximum suppression --------------------------------------------------------------------------------


@pytest.mark.task("2.3")
def test_the_best_box_drops_its_double(student):
    # Box 2 is the best, box 0 its double (IoU 9 / 11), boxes 1 and 3 are apart.
    found = student.nms(
        boxes([1, 0, 11, 10], [20, 20, 30, 30], [0, 0, 10, 10], [40, 0, 50, 10]), np.array([0.8, 0.6, 0.9, 0.7]), 0.5
    )
    mistakes = [
        ([2, 0, 3, 1], "nothing is suppressed"),
        ([1, 3, 0], "it begins with the worst score: sort them in descending order"),
        ([0, 1, 3], "the scores are not looked at: begin with the best, not with the first"),
        ([1, 2, 3], "the right boxes, but in the order of their indices: they come by descending score"),
        ([0, 2, 3], "these are places in the sorted list: return the indices of the boxes as they were given"),
        ([False, True, True, True], "that is a mask: return the indices, the best first"),
        ([2], "all that come after the best are suppressed, also those that do not overlap it"),
    ]
    expect("what stays, best first,", found, [2, 3, 1], mistakes)


@pytest.mark.task("2.3")
def test_a_box_that_is_gone_suppresses_no_other(student):
    # Three in a row: 0 drops 1 (IoU 3 / 7). 1 overlaps 2 as much, but is gone; 0 and 2 hardly overlap (1 / 9).
    found = student.nms(boxes([0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]), np.array([0.9, 0.8, 0.7]), 0.3)
    mistakes = [
        ([0], "a box that was suppressed still suppresses others: compare with those that stay alone"),
        ([0, 1, 2], "nothing is suppressed: is 0.3, the threshold that is asked for, looked at?"),
    ]
    expect("what stays of three boxes in a row", found, [0, 2], mistakes)


@pytest.mark.task("2.3")
def test_an_overlap_of_just_the_threshold_stays(student):
    found = student.nms(boxes([0, 0, 2, 1], [0, 0, 1, 1]), np.array([0.9, 0.8]), 0.5)
    mistakes = [([0], "a box goes when its overlap is above the threshold (>), not when it is equal to it (>=)")]
    expect("what stays of two boxes with an IoU of 0.5, threshold 0.5,", found, [0, 1], mistakes)


@pytest.mark.task("2.3")
def test_of_equal_scores_the_first_comes_first(student):
    found = student.nms(boxes([0, 0, 1, 1], [5, 0, 6, 1], [9, 0, 10, 1]), np.array([0.5, 0.5, 0.9]), 0.5)
    mistakes = [
        (
            [2, 1, 0],
            "equal scores: the lower index comes first. argsort()[::-1] turns equals round: sort -scores, stable",
        )
    ]
    expect("the order of three boxes apart, scores 0.5, 0.5, 0.9,", found, [2, 0, 1], mistakes)
    found = student.nms(np.repeat(boxes([0, 0, 1, 1]), 20, axis=0), np.ones(20), 0.5)
    mistakes = [([k], 'of equal scores the lower index wins: np.argsort(-scores, kind="stable")') for k in range(1, 20)]
    expect("what stays of twenty times the same box", found, [0], mistakes)


@pytest.mark.task("2.3")
def test_without_boxes_nothing_stays(student):
    found = student.nms(boxes(), np.zeros(0), 0.5)
    assert found.shape == (0,), f"of no boxes none stays: expected an array of shape (0,), got {found.shape}"
    assert found.dtype.kind == "i", "indices are whole numbers: np.array([]) is an array of floats, give it a dtype"


@pytest.mark.task("2.3")
def test_nms_agrees_with_the_textbook(student):
    student.check("nms", keep=lambda case: len(case["boxes"]) < 50)


# ---- 2.4: RoI pooling --------------------------------------------------------------------------------------------


@pytest.mark.task("2.4")
def test_two_cells_of_a_row(student):
    # From column 0 to column 5, both belong to the region: six columns, three for each cell.
    y, argmax = student.roi_pool(maps([3, 1, 4, 1, 5, 9]), rois([0, 0, 0, 5, 0]), (1, 2))
    mistakes = [
        ([4, 5], "the last column is missing: both corners belong to the region, it is x2 - x1 + 1 wide"),
        ([8 / 3, 5], "that is the mean of each cell: the largest is meant"),
        ([4, 5.5], "that is the mean of each cell: the largest is meant"),
    ]
    expect("the largest of [3, 1, 4] and of [1, 5, 9]", y.ravel(), [4, 9], mistakes)
    mistakes = [
        ([2, 2], "that is the place within the cell: count in the whole plane of x, row * W + column"),
        ([4, 9], "argmax is where the largest stood, not the largest itself"),
    ]
    expect("where they stood", argmax.ravel(), [2, 5], mistakes)


@pytest.mark.task("2.4")
def test_cells_share_a_column_where_the_width_is_no_multiple(student):
    y, _ = student.roi_pool(maps([1, 5, 2]), rois([0, 0, 0, 2, 0]), (1, 2))
    mistakes = [
        (
            [1, 5],
            "a cell ends where the next one begins; it must end at ceil((j + 1) * size), so that cells may overlap",
        ),
        ([5, 2], "a cell begins at ceil(j * size); it must begin at floor(j * size), so that cells may overlap"),
        ([1, 2], "a column between two cells is lost: from floor(j * size) to ceil((j + 1) * size)"),
    ]
    expect("cells of [1, 5] and [5, 2]", y.ravel(), [5, 5], mistakes)


@pytest.mark.task("2.4")
def test_corners_are_rounded_halves_away_from_zero(student):
    y, _ = student.roi_pool(maps([0, 1, 2, 3]), rois([0, 0, 0, 2.5, 0], [0, 0, 0, 2.7, 0], [0, 0, 0, 2.2, 0]), 1)
    mistakes = [
        ([2, 3, 2], "Python's round and np.round send halves to the even number: round_half_away does not"),
        ([2, 2, 2], "corners are rounded to the nearest pixel, not down (int() and // cut off)"),
        ([3, 3, 3], "corners are rounded to the nearest pixel, not up"),
    ]
    expect("columns 0 to 2.5, to 2.7 and to 2.2: the last of them", y.ravel(), [3, 3, 2], mistakes)


@pytest.mark.task("2.4")
def test_a_box_of_the_image_is_scaled_to_the_map(student):
    x = np.arange(12.0).reshape(1, 1, 3, 4)
    y, argmax = student.roi_pool(x, rois([0, 8, 0, 16, 8]), 1, spatial_scale=1 / 8)
    mistakes = [
        ([0], "spatial_scale is ignored: the box lies in an image that is larger than the map"),
        ([11], "spatial_scale is ignored, or the box reaches too far"),
        ([9], "x and y are swapped: x1 and x2 count columns, y1 and y2 count rows"),
    ]
    expect("columns 1 to 2, rows 0 to 1 of a map of 3 x 4", y.ravel(), [6], mistakes)
    expect(
        "its place, row 1 and column 2", argmax.ravel(), [6], [([7], "it is row * W + column, not column * H + row")]
    )


@pytest.mark.task("2.4")
def test_each_region_belongs_to_an_image(student):
    x = np.stack([maps([1, 2])[0], maps([30, 40])[0]])
    y, _ = student.roi_pool(x, rois([1, 0, 0, 1, 0], [0, 0, 0, 1, 0]), 1)
    mistakes = [
        ([2, 2], "the first number of a region is the number of its image: here all come from the first"),
        ([2, 40], "region k does not belong to image k: the first number of each region says which"),
    ]
    expect("a region of image 1 and one of image 0", y.ravel(), [40, 2], mistakes)


@pytest.mark.task("2.4")
def test_negative_numbers_have_a_largest_too_and_of_equals_the_first_wins(student):
    y, argmax = student.roi_pool(maps([[-3, -2], [-2, -5]]), rois([0, 0, 0, 1, 1]), 1)
    mistakes = [
        ([0], "the search for the largest begins with 0, but all are negative: begin with -inf, or with the first")
    ]
    expect("the largest of [-3, -2, -2, -5]", y.ravel(), [-2], mistakes)
    expect("its place", argmax.ravel(), [1], [([2], "of equals the first wins: > and not >=")])


@pytest.mark.task("2.4")
def test_a_cell_off_the_map_is_0_and_stands_nowhere(student):
    y, argmax = student.roi_pool(maps([7, 8]), rois([0, 1, 0, 4, 0]), (1, 2))
    mistakes = [
        ([8, -np.inf], "a cell off the map has no largest number: it is 0"),
        ([8, 8], "the region is cut off at the border before it is divided: the grid is laid upon the whole region"),
    ]
    expect("columns 1 and 2, columns 3 and 4, of a map with columns 0 and 1", y.ravel(), [8, 0], mistakes)
    expect("where they stood", argmax.ravel(), [1, -1], [([1, 0], "off the map argmax is -1")])


@pytest.mark.task("2.4")
def test_roi_pool_agrees_with_the_textbook(student):
    student.check("roi_pool", keep=on_small_maps)


# ---- 2.5: RoI pooling, backward ------------------------------------------------------------------------------------


@pytest.mark.task("2.5")
def test_two_regions_that_chose_the_same_pixel(student):
    argmax = np.array([2, 0, 2]).reshape(3, 1, 1, 1)
    dx = student.roi_pool_backward(
        np.array([1.0, 10, 100]).reshape(3, 1, 1, 1), rois(*[[0, 0, 0, 3, 0]] * 3), argmax, (1, 1, 1, 4)
    )
    mistakes = [
        ([10, 0, 100, 0], "where two regions chose the same pixel their gradients add up: += and not ="),
        ([10, 0, 1, 0], "where two regions chose the same pixel their gradients add up: += and not ="),
        ([5, 0, 50.5, 0], "the gradients of regions add up: no mean is taken"),
    ]
    expect("dx: 10 at column 0, and 1 + 100 at column 2", dx.ravel(), [10, 0, 101, 0], mistakes)


@pytest.mark.task("2.5")
def test_what_stood_nowhere_gets_nothing(student):
    argmax = np.array([-1, 1]).reshape(1, 1, 1, 2)
    dx = student.roi_pool_backward(np.array([[[[5.0, 7.0]]]]), rois([0, 0, 0, 3, 0]), argmax, (1, 1, 1, 3))
    mistakes = [([0, 7, 5], "-1 says that a cell lay off the map. As an index it is the last pixel: leave it out")]
    expect("dx of a cell off the map and of one at column 1", dx.ravel(), [0, 7, 0], mistakes)


@pytest.mark.task("2.5")
def test_each_gradient_goes_to_its_image_and_channel(student):
    dy = np.array([1.0, 2, 3, 4]).reshape(2, 2, 1, 1)
    dx = student.roi_pool_backward(dy, rois([1, 0, 0, 1, 1], [0, 0, 0, 1, 1]), np.full(dy.shape, 3), (2, 2, 2, 3))
    right = np.zeros((2, 2, 2, 3))
    right[1, :, 1, 0], right[0, :, 1, 0] = [1, 2], [3, 4]  # 3 is row 1, column 0 of rows of three
    first, columns = np.zeros_like(right), np.zeros_like(right)
    first[0, :, 1, 0] = [4, 6]
    columns[1, :, 1, 1], columns[0, :, 1, 1] = [1, 2], [3, 4]
    mistakes = [
        (first, "all gradients went to the first image: the first number of each region says which"),
        (right[::-1], "region k does not belong to image k: the first number of each region says which"),
        (columns, "argmax is row * W + column, with W the columns of x"),
    ]
    expect("dx", dx, right, mistakes)


@pytest.mark.task("2.5")
def test_roi_pool_backward_agrees_with_differences(student):
    student.check("roi_pool_backward", keep=on_small_maps)


# ---- 2.6: RoIAlign -------------------------------------------------------------------------------------------------

ROW = [10, 20, 70, 40]


@pytest.mark.task("2.6")
def test_the_middle_of_pixel_1_is_pixel_1(student):
    # The box covers pixel 1 alone, from 1 to 2, and one sample is in its middle.
    y = student.roi_align(maps(ROW), rois([0, 1, 0, 2, 1]), 1, sampling_ratio=1)
    mistakes = [
        ([45], "half a pixel off: with `aligned`, half a pixel is taken off the corners, so that pixel 1 lies at 1"),
        ([15], "the sample stands at the edge of the cell: it belongs in the middle, at (s + 0.5) / samples"),
    ]
    expect("the sample in the middle of pixel 1", y.ravel(), [20], mistakes)


@pytest.mark.task("2.6")
def test_between_two_pixels_both_count(student):
    y = student.roi_align(maps(ROW), rois([0, 0.75, 0, 1.75, 1]), 1, sampling_ratio=1)  # its middle is at 1.25 - 0.5
    mistakes = [
        ([20], "corners are rounded, or the nearest pixel is taken: RoIAlign rounds nothing and interpolates"),
        ([10], "the position is cut to a whole number: interpolate between the two pixels beside it"),
        ([12.5], "the two shares are swapped: the nearer pixel counts more"),
        ([15], "the two pixels count alike: the nearer one counts more"),
        ([30], "the shares of the two pixels are missing"),
        ([32.5], "half a pixel is not taken off"),
    ]
    expect("three quarters of the way from 10 to 20", y.ravel(), [17.5], mistakes)


@pytest.mark.task("2.6")
def test_a_cell_is_the_mean_of_its_samples(student):
    y = student.roi_align(maps(ROW), rois([0, 1, 0, 3, 1]), 1, sampling_ratio=2)  # at 1 and at 2
    mistakes = [
        ([180], "the samples are added up, all 2 x 2 of them: take their mean"),
        ([90], "the sum is divided by the samples in one direction alone: there are 2 x 2"),
        ([70], "the largest sample is taken: RoIAlign averages"),
        ([11.25], "the sum is divided by the samples once too often"),
        ([30], "the samples stand at the edges of their parts of the cell: each belongs in the middle of its part"),
        ([50], "the samples stand at the edges of their parts of the cell: each belongs in the middle of its part"),
    ]
    expect("the mean of 20 and 70", y.ravel(), [45], mistakes)


@pytest.mark.task("2.6")
def test_how_many_samples_a_cell_has(student):
    # 2.5 pixels: three samples, at 10, at 17.5 and at 20 + 50 * 7 / 12.
    many = student.roi_align(maps(ROW), rois([0, 0, 0, 2.5, 1]), 1)
    mistakes = [
        ([17.5], "sampling_ratio = -1 takes as many samples as the cell has pixels, rounded up; here one is taken"),
        ([25], "sampling_ratio = -1 takes as many samples as the cell has pixels, rounded up; here two are taken"),
    ]
    expect("the mean of three samples in two and a half pixels", many.ravel(), [(47.5 + 350 / 12) / 3], mistakes)
    whole = rois([0, 0, 0, 4, 1])
    one = student.roi_align(maps(ROW), whole, 1, sampling_ratio=1)
    mistakes = [([35], "sampling_ratio is ignored: it says how many samples there are")]
    expect("a single sample in the middle of four pixels", one.ravel(), [45], mistakes)


@pytest.mark.task("2.6")
def test_the_grid_has_rows_and_columns(student):
    x = maps([[1, 2, 3, 4], [10, 20, 30, 40]])
    y = student.roi_align(x, rois([0, 0, 0, 4, 2]), (2, 4), sampling_ratio=1)
    mistakes = [(x.reshape(4, 2).T[None, None], "rows and columns are swapped in the grid")]
    expect("one sample in each pixel: x once more", y, x, mistakes)


@pytest.mark.task("2.6")
def test_beside_the_map_it_goes_on_for_a_pixel_and_then_there_is_nothing(student):
    y = student.roi_align(maps(ROW), rois([0, -1, 0, 0, 1], [0, -2, 0, -1, 1]), 1, sampling_ratio=1)
    mistakes = [
        ([0, 0], "up to a pixel beyond the outermost ones, the nearest pixel counts: a sample at -1 there is still 10"),
        ([10, 10], "a sample more than a pixel outside of the map counts as 0: there is nothing"),
        ([40, 40], "a negative index counts from the end: the samples lie to the left of the map"),
    ]
    expect("samples at -1 and at -2", y.ravel(), [10, 0], mistakes)


@pytest.mark.task("2.6")
def test_not_aligned_is_how_it_was_done_first(student):
    y = student.roi_align(maps(ROW), rois([0, 1, 0, 2, 1], [0, 2, 0, 2.5, 1]), 1, sampling_ratio=1, aligned=False)
    mistakes = [
        ([20, 57.5], "`aligned` is ignored: without it nothing is taken off the corners"),
        ([20, 70], "`aligned` is ignored: without it nothing is taken off the corners"),
        ([45, 62.5], "without `aligned` a region is made at least one pixel wide and high"),
    ]
    expect("samples at 1.5 and, in a region that is made one pixel wide, at 2.5", y.ravel(), [45, 55], mistakes)


@pytest.mark.task("2.6")
def test_each_aligned_region_belongs_to_an_image_and_is_scaled(student):
    x = np.stack([maps(ROW)[0], maps(np.multiply(ROW, 10))[0]])
    y = student.roi_align(x, rois([1, 8, 0, 16, 8], [0, 8, 0, 16, 8]), 1, spatial_scale=1 / 8)
    mistakes = [
        ([20, 20], "the first number of a region is the number of its image: here all come from the first"),
        ([20, 200], "region k does not belong to image k: the first number of each region says which"),
        ([0, 0], "spatial_scale is ignored: the box lies in an image that is larger than the map"),
    ]
    expect("pixel 1 of image 1 and of image 0", y.ravel(), [200, 20], mistakes)


@pytest.mark.task("2.6")
def test_roi_align_agrees_with_the_textbook(student):
    student.check("roi_align", keep=on_small_maps)


# ---- 2.7: RoIAlign, backward ---------------------------------------------------------------------------------------


@pytest.mark.task("2.7")
def test_a_gradient_is_shared_as_the_sample_was_read(student):
    dy = np.full((1, 1, 1, 1), 8.0)
    dx = student.roi_align_backward(dy, rois([0, 0.75, 0, 1.75, 1]), (1, 1, 1, 4), sampling_ratio=1)
    mistakes = [
        ([6, 2, 0, 0], "the two shares are swapped"),
        ([4, 4, 0, 0], "the two pixels do not count alike: the sample lies at 0.75"),
        ([0, 8, 0, 0], "the gradient goes to the nearest pixel alone: it is shared as the sample was interpolated"),
        ([8, 8, 0, 0], "the shares of the two pixels are missing"),
        ([0, 6, 2, 0], "half a pixel is not taken off"),
        (
            [0, 0, 0, 0],
            "nothing arrives, or each share overwrites the one before, the last of which is 0: += and not =",
        ),
    ]
    expect("8 for a sample at 0.75: a quarter and three quarters of it", dx.ravel(), [2, 6, 0, 0], mistakes)


@pytest.mark.task("2.7")
def test_the_samples_of_a_cell_share_its_gradient(student):
    dy = np.full((1, 1, 1, 1), 8.0)
    dx = student.roi_align_backward(dy, rois([0, 1, 0, 3, 1]), (1, 1, 1, 4), sampling_ratio=2)
    mistakes = [
        ([0, 16, 16, 0], "y was the mean of 2 x 2 samples: the gradient of each is dy / 4"),
        ([0, 8, 8, 0], "y was the mean of 2 x 2 samples: the gradient of each is dy / 4"),
        ([0, 1, 1, 0], "the gradient is divided by the samples once too often"),
        ([0, 0, 2, 0], "the samples overwrite each other: += and not ="),
        (
            [0, 0, 0, 0],
            "nothing arrives, or each share overwrites the one before, the last of which is 0: += and not =",
        ),
        ([0, 2, 2, 0], "samples in the same pixel overwrite each other: += and not ="),
    ]
    expect("8 for two samples at pixel 1 and two at pixel 2", dx.ravel(), [0, 4, 4, 0], mistakes)


@pytest.mark.task("2.7")
def test_where_regions_overlap_their_gradients_add_up(student):
    dy = np.array([1.0, 10, 100]).reshape(3, 1, 1, 1)
    regions = rois([0, 1, 0, 2, 1], [0, 1, 0, 2, 1], [1, 2, 0, 3, 1])
    dx = student.roi_align_backward(dy, regions, (2, 1, 1, 4), sampling_ratio=1)
    mistakes = [
        ([[0, 10, 0, 0], [0, 0, 100, 0]], "where regions overlap their gradients add up: += and not ="),
        ([[0, 11, 100, 0], [0, 0, 0, 0]], "all gradients went to the first image: the region says which"),
    ]
    expect("dx of two images", dx[:, 0, 0], [[0, 11, 0, 0], [0, 0, 100, 0]], mistakes)


@pytest.mark.task("2.7")
def test_nothing_of_a_gradient_is_lost_inside_of_the_map(student):
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 4, (5, 2))
    regions = np.column_stack([np.zeros(5), corners, corners + rng.uniform(1, 5, (5, 2))])
    dy = rng.normal(size=(5, 2, 3, 2))
    dx = student.roi_align_backward(dy, regions, (1, 2, 10, 9))
    expect("the sum of dx for each channel, that of dy,", dx.sum(axis=(0, 2, 3)), dy.sum(axis=(0, 2, 3)))


@pytest.mark.task("2.7")
def test_roi_align_backward_agrees_with_differences(student):
    # Whatever is held to differences is called often.
    student.check("roi_align_backward", keep=lambda c: on_small_maps(c) and ("dy" in c or c.get("sampling_ratio") == 2))


# ---- 2.8: how well two regions fill their box ------------------------------------------------------------------------


@pytest.mark.task("2.8")
def test_what_is_empty_in_the_box_around_both(student):
    # 2 and 6 pixels in a box of 4 x 4: 8 of the image's 100 pixels are in the box and in neither region.
    around, sizes = np.array([[0, 0, 2, 1], [1, 2, 4, 4]]), np.array([2, 6])
    fill = student.fill_similarity(around, sizes, np.array([0]), np.array([1]), 100)
    mistakes = [
        ([0.08], "that is the empty part: the similarity is 1 less that"),
        ([1 - 16 / 100], "the pixels of the two regions are not taken off the box"),
        ([1 - 8 / 16], "divide by the pixels of the image, not by those of the box"),
        ([8 / 16], "divide by the pixels of the image, and take it from 1"),
        ([1 - 17 / 100], "widths and heights are counted with + 1: a box is x2 - x1 wide"),
        ([1 - 24 / 100], "the pixels of the two regions are added: they are not empty"),
        ([1.08], "the sign is wrong: what is empty makes the regions less similar"),
        ([1 - 14 / 100], "only the pixels of the first region are taken off the box"),
        ([1 - 10 / 100], "only the pixels of the second region are taken off the box"),
        ([0.92 + 16 / 100], "the box around both goes from the smaller x1, y1 to the larger x2, y2"),
        (
            [1.09],
            "the box around both goes from the smaller x1, y1 to the larger x2, y2; this is the one that they share",
        ),
        ([1.0], "the box around both goes from the smaller x1, y1 to the larger x2, y2; or an integer division"),
    ]
    expect("1 - (16 - 2 - 6) / 100", fill, [0.92], mistakes)


@pytest.mark.task("2.8")
def test_many_pairs_at_once_and_a_hole_that_is_filled(student):
    around = np.array([[0, 0, 10, 10], [4, 4, 6, 6], [10, 0, 20, 10], [30, 30, 40, 40]])
    fill = student.fill_similarity(around, np.array([96, 4, 100, 90]), np.array([0, 0, 0]), np.array([1, 2, 3]), 2000)
    right = [1, 1 - (200 - 196) / 2000, 1 - (1600 - 186) / 2000]
    mistakes = [
        ([right[0]], "there is a pair for each number in i and j: return one similarity for each"),
        ([1, 1, 1], "the box around both goes from the smaller x1, y1 to the larger x2, y2"),
    ]
    expect("a hole filled, two neighbours, two far apart", fill, right, mistakes)


@pytest.mark.task("2.8")
def test_fill_similarity_agrees_with_the_textbook(student):
    student.check("fill_similarity")


# ---- 2.9: grouping -----------------------------------------------------------------------------------------------


def stripes(widths, counts=None):
    """Return stripes of one pixel's height side by side, the pairs that touch, and the pixels of the image."""
    ends = np.cumsum(widths)
    around = np.stack([ends - widths, 0 * ends, ends, 0 * ends + 1], axis=1)
    counts = np.array(widths)[:, None] if counts is None else np.array(counts)
    first = np.arange(len(widths) - 1)
    regions = Regions(np.array(widths), around, counts.astype(np.int32), counts.astype(np.int32))
    return regions, np.stack([first, first + 1], axis=1), int(ends[-1])


@pytest.mark.task("2.9")
def test_four_stripes_of_one_pixel(student):
    # By size alone all pairs are alike at first: the earliest goes. Then the two that are left are the smallest.
    found, children = student.group_regions(*stripes([1, 1, 1, 1]), "S")
    mistakes = [
        ([[2, 3], [0, 1], [4, 5]], "of pairs that are alike the first goes, here (0, 1): > and not >= in the search"),
        ([[2, 3], [1, 4], [0, 5]], "of pairs that are alike the first goes, here (0, 1): > and not >= in the search"),
        ([[0, 1], [2, 4], [3, 5]], "the least similar pair merges: the most similar one is meant"),
        ([[1, 0], [3, 2], [5, 4]], "of the two regions of a pair the smaller number stands first"),
        ([[0, 1], [3, 2], [5, 4]], "of the two regions of a pair the smaller number stands first"),
    ]
    expect("who merged", children, [[0, 1], [2, 3], [4, 5]], mistakes)
    right = [[0, 0, 1, 1], [1, 0, 2, 1], [2, 0, 3, 1], [3, 0, 4, 1], [0, 0, 2, 1], [2, 0, 4, 1], [0, 0, 4, 1]]
    mistakes = [
        (right[:4], "return the boxes of all regions: first those that were there, then one for each merge"),
        (right[4:], "return the boxes of all regions: first those that were there, then one for each merge"),
        (right[:4] + [[0, 0, 1, 1], [2, 0, 3, 1], [0, 0, 1, 1]], "the box of a merged region reaches around both"),
        (right[:4] + [[1, 0, 1, 1], [3, 0, 3, 1], [2, 0, 2, 1]], "x1, y1 of the merged box are the smaller ones"),
    ]
    expect("the boxes of all seven regions", found, right, mistakes)


@pytest.mark.task("2.9")
def test_the_most_similar_merge_first(student):
    _, children = student.group_regions(*stripes([9, 1, 2, 8]), "S")
    mistakes = [
        ([[0, 1], [2, 3], [4, 5]], "the least similar pair merges, or the first: the most similar one is meant"),
        ([[0, 1], [2, 4], [3, 5]], "the first pair merges: the most similar one is meant"),
        ([[0, 1], [3, 4], [2, 5]], "the least similar pair merges: the most similar one is meant"),
        ([[2, 3], [0, 1], [4, 5]], "the least similar pair merges: the most similar one is meant"),
        ([[1, 2], [0, 4], [3, 5]], "a merged region has the pixels of both: sizes[new] = sizes[i] + sizes[j]"),
    ]
    # 1 + 2 pixels, then 8 + 3 rather than 9 + 3, then all
    expect("who merged, of stripes 9, 1, 2 and 8 wide,", children, [[1, 2], [3, 4], [0, 5]], mistakes)


@pytest.mark.task("2.9")
def test_a_merged_region_has_the_pixels_of_both(student):
    # 0 and 1 merge: two pixels. Then 3 and 4 (2 + 4) are smaller together than 2 and the merged region (5 + 2).
    _, children = student.group_regions(*stripes([1, 1, 5, 2, 4]), "S")
    forgotten = "a merged region has the pixels of both: sizes[new] = sizes[i] + sizes[j]"
    mistakes = [
        ([[0, 1], [2, 5], [3, 4], [6, 7]], forgotten),
        ([[0, 1], [2, 5], [3, 6], [4, 7]], forgotten),
    ]
    expect("who merged, of stripes 1, 1, 5, 2 and 4 wide,", children, [[0, 1], [3, 4], [2, 5], [6, 7]], mistakes)


@pytest.mark.task("2.9")
def test_a_merged_region_has_the_histograms_of_both(student):
    # 2 and 3 are the same and merge: 10 and 10 of 20 pixels. 1 is more like them (0.9) than like 0 (0.8).
    colors = [[8, 2], [6, 4], [5, 5], [5, 5]]
    regions, pairs, pixels = stripes([10, 10, 10, 10], colors)
    for used, name in (("C", "colors"), ("T", "textures")):
        _, children = student.group_regions(regions, pairs, pixels, used)
        forgotten = f"a merged region has the pixels of both: {name}[new] = {name}[i] + {name}[j]"
        mistakes = [([[2, 3], [0, 1], [4, 5]], forgotten)]
        expect(f"who merged by {name}", children, [[2, 3], [1, 4], [0, 5]], mistakes)


@pytest.mark.task("2.9")
def test_only_the_similarities_that_are_asked_for_count(student):
    # Boxes far larger than their regions: by size 0 and 1 are the smallest, by fill 1 and 2 leave the least empty.
    sizes, around = np.array([2, 2, 8]), np.array([[0, 0, 9, 9], [9, 0, 11, 1], [9, 1, 11, 5]])
    counts = sizes[:, None].astype(np.int32)
    regions, pairs = Regions(sizes, around, counts, counts), np.array([[0, 1], [0, 2], [1, 2]])
    _, by_size = student.group_regions(regions, pairs, 100, "S")
    mistakes = [([[1, 2], [0, 3]], "by size alone it is (0, 1): is fill added although it is not asked for in `used`?")]
    expect("who merged by size", by_size, [[0, 1], [2, 3]], mistakes)
    _, by_fill = student.group_regions(regions, pairs, 100, "F")
    mistakes = [([[0, 1], [2, 3]], "by fill alone it is (1, 2): is fill_similarity added where 'F' is in `used`?")]
    expect("who merged by fill", by_fill, [[1, 2], [0, 3]], mistakes)


@pytest.mark.task("2.9")
def test_a_merged_region_has_the_neighbours_of_both(student):
    # 1 and 2 merge first. 0 touched 1, and 3 touched 2: both touch the merged region, and it must go on to one region.
    regions, pairs, pixels = stripes([5, 1, 1, 6])
    try:
        _, children = student.group_regions(regions, pairs, pixels, "S")
    except (ValueError, KeyError, IndexError) as error:
        raise AssertionError(
            f"{type(error).__name__}: {error}\n  → Are no pairs left before one region is left? What touched one of "
            "two regions touches the merged one: add these pairs, with their similarities."
        ) from None
    mistakes = [
        ([[1, 2], [0, 1], [2, 3]], "a region that was merged is gone: take all of its pairs out"),
        ([[1, 2], [0, 1], [0, 4]], "a region that was merged is gone: take all of its pairs out"),
    ]
    expect("who merged, of stripes 5, 1, 1 and 6 wide,", children, [[1, 2], [0, 4], [3, 5]], mistakes)


@pytest.mark.task("2.9")
def test_one_region_is_the_image_already(student):
    found, children = student.group_regions(*stripes([7]), "CTSF")
    expect("the boxes", found, [[0, 0, 7, 1]])
    assert children.shape == (0, 2), f"nothing merged: expected children of shape (0, 2), got {children.shape}"


@pytest.mark.task("2.9")
def test_group_regions_agrees_with_the_textbook(student):
    student.check("group_regions")


# ---- 2.10: Fast R-CNN ------------------------------------------------------------------------------------------------

CLASSES = ("background", "red", "blue")


def little_scenes(rng):
    """Return a batch of two pictures with a red and a blue box each, and their proposals by selective search."""
    images = rng.integers(90, 110, (2, 32, 48, 3)).astype(np.uint8)
    objects = []
    for image in images:
        x, y = rng.integers(0, 8, 2)
        both = np.array([[x, y, x + 16, y + 14], [x + 22, y + 8, x + 38, y + 22]])
        for (x1, y1, x2, y2), color in zip(both, ([200, 30, 30], [30, 30, 200]), strict=True):
            image[y1:y2, x1:x2] = color
        objects.append(Instances(both, [1, 2]))
    proposals = [selective_search(image, "single") for image in images]
    return Batch(images, objects, np.zeros((2, 32, 48), np.uint8), proposals)


@pytest.mark.task("2.10")
def test_fast_rcnn_learns_two_boxes(student):
    for name in ("box_iou", "encode_boxes", "nms", "roi_pool", "roi_pool_backward", "group_regions"):
        assert name in student.functions, f"the file has no function {name}"
    rng = np.random.default_rng(0)
    with student.backend():
        batch = little_scenes(rng)
        assert all(len(boxes) > 2 for boxes in batch.proposals), "selective search proposes next to nothing"
        model = make_model("fast-rcnn", CLASSES, rng=rng, widths=(4, 6), depths=(0, 0), hidden=12, sampled=12)
        optimizer, losses = SGD(model, momentum=0.9), []
        for _ in range(8):
            losses.append(sum(model.step(batch).values()))
            arrived = max(np.abs(parameter.grad).max() for parameter in model.backbone.parameters())
            assert arrived > 0, (
                "no gradient reaches the features\n  → does roi_pool_backward return more than zeros? Without it the "
                "layers before the pooling learn nothing."
            )
            optimizer.step(0.05)
    shown = ", ".join(f"{loss:.3f}" for loss in losses)
    assert np.isfinite(losses).all(), f"the loss is not finite: {shown}"
    assert losses[-1] < 0.8 * losses[0], (
        f"the loss should sink, and is {shown}: are all tests of the tasks before green?"
    )
