"""The dispatcher of every operation: check the arguments once, choose a kernel, call it.

The body under the decorator is the reference implementation, and stays reachable as ``conv2d.reference``::

    @operation(check=_check_conv2d)
    def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
        ...

The check has the body's parameters (without defaults: they stand in the body's signature alone) and returns them,
in their order, in the one form that bodies, kernels and students' functions see.
"""

import contextlib
import contextvars
import functools
import inspect
import types
import warnings

import numpy as np

from minivision.core import backends, registry
from minivision.core.devices import is_on_gpu

_observers = contextvars.ContextVar("minivision_observers", default=())


def operation(*, check, returns=("y",)):
    """Turn a reference implementation into a public operation that dispatches to the active backend.

    Parameters
    ----------
    check : callable
        Has the body's parameters, raises ValueError or TypeError for what is wrong with them, and returns all of
        them, normalised, as a tuple in their order.
    returns : tuple of str
        The names of the results. A gradient is named after its argument: ``("dx", "dw", "db")``.

    Returns
    -------
    callable
        A decorator. The function it returns also has ``reference`` (the body itself), ``normalize`` (the check
        with the body's defaults: the arguments in, a tuple out), ``returns``, and ``family`` (the module's name).
    """

    def decorate(body):
        parameters = inspect.signature(body).parameters.values()
        names = [parameter.name for parameter in parameters]
        if list(inspect.signature(check).parameters) != names:
            raise TypeError(f"the check of {body.__name__} must have its parameters: {', '.join(names)}")
        positional = sum(parameter.kind is not parameter.KEYWORD_ONLY for parameter in parameters)
        keywords = names[positional:]
        normalize = _bind_like(body, check, positional)

        @functools.wraps(body)
        def dispatcher(*args, **kwargs):
            values = normalize(*args, **kwargs)
            result = call(dispatcher, values)
            for observer in _observers.get():
                observer(dispatcher, values, result)
            return result

        dispatcher.reference = body
        dispatcher.normalize = normalize
        dispatcher.family = body.__module__.rpartition(".")[2]
        dispatcher.positional = positional
        dispatcher.keywords = keywords
        dispatcher.returns = returns
        registry.register(dispatcher)
        return dispatcher

    return decorate


def call(op, values, kernel=None):
    """Call the kernel of `op` that is meant for these `values` (as ``op.normalize`` returns them)."""
    on_gpu = [value for value in values if is_on_gpu(value)]
    if on_gpu:
        _check_one_place(op, values)
    if kernel is None:
        kernel = _kernel_for(op, values, on_gpu)
        if kernel is None:
            return _on_the_host(op, values) if on_gpu else call(op, values, op.reference)
    with on_gpu[0].device if on_gpu else _nowhere:  # the results are to lie there too
        return kernel(*values[: op.positional], **dict(zip(op.keywords, values[op.positional :], strict=True)))


_nowhere = contextlib.nullcontext()


def _kernel_for(op, values, on_gpu):
    if on_gpu:
        return backends.get_backend("cupy").kernel(op)
    backend, _ = backends.active_backend()
    symbols = any(isinstance(value, np.ndarray) and value.dtype == object for value in values)
    if symbols and backend.name == "numba":  # Numba knows machine numbers only
        return op.reference
    return backend.kernel(op)


@contextlib.contextmanager
def observe(observer):
    """Look on at every operation that is called inside a ``with`` block, in this thread.

    Parameters
    ----------
    observer : callable
        ``observer(operation, values, result)`` is called after each operation, with its arguments as
        ``operation.normalize`` returns them. What it returns is dropped; it must not write to the arrays.
    """
    token = _observers.set((*_observers.get(), observer))
    try:
        yield
    finally:
        _observers.reset(token)


def _bind_like(body, check, positional):
    """Copy `check` under the body's name, with its defaults and its keyword-only parameters.

    So Python itself binds the arguments, at its own speed and with its own messages.
    """
    count = check.__code__.co_argcount + check.__code__.co_kwonlyargcount
    code = check.__code__.replace(co_argcount=positional, co_kwonlyargcount=count - positional)
    copy = types.FunctionType(code, check.__globals__, body.__name__, body.__defaults__, check.__closure__)
    copy.__qualname__ = body.__name__
    copy.__kwdefaults__ = body.__kwdefaults__
    return copy


def _check_one_place(op, values):
    """Refuse arrays that lie in different places: nothing is copied over unasked, for that is slow."""
    places = {}  # place -> the number of the first argument that lies there
    for number, value in enumerate(values):
        for array in value if isinstance(value, tuple) else (value,):
            if is_on_gpu(array):
                places.setdefault(array.device.id, number)
            elif isinstance(array, np.ndarray):
                places.setdefault("host", number)
    if len(places) == 1:
        return
    names = list(inspect.signature(op).parameters)
    places = {place: names[number] for place, number in places.items()}
    if "host" in places:
        on_host, on_gpu = places.pop("host"), next(iter(places.values()))
        raise TypeError(
            f"{op.__name__}: {on_gpu} is a CuPy array, {on_host} a NumPy array; bring all to one place: "
            f"cupy.asarray({on_host}), or {on_gpu}.get(), or for a model's parameters model.to('cupy')"
        )
    (one, first), (other, second), *_ = places.items()
    raise ValueError(f"{op.__name__}: {first} lies on GPU {one}, {second} on GPU {other}; bring all to one of them")


_warned = set()


def _on_the_host(op, values):
    """Run an operation without a CuPy kernel on the CPU: copy the arrays there and the results back."""
    import cupy

    if op.__name__ not in _warned:
        _warned.add(op.__name__)
        warnings.warn(
            f"{op.__name__} has no CuPy kernel: it runs on the CPU and its arrays are copied to and fro",
            stacklevel=4,
        )
    values = tuple(cupy.asnumpy(value) if is_on_gpu(value) else value for value in values)
    result = call(op, values)
    if isinstance(result, tuple):
        return tuple(cupy.asarray(part) if isinstance(part, np.ndarray) else part for part in result)
    return cupy.asarray(result) if isinstance(result, np.ndarray) else result
