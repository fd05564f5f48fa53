"""Every operation on every backend, on all its cases: the same values as the reference implementation."""

import copy
import os
import subprocess
import sys

import numba
import numpy as np
import pytest

import minivision
from minivision.checks.cases import cases_of
from minivision.core.backends import backends
from minivision.core.registry import operations

OPERATIONS = operations()
FAST = [name for name in backends() if name not in ("reference", "cupy")]  # CuPy's take CuPy arrays

# How far float32 results may be from the reference in float64, relative to the largest value.
TOLERANCE = {np.float64: 1e-11, np.float32: 2e-5}


OWN_DTYPE = {"anchor_grid", "encode_yolo", "fill_similarity"}  # float results of a `dtype` argument, or of integers


def leaves(result):
    """Return the arrays in a result, whatever tuples they are wrapped in."""
    if isinstance(result, tuple):
        return [leaf for part in result for leaf in leaves(part)]
    return [np.asarray(result) if isinstance(result, np.generic) else result]  # a loss is a number


def cast(value, dtype):
    """Return floats in `dtype`, also inside tuples (what an operation saved for its backward pass)."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value.astype(dtype)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(cast(part, dtype) for part in value))
    return copy.deepcopy(value)


def run(op, arguments, keywords, backend):
    with minivision.backend(backend):
        return leaves(op(*copy.deepcopy(arguments), **copy.deepcopy(keywords)))


def assert_close(got, expected, dtype, title):
    assert len(got) == len(expected), title
    for a, b in zip(got, expected, strict=True):
        if not isinstance(a, np.ndarray) or a.dtype.kind != "f":
            np.testing.assert_array_equal(a, b, err_msg=title)
            continue
        assert a.dtype == b.dtype and a.shape == b.shape, f"{title}: {a.dtype} {a.shape}, expected {b.dtype} {b.shape}"
        assert b.dtype == dtype or title.partition(",")[0] in OWN_DTYPE, f"{title}: {b.dtype}, expected {dtype}"
        scale = max(1, np.abs(b).max(initial=0, where=np.isfinite(b)))
        np.testing.assert_allclose(a / scale, b / scale, rtol=0, atol=TOLERANCE[dtype], err_msg=title)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_kernel_gives_the_results_of_the_reference(name, backend, dtype):
    op = OPERATIONS[name]
    for k, (arguments, keywords) in enumerate(cases_of(op, np.random.default_rng(1))):
        arguments = tuple(cast(value, dtype) for value in arguments)
        keywords = {key: cast(value, dtype) for key, value in keywords.items()}
        expected = run(op, arguments, keywords, "reference")
        assert_close(run(op, arguments, keywords, backend), expected, dtype, f"{name}, case {k}: {keywords}")


@pytest.mark.parametrize("backend", ["reference", *FAST])
@pytest.mark.parametrize("name", OPERATIONS)
def test_read_only_and_strided_inputs_work_and_no_input_is_written_to(name, backend):
    op = OPERATIONS[name]
    for arguments, keywords in cases_of(op, np.random.default_rng(2))[:3]:
        expected = run(op, arguments, keywords, backend)
        awkward = [_awkward(value) for value in arguments]
        if op.family == "normalization":  # running arrays are updated in place: the one exception
            awkward[3:] = copy.deepcopy(arguments[3:])
        before = copy.deepcopy(awkward)
        with minivision.backend(backend):
            got = leaves(op(*awkward, **copy.deepcopy(keywords)))
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_array_equal(a, b)
        if op.family != "normalization":
            for value, old in zip(leaves(tuple(awkward)), leaves(tuple(before)), strict=True):
                np.testing.assert_array_equal(value, old)


def _awkward(value):
    """Return the same numbers in memory that is read-only and not contiguous."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_awkward, value))
    if not isinstance(value, np.ndarray) or value.ndim == 0:
        return value
    spread = np.zeros((*value.shape[:-1], 2 * value.shape[-1]), value.dtype)[..., ::2]
    spread[...] = value
    spread.flags.writeable = False
    return spread


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("name", OPERATIONS)
def test_the_number_of_threads_does_not_change_results(name, backend):
    op = OPERATIONS[name]
    threads = numba.get_num_threads()
    try:
        for arguments, keywords in cases_of(op, np.random.default_rng(3)):
            several = run(op, arguments, keywords, backend)
            numba.set_num_threads(1)
            assert_close(run(op, arguments, keywords, backend), several, np.float64, name)
            numba.set_num_threads(threads)
    finally:
        numba.set_num_threads(threads)


# These make targets, losses and proposals from other operations and a few NumPy calls: they need no kernel.
WITHOUT_KERNEL = {
    "anchor_grid", "match", "anchor_targets", "rpn_loss", "mask_loss", "fill_similarity", "encode_yolo", "decode_yolo",
    "yolo_targets", "yolo_loss", "candidate_boxes", "select_proposals",
}  # fmt: skip


def test_every_other_operation_has_a_numba_kernel():
    numba_backend = backends()["numba"]
    assert {name for name, op in OPERATIONS.items() if numba_backend.kernel(op) is None} == WITHOUT_KERNEL


def test_kernels_for_a_processor_without_wide_registers_give_the_same():
    """The register tile chooses its size by the processor: try the plain one in a process of its own."""
    environment = {**os.environ, "NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": "", "NUMBA_NUM_THREADS": "2"}
    script = (
        "from minivision.kernels.numba.engine import vectors; assert vectors.ROWS == 4\n"
        "import pytest, sys; sys.exit(pytest.main(['-q', '-x', '-p', 'no:cacheprovider', '-k', "
        f"'results_of_the_reference and conv and float32', {__file__!r}]))"
    )
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        pytest.skip("the plain processor of this test is an x86-64")
    result = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]
