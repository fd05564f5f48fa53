"""A replacement of CuPy without a GPU: its arrays are NumPy arrays, with CuPy's restrictions.

It is as strict as CuPy, so that code that runs with it also runs on a GPU: its arrays and NumPy arrays cannot be mixed,
nothing is converted to NumPy implicitly, a sum is a 0-dimensional array. Arrays of `empty` contain NaN.
"""

import contextlib
import sys
import types

import numpy as np
import on_cpu
from numpy.lib.mixins import NDArrayOperatorsMixin

FUNCTIONS = (  # of CuPy, with NumPy's meaning
    "abs", "add", "all", "any", "arange", "argmax", "argmin", "argwhere", "array_equal", "broadcast_to", "concatenate",
    "copysign", "exp", "expand_dims", "flatnonzero", "full", "isfinite", "log", "log1p", "matmul", "maximum",
    "mean", "minimum", "moveaxis", "nonzero", "ones", "ones_like", "pad", "prod", "searchsorted", "sign", "split",
    "sqrt", "square", "stack", "subtract", "sum", "take_along_axis", "transpose", "where", "zeros", "zeros_like",
)  # fmt: skip
METHODS = (
    "all", "any", "argmax", "argmin", "astype", "copy", "fill", "flatten", "max", "mean", "min", "nonzero",
    "prod", "ravel", "reshape", "squeeze", "sum", "take", "transpose", "var", "view",
)  # fmt: skip
NOT_IN_CUPY = {"initial", "where", "like"}  # keywords that CuPy's functions and methods lack


class ndarray(NDArrayOperatorsMixin):  # noqa: N801 - CuPy's name
    """An array "on the GPU"."""

    __module__ = "cupy"
    __hash__ = None

    def __init__(self, host):
        self.host = host
        self.device = Device()

    shape = property(lambda self: self.host.shape)
    dtype = property(lambda self: self.host.dtype)
    size = property(lambda self: self.host.size)
    ndim = property(lambda self: self.host.ndim)
    nbytes = property(lambda self: self.host.nbytes)
    itemsize = property(lambda self: self.host.itemsize)
    flags = property(lambda self: self.host.flags)
    T = property(lambda self: _wrap(self.host.T))

    def get(self):
        return self.host.copy()

    def item(self):
        return self.host.item()

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        if method != "__call__" or not NOT_IN_CUPY.isdisjoint(options):
            return NotImplemented  # no reduce, no at
        return _wrap(ufunc(*_unwrap(inputs), **_unwrap(options)))

    def __array_function__(self, function, types, args, options):
        return getattr(sys.modules["cupy"], function.__name__)(*args, **options)

    def __len__(self):
        return len(self.host)

    def __getitem__(self, key):
        return _wrap(self.host[_unwrap(key)])

    def __setitem__(self, key, value):
        self.host[_unwrap(key)] = _unwrap(value)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __bool__(self):
        return bool(self.host)

    def __int__(self):
        return int(self.host)

    def __float__(self):
        return float(self.host)

    def __index__(self):
        return self.host.__index__()

    def __deepcopy__(self, memo):
        return _wrap(self.host.copy())

    def __repr__(self):
        return repr(self.host)

    def __format__(self, form):
        return format(self.host, form)


def _method(name):
    return lambda self, *args, **options: _called(getattr(self.host, name), args, options)


def _called(function, args, options):
    refused = NOT_IN_CUPY.intersection(options)
    if refused:
        raise TypeError(f"{function.__name__}() got an unexpected keyword argument {refused.pop()!r}")
    return _wrap(function(*_unwrap(args), **_unwrap(options)))


for _name in METHODS:
    setattr(ndarray, _name, _method(_name))


class Device(contextlib.AbstractContextManager):
    """One of two GPUs; without a number the current one, where new arrays are created."""

    entered = [0]

    def __init__(self, number=None):
        self.id = self.entered[-1] if number is None else number

    def __enter__(self):
        self.entered.append(self.id)

    def __exit__(self, *_):
        self.entered.pop()


def _wrap(result):
    if isinstance(result, (np.ndarray, np.generic)):
        return ndarray(np.asarray(result))
    if isinstance(result, (tuple, list)):
        return type(result)(_wrap(part) for part in result)
    return result


def _unwrap(value):
    if isinstance(value, ndarray):
        return value.host if value.ndim else value.host[()]
    if isinstance(value, np.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")  # as CuPy says
    if isinstance(value, (tuple, list)):
        return type(value)(_unwrap(part) for part in value)
    if isinstance(value, dict):
        return {name: _unwrap(part) for name, part in value.items()}
    return value


def _asarray(value, dtype=None):
    if isinstance(value, ndarray):
        return value if dtype in (None, value.dtype) else value.astype(dtype)
    return ndarray(np.array(value, dtype=dtype))


def _ascontiguousarray(value):
    value = _asarray(value)
    return value if value.flags.c_contiguous else ndarray(np.ascontiguousarray(value.host))


def _empty(shape, dtype=np.float64):
    dtype = np.dtype(dtype)
    return ndarray(np.full(shape, np.nan if dtype.kind == "f" else np.iinfo(dtype).max // 2, dtype))


def _function(name):
    return lambda *args, **options: _called(getattr(np, name), args, options)


def _argsort(array, axis=-1, kind=None):
    if kind not in (None, "stable"):
        raise ValueError("kind can only be None or 'stable'")
    return _wrap(np.argsort(array.host, axis=axis, kind="stable"))


def make_module():
    """Return the module that replaces ``cupy``."""
    module = types.ModuleType("cupy")
    for name in FUNCTIONS:
        setattr(module, name, _function(name))
    module.argsort = _argsort
    module.ndarray = ndarray
    module.RawModule = on_cpu.RawModule
    module.asarray = _asarray
    module.array = lambda value, dtype=None: ndarray(np.array(_unwrap_any(value), dtype=dtype))
    module.ascontiguousarray = _ascontiguousarray
    module.asnumpy = lambda value: value.get() if isinstance(value, ndarray) else np.asarray(value)
    module.empty = _empty
    module.empty_like = lambda array: _empty(array.shape, array.dtype)
    module.get_array_module = lambda *arrays: module if any(isinstance(a, ndarray) for a in arrays) else np
    runtime = types.SimpleNamespace(
        getDeviceCount=lambda: 2, deviceSynchronize=lambda: None, runtimeGetVersion=lambda: 13000,
        getDeviceProperties=lambda number: {"name": b"no GPU"},
    )  # fmt: skip
    module.get_default_memory_pool = lambda: types.SimpleNamespace(free_all_blocks=lambda: None)
    module.cuda = types.SimpleNamespace(Device=Device, runtime=runtime)
    module.__version__ = "0 (a stand-in)"
    return module


def _unwrap_any(value):
    return value.host if isinstance(value, ndarray) else value
