"""Arguments that no operation can use: the error names the argument, at once, on every backend."""

import time

import numpy as np
import pytest

import minivision
from minivision import detection, ops
from minivision.core.registry import operations
from minivision.detection.selective_search import graph_segmentation
from minivision.detection.selective_search.region_histograms import Regions

X = np.ones((1, 2, 6, 5), np.float32)
W = np.ones((2, 2, 3, 3), np.float32)
ROIS = np.float32([[0, 1, 1, 4, 4]])
BOXES = np.float32([[0, 0, 2, 2], [1, 1, 3, 3]])
SCORES, LABELS = X[:, :, 0, 0], np.array([1])
ONE = np.ones(2, np.float32)
HUGE = 10**400


def norm(**options):
    return ops.batch_norm2d(X, ONE, ONE, ONE.copy(), ONE.copy(), **{"training": True, **options})


def merge_pixels(k):
    return graph_segmentation.merge_pixels(np.array([[0, 1]]), np.ones(1), (1, 2), k=k, min_size=1)


CALLS = {
    "x: expected an array, got None": lambda: ops.relu(None),
    "w: expected an array, got None": lambda: ops.conv2d(X, None),
    "scores: expected an array, got None": lambda: ops.nms(BOXES, None, 0.5),
    "x: expected an array without a mask": lambda: ops.relu(np.ma.masked_array(X, X > 0)),
    "rois: expected an array without a mask": lambda: ops.roi_align(X, np.ma.masked_array(ROIS), 2),
    "momentum: .*got nan": lambda: norm(momentum=float("nan")),
    "momentum: expected a number, got None": lambda: norm(momentum=None),
    "eps: .*at least 0, got -1": lambda: norm(eps=-1),
    "eps: .*got 'a'": lambda: norm(eps="a"),
    "training: expected True or False, got 'False'": lambda: norm(training="False"),
    "boxes: expected numbers, got object": lambda: detection.encode_yolo(np.full((1, 4), None), LABELS, 2, 1, 2),
    "x: expected at least one channel": lambda: ops.batch_norm2d(X[:, :0], *[ONE[:0]] * 4, training=False),
    "margin: .*got nan": lambda: ops.hinge_loss(X, X, margin=float("nan")),
    "beta: .*got '1'": lambda: ops.smooth_l1_loss(X, X, beta="1"),
    "beta: .*got inf": lambda: ops.smooth_l1_loss(X, X, beta=float("inf")),
    "ignore_index: .*got 1.5": lambda: ops.softmax_cross_entropy(SCORES, LABELS, ignore_index=1.5),
    "weight: .*0 or more, got -1": lambda: ops.softmax_cross_entropy(SCORES, LABELS, weight=np.float32([-1, 1])),
    "reduction: ": lambda: ops.mse_loss(X, X, reduction=np.array([1, 2])),
    "p: .*got '0.5'": lambda: ops.dropout(X, "0.5", rng=np.random.default_rng(0), training=True),
    "in_fmt: ": lambda: ops.box_convert(BOXES, np.array(["a", "b"]), "xyxy"),
    "weights: expected a sequence": lambda: ops.encode_boxes(BOXES, BOXES, weights=1),
    "iou_threshold: .*got '1'": lambda: ops.nms(BOXES, ONE, "1"),
    "spatial_scale: .*too large": lambda: ops.roi_pool(X, ROIS, 2, spatial_scale=HUGE),
    "sampling_ratio: expected at most": lambda: ops.roi_align(X, ROIS, 2, sampling_ratio=2**31),
    "aligned: ": lambda: ops.roi_align(X, ROIS, 2, aligned="no"),
    "kernel_size: .*got array": lambda: ops.max_pool2d(X, np.array(2.0)),
    "kernel_size: expected at most": lambda: ops.avg_pool2d(X, 2**32, padding=2**31),
    "stride: expected at most": lambda: ops.conv2d(X, W, stride=2**31 - 1),
    "stride: .* got 1024 x 1024": lambda: ops.conv_transpose2d(X, W, stride=1024),
    "dilation: expected at most": lambda: ops.conv2d(X, W, dilation=2**40),
    "padding: expected at most": lambda: ops.conv2d(X, W, padding=2**40),
    "scale: expected at most": lambda: ops.upsample_nearest(X, 2**40),
    "input_size: ": lambda: ops.max_pool2d_backward(X, np.zeros(X.shape, int), np.array(4)),
    "sizes: expected a sequence": lambda: detection.anchor_grid((2, 2), 4, 5, (1,)),
    "dtype: expected float32 or float64": lambda: detection.anchor_grid((2, 2), 4, (5,), (1,), dtype="x"),
    "size: expected a sequence": lambda: detection.decode_yolo(np.zeros((2, 2, 6), np.float32), 1, size=5),
    "tensor: expected shape": lambda: detection.decode_yolo(np.zeros((0, 2, 6), np.float32), 1),
    "C: expected at most": lambda: detection.encode_yolo(np.zeros((0, 4)), np.zeros(0, int), 2, 1, 2**62),
    "x: expected a number that a float can hold": lambda: ops.sigmoid(HUGE),
    "k: expected a number that a float can hold": lambda: merge_pixels(HUGE),
    "k: expected a number, got 'a'": lambda: merge_pixels("a"),
    "fg_iou_thresh: expected a number, got 'a'": lambda: detection.match(X[0, 0], fg_iou_thresh="a", bg_iou_thresh=0.1),
    "fg_iou_thresh: expected a number, got nan": lambda: detection.match(
        X[0, 0], fg_iou_thresh=float("nan"), bg_iou_thresh=0.1
    ),
    "bg_iou_thresh: .*got None": lambda: detection.match(X[0, 0], fg_iou_thresh=0.5, bg_iou_thresh=None),
    "input_shape: expected the shape": lambda: ops.roi_align_backward(X[:, :, :2, :2], ROIS, np.array(4.0)),
    "allow_low_quality_matches: expected True or False": lambda: detection.match(
        X[0, 0], fg_iou_thresh=0.5, bg_iou_thresh=0.1, allow_low_quality_matches="no"
    ),
    "aligned: expected True or False": lambda: ops.roi_align_backward(X[:, :, :2, :2], ROIS, X.shape, aligned=1),
    "image: expected an array without a mask": lambda: detection.selective_search(
        np.ma.masked_array(np.zeros((9, 9, 3), np.uint8), True)
    ),
}


