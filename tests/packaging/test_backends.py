"""Backends: how one is chosen, registered and removed, and the error messages for wrong kernels."""

import subprocess
import sys
import threading
import types

import numpy as np
import pytest

import minivision
from minivision.core.backends import active_backend, backends
from minivision.core.dispatch import call
from minivision.ops import relu


@pytest.fixture(autouse=True)
def default_backend(monkeypatch):
    """Undo what a test chooses and registers."""
    monkeypatch.setattr("minivision.core.backends._chosen", None)
    yield
    for name in backends().keys() - {"reference", "numba", "cupy"}:
        minivision.unregister_backend(name)


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


def test_set_backend_lasts_and_is_given_as_the_reason():
    minivision.set_backend("reference")
    backend, reason = active_backend()
    assert backend.name == "reference" and "set_backend" in reason


def test_the_environment_variable_chooses_a_backend_and_a_wrong_name_is_an_error():
    code = "import minivision.core.backends as b; print(b.active_backend()[0].name)"
    environment = {"MINIVISION_BACKEND": "reference"}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert result.stdout.strip() == "reference", result.stderr
    environment["MINIVISION_BACKEND"] = "fortran"
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert "the variable MINIVISION_BACKEND: no backend is called 'fortran'" in result.stderr


def test_kernels_of_a_registered_module_run_and_other_operations_run_their_reference():
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


def test_kernels_get_normalized_arguments():
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


def test_a_function_that_is_no_operation_is_an_error_with_a_correction():
    with pytest.raises(TypeError, match="mine.rellu names no operation.*_rellu if it is a helper"):
        minivision.register_backend("mine", module_with(rellu=lambda x: x))


def test_a_kernel_with_other_parameters_is_an_error():
    with pytest.raises(TypeError, match=r"mine.relu takes \(x, slope\) but the operation takes \(x\)"):
        minivision.register_backend("mine", module_with(relu=lambda x, slope: x))


def test_built_in_backends_cannot_be_replaced_and_unknown_names_are_errors():
    with pytest.raises(ValueError, match="'numba' is built in"):
        minivision.register_backend("numba", module_with())
    with pytest.raises(ValueError, match="no backend is called 'fast'; there are 'reference', 'numba'"):
        minivision.set_backend("fast")
    with pytest.raises(ValueError, match="'cupy' is not chosen by name"):
        minivision.set_backend("cupy")


def test_the_reference_implementation_and_the_check_are_attributes():
    x, w, b, stride, *_ = minivision.ops.conv2d.normalize(np.zeros((1, 1, 3, 3)), np.zeros((1, 1, 2, 2)), stride=2)
    assert stride == (2, 2) and b is None
    assert minivision.ops.conv2d.reference is not minivision.ops.conv2d


def test_the_cache_stamp_of_a_kernel_covers_the_files_that_it_imports_and_no_others():
    """Numba itself checks only the file of the kernel, not those of its helpers."""
    from minivision.core.numba_internals import cache_stamp
    from minivision.kernels.numba import convolution

    _, sources = cache_stamp(convolution._conv_matrix)
    names = {name for name, *_ in sources}
    assert names >= {"convolution.py", "direct.py", "register_tile.py", "compile.py"}
    assert not names & {"losses.py", "suppression.py"}


def test_an_operation_that_a_module_imports_is_not_its_kernel():
    module = types.ModuleType("imports_relu")
    module.relu = relu
    minivision.register_backend("imports_relu", module)
    with minivision.backend("imports_relu"):
        assert relu(np.array([-1.0, 2.0])).tolist() == [0, 2]


def test_a_registered_backend_can_be_removed():
    minivision.register_backend("mine", module_with(relu=lambda x: x))
    minivision.unregister_backend("mine")
    assert "mine" not in backends()
    with pytest.raises(ValueError, match="no backend is called 'mine'"):
        minivision.set_backend("mine")


def test_a_backend_in_use_cannot_be_removed():
    minivision.register_backend("mine", module_with(relu=lambda x: x))
    with minivision.backend("mine"), pytest.raises(ValueError, match="'mine' is in use; choose another one"):
        minivision.unregister_backend("mine")
    minivision.register_backend("more", module_with(), otherwise="mine")
    with pytest.raises(ValueError, match="'mine' is the `otherwise` of 'more'; remove that one first"):
        minivision.unregister_backend("mine")
    minivision.unregister_backend("more")


@pytest.mark.parametrize("name", ["reference", "numba", "cupy"])
def test_a_built_in_backend_cannot_be_removed(name):
    with pytest.raises(ValueError, match=f"'{name}' is built in and cannot be removed"):
        minivision.unregister_backend(name)


def test_call_runs_a_given_kernel():
    x = np.array([-1.0, 2.0])
    assert call(relu, relu.normalize(x)).tolist() == [0, 2]
    assert call(relu, relu.normalize(x), kernel=lambda x: 2 * x).tolist() == [-2, 4]


def test_wrong_arguments_are_reported_under_the_name_of_the_operation():
    with pytest.raises(TypeError, match=r"conv2d\(\) missing 1 required positional argument: 'w'"):
        minivision.ops.conv2d(np.zeros((1, 1, 3, 3)))
    with pytest.raises(TypeError, match=r"relu\(\) got an unexpected keyword argument 'slope'"):
        relu(np.zeros(3), slope=1)
