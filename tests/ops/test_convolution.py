"""Convolution and its transpose: compared with PyTorch, ONNX, finite differences, their adjoints and each other."""

import functools
import importlib
import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import minivision
from minivision.checks import CheckError, check_adjoint, check_gradients
from minivision.ops import conv2d, conv2d_backward, conv_matrix, conv_transpose2d, conv_transpose2d_backward

BACKENDS = ["reference", "numba"]
TOLERANCE = {np.float32: 5e-5, np.float64: 1e-11}


@pytest.fixture(params=BACKENDS)
def backend(request):
    with minivision.backend(request.param):
        yield request.param


def small(low, high):
    return st.integers(low, high)


@st.composite
def convolutions(draw):
    """Draw the shapes and keywords of a convolution, with padding that may be uneven and larger than the kernel."""
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    kernel = draw(st.tuples(small(1, 4), small(1, 4)))
    keywords = {
        "stride": draw(st.tuples(small(1, 3), small(1, 3))),
        "padding": draw(st.tuples(st.tuples(small(0, 5), small(0, 3)), st.tuples(small(0, 3), small(0, 5)))),
        "dilation": draw(st.tuples(small(1, 3), small(1, 2))),
        "groups": groups,
    }
    size = draw(st.tuples(small(1, 9), small(1, 9)))
    spans = [d * (k - 1) + 1 for d, k in zip(keywords["dilation"], kernel, strict=True)]
    assume(all(n + sum(p) >= span for n, p, span in zip(size, keywords["padding"], spans, strict=True)))
    x = (draw(small(0, 2)), groups * draw(small(1, 3)), *size)
    w = (groups * draw(small(1, 3)), x[1] // groups, *kernel)
    return x, w, keywords, draw(st.sampled_from([np.float32, np.float64])), draw(st.booleans())


@st.composite
def transpose_convolutions(draw):
    """Draw the shapes and keywords of a transpose convolution; the padding leaves something of the output."""
    groups = draw(st.sampled_from([1, 1, 2]))
    stride, dilation = draw(st.tuples(small(1, 3), small(1, 3))), draw(st.tuples(small(1, 2), small(1, 2)))
    kernel, size = draw(st.tuples(small(1, 4), small(1, 4))), draw(st.tuples(small(1, 6), small(1, 6)))
    extra = tuple(draw(small(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True))
    padding = draw(st.tuples(st.tuples(small(0, 2), small(0, 3)), st.tuples(small(0, 3), small(0, 2))))
    for n, k, s, d, p, e in zip(size, kernel, stride, dilation, padding, extra, strict=True):
        assume((n - 1) * s + d * (k - 1) + 1 + e - sum(p) >= 1)
    x = (draw(small(0, 2)), groups * draw(small(1, 3)), *size)
    w = (x[1], draw(small(1, 3)), *kernel)
    keywords = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "output_padding": extra,
        "groups": groups,
    }
    return x, w, keywords, draw(st.sampled_from([np.float32, np.float64]))


def arrays(seed, dtype, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def assert_close(got, expected, dtype):
    assert got.dtype == dtype
    expected = np.asarray(expected)
    scale = max(1, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(got / scale, expected / scale, rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("name", BACKENDS)
@settings(max_examples=60)
@given(case=convolutions())
def test_conv2d_and_its_gradients_equal_pytorchs(name, case):
    torch = pytest.importorskip("torch")
    x_shape, w_shape, keywords, dtype, with_bias = case
    x, w, b = arrays(0, dtype, x_shape, w_shape, w_shape[:1])
    tx, tw, tb = (torch.from_numpy(a.copy()).requires_grad_() for a in (x, w, b))
    (top, bottom), (left, right) = keywords["padding"]
    padded = torch.nn.functional.pad(tx, (left, right, top, bottom))
    rest = {key: value for key, value in keywords.items() if key != "padding"}
    expected = torch.nn.functional.conv2d(padded, tw, tb if with_bias else None, **rest)
    with minivision.backend(name):
        y = conv2d(x, w, b if with_bias else None, **keywords)
        assert_close(y, expected.detach(), dtype)
        (dy,) = arrays(1, dtype, y.shape)
        gradients = conv2d_backward(dy, x, w, **keywords)
    expected.backward(torch.from_numpy(dy))
    for got, given_to_torch in zip(gradients, (tx, tw), strict=False):
        wanted = np.zeros(given_to_torch.shape) if given_to_torch.grad is None else given_to_torch.grad
        assert_close(got, wanted, dtype)
    assert_close(gradients[2], dy.sum(axis=(0, 2, 3)), dtype)


@pytest.mark.parametrize("name", BACKENDS)
@settings(max_examples=60)
@given(case=transpose_convolutions())
def test_conv_transpose2d_and_its_gradients_equal_pytorchs(name, case):
    torch = pytest.importorskip("torch")
    x_shape, w_shape, keywords, dtype = case
    groups = keywords["groups"]
    x, w, b = arrays(0, dtype, x_shape, w_shape, (w_shape[1] * groups,))
    tx, tw, tb = (torch.from_numpy(a.copy()).requires_grad_() for a in (x, w, b))
    # PyTorch knows even padding only: cut the uneven one off afterwards
    (top, bottom), (left, right) = keywords["padding"]
    rest = {key: value for key, value in keywords.items() if key != "padding"}
    whole = torch.nn.functional.conv_transpose2d(tx, tw, tb, **rest)
    expected = whole[:, :, top : whole.shape[2] - bottom, left : whole.shape[3] - right]
    with minivision.backend(name):
        y = conv_transpose2d(x, w, b, **keywords)
        assert_close(y, expected.detach(), dtype)
        (dy,) = arrays(1, dtype, y.shape)
        gradients = conv_transpose2d_backward(dy, x, w, **keywords)
    expected.backward(torch.from_numpy(dy))
    for got, given_to_torch in zip(gradients, (tx, tw, tb), strict=True):
        assert_close(got, given_to_torch.grad, dtype)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("images, size", [(3, (28, 28)), (4, (64, 61)), (3, (29, 130)), (16, (8, 8)), (7, (11, 16))])
@pytest.mark.parametrize("padding", [0, 1, 4, ((0, 3), (2, 1))])
def test_winograd_convolution_and_its_backward_pass_equal_pytorchs(
    images, size, padding, threads, monkeypatch, request
):
    """Sizes that leave rests of the 4 x 4 tiles; small maps, of which several images are a block."""
    torch = pytest.importorskip("torch")
    numba = pytest.importorskip("numba")
    kernels = importlib.import_module("minivision.kernels.numba.convolution")
    monkeypatch.setattr(kernels, "suits_winograd", lambda *problem: True)
    monkeypatch.setattr(kernels, "suits_winograd_gradient", lambda *problem: True)
    before = numba.get_num_threads()
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    request.addfinalizer(lambda: numba.set_num_threads(before))
    x, w, b = arrays(3, np.float32, (images, 17, *size), (18, 17, 3, 3), (18,))
    (top, bottom), (left, right) = ((padding, padding),) * 2 if isinstance(padding, int) else padding
    tx, tw, tb = (torch.from_numpy(a.copy()).requires_grad_() for a in (x, w, b))
    expected = torch.nn.functional.conv2d(torch.nn.functional.pad(tx, (left, right, top, bottom)), tw, tb)
    y = conv2d(x, w, b, padding=padding)
    assert_close(y, expected.detach(), np.float32)
    (dy,) = arrays(4, np.float32, y.shape)
    expected.backward(torch.from_numpy(dy))
    for got, given_to_torch in zip(conv2d_backward(dy, x, w, padding=padding), (tx, tw, tb), strict=True):
        assert_close(got, given_to_torch.grad, np.float32)


@functools.cache
def onnx_cases():
    """Return ONNX's node cases; they can be collected once in a process."""
    node_cases = pytest.importorskip("onnx.backend.test.case.node")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return node_cases.collect_testcases(None)


@pytest.mark.parametrize("op", ["Conv", "ConvTranspose"])
def test_results_equal_the_onnx_test_cases(op, backend):
    ours = {"Conv": conv2d, "ConvTranspose": conv_transpose2d}[op]
    tried = 0
    for case in onnx_cases():
        nodes = [node for node in case.model.graph.node if node.op_type == op]
        attributes = {a.name: list(a.ints) or a.i or a.s for node in nodes for a in node.attribute}
        if not nodes or not case.data_sets:
            continue
        inputs, (expected, *_) = case.data_sets[0]
        known = {"kernel_shape", "pads", "strides", "dilations", "group", "output_padding"}
        if len(nodes) != len(case.model.graph.node) or inputs[0].ndim != 4 or attributes.keys() - known:
            continue  # 1-D and 3-D maps, automatic padding and forced output sizes are not ours
        top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
        keywords = {
            "stride": tuple(attributes.get("strides", (1, 1))),
            "dilation": tuple(attributes.get("dilations", (1, 1))),
            "padding": ((top, bottom), (left, right)),
            "groups": attributes.get("group", 1),
        }
        if "output_padding" in attributes:
            keywords["output_padding"] = tuple(attributes["output_padding"])
        np.testing.assert_allclose(ours(*inputs, **keywords), expected, rtol=1e-5, err_msg=case.name)
        tried += 1
    assert tried >= 3


def test_gradients_equal_finite_differences(backend, rng):
    x, w, b = rng.normal(size=(2, 4, 6, 5)), rng.normal(size=(6, 2, 3, 2)), rng.normal(size=6)
    check_gradients(conv2d, x, w, b, stride=(2, 1), padding=((2, 0), (1, 3)), dilation=(1, 2), groups=2)
    w = rng.normal(size=(4, 3, 3, 2))
    check_gradients(conv_transpose2d, x, w, b, stride=(2, 3), padding=1, output_padding=(1, 2), groups=2)


@pytest.mark.parametrize("argument", ["x", "w"])
def test_backward_is_the_adjoint(backend, argument, rng):
    x, w = rng.normal(size=(2, 3, 8, 7)), rng.normal(size=(4, 3, 3, 3))
    check_adjoint(conv2d, x, w, argument=argument, stride=2, padding=((0, 2), (1, 1)))
    w = rng.normal(size=(3, 4, 4, 3))
    check_adjoint(conv_transpose2d, x, w, argument=argument, stride=(3, 2), padding=1, dilation=2)


def test_conv_matrix_is_the_matrix_of_both_convolutions(backend, rng):
    x, w = rng.normal(size=(1, 4, 7, 6)), rng.normal(size=(6, 2, 3, 2))
    keywords = {"stride": (2, 1), "padding": ((1, 2), (0, 1)), "groups": 2}
    X = conv_matrix(w, (7, 6), **keywords)
    y = conv2d(x, w, **keywords)
    np.testing.assert_allclose(X @ x.ravel(), y.ravel())
    z = rng.normal(size=y.shape)
    back = conv_transpose2d(z, w, output_padding=(0, 0), **keywords)
    np.testing.assert_allclose((X.T @ z.ravel()).reshape(1, 4, 7, 6)[:, :, : back.shape[2]], back)


def test_the_lectures_one_dimensional_example(backend):
    """Input (a, b), filter (x, y, z), stride 2: the output is (ax, ay, az + bx, by, bz)."""
    a, b = 2.0, 3.0
    x, y, z = 5.0, 7.0, 11.0
    out = conv_transpose2d(np.array([[[[a, b]]]]), np.array([[[[x, y, z]]]]), stride=(1, 2))
    np.testing.assert_array_equal(out.ravel(), [a * x, a * y, a * z + b * x, b * y, b * z])


def test_reference_implementations_run_on_python_objects():
    """Fractions stand for symbols: no float-only trick may be in the body."""
    from fractions import Fraction

    def exact(*shape):
        return np.array([Fraction(int(k), 7) for k in range(int(np.prod(shape)))], dtype=object).reshape(shape)

    x, w = exact(1, 2, 4, 4), exact(2, 2, 3, 3)
    y = conv2d(x, w, exact(2), stride=2, padding=1)
    assert y.dtype == object and isinstance(y[0, 0, 0, 0], Fraction)
    np.testing.assert_allclose(
        y.astype(float), conv2d(x.astype(float), w.astype(float), exact(2).astype(float), stride=2, padding=1)
    )
    assert isinstance(conv_transpose2d(x, w, stride=2)[0, 0, 0, 0], Fraction)
    assert isinstance(conv2d_backward(y, x, w, stride=2, padding=1)[1][0, 0, 0, 0], Fraction)


X, W = np.zeros((2, 3, 5, 5)), np.zeros((4, 3, 3, 3))
WRONG = [
    (conv2d, (X[0], W), {}, ValueError, r"x: expected shape \(N, C, H, W\).*x\[None\]"),
    (conv2d, (X, W[:, :2]), {}, ValueError, "x: expected 2 channels"),
    (conv2d, (X, W, np.zeros(3)), {}, ValueError, r"b: expected shape \(4,\)"),
    (conv2d, (X, np.zeros((4, 3, 7, 3))), {}, ValueError, "x: its height 5.*use a smaller kernel or more padding"),
    (conv2d, (X, W), {"stride": 0}, ValueError, "stride: expected at least 1, got 0"),
    (conv2d, (X, W), {"stride": 1.5}, TypeError, "stride: expected an integer, got 1.5"),
    (conv2d, (X, W), {"stride": (1, 2, 3)}, ValueError, "stride: expected an int or a pair"),
    (conv2d, (X, W), {"padding": -1}, ValueError, "padding: expected at least 0"),
    (conv2d, (X, W), {"padding": (1, 2, 3, 4)}, ValueError, r"padding: .*\(\(top, bottom\), \(left, right\)\)"),
    (conv2d, (X, W), {"groups": 3}, ValueError, "groups: 3 groups cannot share the 4"),
    (conv2d, (X.astype(int), W), {}, TypeError, r"x: expected float32 or float64, got int64.*astype"),
    (conv2d, (X, W.astype(complex)), {}, TypeError, "w: expected numbers"),
    (conv2d, ([[1.0], [2.0, 3.0]], W), {}, ValueError, "x: expected an array"),
    (conv2d, (X, np.zeros((4, 0, 3, 3))), {}, ValueError, "w: a filter needs at least one channel"),
    (conv2d_backward, (np.zeros((2, 4, 3, 4)), X, W), {}, ValueError, r"dy: expected shape \(2, 4, 3, 3\)"),
    (conv_transpose2d, (X, W), {}, ValueError, "x: expected 4 channels"),
    (conv_transpose2d, (X[:, :, :1], W[:3]), {"padding": 2}, ValueError, "output of size -1; use less padding"),
    (conv_transpose2d, (X, W[:3]), {"stride": 2, "output_padding": 2}, ValueError, "output_padding: must be smaller"),
    (conv_matrix, (W, 5), {}, ValueError, r"input_size: expected a size \(H, W\), got 5"),
]


@pytest.mark.parametrize(("op", "arguments", "keywords", "error", "message"), WRONG)
def test_errors_name_the_wrong_argument_and_a_correction(op, arguments, keywords, error, message):
    with pytest.raises(error, match=message):
        op(*arguments, **keywords)


def test_a_missing_argument_is_reported_under_the_operations_name():
    with pytest.raises(TypeError, match=r"conv2d\(\) missing 1 required positional argument: 'w'"):
        conv2d(X)
    with pytest.raises(TypeError, match=r"conv2d\(\) takes from 2 to 3 positional arguments"):
        conv2d(X, W, None, 1)


def test_the_gradient_check_finds_a_backward_pass_that_overwrites_where_windows_overlap(rng, monkeypatch):
    """The classic mistake: ``=`` for ``+=``. Windows of stride 1 overlap, so it shows."""
    import types

    def _overwriting(dy, x, w, stride, padding, dilation, groups):
        dx, dw, db = conv2d_backward.reference(
            dy, x, w, stride=stride, padding=padding, dilation=dilation, groups=groups
        )
        dx[:, :, 1:, :] = 0
        return dx, dw, db

    mine = types.ModuleType("mine")
    _overwriting.__name__ = "conv2d_backward"
    _overwriting.__module__ = "mine"
    mine.conv2d_backward = _overwriting
    minivision.register_backend("mine", mine)
    with minivision.backend("mine"), pytest.raises(CheckError, match=r"conv2d on backend 'mine'.*gradient for x"):
        check_gradients(conv2d, rng.normal(size=(1, 2, 5, 5)), rng.normal(size=(3, 2, 3, 3)))
