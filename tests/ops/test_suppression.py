"""Non-maximum suppression on both backends, compared with torchvision, ONNX and its definition."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx_node import run_onnx
from torchvision_values import torchvision_cases

import minivision
from minivision import ops

DRAWN = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=["reference", "numba"], autouse=True)
def on_backend(request):
    with minivision.backend(request.param):
        yield request.param


@st.composite
def detections(draw, most=40):
    """Draw boxes in a crowd, on whole pixels so that overlaps of exactly 1/2 or 1/3 occur, with scores that repeat."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    count = draw(st.integers(0, most))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    corners = rng.integers(0, 12, (count, 2))
    boxes = np.concatenate([corners, corners + rng.integers(0, 9, (count, 2))], axis=1)
    return boxes.astype(dtype), (rng.integers(0, 9, count) / 8).astype(dtype), rng.integers(0, 3, count)


@pytest.mark.parametrize("name", ["nms", "batched_nms"])
def test_the_kept_boxes_equal_torchvisions(name):
    cases = torchvision_cases(name)
    assert len(cases) > 10
    for arguments, keywords, (expected,) in cases:
        keep = getattr(ops, name)(*arguments, **keywords)
        assert keep.dtype == np.int64
        np.testing.assert_array_equal(keep, expected, err_msg=str(keywords))


@pytest.mark.parametrize("runtime", [False, True], ids=["onnx", "onnxruntime"])
@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
def test_the_kept_boxes_equal_onnxs(rng, threshold, runtime):
    corners = rng.uniform(0, 30, (60, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(5, 20, (60, 2))], axis=1).astype(np.float32)
    scores = rng.random(60).astype(np.float32)
    inputs = {
        "boxes": boxes[None],
        "scores": scores[None, None],
        "most": np.array([60]),
        "threshold": np.array([threshold], np.float32),
    }
    (chosen,) = run_onnx("NonMaxSuppression", inputs, ["indices"], runtime=runtime)
    np.testing.assert_array_equal(ops.nms(boxes, scores, threshold), chosen[:, 2])


@DRAWN
@given(detections(), st.sampled_from([0.0, 1 / 3, 0.5, 0.7, 1.0]))
def test_a_box_is_kept_if_and_only_if_no_better_kept_box_overlaps_it(case, threshold):
    boxes, scores, _ = case
    keep = ops.nms(boxes, scores, threshold)
    rank = {int(i): place for place, i in enumerate(sorted(range(len(scores)), key=lambda i: (-scores[i], i)))}
    assert [rank[i] for i in keep] == sorted(rank[i] for i in keep)  # descending, ties by lower index
    iou = ops.box_iou(boxes, boxes)
    for i in range(len(boxes)):
        # compared as Python's floats: NumPy would round the threshold to float32 first
        suppressed = any(rank[j] < rank[i] and float(iou[i, j]) > threshold for j in keep)
        assert suppressed != (i in keep)


@DRAWN
@given(detections(), st.sampled_from([0.0, 0.5]))
def test_each_label_is_suppressed_independently(case, threshold):
    boxes, scores, labels = case
    keep = ops.batched_nms(boxes, scores, labels, threshold)
    expected = []
    for label in range(3):
        (members,) = np.nonzero(labels == label)
        expected.extend(members[ops.nms(boxes[members], scores[members], threshold)])
    expected.sort(key=lambda i: (-scores[i], i))
    assert keep.dtype == np.int64 and keep.tolist() == expected


def test_labels_and_coordinates_may_be_of_any_size(rng):
    """The trick of moving each label's boxes to a place of their own would lose digits, or mix labels up."""
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 8.75]], np.float32)
    scores = np.array([0.9, 0.8, 0.7], np.float32)
    for labels in ([2**40, 2**40 + 1, 2**40], [-1, 0, -1], [10**7, 5, 10**7]):
        assert ops.batched_nms(boxes, scores, np.array(labels), 0.87).tolist() == [0, 1]
        assert ops.batched_nms(boxes, scores, np.array(labels), 0.88).tolist() == [0, 1, 2]
        assert ops.batched_nms(boxes + 2**20, scores, np.array(labels), 0.87).tolist() == [0, 1]


def test_a_box_with_iou_equal_to_the_threshold_is_kept():
    boxes = np.array([[0, 0, 4, 4], [0, 0, 4, 2], [0, 0, 4, 2]], np.float32)
    assert ops.nms(boxes, np.array([0.9, 0.8, 0.7], np.float32), 0.5).tolist() == [0, 1]
    assert ops.nms(boxes, np.array([0.7, 0.8, 0.9], np.float32), 0.5).tolist() == [2, 0]


@pytest.mark.parametrize("dtype, kept", [(np.float32, [0]), (np.float64, [0, 1])])
def test_a_threshold_is_not_rounded_up_to_the_next_float32(dtype, kept):
    boxes = np.array([[0, 0, 10, 1], [0, 0, 1, 1]], dtype)  # a tenth, which in float32 is above 0.1
    assert ops.nms(boxes, np.array([0.9, 0.8], dtype), 0.1).tolist() == kept


def test_boxes_without_area_suppress_nothing_and_scores_may_be_infinite():
    boxes = np.array([[1, 1, 1, 5], [1, 1, 1, 5], [5, 5, 1, 1], [0, 0, 2, 2], [0, 0, 2, 2]], np.float64)
    assert ops.nms(boxes, np.array([-np.inf, 1, 2, 3, np.inf]), 0).tolist() == [4, 2, 1, 0]


