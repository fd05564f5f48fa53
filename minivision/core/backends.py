"""Backends: which implementation of an operation runs.

A backend is a collection of kernels, functions with the name and the parameters of an operation:

============= ==========================================================================================
``reference`` the operation's own body, the reference implementation
``numba``     ``minivision/kernels/numba/``, one module for each module of ``minivision/ops`` (default)
``cupy``      ``minivision/kernels/cupy/``, chosen automatically for CuPy arrays
any other     a module that was registered with :func:`register_backend`
============= ==========================================================================================

A kernel is looked up at the first call of its operation, so nothing is imported or compiled before it is needed.

Global state
------------
``_backends`` : all backends by name; :func:`register_backend` and :func:`unregister_backend` change it.
``_chosen`` : name of the backend of :func:`set_backend`, for the whole process, or None.
``_scoped`` : name of the backend of the innermost ``with backend(...)``, for the current context (thread), or None.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import importlib
import importlib.util
import inspect
import logging
import os
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING

from minivision.core import registry
from minivision.core.signatures import signature

if TYPE_CHECKING:
    from minivision.core.types import Operation

DEFAULT = "numba"
VARIABLE = "MINIVISION_BACKEND"

logger = logging.getLogger("minivision")


class Backend:
    """A named collection of kernels.

    Parameters
    ----------
    name : str
        Name of the backend.
    source : module, str or None
        The module with the kernels; or the dotted name of a package with one module for each module of
        ``minivision.ops``, imported when needed; or None for the backend of the reference implementations.
    otherwise : str, optional
        Backend whose kernels run for operations without a kernel here; by default the reference implementations run.
    """

    def __init__(self, name: str, source: ModuleType | str | None, otherwise: str | None = None) -> None:
        self.name = name
        self.source = source
        self.otherwise = otherwise
        self._kernels: dict[str, Callable | None] = {}  # name of an operation -> its kernel; a cache
        self._checked: set[str] = set()  # names of modules

    def __repr__(self) -> str:
        return f"<backend {self.name!r}>"

    def kernel(self, operation: Operation) -> Callable | None:
        """Return the kernel of an operation, or None if the backend has none.

        Raises
        ------
        TypeError
            If the module of the kernel has a public function that is no operation or has other parameters.
        """
        if self.source is None:
            return operation.reference
        name = operation.__name__
        if name not in self._kernels:
            module = self._module_of(operation)
            kernel = getattr(module, name, None)
            kernel = None if kernel is operation else kernel  # merely imported: it would call itself
            if kernel is None and self.otherwise:
                kernel = get_backend(self.otherwise).kernel(operation)
            elif kernel is not None and self.name == "numba":
                from minivision.core.kernel_guard import guarded

                kernel = guarded(kernel, module)
            self._kernels[name] = kernel
        return self._kernels[name]

    def fused(self, name: str) -> Callable | None:
        """Return a function of a module of the package ``fused`` of a built-in backend, or None where there is none.

        Such a function is no operation, but stands for several. A backend of one's own has none: its kernels run.

        Parameters
        ----------
        name : str
            With its module, such as ``"convolution.conv2d"``.
        """
        key = f"fused.{name}"
        if key not in self._kernels:
            package, (module_name, _, function) = f"{self.source}.fused", name.partition(".")
            found = None
            if isinstance(self.source, str) and importlib.util.find_spec(package):
                dotted = f"{package}.{module_name}"
                if importlib.util.find_spec(dotted):
                    from minivision.core.kernel_guard import guarded

                    module = importlib.import_module(dotted)
                    found = guarded(getattr(module, function), module)
            self._kernels[key] = found
        return self._kernels[key]

    def forget_kernels(self) -> None:
        """Look up every kernel anew at its next call."""
        self._kernels.clear()

    def _module_of(self, operation):
        module = self.source
        if isinstance(module, str):
            dotted = f"{module}.{operation.family}"
            if importlib.util.find_spec(module) is None or importlib.util.find_spec(dotted) is None:
                return None
            module = importlib.import_module(dotted)
        if module.__name__ not in self._checked:
            # A built-in module has kernels of one family only, so the modules of other operations are not imported.
            built_in = isinstance(self.source, str)
            check_kernels(module, registry.registered(operation.family) if built_in else None)
            self._checked.add(module.__name__)
        return module


def check_kernels(module: ModuleType, operations: dict[str, Operation] | None = None) -> None:
    """Raise TypeError unless every public function defined in `module` is a kernel of one of the operations.

    Names of helpers start with an underscore. Imported functions are not checked, nor those whose names are in the
    module's own list ``not_operations``.
    """
    if operations is None:
        operations = registry.operations()
    for name, function in vars(module).items():
        python_function = getattr(function, "py_func", function)  # the function that Numba compiled
        if name.startswith("_") or not inspect.isfunction(python_function):
            continue
        if name in getattr(module, "not_operations", ()):
            continue
        if python_function.__module__ != module.__name__:
            continue
        if name not in operations:
            raise TypeError(
                f"{module.__name__}.{name} names no operation; correct its name, or call it _{name} if it is a helper"
            )
        expected = list(signature(operations[name]).parameters)
        actual = list(signature(python_function).parameters)
        if actual != expected:
            raise TypeError(
                f"{module.__name__}.{name} takes ({', '.join(actual)}) but the operation takes "
                f"({', '.join(expected)}); give the kernel the same parameters in the same order"
            )


_backends = {
    "reference": Backend("reference", None),
    "numba": Backend("numba", "minivision.kernels.numba"),
    "cupy": Backend("cupy", "minivision.kernels.cupy"),
}
_BUILT_IN = tuple(_backends)
_chosen: str | None = None
_scoped: contextvars.ContextVar[str | None] = contextvars.ContextVar("minivision_backend", default=None)


def backends() -> dict[str, Backend]:
    """Return the registered backends by name, in the order of their registration."""
    return dict(_backends)


def get_backend(name: str) -> Backend:
    """Return the backend with the given name.

    Raises
    ------
    ValueError
        If there is no backend of that name. The message lists the existing ones.
    """
    try:
        return _backends[name]
    except KeyError:
        known = ", ".join(repr(known) for known in _backends)
        raise ValueError(f"no backend is called {name!r}; there are {known}") from None


def active_backend() -> tuple[Backend, str]:
    """Return the backend for NumPy arrays.

    Returns
    -------
    backend : Backend
    reason : str
        How it was chosen.
    """
    scoped = _scoped.get()
    if scoped is not None:
        return get_backend(scoped), "chosen by `with minivision.backend(...)`"
    if _chosen is not None:
        return get_backend(_chosen), "chosen by minivision.set_backend(...)"
    if os.environ.get(VARIABLE):
        try:
            return get_backend(os.environ[VARIABLE]), f"chosen by the variable {VARIABLE}"
        except ValueError as error:
            raise ValueError(f"the variable {VARIABLE}: {error}") from None
    return _default_backend()


@functools.cache
def _default_backend():
    """Return the compiled kernels, or the reference implementations where Numba cannot be imported; and the reason."""
    try:
        importlib.import_module("numba")
    except ImportError as error:
        reason = f"since Numba cannot be imported ({error})"
        logger.warning(
            "The reference implementations run, %s: they are right, but hundreds of times slower than compiled "
            "kernels. Install a Numba for this version of Python and NumPy",
            reason,
        )
        return _backends["reference"], reason
    return _backends[DEFAULT], "the default"


def _check_cpu(name):
    if get_backend(name).name == "cupy":
        raise ValueError("the backend 'cupy' is not chosen by name: it is used for CuPy arrays automatically")


def set_backend(name: str) -> None:
    """Use a backend for NumPy arrays from now on, in the whole process.

    Parameters
    ----------
    name : str

    Raises
    ------
    ValueError
        If there is no backend of that name.
    """
    global _chosen
    _check_cpu(name)
    _chosen = name


@contextlib.contextmanager
def backend(name: str) -> Iterator[Backend]:
    """Use a backend for NumPy arrays inside a ``with`` block, in the current thread.

    Parameters
    ----------
    name : str

    Yields
    ------
    backend : Backend

    Raises
    ------
    ValueError
        If there is no backend of that name.
    """
    _check_cpu(name)
    token = _scoped.set(name)
    try:
        yield get_backend(name)
    finally:
        _scoped.reset(token)


def register_backend(name: str, module: ModuleType, *, otherwise: str | None = None) -> None:
    """Register a module of kernels as a backend: layers and models then run with them.

    Parameters
    ----------
    name : str
        Name for :func:`set_backend` and :func:`backend`. A backend that was registered under this name is replaced.
    module : module
        Its public functions are kernels: each has the name and the parameters of an operation of ``minivision.ops`` or
        ``minivision.detection``, but for those in its list ``not_operations``. They are called with checked arguments
        in one form: pairs for ``stride`` and the like, ``((top, bottom), (left, right))`` for ``padding``, C-ordered
        arrays of one dtype.
    otherwise : str, optional
        Backend whose kernels run for operations that the module does not have, such as ``"numba"``; by default the
        reference implementations run.

    Raises
    ------
    ValueError
        If `name` is a built-in backend, or `otherwise` is no backend.
    TypeError
        If `module` has a public function that is no operation or has other parameters.

    See Also
    --------
    unregister_backend
    """
    _check_not_built_in(name, "replaced; choose another name")
    if not inspect.ismodule(module):
        raise TypeError(f"module: expected a module with kernels, got {type(module).__name__}")
    check_kernels(module)
    if otherwise == name:
        raise ValueError(f"otherwise: {name!r} cannot stand in for itself; choose another backend")
    if otherwise is not None:
        get_backend(otherwise)
    _backends[name] = Backend(name, module, otherwise)


def unregister_backend(name: str) -> None:
    """Remove a backend that was registered with :func:`register_backend`.

    Parameters
    ----------
    name : str

    Raises
    ------
    ValueError
        If there is no such backend, if it is built in or in use, or if it is the `otherwise` of another backend.
    """
    get_backend(name)
    _check_not_built_in(name, "removed")
    if name in (_scoped.get(), _chosen):
        raise ValueError(f"the backend {name!r} is in use; choose another one before you remove it")
    users = [other.name for other in _backends.values() if other.otherwise == name]
    if users:
        raise ValueError(f"the backend {name!r} is the `otherwise` of {users[0]!r}; remove that one first")
    del _backends[name]


def _check_not_built_in(name, hint):
    if name in _BUILT_IN:
        raise ValueError(f"the backend {name!r} is built in and cannot be {hint}")


def _after_fork():
    """Look up kernels anew in a forked process, which lacks the threads that were started for them."""
    with contextlib.suppress(AttributeError, ValueError):  # no Numba, or no threads
        layer = sys.modules["numba"].threading_layer() if "numba" in sys.modules else None
        if layer is not None:
            from minivision.core.kernel_guard import forget_threads

            forget_threads(layer)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
