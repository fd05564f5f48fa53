"""Devices of arrays: the host (NumPy arrays) or a GPU (CuPy arrays). CuPy is imported only when it is needed."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from minivision.core.types import Array


class DeviceError(ValueError):
    """No GPU can be used. The message says what to install or to check."""


def require_gpu() -> ModuleType:
    """Return the module CuPy, after a check that it finds a GPU.

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
            f"the backend 'cupy' finds no GPU ({error}): check with nvidia-smi for an NVIDIA card with a driver, "
            f"and that CuPy {cupy.__version__} was installed for its CUDA (extra gpu12 or gpu13)"
        ) from error
    return cupy


def is_on_gpu(value: object) -> bool:
    """Return whether `value` is a CuPy array."""
    return type(value).__module__.partition(".")[0] == "cupy"


def get_array_module(*arrays: Array) -> ModuleType:
    """Return the module whose functions take `arrays`: CuPy if one of them is a CuPy array, else NumPy."""
    if any(map(is_on_gpu, arrays)):
        import cupy

        return cupy
    return np


def on_host(array: Array) -> Array:
    """Return `array` as a NumPy array, without a copy if it is on the host already."""
    return array.get() if is_on_gpu(array) else np.asarray(array)  # type: ignore[attr-defined]


def to_device_of(array: Array, other: Array) -> Array:
    """Return `array` on the device of the array `other`, without a copy if it is there already."""
    if not is_on_gpu(other):
        return on_host(array)
    with other.device:  # type: ignore[attr-defined]  # if there are several GPUs, on the same one
        return get_array_module(other).asarray(array)