@pytest.mark.parametrize("count", [17, 300])
def test_of_equal_scores_the_lower_index_comes_first(count):
    boxes = np.arange(count, dtype=np.float64)[:, None] * [10, 0, 10, 0] + [0, 0, 5, 5]
    assert ops.nms(boxes, np.zeros(count), 0.5).tolist() == list(range(count))
    assert ops.nms(boxes[::-1] * 0 + [0, 0, 5, 5], np.zeros(count), 0.5).tolist() == [0]
    assert ops.batched_nms(boxes, np.zeros(count), np.arange(count) % 3, 0.5).tolist() == list(range(count))


def kept_one_after_another(boxes, scores, threshold):
    """Return what is kept by the definition: the best box that is left drops all that overlap it."""
    left, keep = np.argsort(-scores, kind="stable"), []
    while left.size:
        keep.append(left[0])
        left = left[1:]
        left = left[ops.box_iou(boxes[keep[-1]][None], boxes[left])[0].astype(float) <= threshold]
    return keep


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["scattered", "strips", "crowd", "concentric", "far apart", "without area"])
def test_of_many_boxes_those_are_kept_that_the_definition_keeps(rng, on_backend, kind, dtype):
    count = 5000 if on_backend == "numba" else 300
    corners, sizes = rng.uniform(0, 2000, (count, 2)), rng.uniform(10, 60, (count, 2))
    if kind == "strips":  # each touches its neighbors only, above and below
        corners, sizes = rng.permutation(count)[:, None] * [0, 2.0], np.array([1000, 2.5])
    elif kind == "crowd":  # on whole pixels, so that boxes are equal and overlaps are exactly 1/2
        corners, sizes = rng.integers(0, 99, (count, 2)), rng.integers(1, 5, (count, 2))
    elif kind == "concentric":
        sizes = 1.0 + rng.permutation(count)[:, None] * np.ones(2)
        corners = -sizes / 2
    elif kind == "far apart":
        corners, sizes = corners * 10.0 ** rng.uniform(-20, 14, (count, 1)), 10.0 ** rng.uniform(-20, 17, (count, 2))
    elif kind == "without area":
        sizes = rng.integers(-1, 2, (count, 2)) * sizes
    boxes = np.concatenate([corners, corners + sizes], axis=1).astype(dtype)
    scores = (rng.integers(-count, count, count) / count).astype(dtype)  # some are equal
    labels = rng.integers(0, 2, count) * 2**40 - 2**39
    keep = ops.nms(boxes, scores, 0.5)
    assert keep.dtype == np.int64 and keep.tolist() == kept_one_after_another(boxes, scores, 0.5)
    keep = ops.batched_nms(boxes, scores, labels, 0.5)
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    expected = [i for group in groups for i in group[kept_one_after_another(boxes[group], scores[group], 0.5)]]
    assert keep.dtype == np.int64 and keep.tolist() == sorted(expected, key=lambda i: (-scores[i], i))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [100, 5000])
def test_scores_of_all_kinds_are_sorted_and_zeros_of_either_sign_are_equal(rng, on_backend, count, dtype):
    count = count if on_backend == "numba" else 100
    scores = rng.choice(np.array([-np.inf, np.inf, 0.0, -0.0, 1e-300, -1e-42, 1e-42, 3, -3, 1e30, -1e30], dtype), count)
    boxes = np.arange(count, dtype=dtype)[:, None] * [10, 0, 10, 0] + np.array([0, 0, 5, 5], dtype)
    assert ops.nms(boxes, scores, 0.5).tolist() == sorted(range(count), key=lambda i: (-scores[i], i))


BOXES = np.array([[0.0, 0.0, 4.0, 4.0], [1.0, 1.0, 2.0, 3.0]])
SCORES = np.array([0.5, 0.6])
LABELS = np.array([1, 1])


@pytest.mark.parametrize(
    "error, message, call",
    [
        (ValueError, r"boxes: expected shape \(K, 4\)", lambda: ops.nms(BOXES[0], SCORES, 0.5)),
        (
            ValueError,
            r"boxes: .*got nan at \(1, 2\)",
            lambda: ops.nms(BOXES * [[1] * 4, [1, 1, np.nan, 1]], SCORES, 0.5),
        ),
        (ValueError, r"scores: expected shape \(2,\)", lambda: ops.nms(BOXES, SCORES[:1], 0.5)),
        (ValueError, r"scores: got NaN at \(1,\).*diverged", lambda: ops.nms(BOXES, SCORES * [1, np.nan], 0.5)),
        (TypeError, "scores: expected numbers", lambda: ops.nms(BOXES, np.array(["a", "b"]), 0.5)),
        (ValueError, "iou_threshold: .*in 0 .. 1, got 50", lambda: ops.nms(BOXES, SCORES, 50)),
        (ValueError, "iou_threshold: expected a number, got nan", lambda: ops.nms(BOXES, SCORES, np.nan)),
        (TypeError, "iou_threshold: expected a number", lambda: ops.nms(BOXES, SCORES, None)),
        (ValueError, r"labels: expected shape \(2,\)", lambda: ops.batched_nms(BOXES, SCORES, LABELS[:1], 0.5)),
        (TypeError, "labels: expected integers", lambda: ops.batched_nms(BOXES, SCORES, LABELS / 2, 0.5)),
        (ValueError, "scores: got NaN", lambda: ops.batched_nms(BOXES, SCORES + np.nan, LABELS, 0.5)),
    ],
)
def test_errors_name_the_wrong_argument(error, message, call):
    with pytest.raises(error, match=message):
        call()
