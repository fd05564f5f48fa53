"""check_operation: what passes, what it reports, and which of two functions is wrong."""

import inspect
import types

import numpy as np
import pytest
from wrong_functions import register, written_wrongly

import minivision
from minivision.checks import Limits, NotRecordedError, check_operation
from minivision.checks.report import pattern
from minivision.core.backends import get_backend
from minivision.core.registry import operations

OPERATIONS = operations()
LOSSES = [name for name in OPERATIONS if name.endswith(("loss", "cross_entropy", "logits"))]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_passes_and_every_gradient_is_compared_with_differences(name):
    backend = "numba" if get_backend("numba").kernel(OPERATIONS[name]) else "reference"
    report = check_operation(name, backend)
    assert report.passed and report.cases > 0 and report.values < 1e-9, str(report)
    if name.endswith("_backward") or name in LOSSES:
        assert 0 < report.gradients < 1e-6  # exactly 0 would mean that nothing was compared
    else:
        assert report.gradients is None


def test_linear_operations_are_compared_with_their_transpose_and_others_are_not():
    linear = ("avg_pool2d", "max_unpool2d", "upsample_bilinear", "linear", "dropout")
    for name in linear:
        assert check_operation(f"{name}_backward", "numba").adjoint < 1e-12, name
    for name in ("relu", "max_pool2d", "sigmoid"):
        assert check_operation(f"{name}_backward", "numba").adjoint is None, name


def test_a_backend_without_the_function_is_not_reported_as_right():
    backend = register(relu=lambda x: np.maximum(x, 0))
    report = check_operation("sigmoid", backend)
    assert (report.verdict, report.passed, report.cases, report.values) == ("reference", False, 0, None)


def test_right_functions_of_the_user_pass():
    assert check_operation("relu", register(relu=lambda x: np.maximum(x, 0))).passed
    backward = register(relu_backward=lambda dy, x: dy * (x > 0))  # it is not called with NaN and infinity
    assert check_operation("relu_backward", backward).passed
    assert check_operation("softmax_cross_entropy", register(softmax_cross_entropy=_log_sum_exp)).passed


def _log_sum_exp(scores, target, weight, ignore_index, reduction):
    """Another way to write the loss than the reference implementation's."""
    C = scores.shape[1]
    rows = np.moveaxis(scores, 1, -1).reshape(-1, C)
    target = target.reshape(-1)
    counts = target != ignore_index
    label = np.where(counts, target, 0)
    w = counts * (1 if weight is None else weight[label])
    top = rows.max(axis=1, keepdims=True)
    log_p = rows - top - np.log(np.exp(rows - top).sum(axis=1, keepdims=True))
    norm = w.sum() if reduction == "mean" and w.sum() > 0 else 1
    loss = -(w * np.take_along_axis(log_p, label[:, None], 1)[:, 0]).sum() / norm
    gradient = w[:, None] * (np.exp(log_p) - np.eye(C)[label]) / norm
    moved = np.moveaxis(scores, 1, -1).shape
    return loss, np.moveaxis(gradient.reshape(moved), -1, 1).astype(scores.dtype)


def test_the_package_s_own_kernels_are_called_with_nan():
    own = check_operation("relu", register(relu=lambda x: np.maximum(x, 0)))
    assert check_operation("relu", "reference").cases > own.cases


def test_a_zero_at_the_kink_counts():
    (failure,) = check_operation("relu_backward", register(relu_backward=lambda dy, x: dy * (x >= 0))).failures
    assert failure.result == "dx" and failure.cases == 1


def test_not_written_yet_is_neither_right_nor_wrong():
    def conv2d(x, w, b, stride, padding, dilation, groups):
        raise NotImplementedError

    report = check_operation("conv2d", register(conv2d=conv2d))
    assert (report.verdict, report.passed, report.failures) == ("not yet", False, [])


def test_written_for_some_cases_only_is_wrong():
    def avg_pool2d(x, kernel_size, stride, padding):
        if np.any(padding):
            raise NotImplementedError("padding")
        return minivision.ops.avg_pool2d.reference(x, kernel_size, stride=stride, padding=padding)

    report = check_operation("avg_pool2d", register(avg_pool2d=avg_pool2d))
    (failure,) = report.failures
    assert report.verdict == "wrong" and failure.what.startswith("NotImplementedError")
    assert "padding" in failure.pattern


def test_a_right_backward_pass_is_not_blamed_for_a_wrong_forward_pass():
    backend = register(
        avg_pool2d=written_wrongly("avg_pool2d", ("/= kh * kw", "/= kh")),
        avg_pool2d_backward=written_wrongly("avg_pool2d_backward"),
    )
    assert check_operation("avg_pool2d", backend).verdict == "wrong"
    assert check_operation("avg_pool2d_backward", backend).passed