@pytest.mark.parametrize("backend", ["numba", "reference"])
@pytest.mark.parametrize("message", CALLS)
def test_the_error_names_the_argument_at_once(message, backend):
    start = time.perf_counter()
    with minivision.backend(backend), pytest.raises((TypeError, ValueError), match=f"^{message}"):
        CALLS[message]()
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize("name", operations())
def test_no_operation_takes_a_masked_array_or_none_or_objects_for_its_first_array(name):
    from minivision.checks.cases import cases_of

    cases = cases_of(operations()[name], np.random.default_rng(0))
    places = [[k for k, v in enumerate(case) if isinstance(v, np.ndarray) and v.size] for case, _ in cases]
    (arguments, keywords), place = next(((c, p[0]) for c, p in zip(cases, places, strict=True) if p), (cases[0], None))
    if place is None:
        pytest.skip("it takes no array by position")
    array = arguments[place]
    for wrong in (None, np.ma.masked_array(array, mask=True), np.full(array.shape, None), np.full(array.shape, "a")):
        with minivision.backend("reference"), pytest.raises((TypeError, ValueError), match="expected"):
            operations()[name](*arguments[:place], wrong, *arguments[place + 1 :], **keywords)


@pytest.mark.parametrize("backend", ["numba", "reference"])
@pytest.mark.parametrize(
    ("pairs", "counts", "message"),
    [
        ([[0, 1], [0, 1]], 6, "pairs: .* each pair once"),
        ([[0, 1], [2, 3], [2, 3]], 6, "pairs: .* each pair once"),
        ([[0, 1], [2, 3]], 6, "pairs: expected that every region can be reached"),
        ([[0, 1], [1, 2], [2, 3]], -1, "counts of 0 or more"),
        ([[0, 1], [1, 2], [2, 3]], 2**31, "counts of 0 or more"),
    ],
)
def test_regions_that_cannot_be_grouped_are_refused(pairs, counts, message, backend):
    boxes = np.array([[6 * k, 0, 6 * k + 6, 1] for k in range(4)])
    regions = Regions(np.full(4, 6), boxes, np.full((4, 1), counts), np.full((4, 1), 6))
    with minivision.backend(backend), pytest.raises(ValueError, match=message):
        detection.group_regions(regions, np.array(pairs), 24, "CTSF")


@pytest.mark.parametrize(
    "call",
    [
        lambda: ops.nms(np.zeros((3, 5), np.float32), np.ones(3, np.float32), 0.5),
        lambda: ops.box_area(np.zeros((3, 3), np.float32)),
        lambda: ops.roi_align(X, np.zeros((2, 4), np.float32), 7),
        lambda: ops.roi_pool(X, np.zeros((2, 6), np.float32), 7),
    ],
)
def test_an_axis_of_a_fixed_size(call):
    with pytest.raises(
        ValueError, match=r"^(boxes|rois): expected shape \((K|\.\.\.), [45]\), .*, got \([23], [3456]\)$"
    ):
        call()
