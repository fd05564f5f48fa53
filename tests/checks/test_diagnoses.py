"""Diagnoses: each known mistake gets its sentence, and other mistakes get none."""

import inspect
import re

import numpy as np
import pytest
from wrong_functions import register, written_wrongly

import minivision
from minivision import ops
from minivision.checks import CheckError, check_adjoint, check_gradients, check_operation
from minivision.checks.call import named_results
from minivision.checks.cases import cases_of
from minivision.checks.diagnoses import NO_DIAGNOSIS, diagnose
from minivision.checks.evidence import Evidence, flat_results
from minivision.core.registry import operations

OPERATIONS = operations()

# ---- convolutions: one small case each, because they are slow --------------------------------------------------------

CASES = {  # of x, of w, keywords
    "plain": ((3, 2, 6, 5), (2, 2, 3, 3), {}),
    "padded": ((2, 3, 5, 6), (3, 3, 3, 3), {"padding": ((1, 1), (2, 2))}),
    "strided": ((2, 3, 7, 8), (3, 3, 3, 3), {"stride": (2, 3)}),
    "dilated": ((2, 2, 7, 6), (2, 2, 3, 3), {"dilation": 2}),
}
WINDOW = "window_slices(i, j, (kh, kw), stride, dilation)"
PLAIN_WINDOW = WINDOW.replace("stride", "(1, 1)")
CONVOLUTIONS = [
    # operation, case, result, old text, new text, part of the diagnosis
    ("conv2d", "plain", "y", "* w[f]", "* w[f][:, ::-1, ::-1]", "w turned by 180 degrees. That is the convolution of"),
    ("conv2d", "plain", "y", "* w[f]", "* w[f].transpose(0, 2, 1)", "w with two axes swapped: kh and kw"),
    ("conv2d", "plain", "y", "* w[f]", "* w[:, f]", "w with two axes swapped: F and C / groups"),
    ("conv2d", "plain", "y", " + b[f]", "", "the reference gives without b: b is ignored"),
    ("conv2d", "plain", "y", "return y", "return y / N", "every element is 1/3 of what it should be. 3 is the batch"),
    (
        "conv2d",
        "plain",
        "y",
        "(window * w[f]).sum()",
        "window[0, 0, 0] * w[f, 0, 0, 0]",
        "the first of the contributions",
    ),
    (
        "conv2d",
        "padded",
        "y",
        "pad(x, padding)",
        "np.pad(x, ((0, 0), (0, 0), *padding), 'edge')",
        "Only the border of",
    ),
    ("conv2d", "strided", "y", WINDOW, PLAIN_WINDOW, "with stride=(1, 1) instead of (2, 3): stride is ignored"),
    ("conv2d", "strided", "y", "N, C, H, W", "stride = stride[::-1]; N, C, H, W", "its two numbers are swapped"),
    ("conv2d", "strided", "y", WINDOW, WINDOW.replace("stride", "(2, 2)"), "the vertical number of stride is used"),
    ("conv2d", "dilated", "y", WINDOW, WINDOW.replace("dilation", "(1, 1)"), "dilation is ignored"),
    ("conv2d_backward", "plain", "dx", "* w[f]", "* w[f][:, ::-1, ::-1]", "w turned by 180 degrees. If you compute dx"),
    (
        "conv2d_backward",
        "plain",
        "dx",
        "columns] += dy",
        "columns] = dy",
        "dx holds only the last of the contributions",
    ),
    ("conv2d_backward", "plain", "dw", "dw[f] +=", "dw[f] =", "dw holds only the last of the contributions"),
    ("conv2d_backward", "plain", "db", "db[f] +=", "db[f] =", "db holds only the last of the contributions"),
    ("conv2d_backward", "plain", "dw", "range(N)", "range(1)", "dw holds only what the first image adds"),
    ("conv2d_backward", "plain", "dx", "range(N)", "range(1)", "Only the first image of the batch is right"),
    (
        "conv2d_backward",
        "plain",
        "dx",
        "dx, dw, db",
        "dx / N, dw, db",
        "1/3 of what it should be. 3 is the batch size",
    ),
    ("conv2d_backward", "plain", "dw", "dx, dw, db", "dx, -dw, db", "every element is minus what it should be"),
    ("conv2d_backward", "plain", "db", "dx, dw, db", "dx, dw, dy", "unsummed over N and H_out and W_out"),
    ("conv2d_backward", "plain", "db", "dx, dw, db", "dx, dw, dy.sum(axis=0)", "unsummed over H_out and W_out"),
    ("conv2d_backward", "plain", "db", "dx, dw, db", "dx, dw, db[:, None]", "only the shape is not: (2, 1) instead of"),
    ("conv2d_backward", "plain", "dw", "dx, dw, db", "dx, dw[..., ::-1, ::-1], db", "right numbers, but turned by 180"),
    (
        "conv2d_backward",
        "plain",
        "dw",
        "dx, dw, db",
        "dx, dw.swapaxes(0, 1), db",
        "axes are (C / groups, F, kh, kw)",
    ),
    ("conv2d_backward", "padded", "dx", "top : top + H, left : left + W", ":H, :W", "shifted by 1 row and 2 columns"),
    ("conv2d_backward", "strided", "dx", WINDOW, PLAIN_WINDOW, "stride is ignored"),
    ("conv2d_backward", "strided", "dw", WINDOW, PLAIN_WINDOW, "stride is ignored"),
    ("conv_transpose2d", "plain", "y", "* w[c]", "* w[c][:, ::-1, ::-1]", "w turned by 180 degrees. Each input value"),
    ("conv_transpose2d", "plain", "y", "columns] +=", "columns] =", "y holds only the last of the contributions"),
    (
        "conv_transpose2d",
        "padded",
        "y",
        "top : top + H_out, left : left + W_out",
        ":H_out, :W_out",
        "padding is ignored",
    ),
    (
        "conv_transpose2d",
        "padded",
        "y",
        "y = canvas[:, :, top : top + H_out, left : left + W_out].copy()",
        "y = pad(canvas, padding)",
        "with the padding as zeros around it",
    ),
    ("conv_transpose2d", "strided", "y", WINDOW, PLAIN_WINDOW, "stride is ignored"),
    (
        "conv_transpose2d_backward",
        "plain",
        "dx",
        "* w[c]",
        "* w[c][:, ::-1, ::-1]",
        "w turned by 180 degrees. In the",
    ),
    ("conv_transpose2d_backward", "plain", "dx", "* w[c]", "* w[:, c]", "w with two axes swapped: C and F / groups"),
    ("conv_transpose2d_backward", "plain", "dw", "dw[c] +=", "dw[c] =", "dw holds only the last of the contributions"),
    ("conv_transpose2d_backward", "plain", "db", "axis=(0, 2, 3)", "axis=0", "unsummed over H_out and W_out"),
    ("conv_transpose2d_backward", "plain", "db", "dy.sum(", "dy.mean(", "every element is 1/168 of"),
]


