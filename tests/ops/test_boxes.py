"""Boxes on both backends, compared with torchvision, masks of pixels and each other."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torchvision_values import torchvision_cases

import minivision
from minivision import ops

DRAWN = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=["reference", "numba"], autouse=True)
def on_backend(request):
    with minivision.backend(request.param):
        yield request.param


def some_boxes(rng, count, dtype=np.float64):
    corners = rng.uniform(-10, 40, (count, 2))
    return np.concatenate([corners, corners + rng.uniform(1, 30, (count, 2))], axis=1).astype(dtype)


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize(
    "name",
    ["box_area", "box_convert", "box_iou", "clip_boxes_to_image", "remove_small_boxes", "encode_boxes", "decode_boxes"],
)
def test_values_equal_torchvisions(name, dtype, tolerance):
    cases = torchvision_cases(name)
    assert cases
    for arguments, keywords, (expected,) in cases:
        result = getattr(ops, name)(*(array.astype(dtype) for array in arguments), **keywords)
        if expected.dtype.kind == "i":
            assert result.dtype == np.int64
            np.testing.assert_array_equal(result, expected, err_msg=str(keywords))
        else:
            assert result.dtype == dtype and result.shape == expected.shape
            expected = np.nan_to_num(expected) if name == "box_iou" else expected  # 0 / 0 for boxes without area
            np.testing.assert_allclose(result, expected, rtol=tolerance, atol=10 * tolerance, err_msg=str(keywords))


@DRAWN
@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 99))
def test_iou_equals_that_of_masks_of_pixels(count_a, count_b, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 9, (count_a, 4)), rng.integers(0, 9, (count_b, 4))  # also without area, and inverted
    rows, cols = np.mgrid[:9, :9]

    def masks(boxes):
        x1, y1, x2, y2 = boxes[:, :, None, None].transpose(1, 0, 2, 3)
        return (x1 <= cols) & (cols < x2) & (y1 <= rows) & (rows < y2)  # pixel i covers [i, i + 1)

    shared = np.einsum("aij,bij->ab", masks(a).astype(int), masks(b).astype(int))
    together = masks(a).sum((1, 2))[:, None] + masks(b).sum((1, 2)) - shared
    expected = shared / np.maximum(together, 1)
    iou = ops.box_iou(a.astype(np.float32), b.astype(np.float32))
    assert iou.shape == (count_a, count_b) and iou.dtype == np.float32
    np.testing.assert_allclose(iou, expected, rtol=1e-6)


@DRAWN
@given(arrays(np.float32, (5, 4), elements=st.floats(-(2.0**59), 2.0**59, width=32)))
def test_iou_is_between_0_and_1_for_any_boxes(boxes):
    with np.errstate(all="ignore"):
        iou = ops.box_iou(boxes, boxes)
    assert ((iou >= 0) & (iou <= 1)).all()


def test_iou_of_a_box_with_itself_is_1_and_without_area_0():
    boxes = np.array([[1, 2, 4, 9], [3, 3, 3, 5], [4, 4, 4, 4], [5, 5, 2, 2], [1e-30, 0, 2e-30, 1e-30]], np.float32)
    np.testing.assert_array_equal(np.diag(ops.box_iou(boxes, boxes)), [1, 0, 0, 0, 0])


@DRAWN
@given(st.sampled_from(["xyxy", "xywh", "cxcywh"]), st.sampled_from(["xyxy", "xywh", "cxcywh"]), st.integers(0, 99))
def test_conversion_to_a_format_and_back_gives_the_same_box(first, second, seed):
    boxes = some_boxes(np.random.default_rng(seed), 6).reshape(2, 3, 4)
    there = ops.box_convert(boxes, first, second)
    np.testing.assert_allclose(ops.box_convert(there, second, first), boxes, atol=1e-12)
    assert there is not boxes and not np.shares_memory(there, boxes)


def test_the_formats_of_one_box():
    box = np.array([2.0, 3.0, 8.0, 5.0])
    assert ops.box_convert(box, "xyxy", "xywh").tolist() == [2, 3, 6, 2]
    assert ops.box_convert(box, "xyxy", "cxcywh").tolist() == [5, 4, 6, 2]
    assert ops.box_area(box) == 12


@DRAWN
@given(st.integers(0, 9), st.integers(0, 99), st.sampled_from([(1, 1, 1, 1), (10, 10, 5, 5), (0.5, 2, 3, 4)]))
def test_decoding_inverts_encoding(count, seed, weights):
    rng = np.random.default_rng(seed)
    targets, anchors = some_boxes(rng, count), some_boxes(rng, count)
    deltas = ops.encode_boxes(targets, anchors, weights=weights)
    np.testing.assert_allclose(ops.decode_boxes(deltas, anchors, weights=weights), targets, atol=1e-9)
    np.testing.assert_allclose(ops.encode_boxes(anchors, anchors, weights=weights), 0, atol=1e-12)


def test_deltas_are_relative_to_the_anchor_not_to_the_image():
    anchors = np.array([[0.0, 0.0, 10.0, 20.0]])
    targets = np.array([[5.0, 0.0, 15.0, 40.0]])
    deltas = ops.encode_boxes(targets, anchors)
    np.testing.assert_allclose(deltas, [[0.5, 0.5, 0, math.log(2)]])
    np.testing.assert_allclose(ops.encode_boxes(7 * targets + 100, 7 * anchors + 100), deltas, atol=1e-12)


def test_a_decoded_box_is_at_most_1000_16ths_as_large_as_its_anchor():
    anchors = np.array([[0.0, 0.0, 16.0, 16.0]], np.float32)
    for huge in (5, 100, 1e30, np.inf):
        boxes = ops.decode_boxes(np.array([[0, 0, huge, 2 * huge]], np.float32), anchors, weights=(1, 1, 1, 2))
        np.testing.assert_allclose(boxes, [[-492, -492, 508, 508]], rtol=1e-5)


def test_anchors_and_deltas_broadcast(rng):
    anchors = some_boxes(rng, 3)
    by_class = rng.standard_normal((3, 5, 4))
    boxes = ops.decode_boxes(by_class, anchors[:, None])
    by_image = rng.standard_normal((2, 3, 4)).astype(np.float32)
    for k in range(3):
        for c in range(5):
            np.testing.assert_allclose(boxes[k, c], ops.decode_boxes(by_class[k, c], anchors[k]), atol=1e-12)
    np.testing.assert_allclose(
        ops.decode_boxes(by_image, anchors)[1], ops.decode_boxes(by_image[1], anchors), rtol=1e-6
    )
    np.testing.assert_allclose(
        ops.encode_boxes(boxes, anchors[:, None]), np.minimum(by_class, math.log(1000 / 16)), atol=1e-9
    )


def test_clipping_moves_corners_outside_the_image_to_its_border():
    boxes = np.array([[1, 2, 3, 4], [-5, -6, 30, 40], [50, 60, 70, 80], [np.nan, -np.inf, np.inf, 1]], np.float32)
    clipped = ops.clip_boxes_to_image(boxes, (20, 10))  # height, width
    expected = [[1, 2, 3, 4], [0, 0, 10, 20], [10, 20, 10, 20], [np.nan, 0, 10, 1]]
    np.testing.assert_array_equal(clipped, expected)


def test_a_box_of_exactly_the_minimum_size_is_kept():
    boxes = np.array([[0, 0, 5, 5], [0, 0, 5, 4.99], [0, 0, 4.99, 5], [5, 5, 0, 0], [0, 0, np.nan, 9], [1, 1, 9, 9]])
    keep = ops.remove_small_boxes(boxes, 5)
    assert keep.tolist() == [0, 5] and keep.dtype == np.int64


BOXES = np.array([[0.0, 0.0, 4.0, 4.0], [1.0, 1.0, 2.0, 3.0]])
NAN = np.array([[0.0, 0.0, 4.0, 4.0], [1.0, np.nan, 2.0, 3.0]])


@pytest.mark.parametrize(
    "error, message, call",
    [
        (TypeError, "boxes: expected float32", lambda: ops.box_area(BOXES.astype(int))),
        (ValueError, r"boxes: expected shape \(..., 4\)", lambda: ops.box_area(BOXES[:, :3])),
        (ValueError, r"boxes: expected shape \(..., 4\)", lambda: ops.box_area(np.float64(3))),
        (ValueError, "in_fmt: expected one of 'xyxy', .*got 'xxyy'", lambda: ops.box_convert(BOXES, "xxyy", "xywh")),
        (ValueError, "out_fmt: expected one of", lambda: ops.box_convert(BOXES, "xyxy", 3)),
        (ValueError, r"a: expected shape \(K, 4\)", lambda: ops.box_iou(BOXES[0], BOXES)),
        (ValueError, r"b: .*got nan at \(1, 1\); remove such boxes", lambda: ops.box_iou(BOXES, NAN)),
        (ValueError, r"a: .*got inf at \(0, 0\)", lambda: ops.box_iou(BOXES + np.inf, BOXES)),
        (ValueError, "a: .*at most 1e\\+18, got 1e\\+19", lambda: ops.box_iou(BOXES + 1e19, BOXES)),
        (ValueError, r"size: expected a size \(H, W\)", lambda: ops.clip_boxes_to_image(BOXES, 5)),
        (ValueError, "size: expected at least 0", lambda: ops.clip_boxes_to_image(BOXES, (5, -1))),
        (ValueError, r"boxes: expected shape \(K, 4\)", lambda: ops.remove_small_boxes(BOXES[None], 2)),
        (ValueError, "min_size: expected a number, got nan", lambda: ops.remove_small_boxes(BOXES, np.nan)),
        (TypeError, "min_size: expected a number, got 'a'", lambda: ops.remove_small_boxes(BOXES, "a")),
        (ValueError, r"targets: .*positive width.*at \(1,\)", lambda: ops.encode_boxes(NAN, BOXES)),
        (ValueError, "anchors: .*matched with a real box", lambda: ops.encode_boxes(BOXES, BOXES[:, [2, 1, 0, 3]])),
        (ValueError, r"anchors: shape \(2, 4\) does not match", lambda: ops.encode_boxes(np.ones((3, 4)), BOXES)),
        (ValueError, "deltas: expected shape", lambda: ops.decode_boxes(BOXES[:, :3], BOXES)),
        (ValueError, "weights: expected four positive", lambda: ops.decode_boxes(BOXES, BOXES, weights=(1, 1, 1))),
        (ValueError, "weights: expected four positive", lambda: ops.encode_boxes(BOXES, BOXES, weights=(1, 1, 0, 1))),
        (TypeError, "weights: expected a number", lambda: ops.decode_boxes(BOXES, BOXES, weights="abcd")),
    ],
)
def test_errors_name_the_wrong_argument(error, message, call):
    with pytest.raises(error, match=message):
        call()
