"""The dispatcher of every operation: check the arguments once, choose a kernel, call it.

The decorated function is the reference implementation, and remains available as ``conv2d.reference``::

    @operation(check=_check_conv2d)
    def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
        ...

The check has the same parameters, without defaults (only the reference implementation states them), and returns them
in the same order, in the one form that reference implementations, kernels and the functions of students get.

Global state
------------
``_observers`` : functions of :func:`observe`, for the current context (thread).
``_warned`` : names of the operations without CuPy kernel that have been warned about.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from minivision.core import backends, registry
from minivision.core.devices import is_on_gpu
from minivision.core.signatures import signature

if TYPE_CHECKING:
    from minivision.core.types import Operation, P, R

_observers: contextvars.ContextVar[tuple[Callable, ...]] = contextvars.ContextVar("minivision_observers", default=())
_warned: set[str] = set()
_nowhere = contextlib.nullcontext()


def operation(
    *, check: Callable[..., tuple], returns: tuple[str, ...] = ("y",)
) -> Callable[[Callable[P, R]], Operation[P, R]]:
    """Turn a reference implementation into a public operation that dispatches to the active backend.

    Parameters
    ----------
    check : callable
        Has the parameters of the reference implementation, raises ValueError or TypeError for wrong arguments, and
        returns all arguments, normalized, as a tuple in their order.
    returns : tuple of str
        Names of the results. A gradient is named after its argument: ``("dx", "dw", "db")``.

    Returns
    -------
    decorate : callable
        Decorator that returns a :class:`minivision.core.types.Operation` and registers it.
    """

    def decorate(body: Callable[P, R]) -> Operation[P, R]:
        parameters = signature(body).parameters.values()
        names = [parameter.name for parameter in parameters]
        if list(signature(check).parameters) != names:
            raise TypeError(f"the check of {body.__name__} must have its parameters: {', '.join(names)}")
        positional = sum(parameter.kind is not parameter.KEYWORD_ONLY for parameter in parameters)
        normalize = _with_signature_of(body, check, positional)

        @functools.wraps(body)
        def dispatcher(*args: P.args, **kwargs: P.kwargs) -> R:
            values = normalize(*args, **kwargs)
            result = call(op, values)
            for observer in _observers.get():
                observer(op, values, result)
            return result

        op = cast("Operation[P, R]", dispatcher)
        op.reference = body
        op.normalize = normalize
        op.family = body.__module__.rpartition(".")[2]
        op.positional = positional
        op.keywords = names[positional:]
        op.returns = returns
        registry.register(op)
        return op

    return decorate


def call(op: Operation, values: tuple, kernel: Callable | None = None) -> Any:
    """Call an operation with arguments that are checked already. Observers are not notified.

    Parameters
    ----------
    op : operation
    values : tuple
        All arguments, in the order of the parameters, as ``op.normalize`` returns them.
    kernel : callable, optional
        The implementation to call, such as ``op.reference``; by default that of the active backend (of CuPy for CuPy
        arrays).
    """
    on_gpu = [value for value in values if is_on_gpu(value)] if "cupy" in sys.modules else []
    if on_gpu:
        _check_one_place(op, values)
    if kernel is None:
        kernel = _kernel_for(op, values, on_gpu)
        if kernel is None:
            return _on_the_host(op, values) if on_gpu else call(op, values, op.reference)
    with on_gpu[0].device if on_gpu else _nowhere:  # results are created on the same GPU
        return kernel(*values[: op.positional], **dict(zip(op.keywords, values[op.positional :], strict=True)))


def fused_kernel(name: str, x: Any) -> Callable | None:
    """Return a function that does the work of several operations at once, or None: then they run one by one.

    Only the Numba backend has such functions (``kernels/numba/fused``). There is none while somebody observes the
    operations, and for an array that would have to be converted first: of symbols, on a GPU, not in C order.

    Parameters
    ----------
    name : str
        With its module, such as ``"convolution.conv2d"``.
    x : ndarray
        What the function is to be called with.
    """
    if type(x) is not np.ndarray or x.dtype.kind not in "fu" or not x.flags.carray or _observers.get():
        return None
    return backends.active_backend()[0].fused(name)


def _kernel_for(op, values, on_gpu):
    if on_gpu:
        return backends.get_backend("cupy").kernel(op)
    backend, _ = backends.active_backend()
    if backend.name == "numba":  # whose kernels take only floats
        for value in values:
            if isinstance(value, np.ndarray) and value.dtype.kind == "O":
                return op.reference
    return backend.kernel(op)


@contextlib.contextmanager
def observe(observer: Callable[[Operation, tuple, Any], object]) -> Iterator[None]:
    """Call a function after each operation inside a ``with`` block, in the current thread.

    Parameters
    ----------
    observer : callable
        Called as ``observer(op, values, result)``; `values` are the arguments as ``op.normalize`` returns them. It must
        not write to the arrays.
    """
    token = _observers.set((*_observers.get(), observer))
    try:
        yield
    finally:
        _observers.reset(token)


def _with_signature_of(body, check, positional):
    """Copy the function `check`, with the name, the defaults and the keyword-only parameters of `body`.

    So Python itself binds the arguments, and its error messages name the operation. inspect.Signature.bind with
    apply_defaults would do the same, but takes 3 to 11 microseconds a call (relu, conv2d) instead of 0.1 to 0.3; a
    whole call of relu on a small array takes 12.
    """
    count = check.__code__.co_argcount + check.__code__.co_kwonlyargcount
    code = check.__code__.replace(co_argcount=positional, co_kwonlyargcount=count - positional)
    copy = types.FunctionType(code, check.__globals__, body.__name__, body.__defaults__, check.__closure__)
    copy.__qualname__ = body.__name__
    copy.__kwdefaults__ = body.__kwdefaults__
    return copy


def _check_one_place(op, values):
    """Raise an error if arrays are on different devices: a copy is slow, so none is made automatically."""
    places = {}  # device -> number of the first argument on it
    for number, value in enumerate(values):
        for array in value if isinstance(value, tuple) else (value,):
            if is_on_gpu(array):
                places.setdefault(array.device.id, number)
            elif isinstance(array, np.ndarray):
                places.setdefault("host", number)
    if len(places) == 1:
        return
    names = list(signature(op).parameters)
    places = {place: names[number] for place, number in places.items()}
    if "host" in places:
        on_host, on_gpu = places.pop("host"), next(iter(places.values()))
        raise TypeError(
            f"{op.__name__}: {on_gpu} is a CuPy array, {on_host} a NumPy array; bring all to one place: "
            f"cupy.asarray({on_host}), or {on_gpu}.get(), or for a model's parameters model.to('cupy')"
        )
    (one, first), (other, second), *_ = places.items()
    raise ValueError(f"{op.__name__}: {first} lies on GPU {one}, {second} on GPU {other}; bring all to one of them")


def _on_the_host(op, values):
    """Run an operation without CuPy kernel on the CPU: copy the arrays there, and the results back."""
    import cupy

    if op.__name__ not in _warned:
        _warned.add(op.__name__)
        warnings.warn(
            f"{op.__name__} has no CuPy kernel: it runs on the CPU, and its arrays are copied there and back",
            stacklevel=4,
        )
    values = tuple(cupy.asnumpy(value) if is_on_gpu(value) else value for value in values)
    result = call(op, values)
    if isinstance(result, tuple):
        return tuple(cupy.asarray(part) if isinstance(part, np.ndarray) else part for part in result)
    return cupy.asarray(result) if isinstance(result, np.ndarray) else result
