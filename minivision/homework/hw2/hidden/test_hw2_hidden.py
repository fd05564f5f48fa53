"""Graded tests of assignment 2: all sizes, other numbers than the visible tests, partial credit."""

import numpy as np
import pytest

import minivision
from minivision.data import Batch
from minivision.data.instances import Instances
from minivision.detection import selective_search
from minivision.homework.expected import expect
from minivision.models import make_model
from minivision.training import SGD

# ---- which cases ----------------------------------------------------------------------------------------------------


def proper(case):
    """Some boxes, all of them with an area and none of them huge."""
    both = [case[name] for name in ("a", "b", "boxes") if name in case]
    return all(len(boxes) > 0 and (boxes[:, 2:] > boxes[:, :2]).all() and boxes.max() < 1000 for boxes in both)


def unweighted(case):
    """One list of boxes, without weights."""
    return "weights" not in case and case["anchors"].ndim == 2 and len(case["anchors"]) > 0


def different_scores(case):
    """Boxes with different scores, some of which overlap."""
    return proper(case) and 1 < len(case["scores"]) == len(np.unique(case["scores"])) and case["iou_threshold"] < 1


def within_reach(case):
    """Regions that are not much larger than the map, and small maps: float32 moves no edge of a cell."""
    shape = case["x"].shape if "x" in case else case["input_shape"]
    return shape[1] > 0 and shape[2] < 40 and np.abs(case["rois"]).max(initial=0) < 100


def without_ties(case):
    """Cases without samples exactly one pixel outside of the map, where rounding decides whether they are 0."""
    on_the_line = len(case["rois"]) == 15 and case.get("spatial_scale") == 0.5 and not case.get("aligned", True)
    return within_reach(case) and not on_the_line


def ordinary(case):
    """Random regions, none of them inverted, without area or outside of the map."""
    return within_reach(case) and 0 < len(case["rois"]) < 15


def at_scale_1(case):
    """Ordinary regions in the pixels of the map."""
    return ordinary(case) and case.get("spatial_scale", 1.0) == 1


def two_samples(case):
    """Ordinary regions, 2 x 2 samples in each cell."""
    return ordinary(case) and case.get("sampling_ratio") == 2


def aligned(case):
    """Ordinary regions, with half a pixel subtracted."""
    return ordinary(case) and case.get("aligned", True)


def without_differences(keep):
    """Return `keep` for the backward pass only, without finite differences, which take thousands of calls."""
    return lambda case: "dy" in case and keep(case)


# ---- 2.1: intersection over union -----------------------------------------------------------------------------------


@pytest.mark.task("2.1", points=4)
def test_box_iou_of_boxes_with_area(student):
    student.check("box_iou", seed=student.seed, keep=proper)


@pytest.mark.task("2.1", points=4)
def test_box_iou_of_all_boxes(student):
    student.check("box_iou", seed=student.seed, empty=("a", "b"))


# ---- 2.2: box coding ------------------------------------------------------------------------------------------------


@pytest.mark.task("2.2", points=3)
def test_encode_boxes_without_weights(student):
    student.check("encode_boxes", seed=student.seed, keep=unweighted)


@pytest.mark.task("2.2", points=3)
def test_encode_boxes_with_weights_and_any_shape(student):
    student.check("encode_boxes", seed=student.seed)


@pytest.mark.task("2.2", points=3)
def test_decode_boxes_without_weights(student):
    student.check(
        "decode_boxes",
        seed=student.seed,
        keep=lambda case: unweighted(case) and proper({"boxes": case["anchors"]}) and case["deltas"][:, 2:].max() < 4,
    )


@pytest.mark.task("2.2", points=3)
def test_decode_boxes_with_weights_and_any_shape(student):
    student.check("decode_boxes", seed=student.seed)


# ---- 2.3: non-maximum suppression -----------------------------------------------------------------------------------


@pytest.mark.task("2.3", points=4)
def test_nms_of_different_scores(student):
    student.check("nms", seed=student.seed, keep=different_scores)


