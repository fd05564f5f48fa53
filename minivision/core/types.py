"""Aliases for the types in signatures."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeAlias, TypeVar

import numpy as np

Array: TypeAlias = np.ndarray  # a NumPy array; operations and layers take CuPy arrays as well
IntOrPair: TypeAlias = "int | tuple[int, int]"  # one number for both axes, or (vertical, horizontal)
PaddingPairs: TypeAlias = "tuple[tuple[int, int], tuple[int, int]]"  # ((top, bottom), (left, right))
Padding: TypeAlias = "IntOrPair | PaddingPairs"
Size: TypeAlias = "tuple[int, int]"  # height and width
Color: TypeAlias = "str | tuple[float, float, float]"  # a name that matplotlib knows, or RGB from 0 to 1

P = ParamSpec("P")
R = TypeVar("R")


class Operation(Protocol[P, R]):
    """A public operation: what the decorator ``@operation`` (:mod:`minivision.core.dispatch`) returns.

    It is called with the parameters of its reference implementation, and type checkers see these.

    Attributes
    ----------
    reference : callable
        The reference implementation: the decorated function itself.
    normalize : callable
        The argument check with the defaults of the reference implementation. It takes the arguments of a call and
        returns them as a tuple, in the form that all implementations see.
    family : str
        Name of its module, without packages: ``"convolution"``.
    positional : int
        Number of positional parameters.
    keywords : list of str
        Names of the keyword-only parameters.
    returns : tuple of str
        Names of the results.
    """

    __name__: str
    __module__: str
    reference: Callable[P, R]
    normalize: Callable[P, tuple]
    family: str
    positional: int
    keywords: list[str]
    returns: tuple[str, ...]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
