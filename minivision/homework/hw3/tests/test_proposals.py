"""The proposals of a region proposal network: candidates, and what is selected of them."""

import numpy as np
import pytest

from minivision import ops
from minivision.homework.expected import expect

LOG2 = np.log(2)
WIDE = (100, 100)  # an image that all boxes lie in


def candidates(student, logits, anchors, size=WIDE, deltas=None, top_n=100, **options):
    """Return the student's boxes and scores; by default no box moves."""
    anchors = np.array(anchors, float)
    deltas = np.zeros_like(anchors) if deltas is None else np.array(deltas, float)
    return student.candidate_boxes(np.array(logits, float), deltas, anchors, size, pre_nms_top_n=top_n, **options)


def proposals(student, logits, anchors, size=WIDE, pre=100, post=100, **options):
    """Return the student's proposals of boxes that do not move."""
    anchors = np.array(anchors, float)
    limits = {"pre_nms_top_n": pre, "post_nms_top_n": post}
    return student.select_proposals(np.array(logits, float), np.zeros_like(anchors), anchors, size, **limits, **options)


# ---- candidates -----------------------------------------------------------------------------------------------------

THREE = np.array([[0, 0, 10, 10], [20, 0, 40, 10], [10, 20, 20, 40]], float)


@pytest.mark.task("3.10")
def test_boxes_are_decoded_and_the_best_comes_first(student):
    # half its width to the right; half as wide; a quarter of its height down
    deltas = np.array([[0.5, 0, 0, 0], [0, 0, -LOG2, 0], [0, 0.25, 0, 0]])
    boxes, scores = candidates(student, [1, 3, 2], THREE, deltas=deltas)
    right = np.array([[25, 0, 35, 10], [10, 25, 20, 45], [5, 0, 15, 10]], float)
    mistakes = [
        (right[::-1], "The best first: np.argsort sorts ascending, so sort -logits."),
        (right[[2, 0, 1]], "Sort the boxes by their scores, the best first."),
        (THREE[[1, 2, 0]], "The offsets are not used: decode them on the anchors."),
        (ops.decode_boxes(deltas[[1, 2, 0]], THREE), "Each box needs its own anchor: sort the anchors, too."),
        (ops.decode_boxes(deltas, THREE[[1, 2, 0]]), "Each box needs its own offsets: sort the deltas, too."),
    ]
    expect("the candidates of three anchors with the scores 1, 3, 2", boxes, right, mistakes)
    mistakes = [
        ([1, 3, 2], "The scores are in the order of the boxes, the best first."),
        ([1, 2, 3], "The scores are in the order of the boxes, the best first."),
        (1 / (1 + np.exp([-3, -2, -1])), "The scores are the logits themselves, without a sigmoid."),
    ]
    expect("their scores", scores, [3, 2, 1], mistakes)


@pytest.mark.task("3.10")
def test_boxes_end_at_the_border_of_the_image(student):
    first, inside = [0, 0, 10, 10], [12, 2, 18, 8]
    anchors = [[-5, -5, 10, 10], [20, 10, 40, 30], inside]
    boxes, _ = candidates(student, [3, 2, 1], anchors, size=(20, 30))
    mistakes = [
        (anchors, "Clip the boxes to the image."),
        ([first, inside], "`size` is height, then width: x ends at the width, 30."),
        ([first, [20, 10, 20, 30], inside], "`size` is height, then width: x ends at the width, 30."),
        ([first, [20, 10, 29, 19], inside], "The right side of the image is at x = 30, not at the last pixel, 29."),
        ([inside], "A box that reaches out of the image is clipped, not dropped."),
    ]
    right = [first, [20, 10, 30, 20], inside]
    expect("three boxes in an image 20 pixels high and 30 wide", boxes, right, mistakes)
    boxes, _ = candidates(student, [1], [[-10, 0, 10, 10]], size=(20, 30), deltas=[[0.5, 0, 0, 0]])
    mistakes = [([[5, 0, 15, 10]], "Decode first, and then clip: anchors may reach out of the image.")]
    expect("a box that is moved into the image from an anchor at its border", boxes, [[0, 0, 20, 10]], mistakes)


@pytest.mark.task("3.10")
def test_small_boxes_are_dropped_after_clipping(student):
    # of 1.5 x 1.5 pixels; half a pixel is in the image; narrow; low; off the image; of 1 x 1 pixel; narrow and low
    anchors = [[0, 0, 1.5, 1.5], [29.5, 0, 45, 10], [10, 5, 10.4, 15], [0, 5, 12, 5.5], [40, 0, 50, 10], [5, 5, 6, 6]]
    anchors += [[20, 20, 20.5, 20.5]]
    clipped = np.clip(anchors, 0, 30).astype(float)
    boxes, scores = candidates(student, [7, 6, 5, 4, 3, 2, 1], anchors, size=(30, 30))
    mistakes = [
        (clipped, "Boxes narrower or lower than `min_size` are dropped."),
        (clipped[[0, 1, 2, 3, 4, 5]], "A box is dropped if one of its sides is too small, not only if both are."),
        (clipped[[0, 1, 4, 5]], "Clip first: what is left of a box may be too small, or nothing."),
        (clipped[[0, 1, 2, 3, 5]], "The width and the height count, each by itself, not the area."),
        (clipped[[0, 3, 5]], "Boxes that are too low are dropped, too."),
        (clipped[[0, 1, 2, 5]], "Boxes that are too narrow are dropped, too."),
        (clipped[[0, 1, 2, 3, 4]], "A box of exactly `min_size` stays."),
        (clipped[:1], "A box of exactly `min_size` stays."),
    ]
    expect("what is left of seven boxes", boxes, clipped[[0, 5]], mistakes)
    rows = "The scores are those of the boxes that stay: drop the same rows of both."
    mistakes = [([7, 6], rows), ([7, 6, 5, 4, 3, 2, 1], rows)]
    expect("their scores", scores, [7, 2], mistakes)
    boxes, _ = candidates(student, [2, 1], [[0, 0, 10, 10], [0, 0, 10, 3]], min_size=4)
    expect("with min_size=4", boxes, [[0, 0, 10, 10]], [([[0, 0, 10, 10], [0, 0, 10, 3]], "`min_size` is not used.")])