def convolution_arguments(name, case):
    rng = np.random.default_rng(5)
    x, w, keywords = CASES[case]
    forward = name.removesuffix("_backward")
    arguments = {"x": rng.standard_normal(x), "w": rng.standard_normal(w), **keywords}
    if name == forward:
        return {**arguments, "b": rng.standard_normal(w[0])}
    with minivision.backend("reference"):
        return {"dy": rng.standard_normal(getattr(ops, forward)(**arguments).shape), **arguments}


def evidence_of(name, function, arguments, result):
    """Return the evidence of one result of a wrong function, for one call."""
    op = OPERATIONS[name]
    with minivision.backend(register(**{name: function})), np.errstate(all="ignore"):
        got = flat_results(named_results(op, dict(arguments)), {})
    with minivision.backend("reference"):
        expected = flat_results(named_results(op, dict(arguments)), {})
    return Evidence(op, arguments, result, got[result], expected[result])


@pytest.mark.parametrize(("name", "case", "result", "old", "new", "sentence"), CONVOLUTIONS)
def test_a_mistake_in_a_convolution_is_diagnosed(name, case, result, old, new, sentence):
    arguments = convolution_arguments(name, case)
    evidence = evidence_of(name, written_wrongly(name, (old, new)), arguments, result)
    assert sentence in (diagnose(evidence) or "")


