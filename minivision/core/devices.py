"""Where arrays lie: on the host (NumPy arrays) or on a GPU (CuPy arrays). CuPy is imported only where it is used."""

import numpy as np


class DeviceError(ValueError):
    """No GPU can be used; the message says what to install or to look at."""


def require_gpu():
    """Return the module CuPy, once it is sure that it has a GPU.

    Raises
    ------
    DeviceError
        When CuPy is not installed, or finds no GPU.
    """
    try:
        import cupy
    except ImportError:
        raise DeviceError(
            "the backend 'cupy' needs CuPy, which is not installed: pip install 'minivision[gpu12]' for CUDA 12, "
            "'minivision[gpu13]' for CUDA 13"
        ) from None
    try:
        cupy.cuda.runtime.getDeviceCount()
    except Exception as error:  # CUDA's own: no driver, no card
        raise DeviceError(
            f"the backend 'cupy' finds no GPU ({error}): look for an NVIDIA card and its driver with nvidia-smi, and "
            f"whether CuPy {cupy.__version__} is of the extra for its CUDA (gpu12, gpu13)"
        ) from error
    return cupy


def is_on_gpu(value):
    """Return whether `value` is a CuPy array."""
    return type(value).__module__.partition(".")[0] == "cupy"


def get_array_module(*arrays):
    """Return CuPy if one of `arrays` is its, else NumPy: the module whose functions to call on them."""
    if any(map(is_on_gpu, arrays)):
        import cupy

        return cupy
    return np


def on_host(array):
    """Return `array` as a NumPy array; one that is on the host already is not copied."""
    return array.get() if is_on_gpu(array) else np.asarray(array)


def to_device_of(array, other):
    """Return `array` where the array `other` lies; if it is there already it is not copied."""
    if not is_on_gpu(other):
        return on_host(array)
    with other.device:  # of several cards, that one
        return get_array_module(other).asarray(array)
