"""The registry of operations: every function that a backend may implement, by name.

The decorator ``@operation`` (:mod:`minivision.core.dispatch`) registers an operation when its module is imported.
:func:`operations` imports all of these modules. It is the one list of operations: checks, ``minivision doctor``, tests,
homework, the tracer and the documentation use it.

Global state
------------
``_registered`` : operations by name. It only grows, while modules are imported.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minivision.core.types import Operation

PACKAGES = ("minivision.ops", "minivision.detection")  # where operations are defined

_registered: dict[str, Operation] = {}


def register(op: Operation) -> None:
    """Register an operation under its name; raise ValueError if another module has one of this name."""
    other = _registered.get(op.__name__, op)
    if other.__module__ != op.__module__:
        raise ValueError(f"there is an operation {op.__name__} in {other.__module__}; choose another name")
    _registered[op.__name__] = op
    _in_order.cache_clear()


def find(name: str) -> Operation | None:
    """Return an operation of this name, of the package or of a script, or None."""
    return _registered.get(name) or operations().get(name)


def registered(family: str) -> dict[str, Operation]:
    """Return the operations of one family (the name of a module) that have been imported, by name."""
    return {name: op for name, op in _registered.items() if op.family == family}


def reference(name: str) -> Callable:
    """Return the reference implementation of an operation."""
    op = _registered.get(name) or operations()[name]
    return op.reference


def operations() -> dict[str, Operation]:
    """Return all operations of the package by name, in the order of their modules."""
    _import_modules()
    return dict(_in_order())


@functools.cache  # until the next registration
def _in_order() -> dict[str, Operation]:
    ordered = sorted(_registered.items(), key=lambda item: _position(item[1]))
    return {name: op for name, op in ordered if op.__module__.startswith(PACKAGES)}


@functools.cache  # to look through the folders takes milliseconds, and a check asks hundreds of times
def _import_modules() -> None:
    for name in PACKAGES:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            importlib.import_module(module.name)


def _position(op):
    package = next((k for k, name in enumerate(PACKAGES) if op.__module__.startswith(name)), len(PACKAGES))
    return package, op.__module__