# ---- other operations: through the whole check -----------------------------------------------------------------------

OTHERS = [
    # operation, result, old text, new text, part of the diagnosis
    ("linear", "y", "x[n] * w[m]", "x[n] * w[:, m]", "w with two axes swapped: M and D"),
    ("linear", "y", "y += b", "pass", "the reference gives without b"),
    ("linear_backward", "dx", "dx[n] +=", "dx[n] =", "dx holds only the last of the contributions"),
    ("linear_backward", "dw", "dx, dw, db", "dx, dw.T, db", "its axes are (D, M) instead of (M, D)"),
    ("linear_backward", "dw", "dx, dw, db", "dx, dw / len(x), db", "the batch size N"),
    ("linear_backward", "db", "dx, dw, db", "dx, dw, dy", "db is left unsummed over N"),
    ("max_pool2d", "y", "best = None", "best = 0", "largest value begins with 0"),
    ("max_pool2d", "y", "i * sh - top, j * sw", "i * kh - top, j * kw", "stride is ignored"),
    ("max_pool2d", "indices", "row * W + col", "row * H + col", "They are row * H + column"),
    ("max_pool2d", "y", "value > best", "abs(value) > abs(best)", "y is that of the number of the largest absolute"),
    ("max_pool2d", "indices", "value > best", "value < best", "indices is that of the smallest number of each window"),
    ("max_pool2d_backward", "dx", "] += dy", "] = dy", "dx holds only the last of the contributions"),
    ("max_pool2d_backward", "dx", "dx[n, c, row, col] +=", "dx[n, :, row, col] +=", "sum over all channels: an index"),
    ("max_pool2d_backward", "dx", "dx[n, c, row, col] +=", "dx[:, c, row, col] +=", "sum over all images of the batch"),
    ("avg_pool2d", "y", "/= kh * kw", "/= 1", "the number of pixels of a window: a division by it is missing"),
    ("avg_pool2d", "y", "/= kh * kw", "/= max(1, np.count_nonzero(x[0, 0, max(first_row, 0) : first_row + kh, "
     "max(first_col, 0) : first_col + kw]))", "Only the border of y is wrong"),
    ("avg_pool2d_backward", "dx", "] += dy", "] = dy", "dx holds only the last of the contributions"),
    ("avg_pool2d_backward", "dx", " / (kh * kw)", "", "the number of pixels of a window: a division by it is missing"),
    ("avg_pool2d_backward", "dx", "i * sh - top, j * sw - left", "i * sh, j * sw", "the padding is ignored"),
    ("global_avg_pool2d_backward", "dx", " / (H * W)", "", "the number of pixels of a map of dx: a division by it is"),
    ("max_unpool2d", "y", "] += x", "] = x", "y holds only the last of the contributions"),
    ("upsample_nearest", "y", "i // sh, j // sw", "i % H, j % W", "np.tile for np.repeat"),
    ("upsample_nearest_backward", "dx", "] += dy", "] = dy", "dx holds only the last of the contributions"),
    ("upsample_nearest_backward", "dx", "return dx", "return dy[:, :, ::sh, ::sw].copy()", "holds only the first of"),
    ("upsample_nearest_backward", "dx", "return dx", "return dx / (sh * sw)", "the number of pixels of a block"),
    ("bed_of_nails", "y", "i * sh, j * sw", "i * sh + sh - 1, j * sw + sw - 1", "y is right, but shifted by"),
    ("bed_of_nails", "y", "return y", "return y[:, :, : (H - 1) * sh + 1, : (W - 1) * sw + 1]",
     "The output has scale[0] rows and scale[1] columns for each"),
    ("mse_loss", "dx", "2 * difference", "difference", "A factor 2 is missing"),
    ("mse_loss", "dx", "x - target", "target - x", "The sign is wrong"),
    ("mse_loss", "loss", "_reduced(difference**2, 2 * difference, reduction)",
     "(difference**2).sum(), _reduced(difference**2, 2 * difference, reduction)[1]", "with reduction='sum' instead of"),
    ("softmax_cross_entropy", "dscores", "loss / norm, dscores / scores.dtype.type(norm)", "loss / norm, dscores",
     "with reduction='sum' instead of 'mean'"),
    ("softmax_cross_entropy", "dscores", "dscores / scores.dtype.type(norm)", "dscores / scores.dtype.type(N)",
     "20 is the number of pixels of a map of scores: a division by it is missing"),
    ("softmax_cross_entropy", "dscores", "w.sum() if", "(counts if weight is None else weight).sum() if",
     "divided by the sum of the weights of the classes"),
    ("softmax_cross_entropy", "loss", "if weight is None else weight", "", "without weight: weight is ignored"),
    ("softmax_cross_entropy", "loss", " - flat_scores.max(axis=1, keepdims=True)", "", "NaN or infinite"),
    ("hinge_loss", "dscores", "-target)", "target)", "The sign is wrong"),
    ("batch_norm2d", "y", "per_channel(gamma) * normalized", "normalized", "a multiplication by gamma is missing"),
    ("batch_norm2d", "y", " + per_channel(beta)", "", "for each channel: beta is not added"),
    ("batch_norm2d", "running_mean", "running_mean[:] =", "running_mean =", "as it was before the call"),
    ("batch_norm2d", "running_var", "(1 - momentum) * running_var + momentum * var",
     "momentum * running_var + (1 - momentum) * var", "momentum and 1 - momentum are swapped"),
    ("batch_norm2d_backward", "dx", "if saved.training", "if False", "saved.training is not looked at"),
    ("batch_norm2d_backward", "dx", "gamma * saved.inv_std", "gamma", "a multiplication by saved.inv_std is missing"),
    ("batch_norm2d_backward", "dbeta", "dbeta = dy.sum(", "dbeta = dy.mean(", "the number of pixels of dy in all"),
    ("dropout", "y", "1 / (1 - p)", "1", "0.7 is 1 - p"),
    ("embedding_backward", "dw", "] += dy", "] = dy", "dw holds only the last of the contributions"),
    ("lstm_step", "c_next", "i, f, g, o = np", "i, f, o, g = np", "belong to the gates i, f, o, g"),
    ("lstm_step", "h_next", "i, f, g, o = np", "f, i, o, g = np", "belong to the gates f, i, o, g"),
    ("lstm_step", "h_next", "o * np.tanh(c_next)", "o * c_next", "the tanh of the cell is missing"),
    ("lstm_step_backward", "dw_hh", "dc_next + dh_next", "dh_next", "with dc_next = 0: dc_next is ignored"),
    ("lstm_step_backward", "dc", " + dh_next * o * (1 - shown**2)", "", "with dh_next = 0: dh_next is ignored"),
    ("sigmoid", "y", "np.exp(-abs(x))", "np.exp(-abs(x)).astype(np.float32).astype(x.dtype)", "lower precision"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "result", "old", "new", "sentence"), OTHERS)
