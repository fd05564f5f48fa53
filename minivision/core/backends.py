"""Which code runs when an operation is called.

A backend is a place to look for kernels: functions with the name and the parameters of an operation.

============= =========================================================================================
``reference`` the operation's own body: the textbook
``numba``     ``minivision/kernels/numba/``, one module for each module of ``minivision/ops`` (the default)
``cupy``      ``minivision/kernels/cupy/``, chosen by itself for CuPy arrays
yours         any module, through :func:`register_backend`
============= =========================================================================================

Kernels are looked up when an operation is first called, so nothing is imported or compiled before it is needed.
"""

import contextlib
import contextvars
import importlib
import importlib.util
import inspect
import os

from minivision.core import registry

DEFAULT = "numba"
VARIABLE = "MINIVISION_BACKEND"


class Backend:
    """A named source of kernels.

    Parameters
    ----------
    name : str
        What the backend is called.
    source : module, str or None
        A module that holds the kernels; or the dotted name of a package with one module for each module of
        ``minivision.ops``, imported on demand; or None for the backend whose kernels are the references.
    otherwise : str, optional
        The backend whose kernels run where this one has none; by default the textbook does.
    """

    def __init__(self, name, source, otherwise=None):
        self.name = name
        self.source = source
        self.otherwise = otherwise
        self._kernels = {}  # operation name -> kernel or None, filled when first asked
        self._checked = set()

    def __repr__(self):
        return f"<backend {self.name!r}>"

    def kernel(self, operation):
        """Return the kernel of `operation` here, or None where the backend has none.

        Raises
        ------
        TypeError
            When the kernel's module holds a public function that names no operation or whose parameters differ.
        """
        if self.source is None:
            return operation.reference
        name = operation.__name__
        if name not in self._kernels:
            module = self._module_of(operation)
            found = getattr(module, name, None)
            found = None if found is operation else found  # merely imported: it would call itself
            if found is None and self.otherwise:
                found = get_backend(self.otherwise).kernel(operation)
            self._kernels[name] = found
        return self._kernels[name]

    def _module_of(self, operation):
        module = self.source
        if isinstance(module, str):
            dotted = f"{module}.{operation.family}"
            if importlib.util.find_spec(module) is None or importlib.util.find_spec(dotted) is None:
                return None
            module = importlib.import_module(dotted)
        if module.__name__ not in self._checked:
            # One of the package's own modules holds kernels of one family: others need not be imported to check it.
            built_in = isinstance(self.source, str)
            check_kernels(module, registry.registered(operation.family) if built_in else None)
            self._checked.add(module.__name__)
        return module


def check_kernels(module, operations=None):
    """Raise TypeError unless every public function defined in `module` is a kernel of one of the operations.

    Helpers are told from kernels by a leading underscore. Imported functions are not looked at.
    """
    if operations is None:
        operations = registry.operations()
    for name, function in vars(module).items():
        python_function = getattr(function, "py_func", function)  # what a Numba dispatcher was made of
        if name.startswith("_") or not inspect.isfunction(python_function):
            continue
        if python_function.__module__ != module.__name__:
            continue
        if name not in operations:
            raise TypeError(
                f"{module.__name__}.{name} names no operation; correct its name, or call it _{name} if it is a helper"
            )
        wanted = list(inspect.signature(operations[name]).parameters)
        found = list(inspect.signature(python_function).parameters)
        if found != wanted:
            raise TypeError(
                f"{module.__name__}.{name} takes ({', '.join(found)}) but the operation takes "
                f"({', '.join(wanted)}); give the kernel the same parameters in the same order"
            )


_backends = {
    "reference": Backend("reference", None),
    "numba": Backend("numba", "minivision.kernels.numba"),
    "cupy": Backend("cupy", "minivision.kernels.cupy"),
}
_chosen = None  # what set_backend() chose, for the whole process
_scoped = contextvars.ContextVar("minivision_backend", default=None)  # what `with backend(...)` chose, here


def backends():
    """Return the registered backends by name, in the order of their registration."""
    return dict(_backends)


def get_backend(name):
    """Return the backend called `name`.

    Raises
    ------
    ValueError
        When there is none of that name; the message lists those there are.
    """
    try:
        return _backends[name]
    except KeyError:
        known = ", ".join(repr(known) for known in _backends)
        raise ValueError(f"no backend is called {name!r}; there are {known}") from None


def active_backend():
    """Return the backend that NumPy arrays go to, and in a second value why: who chose it."""
    if _scoped.get() is not None:
        return get_backend(_scoped.get()), "chosen by `with minivision.backend(...)`"
    if _chosen is not None:
        return get_backend(_chosen), "chosen by minivision.set_backend(...)"
    if os.environ.get(VARIABLE):
        try:
            return get_backend(os.environ[VARIABLE]), f"chosen by the variable {VARIABLE}"
        except ValueError as error:
            raise ValueError(f"the variable {VARIABLE}: {error}") from None
    return _backends[DEFAULT], "the default"


def _check_cpu(name):
    if get_backend(name).name == "cupy":
        raise ValueError("the backend 'cupy' is not chosen by name: it runs whenever an operation is given CuPy arrays")


def set_backend(name):
    """Send NumPy arrays to the backend called `name` from now on, everywhere in this process.

    Raises
    ------
    ValueError
        When there is no backend of that name.
    """
    global _chosen
    _check_cpu(name)
    _chosen = name


@contextlib.contextmanager
def backend(name):
    """Send NumPy arrays to the backend called `name` inside a ``with`` block.

    Raises
    ------
    ValueError
        When there is no backend of that name.
    """
    _check_cpu(name)
    token = _scoped.set(name)
    try:
        yield get_backend(name)
    finally:
        _scoped.reset(token)


def register_backend(name, module, *, otherwise=None):
    """Add a backend, or replace one of your own: this is how a file of yours runs under every layer and model.

    Parameters
    ----------
    name : str
        What to call it in :func:`set_backend` and :func:`backend`.
    module : module
        Its public functions are kernels: each has the name and the parameters of an operation of
        ``minivision.ops``, or of one of those that detectors share, in ``minivision.detection``. They are called with
        checked, normalised arguments: pairs for ``stride`` and the like, ``((top, bottom), (left, right))`` for
        ``padding``, C-ordered arrays of one dtype.
    otherwise : str, optional
        The backend whose kernels run where the module has none, such as ``"numba"``; by default the textbook does.

    Raises
    ------
    ValueError
        When `name` is one of the built-in backends, or there is none called as `otherwise` says.
    TypeError
        When `module` holds a public function that names no operation or whose parameters differ.
    """
    if name in ("reference", "numba", "cupy"):
        raise ValueError(f"the backend {name!r} is built in and cannot be replaced; choose another name")
    if not inspect.ismodule(module):
        raise TypeError(f"module: expected a module with kernels, got {type(module).__name__}")
    check_kernels(module)
    if otherwise == name:
        raise ValueError(f"otherwise: {name!r} cannot stand in for itself; choose another backend")
    if otherwise is not None:
        get_backend(otherwise)
    _backends[name] = Backend(name, module, otherwise)