def test_a_wrong_forward_pass_does_not_spoil_the_cases_of_the_backward_pass():
    def conv_transpose2d(x, w, b, stride, padding, output_padding, dilation, groups):
        raise ZeroDivisionError

    def conv_transpose2d_backward(dy, x, w, **keywords):
        return minivision.ops.conv_transpose2d_backward.reference(dy, x, w, **keywords)

    conv_transpose2d_backward.__signature__ = inspect.signature(OPERATIONS["conv_transpose2d_backward"])
    backend = register(conv_transpose2d=conv_transpose2d, conv_transpose2d_backward=conv_transpose2d_backward)
    assert check_operation("conv_transpose2d_backward", backend).passed


def test_the_case_that_is_shown_is_the_one_that_the_diagnosis_is_about():
    def mse_loss(x, target, reduction):
        loss, dx = minivision.ops.mse_loss.reference(x, target, reduction="mean")
        noise = np.random.default_rng(0).random(dx.shape).astype(dx.dtype)
        return loss, dx if reduction == "sum" else dx * noise  # which has no diagnosis

    failures = check_operation("mse_loss", register(mse_loss=mse_loss)).failures
    (about_dx,) = [failure for failure in failures if failure.result == "dx"]
    # That it is a mean would be the cause in that case, but does not explain the noise in others.
    assert "every element is 1/" in about_dx.diagnosis and "instead of" not in about_dx.diagnosis
    assert about_dx.arguments["reduction"] == "sum"


def test_what_only_failing_cases_have_in_common_is_reported():
    op, x = OPERATIONS["avg_pool2d"], np.arange(20.0).reshape(1, 1, 4, 5)
    plain, padded = {"x": x, "kernel_size": 2}, {"x": x, "kernel_size": 2, "padding": 1}
    both = {**padded, "stride": 1}
    assert pattern(op, [padded, both], [plain]) == "All cases with padding fail; those without pass."
    assert pattern(op, [both, both], [plain, padded]) == "All cases with windows that overlap fail; those without pass."
    assert pattern(op, [padded, both], [padded, plain, plain, plain]) == "It fails only in cases with padding."
    assert pattern(op, [padded], [padded, plain, plain, plain]) == ""  # one case proves little
    assert pattern(op, [plain, padded], [plain]) == pattern(op, [], [plain]) == pattern(op, [plain], []) == ""


def test_a_failure_can_be_called_again():
    report = check_operation("avg_pool2d", register(avg_pool2d=written_wrongly("avg_pool2d", ("/= kh * kw", "/= 1"))))
    (failure,) = report.failures
    op = OPERATIONS[failure.call]
    with minivision.backend("wrong"):
        wrong = op(**failure.arguments)
    with minivision.backend("reference"):
        right = op(**failure.arguments)
    assert not np.allclose(wrong, right)


def test_the_text_names_operation_backend_case_worst_elements_what_they_share_and_the_diagnosis():
    wrong = written_wrongly("avg_pool2d_backward", ("] += dy", "] = dy"))
    text = str(check_operation("avg_pool2d_backward", register(avg_pool2d_backward=wrong)))
    first, call, *rest = text.splitlines()
    assert first.startswith("avg_pool2d_backward (backend 'wrong')") and first.endswith("cases: dx is wrong")
    assert call.startswith("  for avg_pool2d_backward(dy[2, 2, ")
    assert "given           right  relative error" in text and "cases with windows that overlap" in text
    assert rest[-3].startswith("  → dx holds only the last")


def test_the_same_mistake_in_two_results_is_explained_once():
    wrong = written_wrongly("linear_backward", ("return dx, dw, db", "return -dx, -dw, db"))
    text = str(check_operation("linear_backward", register(linear_backward=wrong)))
    assert text.count("The sign is wrong") == 1 and text.count("It looks like the same mistake") == 1


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        (None, "it returned None: is a `return y, indices` missing"),
        (np.zeros((2, 2)), "it returned 1 result, expected 2: return y, indices"),
        (([1.0], [2]), "y is of type list, expected an array"),
    ],
)
def test_an_unusable_result_is_reported(result, sentence):
    report = check_operation("max_pool2d", register(max_pool2d=lambda x, kernel_size, stride, padding: result))
    assert sentence in str(report)


def test_float_indices_are_reported():
    wrong = written_wrongly("max_pool2d", ("return y, indices", "return y, indices.astype(float)"))
    (failure,) = check_operation("max_pool2d", register(max_pool2d=wrong)).failures
    assert failure.what == "indices has dtype float64, expected integers"


def test_32_bit_indices_are_right():
    other = written_wrongly("max_pool2d", ("return y, indices", "return y, indices.astype(np.int32)"))
    assert check_operation("max_pool2d", register(max_pool2d=other)).passed


