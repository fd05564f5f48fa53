"""Training targets of anchors, and the loss of a region proposal network."""

import math

import numpy as np
import pytest

from minivision.homework.expected import expect

BACKGROUND, IGNORED = -1, -2

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
            ((yes + no + also) / 9, "It is the mean, and is divided by the number of sampled anchors once more."),
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