def test_a_mistake_is_diagnosed_by_the_whole_check(name, result, old, new, sentence):
    report = check_operation(name, register(**{name: written_wrongly(name, (old, new))}))
    about = [failure.diagnosis or "" for failure in report.failures if failure.result == result]
    assert report.verdict == "wrong" and any(sentence in diagnosis for diagnosis in about), str(report)


# ---- results without a diagnosis -------------------------------------------------------------------------------------


def plain_case(op):
    """Return the arguments of the case of an operation that is closest to 200 numbers, in float64."""
    with minivision.backend("reference"):
        cases = [inspect.signature(op).bind(*arrays, **keywords).arguments
                 for arrays, keywords in cases_of(op, np.random.default_rng(3))]  # fmt: skip
    sizes = [sum(np.size(value) for value in case.values() if isinstance(value, np.ndarray)) for case in cases]
    return cases[int(np.argmin([abs(size - 200) for size in sizes]))]


NOISES = {
    "nothing": lambda rng, right: right.copy(),
    "noise": lambda rng, right: rng.standard_normal(right.shape),
    "noise of the right size": lambda rng, right: right * (1 + 0.3 * rng.standard_normal(right.shape)),
    "three wrong elements": lambda rng, right: _spoil(rng, right, 3),
    "half of the elements wrong": lambda rng, right: _spoil(rng, right, right.size // 2),
    "noise in another shape": lambda rng, right: rng.standard_normal((*right.shape, 2)),
}


def _spoil(rng, right, count):
    got = right.copy()
    got.flat[rng.choice(got.size, count, replace=False)] += rng.standard_normal(count)
    return got


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_random_result_has_no_diagnosis(name):
    op, rng, shared = OPERATIONS[name], np.random.default_rng(7), {}
    arguments = plain_case(op)
    with minivision.backend("reference"):
        results = flat_results(named_results(op, dict(arguments)), {})
    for result, right in results.items():
        if isinstance(right, np.ndarray) and right.dtype.kind == "f" and right.size > 6:
            for title, noise in NOISES.items():
                evidence = Evidence(op, arguments, result, noise(rng, right), right, shared=shared)
                assert diagnose(evidence) is None, f"{result}: {title}"


# Nearly the result of a known mistake, but not to rounding.
NEARLY = [
    ("conv2d_backward", "plain", "dx", lambda right: np.where(right == right.max(), right, right / 3)),
    ("conv2d_backward", "plain", "dw", lambda right: right[..., ::-1, ::-1] * np.linspace(1, 2, 3)),
    ("conv2d_backward", "plain", "dw", lambda right: right.swapaxes(0, 1) + 0.1 * right),
    ("conv2d_backward", "plain", "db", lambda right: np.stack([right, right + 1])),
    ("conv2d_backward", "padded", "dx", lambda right: _spoil_border(right, every=4)),
    ("conv2d_backward", "padded", "dx", lambda right: _spoil_border(right, every=1) + (right == right.max())),
    ("conv2d", "strided", "y", lambda right: np.where(right == right.max(), right * (1 + 1e-6), right)),
    ("conv2d", "strided", "y", lambda right: right + 1e-3 * np.sin(np.arange(right.size)).reshape(right.shape)),
]  # fmt: skip


def _spoil_border(array, every):
    """Add 1 to elements of the first row of each map."""
    array = array.copy()
    array[:, :, 0, ::every] += 1
    return array


@pytest.mark.parametrize(("name", "case", "result", "change"), NEARLY)
def test_what_is_nearly_a_known_mistake_has_no_diagnosis(name, case, result, change):
    arguments = convolution_arguments(name, case)
    evidence = evidence_of(name, written_wrongly(name), arguments, result)
    evidence.got = change(evidence.expected)
    assert diagnose(evidence) is None


def test_overwriting_is_not_diagnosed_where_nothing_overlaps():
    """Each element gets one contribution, so a wrong one is not an overwritten sum."""
    evidence = evidence_of(
        "upsample_nearest_backward",
        lambda dy, scale: dy * np.linspace(0, 1, dy.size).reshape(dy.shape),
        {"dy": np.random.default_rng(0).standard_normal((2, 2, 3, 4)), "scale": 1},
        "dx",
    )
    assert diagnose(evidence) is None


def test_overwriting_is_not_diagnosed_for_an_operation_that_is_not_a_sum():
    """The first pixel of each window looks like one contribution, but a maximum does not add up."""
    x = np.random.default_rng(0).random((2, 2, 6, 6)) + 1
    evidence = evidence_of(
        "max_pool2d", lambda x, kernel_size, stride, padding: (x[:, :, ::2, ::2].copy(), np.zeros((2, 2, 3, 3), int)),
        {"x": x, "kernel_size": 2}, "y",
    )  # fmt: skip
    assert diagnose(evidence) is None


def test_overwriting_is_not_diagnosed_for_a_few_elements():
    arguments = convolution_arguments("conv2d_backward", "plain")
    wrong = written_wrongly("conv2d_backward", ("columns] += dy", "columns] = dy"))
    evidence = evidence_of("conv2d_backward", wrong, arguments, "dx")
    assert "holds only the last" in diagnose(evidence)
    evidence.got.flat[5:] += np.random.default_rng(0).standard_normal(evidence.got.size - 5)
    assert diagnose(evidence) is None


def test_a_shift_is_not_diagnosed_for_maps_that_are_right_without_it():
    """On constant maps a wrong last column could be a shift by one."""
    rng = np.random.default_rng(0)
    op, dy = OPERATIONS["global_avg_pool2d_backward"], rng.standard_normal((3, 4))
    evidence = Evidence(op, {"dy": dy, "input_size": (6, 6)}, "dx", np.zeros(0))
    evidence.got = evidence.expected.copy()
    evidence.got[..., -1] = rng.standard_normal((3, 4, 6))
    assert diagnose(evidence) is None


def test_a_single_number_in_another_shape_has_no_diagnosis():
    """With one filter, one image and one pixel, an unsummed gradient has the right number: other cases must show it."""
    arguments = {name: np.ones((1, 1)) for name in ("dy", "x", "w")}
    evidence = Evidence(OPERATIONS["linear_backward"], arguments, "db", [[1.0]])
    assert diagnose(evidence) is None


def test_a_missing_sum_is_told_beside_a_case_of_one_image():
    """There the sum changes the shape alone, as keepdims=True does; not both cases have been caused by that."""
    op, cases = OPERATIONS["linear_backward"], []
    for N in (1, 3):
        arguments = {"dy": np.arange(1.0, 1 + 4 * N).reshape(N, 4), "x": np.ones((N, 2)), "w": np.ones((4, 2))}
        cases.append(Evidence(op, arguments, "db", arguments["dy"]))
    one, three = cases
    assert "keepdims=True" in diagnose(one)
    assert "unsummed over N" in diagnose(three, [one])
    assert "keepdims" not in (diagnose(one, [three]) or "")


def test_a_factor_is_told_beside_cases_with_a_bias_that_hides_it():
    op, rng = OPERATIONS["conv2d"], np.random.default_rng(0)
    x, w, b = (rng.standard_normal(shape) for shape in ((2, 3, 5, 4), (2, 3, 2, 3), 2))
    plain = {"x": x, "w": w, "stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1}
    biased = {**plain, "b": b}
    mean = ops.conv2d(x, w) / 18
    evidence = Evidence(op, plain, "y", mean)
    other = Evidence(op, biased, "y", mean + b[:, None, None])
    assert "18 is the number of weights of a filter: one division by it is too many" in diagnose(evidence, [other])
    assert "weights of a filter" not in diagnose(evidence, [Evidence(op, plain, "y", mean**2)])


def test_one_number_has_no_factor():
    """Any two numbers have some factor between them."""
    right = np.array(0.7)
    x = np.linspace(0, 1, 5)
    evidence = Evidence(OPERATIONS["mse_loss"], {"x": x, "target": 0 * x}, "loss", 0.37 * right, right)
    assert diagnose(evidence) is None


def test_the_factor_of_one_number_is_that_of_all_cases():
    op, rng = OPERATIONS["mse_loss"], np.random.default_rng(0)

    def case(N, factor):
        x, target = rng.standard_normal((2, N, 5))
        return Evidence(op, {"x": x, "target": target}, "loss", factor * ops.mse_loss(x, target)[0])

    assert "2 is the batch size N" in diagnose(case(2, 2), [case(3, 3)])
    assert "batch size" not in (diagnose(case(2, 2), [case(3, 2)]) or "")
    assert "batch size" not in (diagnose(case(2, 2), [case(3, 1)]) or "")


# ---- where a diagnosis is printed ------------------------------------------------------------------------------------


@pytest.fixture
def x(rng):
    return rng.standard_normal((2, 3, 6, 6))


def test_check_gradients_ends_with_the_diagnosis(x):
    wrong = written_wrongly("avg_pool2d_backward", ("] += dy", "] = dy"))
    with minivision.backend(register(avg_pool2d_backward=wrong)), pytest.raises(CheckError) as failure:
        check_gradients(ops.avg_pool2d, x, 3, stride=1)
    assert "→ dx holds only the last of the contributions" in str(failure.value)
    assert failure.value.result == "dx" and failure.value.diagnosis.startswith("dx holds only the last")


def test_check_gradients_says_when_there_is_no_diagnosis(x):
    wrong = register(sigmoid_backward=lambda dy, y: dy * y)
    with minivision.backend(wrong), pytest.raises(CheckError, match=re.escape(NO_DIAGNOSIS)):
        check_gradients(ops.sigmoid, x)


def test_a_wrong_forward_pass_is_not_blamed_on_the_backward_pass(x, rng):
    w = rng.standard_normal((3, 3, 3, 3))
    wrong = register(conv2d=written_wrongly("conv2d", ("* w[f]", "* w[f][:, ::-1, ::-1]")))
    with (
        minivision.backend(wrong),
        pytest.raises(CheckError, match=r"(?s)pass is already wrong.*180\s+degrees"),
    ):
        check_gradients(ops.conv2d, x, w, elements=20)


def test_check_adjoint_ends_with_the_diagnosis(x):
    wrong = register(upsample_nearest_backward=lambda dy, scale: dy[:, :, ::2, ::2].copy())
    with minivision.backend(wrong), pytest.raises(CheckError, match="(?s)not the transpose.*dx holds only the first"):
        check_adjoint(ops.upsample_nearest, x[:, :, :4])


@pytest.mark.parametrize(
    ("dtype", "sentence"), [(np.float32, "precision of float64 is lost"), (np.int64, "made for whole numbers")]
)
def test_a_lost_dtype_is_diagnosed(x, dtype, sentence):
    wrong = register(relu_backward=lambda dy, x: np.where(x > 0, dy, 0).astype(dtype))
    with minivision.backend(wrong), pytest.raises(CheckError, match=sentence):
        check_gradients(ops.relu, x)


def test_float64_from_float32_is_diagnosed():
    wrong = register(relu=lambda x: np.maximum(x, 0).astype(np.float64))
    (failure,) = check_operation("relu", wrong).failures
    assert failure.what == "y has dtype float64, expected float32" and "dtype=x.dtype" in failure.diagnosis


def test_an_integer_array_is_diagnosed():
    wrong = register(avg_pool2d=written_wrongly("avg_pool2d", ("x.dtype)", "int)"), ("/=", "//=")))
    failures = check_operation("avg_pool2d", wrong).failures
    assert ["made for whole numbers" in failure.diagnosis for failure in failures] == [True]


def test_a_written_input_is_diagnosed():
    def relu_backward(dy, x):
        dy[x <= 0] = 0
        return dy

    (failure,) = check_operation("relu_backward", register(relu_backward=relu_backward)).failures
    assert failure.what == "it writes to its input dy" and "dy.copy()" in failure.diagnosis


def test_updating_the_running_arrays_is_not_writing_to_an_input():
    assert check_operation("batch_norm2d", register(batch_norm2d=written_wrongly("batch_norm2d"))).passed


def test_other_cases_decide_between_2_and_the_batch_size():
    """The case that is shown has two images: only the other cases exclude the batch size."""
    wrong = written_wrongly("conv_transpose2d_backward", ("return dx, dw, db", "return 2 * dx, dw, db"))
    (failure,) = check_operation("conv_transpose2d_backward", register(conv_transpose2d_backward=wrong)).failures
    assert "Something is counted twice" in failure.diagnosis and "batch size" not in failure.diagnosis
