"""Compile a kernel of a ``.cu`` file at its first call, and launch it with one thread for each element.

A kernel's first parameter is ``int count``, the number of elements; each thread computes element number
``blockIdx.x * blockDim.x + threadIdx.x``. In the file ``real`` stands for float or double; the file is compiled once
for each. Products and sums are not fused, so that they are rounded as on the CPU. Then whether the IoU of two boxes
exceeds a threshold does not depend on the machine.
"""

import functools
import pathlib

import cupy
import numpy as np

THREADS = 256  # in a block
MAX_ELEMENTS = 2**31 - THREADS  # the kernels count in int

_REAL = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}


def launch(file, kernel, count, *arguments):
    """Launch a kernel with `count` threads.

    Parameters
    ----------
    file : str
        Name of the ``.cu`` file, without its suffix.
    kernel : str
        Name of the function in it.
    count : int
        Number of elements that the kernel computes; if it is 0, nothing is launched.
    *arguments
        The kernel's parameters after ``count``: CuPy arrays, the first of which with floats determines ``real`` (float
        if there is none); ints, passed as ``int``; floats, passed as ``real``.

    Raises
    ------
    ValueError
        If an array has more elements than an ``int`` can count.
    """
    arrays = [argument for argument in arguments if isinstance(argument, cupy.ndarray)]
    largest = max([count, *(array.size for array in arrays)])
    if largest > MAX_ELEMENTS:
        raise ValueError(
            f"{kernel}: an array of {largest} elements is more than the GPU's kernels can count "
            f"({MAX_ELEMENTS}); use smaller batches"
        )
    if count == 0:
        return
    dtype = next((array.dtype for array in arrays if array.dtype in _REAL), np.dtype(np.float32))
    passed = [_passed(argument, dtype) for argument in arguments]
    blocks = -(-count // THREADS)
    _compiled(file, kernel, dtype)((blocks,), (THREADS,), (np.int32(count), *passed))


def _passed(argument, dtype):
    """Return an argument in the type of the kernel's parameter; Python numbers have no fixed size."""
    if isinstance(argument, cupy.ndarray):
        return argument
    return dtype.type(argument) if isinstance(argument, (float, np.floating)) else np.int32(argument)


def source(file):
    """Return the text of a ``.cu`` file."""
    return pathlib.Path(__file__).with_name(f"{file}.cu").read_text(encoding="utf-8")


def options(dtype):
    """Return the compiler options for arrays of a dtype."""
    return (f"-Dreal={_REAL[np.dtype(dtype)]}", "--fmad=false")


@functools.cache
def _module(file, dtype):
    return cupy.RawModule(code=source(file), options=options(dtype))


@functools.cache
def _compiled(file, kernel, dtype):
    return _module(file, dtype).get_function(kernel)
