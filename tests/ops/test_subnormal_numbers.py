"""No operation makes subnormal numbers out of ordinary ones, or computes on memory that nobody wrote.

Numbers below 1.2e-38 (float32) are exact to fewer digits, and an Intel processor takes 150 cycles for a multiplication
with one: a kernel that meets some in the unused lanes of its vectors is ten times slower, with the right result.
"""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest

from minivision import ops

SMALLEST = np.finfo(np.float32).tiny  # that is not subnormal

# Prints the calls after which the status word of the processor tells of a subnormal operand or an underflow.
WATCH = """
import copy, ctypes
import numpy as np
from minivision import ops
from minivision.checks.cases import cases_of
from minivision.core.backends import get_backend
from minivision.core.registry import operations

libm = ctypes.CDLL("libm.so.6")
SUBNORMAL_OPERAND, UNDERFLOW, ALL = 0x02, 0x10, 0x3F
rng = np.random.default_rng(0)

def draw(*shape):
    return (rng.uniform(0.5, 1, shape) * rng.choice([-1, 1], shape)).astype(np.float32)

def single(value):
    return value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype == np.float64 else value

def is_ordinary(value):
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        return not isinstance(value, tuple) or all(map(is_ordinary, value))
    size = abs(value)
    return bool((((size > 1e-6) & (size < 1e4)) | (size == 0)).all())

def calls():
    for name, op in operations().items():
        if get_backend("numba").kernel(op) is not None:
            for arguments, keywords in cases_of(op, rng):
                yield op, [single(value) for value in arguments], keywords
    for size in (3, 4), (7, 7), (13, 9), (28, 28), (33, 31):
        for C, F in (8, 16), (16, 16), (17, 33):
            x = draw(2, C, *size)
            for kernel, stride in (1, 1), (3, 1), (3, 2), (5, 1):
                w, options = draw(F, C, kernel, kernel), dict(stride=stride, padding=kernel // 2)
                y = ops.conv2d(x, w, **options)
                yield ops.conv2d, (x, w), options
                yield ops.conv2d_backward, (draw(*y.shape), x, w), options
                yield ops.conv_transpose2d, (x, draw(C, F, kernel, kernel)), options

count = 0
for op, arguments, keywords in calls():
    if not all(map(is_ordinary, arguments)):
        continue
    op(*copy.deepcopy(arguments), **copy.deepcopy(keywords))  # compiles
    arguments = copy.deepcopy(arguments)
    libm.feclearexcept(ALL)
    op(*arguments, **keywords)
    count += 1
    if libm.fetestexcept(SUBNORMAL_OPERAND | UNDERFLOW):
        print(op.__name__, [getattr(value, "shape", value) for value in arguments], keywords)
print(count, "calls")
"""


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64") or platform.libc_ver()[0] != "glibc",
    reason="reads the status word of an x86 processor by glibc",
)
def test_on_memory_full_of_small_numbers_no_operation_meets_one():
    settings = {"MALLOC_PERTURB_": "254", "NUMBA_NUM_THREADS": "1"}  # new memory holds 2.4e-38
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WATCH], env={**os.environ, **settings}, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    *found, last = result.stdout.splitlines()
    assert found == [] and int(last.split()[0]) > 1000


def is_subnormal(array):
    return ((array != 0) & (abs(array) < SMALLEST)).any()


@pytest.mark.parametrize("shape", [(64, 3), (2, 3, 40, 40)])
def test_classes_far_below_get_no_gradient(shape):
    rng = np.random.default_rng(0)
    scores = rng.normal(size=shape).astype(np.float32)
    scores[:, 1] -= np.linspace(0, 200, scores[:, 1].size).reshape(scores[:, 1].shape)
    scores[:, 2] = -np.inf
    _, gradient = ops.softmax_cross_entropy(scores, np.zeros((shape[0], *shape[2:]), np.int64))
    _, right = ops.softmax_cross_entropy.reference(
        scores.astype(float),
        np.zeros((shape[0], *shape[2:]), np.int64),
        weight=None,
        ignore_index=-100,
        reduction="mean",
    )
    assert not is_subnormal(gradient) and not gradient[:, 2].any()
    np.testing.assert_allclose(gradient, right, rtol=1e-5, atol=1e-7 / scores[:, 0].size)
    far = scores[:, 0] - scores[:, 1] > 100
    assert far.any() and not gradient[:, 1][far].any()


def test_saturated_probabilities():
    x = np.linspace(-200, 200, 8001, dtype=np.float32)
    p = ops.sigmoid(x)
    assert not is_subnormal(p) and ops.sigmoid(np.float32([-1000, -np.inf])).tolist() == [0, 0]
    exact = 1 / (1 + np.exp(-x.astype(np.float64)))
    np.testing.assert_allclose(p[x > -86], exact[x > -86], rtol=1e-6)
    small = np.full_like(x, 1e-4)
    assert not is_subnormal(ops.sigmoid_backward(small, p))
    np.testing.assert_allclose(ops.sigmoid_backward(small, p), 1e-4 * exact * (1 - exact), rtol=1e-5, atol=1e-10)
    _, gradient = ops.binary_cross_entropy_with_logits(x, np.zeros_like(x))
    assert not is_subnormal(gradient)
    np.testing.assert_allclose(gradient, exact / x.size, rtol=1e-6, atol=1e-30)
    maps = np.stack([np.zeros_like(x), x])[None, :, None]
    y = ops.softmax(maps)
    assert not is_subnormal(y) and not is_subnormal(
        ops.softmax_backward(small * np.float32([[1], [-1]])[None, :, None], y)
    )