@pytest.mark.task("3.10")
def test_the_number_of_candidates(student):
    boxes, _ = candidates(student, [1, 3, 2], THREE, top_n=2)
    mistakes = [
        (THREE[[1, 2, 0]], "Only the best `pre_nms_top_n` take part."),
        (THREE[[1, 0]], "Sort first, and then take `pre_nms_top_n`."),
        (THREE[[0, 2]], "These are the worst."),
    ]
    expect("the two best of three boxes", boxes, THREE[[1, 2]], mistakes)
    boxes, _ = candidates(student, [-1, 3, -2], THREE, top_n=2)
    likely = "Scores are logits of any sign: how many boxes take part is up to `pre_nms_top_n` alone."
    expect("the two best of three boxes with the scores -1, 3, -2", boxes, THREE[[1, 0]], [(THREE[[1]], likely)])
    # The best box lies off the image.
    boxes, _ = candidates(student, [3, 2, 1], [[200, 0, 210, 10], *THREE[:2]], top_n=2)
    replaced = "Take the best `pre_nms_top_n` first, and then drop: a box that is dropped is not replaced."
    expect("of two candidates the one in the image", boxes, THREE[:1], [(THREE[:2], replaced)])
    boxes, _ = candidates(student, [5, 5, 5], THREE, top_n=2)
    order = 'Of equal scores the first comes first: np.argsort(-logits, kind="stable").'
    expect("two of three boxes with equal scores", boxes, THREE[:2], [(THREE[[2, 1]], order), (THREE[[1, 0]], order)])


@pytest.mark.task("3.10")
def test_candidate_boxes_agrees_with_the_reference(student):
    student.check("candidate_boxes")


# ---- what is selected -----------------------------------------------------------------------------------------------

# The second overlaps the first by 9/11 and the third by 7/13; the fourth lies elsewhere.
ROW = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [4, 0, 14, 10], [50, 50, 60, 60]], float)
SCORES = [3, 4, 1, 2]


@pytest.mark.task("3.10")
def test_of_boxes_on_the_same_object_only_the_best_is_proposed(student):
    found = proposals(student, SCORES, ROW)
    mistakes = [
        (ROW[[1, 0, 3, 2]], "Of boxes that overlap by more than `iou_threshold` only the best stays: ops.nms."),
        (ROW[[1, 3]], "`iou_threshold` is .7 where nothing else is said."),
        (ROW[[0, 3, 2]], "Of two boxes on the same object the one with the better score stays."),
        ([0, 2, 3], "Return the boxes, not their indices."),
        ([1, 3, 2], "Return the boxes, not their indices."),
    ]
    expect("the proposals of four boxes", found, ROW[[1, 3, 2]], mistakes)
    mistakes = [(ROW[[1, 3, 2]], "`iou_threshold` is not used, which is not always .7.")]
    expect("with iou_threshold=0.5", proposals(student, SCORES, ROW, iou_threshold=0.5), ROW[[1, 3]], mistakes)


@pytest.mark.task("3.10")
def test_what_is_counted_before_and_after_suppression(student):
    mistakes = [
        (ROW[[1]], "Suppress first, and then take `post_nms_top_n`: boxes that are dropped take no place."),
        (ROW[[1, 3, 2]], "Return no more than `post_nms_top_n` boxes."),
        (ROW[[1, 0]], "Of boxes that overlap by more than `iou_threshold` only the best stays: ops.nms."),
    ]
    expect("two proposals of four boxes", proposals(student, SCORES, ROW, post=2), ROW[[1, 3]], mistakes)
    mistakes = [
        (ROW[[1, 3]], "`pre_nms_top_n` limits the boxes *before* suppression."),
        (ROW[[1, 3, 2]], "`pre_nms_top_n` has no effect: is it given to candidate_boxes, and used there?"),
        (ROW[[1, 0]], "Of boxes that overlap by more than `iou_threshold` only the best stays: ops.nms."),
    ]
    expect("the proposals of the two best boxes", proposals(student, SCORES, ROW, pre=2), ROW[[1]], mistakes)


@pytest.mark.task("3.10")
def test_proposals_are_candidates(student):
    # The first two are the same box in the image, the third and the fourth are nearly the same, the fifth is small.
    anchors = np.array([[-90, 0, 10, 10], [0, 0, 10, 10], [30, 0, 40, 10], [31, 0, 41, 10], [20, 0, 22, 2]], float)
    found = proposals(student, [5, 4, 3, 2, 1], anchors, min_size=5)
    mistakes = [
        (anchors[:3], "Proposals are candidates: clipped to the image, before suppression."),
        (anchors[[1, 1, 2]], "Clip first, and then suppress: two boxes may be one in the image."),
        (anchors[[1, 2, 4]], "`min_size` is not used: is it given to candidate_boxes, which drops small boxes?"),
    ]
    expect("the proposals of five boxes", found, anchors[[1, 2]], mistakes)


@pytest.mark.task("3.10")
def test_select_proposals_agrees_with_the_reference(student):
    student.check("select_proposals")
