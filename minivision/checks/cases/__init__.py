"""Arguments to try every operation with: one module for each module of operations.

A module has a generator of the name of each operation: from a ``numpy.random.Generator`` it yields
``(arguments, keywords)`` with float64 arrays. Together the cases of an operation reach every branch of its dispatcher
and of its kernels: all keywords, asymmetric padding, sizes that leave a rest, one pixel, an empty batch.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from minivision.core import backends

if TYPE_CHECKING:
    from minivision.core.types import Operation

Case: TypeAlias = "tuple[tuple[Any, ...], dict[str, Any]]"  # the positional and the keyword arguments of a call
Cases: TypeAlias = Iterator[Case]


def cases_of(op: Operation, rng: np.random.Generator, backend: str = "reference") -> list[Case]:
    """Return the cases of an operation.

    Parameters
    ----------
    op : operation
    rng : numpy.random.Generator
        Draws the numbers in the arrays.
    backend : str
        Name of the backend of the operations that arguments are made with (the indices of a pooling's backward pass);
        not the one that is checked.

    Returns
    -------
    cases : list of (arguments, keywords)

    Raises
    ------
    LookupError
        When the operation has no cases.
    """
    try:
        module = importlib.import_module(f"{__name__}.{op.family}")
        generator = getattr(module, op.__name__)
    except (ModuleNotFoundError, AttributeError):
        raise LookupError(
            f"{op.__name__} has no cases: add a generator {op.__name__} to {__name__}.{op.family}"
        ) from None
    with backends.backend(backend):
        return list(generator(rng))
