"""How a kernel in a ``.cu`` file is compiled, when first called, and launched: one thread for each element.

A kernel's first parameter is ``int count``, the number of elements; each thread computes the element that is its
number, ``blockIdx.x * blockDim.x + threadIdx.x``. In the file ``real`` stands for float or double: it is compiled once
for each. Products and sums are not fused, so that what is rounded on the CPU is rounded here in the same way, and
whether a box overlaps another by more than a threshold does not depend on the machine.
"""

import functools
import pathlib

import cupy
import numpy as np

THREADS = 256  # in a block
MOST_ELEMENTS = 2**31 - THREADS  # the kernels count in int

_REAL = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}


def launch(file, kernel, count, *arguments):
    """Run a kernel on `count` threads.

    Parameters
    ----------
    file : str
        The name of the ``.cu`` file, without its ending.
    kernel : str
        The name of the function in it.
    count : int
        How many elements it computes; nothing is launched for none.
    *arguments
        What follows ``count`` in the kernel's parameters: CuPy arrays, the first one of floats telling what ``real``
        is (where there is none it does not matter); ints, passed as ``int``; floats, passed as ``real``.

    Raises
    ------
    ValueError
        When an array has more elements than an ``int`` can count.
    """
    arrays = [argument for argument in arguments if isinstance(argument, cupy.ndarray)]
    largest = max([count, *(array.size for array in arrays)])
    if largest > MOST_ELEMENTS:
        raise ValueError(
            f"{kernel}: an array of {largest} elements is more than the GPU's kernels can count "
            f"({MOST_ELEMENTS}); use smaller batches"
        )
    if count == 0:
        return
    dtype = next((array.dtype for array in arrays if array.dtype in _REAL), np.dtype(np.float32))
    passed = [_passed(argument, dtype) for argument in arguments]
    blocks = -(-count // THREADS)
    _compiled(file, kernel, dtype)((blocks,), (THREADS,), (np.int32(count), *passed))


def _passed(argument, dtype):
    """Return an argument as what the kernel expects: Python's numbers have no size of their own."""
    if isinstance(argument, cupy.ndarray):
        return argument
    return dtype.type(argument) if isinstance(argument, float) else np.int32(argument)


def source(file):
    """Return the text of a ``.cu`` file."""
    return pathlib.Path(__file__).with_name(f"{file}.cu").read_text(encoding="utf-8")


def options(dtype):
    """Return what the compiler is told for arrays of a dtype."""
    return (f"-Dreal={_REAL[np.dtype(dtype)]}", "--fmad=false")


@functools.cache
def _module(file, dtype):
    return cupy.RawModule(code=source(file), options=options(dtype))


@functools.cache
def _compiled(file, kernel, dtype):
    return _module(file, dtype).get_function(kernel)
