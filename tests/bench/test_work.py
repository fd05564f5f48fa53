"""The work of operations: beside counts by hand, and beside the multiplications that the references really do."""

import functools

import numpy as np
import pytest

from minivision import ops
from minivision.bench.entry import entry
from minivision.bench.operations import entries, training_step
from minivision.bench.work import Work, work_of, works_of, works_of_entry
from minivision.comparison import count_multiply_adds
from minivision.detection import match
from minivision.models import make_model


class Counted:
    """A number that counts the multiplications in which it takes part, with zeros of the padding too."""

    products = 0

    def __mul__(self, other):
        if isinstance(other, np.ndarray):
            return NotImplemented  # NumPy multiplies by each number of the array
        Counted.products += 1
        return Counted()

    __rmul__ = __mul__

    def __add__(self, other):
        return NotImplemented if isinstance(other, np.ndarray) else Counted()

    __radd__ = __sub__ = __truediv__ = __add__


def counted(*shape):
    return np.frompyfunc(lambda _: Counted(), 1, 1)(np.zeros(shape))


CONVOLUTIONS = [
    ((2, 4, 5, 6), (6, 4, 3, 3), {"padding": 1}),
    ((1, 4, 7, 6), (6, 2, 3, 2), {"stride": 2, "groups": 2, "padding": ((0, 1), (2, 0))}),
    ((2, 3, 7, 7), (3, 1, 3, 3), {"groups": 3, "dilation": 2}),
    ((3, 5, 4, 4), (2, 5, 1, 1), {}),
]
TRANSPOSED = [
    ((2, 4, 3, 5), (4, 3, 2, 2), {"stride": 2}),
    ((1, 4, 4, 3), (4, 2, 3, 3), {"stride": 2, "groups": 2, "output_padding": 1}),
    ((1, 2, 4, 4), (2, 3, 3, 3), {}),
]


def calls():
    """Yield a name, and a call of an operation on arrays that `make` makes."""
    for k, (x, w, keywords) in enumerate(CONVOLUTIONS):
        y = ops.conv2d(np.zeros(x), np.zeros(w), **keywords).shape
        yield f"conv2d-{k}", lambda make, x=x, w=w, kw=keywords: ops.conv2d(make(*x), make(*w), **kw)
        yield (
            f"conv2d_backward-{k}",
            lambda make, x=x, w=w, y=y, kw=keywords: ops.conv2d_backward(make(*y), make(*x), make(*w), **kw),
        )
        yield (
            f"conv2d_filter_gradient-{k}",
            lambda make, x=x, w=w, y=y, kw=keywords: ops.conv2d_filter_gradient(make(*y), make(*x), w[2:], **kw),
        )
    for k, (x, w, keywords) in enumerate(TRANSPOSED):
        y = ops.conv_transpose2d(np.zeros(x), np.zeros(w), **keywords).shape
        yield (
            f"conv_transpose2d-{k}",
            lambda make, x=x, w=w, kw=keywords: ops.conv_transpose2d(make(*x), make(*w), **kw),
        )
        yield (
            f"conv_transpose2d_backward-{k}",
            lambda make, x=x, w=w, y=y, kw=keywords: ops.conv_transpose2d_backward(make(*y), make(*x), make(*w), **kw),
        )
    yield "linear", lambda make: ops.linear(make(5, 7), make(3, 7), make(3))
    yield "linear_backward", lambda make: ops.linear_backward(make(5, 3), make(5, 7), make(3, 7))


@pytest.mark.parametrize(("name", "call"), [pytest.param(*each, id=each[0]) for each in calls()])
def test_multiply_adds_are_the_multiplications_of_the_reference(name, call):
    Counted.products = 0
    call(counted)
    (work,) = works_of(lambda: call(lambda *shape: np.ones(shape, np.float32)))
    needless = 2 if name.startswith("conv2d_filter_gradient") else 1  # its reference computes dx too, and drops it
    assert needless * work.multiply_adds == Counted.products > 0