@pytest.mark.task("2.3", points=3)
def test_nms_of_equal_scores(student):
    student.check("nms", seed=student.seed, keep=lambda case: proper(case) and case["iou_threshold"] < 1)


@pytest.mark.task("2.3", points=3)
def test_nms_of_all_boxes(student):
    student.check("nms", seed=student.seed, empty=("boxes", "scores"))


# ---- 2.4 and 2.5: RoI pooling ---------------------------------------------------------------------------------------


@pytest.mark.task("2.4", points=4)
def test_roi_pool_on_the_map(student):
    student.check("roi_pool", seed=student.seed, keep=at_scale_1)


@pytest.mark.task("2.4", points=4)
def test_roi_pool_with_scale(student):
    student.check("roi_pool", seed=student.seed, keep=ordinary)


@pytest.mark.task("2.4", points=4)
def test_roi_pool_of_all_regions(student):
    student.check("roi_pool", seed=student.seed, keep=within_reach)


@pytest.mark.task("2.5", points=3)
def test_roi_pool_backward_on_the_map(student):
    """No cell of these regions is outside of the map."""
    rng = np.random.default_rng([student.seed, 5])
    corners = rng.integers(0, 4, (5, 2))
    rois = np.hstack([rng.integers(0, 2, (5, 1)), corners, corners + rng.integers(2, 5, (5, 2))]).astype(np.float64)
    _, argmax = minivision.ops.roi_pool(rng.normal(size=(2, 3, 8, 9)), rois, 2)
    dy = rng.normal(size=argmax.shape)
    expected = np.zeros((2, 3, 8 * 9))
    for k, n in enumerate(rois[:, 0].astype(int)):
        for c in range(3):
            np.add.at(expected[n, c], argmax[k, c].ravel(), dy[k, c].ravel())
    got = student.roi_pool_backward(dy, rois, argmax, (2, 3, 8, 9))
    expect("dx of five regions on two maps of 8 x 9", got, expected.reshape(2, 3, 8, 9))


@pytest.mark.task("2.5", points=5)
def test_roi_pool_backward_of_all_regions(student):
    student.check("roi_pool_backward", seed=student.seed, keep=lambda case: "dy" in case or len(case["rois"]) == 4)


# ---- 2.6 and 2.7: RoIAlign ------------------------------------------------------------------------------------------


@pytest.mark.task("2.6", points=5)
def test_roi_align_with_two_samples(student):
    student.check("roi_align", seed=student.seed, keep=lambda case: two_samples(case) and aligned(case))


@pytest.mark.task("2.6", points=4)
def test_roi_align_with_as_many_samples_as_pixels(student):
    student.check("roi_align", seed=student.seed, keep=aligned)


@pytest.mark.task("2.6", points=5)
def test_roi_align_of_all_regions(student):
    student.check("roi_align", seed=student.seed, keep=without_ties)


@pytest.mark.task("2.7", points=4)
def test_roi_align_backward_with_two_samples(student):
    student.check("roi_align_backward", seed=student.seed, keep=without_differences(two_samples))


@pytest.mark.task("2.7", points=4)
def test_roi_align_backward_of_all_regions(student):
    student.check("roi_align_backward", seed=student.seed, keep=without_differences(without_ties))


# ---- 2.8 and 2.9: selective search ----------------------------------------------------------------------------------


@pytest.mark.task("2.8", points=3)
def test_fill_similarity_of_a_few_regions(student):
    student.check(
        "fill_similarity", seed=student.seed, keep=lambda case: len(case["boxes"]) == 5 and len(case["i"]) > 0
    )


@pytest.mark.task("2.8", points=3)
def test_fill_similarity_of_many_regions(student):
    student.check("fill_similarity", seed=student.seed)


def merging(case):
    """At least two regions."""
    return len(case["regions"].sizes) > 1


@pytest.mark.task("2.9", points=4)
def test_group_regions_by_size_or_fill(student):
    student.check("group_regions", seed=student.seed, keep=lambda case: merging(case) and case["used"] in "SF")


