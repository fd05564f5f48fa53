"""CuPy for the tests of its kernels: the real one on a GPU, or a replacement whose kernels g++ compiles for the CPU."""

import importlib.util
import sys

import on_cpu
import pytest
import stand_in

from minivision.core.backends import get_backend


def _real_cupy():
    """Return CuPy and an empty string, or None and the reason why CuPy cannot be used."""
    import cupy

    try:
        cupy.zeros(1)
    except Exception as error:  # CUDA's own errors: no driver, no device
        return None, f"CuPy cannot use a GPU: {error}"
    return cupy, ""


@pytest.fixture(scope="module", params=["g++", "GPU"] if importlib.util.find_spec("cupy") else ["g++"])
def cupy(request):
    """The CuPy module. Kernel modules that were imported for the replacement are removed after each file of tests.

    If CuPy is installed, all tests run twice: with the replacement, and on the GPU.
    """
    if request.param == "GPU":
        module, reason = _real_cupy()
        if module is None:
            pytest.skip(reason)
        yield module
        return
    if on_cpu.COMPILER is None:
        pytest.skip("there is no g++ to compile the kernels for the CPU")
    with pytest.MonkeyPatch.context() as patch:
        _forget_kernels(patch)
        patch.setitem(sys.modules, "cupy", stand_in.make_module())
        yield sys.modules["cupy"]
        for name in _kernel_modules():
            del sys.modules[name]


@pytest.fixture
def gpu():
    """The real CuPy with a GPU; without both, the test is skipped."""
    if importlib.util.find_spec("cupy") is None:
        pytest.skip("CuPy is not installed, so there is no GPU to train on")
    module, reason = _real_cupy()
    if module is None:
        pytest.skip(reason)
    return module


def _forget_kernels(patch):
    backend = get_backend("cupy")
    patch.setattr(backend, "_kernels", {})
    patch.setattr(backend, "_checked", set())
    for name in _kernel_modules():
        patch.delitem(sys.modules, name)


def _kernel_modules():
    return [name for name in sys.modules if name.startswith("minivision.kernels.cupy")]
