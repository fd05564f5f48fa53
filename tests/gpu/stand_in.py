"""A module that stands in for CuPy where there is no GPU: its arrays lie on the host, behind CuPy's manners.

It is as strict as CuPy, so that code that runs on it may be trusted on a GPU: NumPy arrays and its arrays do not mix,
nothing becomes a NumPy array unasked, a sum is an array without axes. What `empty` returns is not zero but NaN.
"""

import contextlib
import types

import numpy as np
import on_cpu
from numpy.lib.mixins import NDArrayOperatorsMixin

FUNCTIONS = (  # of CuPy, with NumPy's meaning
    "abs", "all", "any", "arange", "argmax", "argmin", "argwhere", "concatenate", "copysign", "exp",
    "expand_dims", "flatnonzero", "full", "log", "log1p", "matmul", "maximum", "mean", "minimum", "moveaxis", "nonzero",
    "ones", "ones_like", "pad", "prod", "sign", "split", "sqrt", "square", "stack", "subtract", "sum",
    "take_along_axis", "transpose", "where", "zeros", "zeros_like", "broadcast_to", "array_equal", "isfinite",
)  # fmt: skip
METHODS = (
    "all", "any", "argmax", "argmin", "astype", "copy", "fill", "flatten", "max", "mean", "min", "nonzero",
    "prod", "ravel", "reshape", "squeeze", "sum", "take", "transpose", "var", "view",
)  # fmt: skip


class ndarray(NDArrayOperatorsMixin):  # noqa: N801 - CuPy's name
    """An array "on the GPU"."""

    __module__ = "cupy"
    __hash__ = None

    def __init__(self, host, device=0):
        self.host = host
        self.device = Device(device)

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
        return _wrap(getattr(ufunc, method)(*_unwrap(inputs), **_unwrap(options)))

    def __array_function__(self, function, types, args, options):
        if function.__name__ not in FUNCTIONS:
            raise AttributeError(f"the stand-in for CuPy knows no {function.__name__}")
        return _wrap(function(*_unwrap(args), **_unwrap(options)))

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
    return lambda self, *args, **options: _wrap(getattr(self.host, name)(*_unwrap(args), **_unwrap(options)))


for _name in METHODS:
    setattr(ndarray, _name, _method(_name))


class Device(contextlib.AbstractContextManager):
    """One of the cards."""

    def __init__(self, number=0):
        self.id = number

    def __eq__(self, other):
        return self.id == other.id

    def __exit__(self, *_):
        pass


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
    return lambda *args, **options: _wrap(getattr(np, name)(*_unwrap(args), **_unwrap(options)))


def make_module():
    """Return the module that is to be called ``cupy``."""
    module = types.ModuleType("cupy")
    for name in FUNCTIONS:
        setattr(module, name, _function(name))
    module.argsort = lambda array: _wrap(np.argsort(array.host, kind="stable"))  # the only one that CuPy has
    module.ndarray = ndarray
    module.RawModule = on_cpu.RawModule
    module.asarray = _asarray
    module.array = lambda value, dtype=None: ndarray(np.array(_unwrap_any(value), dtype=dtype))
    module.ascontiguousarray = _ascontiguousarray
    module.asnumpy = lambda value: value.get() if isinstance(value, ndarray) else np.asarray(value)
    module.empty = _empty
    module.empty_like = lambda array: _empty(array.shape, array.dtype)
    module.get_array_module = lambda *arrays: module if any(isinstance(a, ndarray) for a in arrays) else np
    runtime = types.SimpleNamespace(getDeviceCount=lambda: 1)
    module.cuda = types.SimpleNamespace(Device=Device, runtime=runtime)
    module.__version__ = "0 (a stand-in)"
    return module


def _unwrap_any(value):
    return value.host if isinstance(value, ndarray) else value