@pytest.mark.task("2.9", points=4)
def test_group_regions_by_color_or_texture(student):
    student.check("group_regions", seed=student.seed, keep=lambda case: merging(case) and case["used"] in "CT")


@pytest.mark.task("2.9", points=4)
def test_group_regions_by_everything(student):
    student.check("group_regions", seed=student.seed)


# ---- 2.10: Fast R-CNN -----------------------------------------------------------------------------------------------

CLASSES = ("background", "red", "blue")
ALWAYS = ("box_iou", "encode_boxes", "decode_boxes", "nms", "fill_similarity", "group_regions")
LOSS_TOLERANCE = 2e-5  # rounding moves the losses by 1e-7 to 1e-6, gradients that are 1 % too large by 2e-4 and more
RUNS_ON = {"pool": ("roi_pool", "roi_pool_backward"), "align": ("roi_align", "roi_align_backward")}


def run(pooling, seed, steps=6):
    """Return proposals for two random images, the losses of training on them, and predictions."""
    rng = np.random.default_rng([seed, 10])
    images = rng.integers(90, 110, (2, 32, 48, 3)).astype(np.uint8)
    objects = []
    for image in images:
        x, y = rng.integers(0, 8, 2)
        boxes = np.array([[x, y, x + 16, y + 14], [x + 22, y + 8, x + 38, y + 22]])
        for (x1, y1, x2, y2), color in zip(boxes, ([200, 30, 30], [30, 30, 200]), strict=True):
            image[y1:y2, x1:x2] = color
        objects.append(Instances(boxes, [1, 2]))
    proposals = [selective_search(image, "single") for image in images]
    batch = Batch(images, objects, np.zeros((2, 32, 48), np.uint8), proposals)
    options = {"pooling": pooling, "widths": (4, 6), "depths": (0, 0), "hidden": 12, "batch_size_per_image": 12}
    model = make_model("fast-rcnn", CLASSES, rng=rng, **options)
    optimizer, losses = SGD(model, momentum=0.9), []
    for _ in range(steps):
        losses.append(sum(model.step(batch).values()))
        optimizer.step(0.05)
    return proposals, np.array(losses), model.predict(list(images), proposals)


def both_results(student, pooling):
    """Return the results with the student's operations, and with the library's."""
    for name in (*ALWAYS, *RUNS_ON[pooling]):
        assert name in student.functions, (
            f"the file has no function {name}"
        )  # otherwise the library's function would run
    with student.backend():
        got = run(pooling, student.seed)
    with minivision.backend("numba"):
        expected = run(pooling, student.seed)
    return got, expected


@pytest.mark.task("2.10", points=2)
def test_fast_rcnn_with_roi_pooling(student):
    (_, got, _), (_, expected, _) = both_results(student, "pool")
    assert np.allclose(got, expected, rtol=LOSS_TOLERANCE), f"the losses should be {expected} and are {got}"


@pytest.mark.task("2.10", points=1)
def test_fast_rcnn_with_roi_align(student):
    (_, got, _), (_, expected, _) = both_results(student, "align")
    assert np.allclose(got, expected, rtol=LOSS_TOLERANCE), f"the losses should be {expected} and are {got}"


@pytest.mark.task("2.10", points=1)
def test_proposals_and_predictions(student):
    (proposed, _, predicted), (expected, _, objects) = both_results(student, "pool")
    assert [len(boxes) for boxes in proposed] == [len(boxes) for boxes in expected], "the number of proposals is wrong"
    assert all(np.allclose(a, b) for a, b in zip(proposed, expected, strict=True)), (
        "the proposals are wrong, or in the wrong order"
    )
    counts = [len(each) for each in predicted], [len(each) for each in objects]
    assert counts[0] == counts[1], f"expected {counts[1]} objects in the two images, predicted {counts[0]}"
    close = [np.allclose(a.boxes, b.boxes, atol=0.01) for a, b in zip(predicted, objects, strict=True)]
    assert all(close), "the boxes of the predicted objects are wrong"