@pytest.mark.parametrize(("ratio", "aligned"), [(2, True), (-1, True), (-1, False)])
def test_multiply_adds_of_roi_align_are_those_of_its_samples(ratio, aligned):
    """Each sample multiplies four pixels; the weights are products of plain numbers."""
    rois = np.array([[0, 8.0, 8, 40, 24], [1, 4, 12, 20, 44]], np.float32)
    how = {"spatial_scale": 0.25, "sampling_ratio": ratio, "aligned": aligned}
    Counted.products = 0
    ops.roi_align.reference(counted(2, 3, 16, 16), rois, (2, 3), **how)
    pooled = np.ones((2, 3, 2, 3), np.float32)
    forward, backward = works_of(
        lambda: (
            ops.roi_align(np.ones((2, 3, 16, 16), np.float32), rois, (2, 3), **how),
            ops.roi_align_backward(pooled, rois, (2, 3, 16, 16), **how),
        )
    )
    assert forward.multiply_adds == backward.multiply_adds
    assert forward.multiply_adds == Counted.products > 0


def zeros(*shape):
    return np.zeros(shape, np.float32)


@pytest.mark.parametrize(
    ("call", "by_hand"),
    [
        (lambda: ops.relu(zeros(5, 7)), Work(0, 2 * 35 * 4)),
        (lambda: ops.conv2d(zeros(1, 2, 4, 4), zeros(3, 2, 3, 3)), Work(12 * 18, 4 * (32 + 54 + 12))),
        (lambda: ops.linear(zeros(5, 7), zeros(3, 7), zeros(3)), Work(105, 4 * (35 + 21 + 3 + 15))),
        (lambda: ops.max_pool2d(zeros(1, 1, 4, 4), 2), Work(0, 4 * (16 + 4) + 4 * 8)),  # positions are int64
        (lambda: ops.box_iou(zeros(10, 4) + [0, 0, 1, 1], zeros(20, 4) + [0, 0, 1, 1]), Work(0, 8 * (40 + 80 + 200))),
        (lambda: ops.nms(zeros(3, 4) + [0, 0, 1, 1], np.arange(3.0), 0.5), None),
        (lambda: match(np.zeros((2, 3)), fg_iou_thresh=0.5, bg_iou_thresh=0.3), None),
    ],
)
def test_work_is_that_counted_by_hand(call, by_hand):
    assert works_of(call) == [by_hand]


def test_an_array_that_is_returned_as_it_came_is_moved_once():
    x = zeros(100)
    assert work_of(ops.relu, (x,), x) == Work(0, 400)
    assert work_of(ops.relu, (x,), (x, [x, zeros(1)], None)) == Work(0, 404)


def test_lines_have_work_where_their_families_say_so():
    lines = list(entries(None, ["linear", "nms", "batched_nms", "softmax"]))
    assert {line.name: works_of_entry(line) is None for line in lines} == {
        "linear": False, "nms": True, "batched_nms": True, "softmax": False,
    }  # fmt: skip


def test_operations_that_a_reference_calls_are_not_counted_twice():
    def body(x):
        return ops.relu(ops.relu(x))

    line = entry(ops.relu, (zeros(8),), (zeros(8),))
    (work,) = works_of_entry(line._replace(ours=functools.partial(body, zeros(8))))
    assert work == Work(0, 64)


def test_a_training_step_has_three_times_the_multiply_adds_of_a_prediction_but_for_the_gradient_of_the_images():
    works = works_of_entry(training_step(None))
    images = [np.zeros((128, 128, 3), np.uint8)] * 8
    model = make_model("encoder-decoder", [f"class {k}" for k in range(7)])
    prediction = count_multiply_adds(lambda: model.predict(images))
    stem = 8 * 128 * 128 * 27 * 16
    assert sum(work.multiply_adds for work in works) == 3 * prediction - stem
    assert all(work.bytes > 0 for work in works)