def test_a_plain_tuple_is_accepted_for_a_named_one():
    other = written_wrongly("batch_norm2d", ("BatchStatistics(mean, inv_std, training)", "(mean, inv_std, training)"))
    assert check_operation("batch_norm2d", register(batch_norm2d=other)).passed


def test_what_overflows_in_float32_only_is_found():
    def sigmoid(x):
        return np.exp(x) / (1 + np.exp(x))  # exp(700) is finite in float64 only

    (failure,) = check_operation("sigmoid", register(sigmoid=sigmoid)).failures
    assert failure.what == "y is wrong, in float32 only" and failure.cases == 1


def test_a_wrong_reference_implementation_is_reported(monkeypatch):
    """A backward pass that agrees with its reference implementation is still compared with differences."""
    op = OPERATIONS["sigmoid_backward"]
    monkeypatch.setattr(op, "reference", lambda dy, y: -dy * y * (1 - y))
    report = check_operation("sigmoid_backward", "reference")
    (failure,) = report.failures
    assert failure.what == "dx differs from finite differences" and "The sign is wrong" in failure.diagnosis


@pytest.fixture
def oracle():
    """A backend "oracle" with the reference implementation of relu; ``asked`` are the arguments it was called with."""
    module, asked = types.ModuleType("oracle"), []

    def relu(x):
        asked.append(x.copy())
        return OPERATIONS["relu"].reference(x)

    relu.__module__ = "oracle"
    module.relu, module.asked = relu, asked
    minivision.register_backend("oracle", module)
    return module


def test_right_results_and_results_for_other_arguments_come_from_the_oracle(oracle, monkeypatch):
    wrong = register(relu=lambda x: np.maximum(x, 0) * 2)
    expected = str(check_operation("relu", wrong))
    monkeypatch.setattr(OPERATIONS["relu"], "reference", None)
    oracle.relu = lambda x: np.where((x > 0) | (x != x), x, 0).astype(x.dtype)
    oracle.relu.__module__ = "oracle"
    minivision.register_backend("oracle", oracle)
    assert "2 times" in expected and str(check_operation("relu", wrong, oracle="oracle")) == expected


def test_the_oracle_is_asked_for_each_case_and_may_refuse(oracle):
    assert check_operation("relu", register(relu=lambda x: np.maximum(x, 0)), oracle="oracle").passed
    assert len(oracle.asked) > 5

    def relu(x):
        raise NotRecordedError("no result for these arguments")

    relu.__module__ = "oracle"
    oracle.relu = relu
    minivision.register_backend("oracle", oracle)
    with pytest.raises(NotRecordedError, match="no result for these"):
        check_operation("relu", "numba", oracle="oracle")
    with pytest.raises(ValueError, match="no backend is called 'delphi'"):
        check_operation("relu", "numba", oracle="delphi")


def test_limits_decide_how_many_cases_are_diagnosed_and_which_are_compared_with_differences():
    wrong = register(relu=lambda x: np.maximum(x, 0) * 2)
    for count, sentence in ((0, None), (1, "2 times")):
        (failure,) = check_operation("relu", wrong, limits=Limits(max_diagnosed_cases=count)).failures
        assert failure.diagnosis is None if sentence is None else sentence in failure.diagnosis
    assert check_operation("relu_backward", "numba").gradients > 0
    assert check_operation("relu_backward", "numba", limits=Limits(max_elements=0)).gradients == 0  # of empty arrays


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="no operation is called 'conv3d'; there are .*conv2d"):
        check_operation("conv3d")
    with pytest.raises(ValueError, match="no backend is called 'fortran'"):
        check_operation("relu", "fortran")


def test_a_wrong_function_is_not_called_with_huge_regions():
    text = "sampling_ratio, aligned, rois.dtype"
    wrong = written_wrongly("roi_align", (text, "-1, aligned, rois.dtype"))
    functions = {"wrong": wrong, "right": written_wrongly("roi_align")}
    largest = {}

    def given(kind):
        def roi_align(x, rois, output_size, *, spatial_scale=1.0, sampling_ratio=-1, aligned=True):
            largest[kind] = max(largest.get(kind, 0), abs(rois).max(initial=0))
            if kind == "wrong" and largest[kind] > 1e4:
                raise TimeoutError
            return functions[kind](x, rois, output_size, sampling_ratio=sampling_ratio, aligned=aligned,
                                   spatial_scale=spatial_scale)  # fmt: skip

        return check_operation("roi_align", register(roi_align=roi_align))

    assert "sampling_ratio is ignored" in str(given("wrong")) and largest["wrong"] < 1e4
    assert given("right").verdict == "ok" and largest["right"] > 1e6


def test_the_active_backend_is_checked_by_default_and_stays_active():
    with minivision.backend("reference"):
        assert check_operation("relu").backend == "reference"
        assert minivision.core.backends.active_backend()[0].name == "reference"
