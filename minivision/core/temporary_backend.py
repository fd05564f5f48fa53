"""Backends that exist inside of a ``with`` block only."""

from __future__ import annotations

import contextlib
import itertools
import os
import types
from collections.abc import Callable, Iterator, Mapping

from minivision.core import backends
from minivision.core.registry import operations
from minivision.core.signatures import signature


@contextlib.contextmanager
def temporary_backend(
    name: str,
    functions: Mapping[str, Callable],
    *,
    file: str | os.PathLike | None = None,
    otherwise: str | None = None,
) -> Iterator[str]:
    """Register functions as a backend inside of a ``with`` block, and remove it afterwards.

    Parameters
    ----------
    name : str
        Name of the backend. A number is appended if a backend with this name exists.
    functions : mapping of str to callable
        By names of operations. Each function is given the name and the signature of its operation.
    file : path, optional
        The file that the functions come from, shown in reports.
    otherwise : str, optional
        See :func:`minivision.register_backend`.

    Yields
    ------
    name : str
    """
    existing, everything = backends.backends(), operations()
    names = itertools.chain([name], (f"{name} ({k})" for k in itertools.count(2)))
    name = next(each for each in names if each not in existing)
    module = types.ModuleType(name)
    if file is not None:
        module.__file__ = str(file)
    for each, function in functions.items():
        function.__name__, function.__module__ = each, name
        function.__signature__ = signature(everything[each])  # type: ignore[attr-defined]
        setattr(module, each, function)
    backends.register_backend(name, module, otherwise=otherwise)
    try:
        yield name
    finally:
        backends.unregister_backend(name)
