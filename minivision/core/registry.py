"""The registry of operations: every function that a backend may implement, by name.

The decorator ``@operation`` (:mod:`minivision.core.dispatch`) registers an operation when its module is imported.
:func:`operations` imports all of them; the checks, ``minivision doctor``, the conformance tests, homework, the tracer
and the documentation all read that one list. This module imports nothing of the package.
"""

import importlib
import pkgutil

PACKAGES = ("minivision.ops", "minivision.detection")  # where operations are defined

_registered = {}  # name -> operation


def register(op):
    """Add an operation under its name."""
    _registered[op.__name__] = op


def registered(family):
    """Return the operations of one family (a module's name) that were imported so far, by name."""
    return {name: op for name, op in _registered.items() if op.family == family}


def reference(name):
    """Return the reference implementation of an operation."""
    op = _registered.get(name) or operations()[name]
    return op.reference


def operations():
    """Return every operation of the package by name, in the order of its modules."""
    for package in PACKAGES:
        found = importlib.import_module(package)
        for module in pkgutil.walk_packages(found.__path__, f"{package}."):
            importlib.import_module(module.name)
    ordered = sorted(_registered.items(), key=lambda item: _position(item[1]))
    return {name: op for name, op in ordered if op.__module__.startswith(PACKAGES)}


def _position(op):
    package = next((k for k, name in enumerate(PACKAGES) if op.__module__.startswith(name)), len(PACKAGES))
    return package, op.__module__
