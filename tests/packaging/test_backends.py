"""Which code runs: choosing, scoping, registering, and what a wrong kernel is told."""

import subprocess
import sys
import threading
import types

import numpy as np
import pytest

import minivision
from minivision.core.backends import active_backend
from minivision.ops import relu


@pytest.fixture(autouse=True)
def default_backend(monkeypatch):
    monkeypatch.setattr("minivision.core.backends._chosen", None)  # what a test chooses does not outlive it


def module_with(**functions):
    module = types.ModuleType("mine")
    for name, function in functions.items():
        function.__module__ = "mine"
        setattr(module, name, function)
    return module


def test_with_block_ends_and_does_not_leak_into_other_threads():
    seen = []
    with minivision.backend("reference"):
        assert active_backend()[0].name == "reference"
        thread = threading.Thread(target=lambda: seen.append(active_backend()[0].name))
        thread.start()
        thread.join()
    assert seen == ["numba"] and active_backend()[0].name == "numba"


def test_set_backend_lasts_and_says_so():
    minivision.set_backend("reference")
    backend, reason = active_backend()
    assert backend.name == "reference" and "set_backend" in reason


def test_environment_variable_chooses_and_a_wrong_one_is_named():
    code = "import minivision.core.backends as b; print(b.active_backend()[0].name)"
    environment = {"MINIVISION_BACKEND": "reference"}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert result.stdout.strip() == "reference", result.stderr
    environment["MINIVISION_BACKEND"] = "fortran"
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert "the variable MINIVISION_BACKEND: no backend is called 'fortran'" in result.stderr


def test_a_registered_module_runs_under_the_public_name_and_the_rest_falls_back_to_the_textbook():
    calls = []

    def my_relu(x):
        calls.append(x.shape)
        return x * (x > 0)

    minivision.register_backend("mine", module_with(relu=my_relu))
    x = np.linspace(-1, 1, 5)
    with minivision.backend("mine"):
        np.testing.assert_array_equal(relu(x), [0, 0, 0, 0.5, 1])
        assert minivision.ops.sigmoid(np.zeros(1))[0] == 0.5
    assert calls == [(5,)]


def test_kernels_get_pairs_and_one_dtype_whatever_the_caller_wrote():
    seen = {}

    def conv2d(x, w, b, stride, padding, dilation, groups):
        seen.update(stride=stride, padding=padding, dilation=dilation, groups=groups, dtype=w.dtype)
        return x

    minivision.register_backend("mine", module_with(conv2d=conv2d))
    with minivision.backend("mine"):
        minivision.ops.conv2d(np.zeros((1, 1, 4, 4), np.float32), np.zeros((1, 1, 3, 3)), stride=2, padding=(1, 0))
    assert seen == {
        "stride": (2, 2),
        "padding": ((1, 1), (0, 0)),
        "dilation": (1, 1),
        "groups": 1,
        "dtype": np.float32,
    }


def test_a_kernel_that_names_no_operation_is_refused_with_the_mend():
    with pytest.raises(TypeError, match="mine.rellu names no operation.*_rellu if it is a helper"):
        minivision.register_backend("mine", module_with(rellu=lambda x: x))


def test_a_kernel_with_other_parameters_is_refused():
    with pytest.raises(TypeError, match=r"mine.relu takes \(x, slope\) but the operation takes \(x\)"):
        minivision.register_backend("mine", module_with(relu=lambda x, slope: x))


def test_built_in_backends_cannot_be_replaced_and_unknown_ones_are_named():
    with pytest.raises(ValueError, match="'numba' is built in"):
        minivision.register_backend("numba", module_with())
    with pytest.raises(ValueError, match="no backend is called 'fast'; there are 'reference', 'numba'"):
        minivision.set_backend("fast")
    with pytest.raises(ValueError, match="'cupy' is not chosen by name"):
        minivision.set_backend("cupy")


def test_the_body_stays_reachable_and_sees_the_normalised_form():
    x, w, b, stride, *_ = minivision.ops.conv2d.normalize(np.zeros((1, 1, 3, 3)), np.zeros((1, 1, 2, 2)), stride=2)
    assert stride == (2, 2) and b is None
    assert minivision.ops.conv2d.reference is not minivision.ops.conv2d


def test_an_edited_kernel_file_makes_stale_what_was_compiled_from_it_and_nothing_else():
    """Numba itself looks only at the caller's file; a helper next door may have changed."""
    from minivision.core.numba_internals import cache_stamp
    from minivision.kernels.numba import convolution

    _, sources = cache_stamp(convolution._conv_matrix)
    names = {name for name, *_ in sources}
    assert names >= {"convolution.py", "direct.py", "register_tile.py", "compile.py"}
    assert not names & {"losses.py", "suppression.py"}


def test_an_operation_that_a_module_merely_imports_is_no_kernel_of_its_own():
    module = types.ModuleType("imports_relu")
    module.relu = relu
    minivision.register_backend("imports_relu", module)
    with minivision.backend("imports_relu"):
        assert relu(np.array([-1.0, 2.0])).tolist() == [0, 2]
