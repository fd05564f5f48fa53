"""Checks of arguments, and their conversion to the one form that kernels take.

Kernels index memory without bounds checks, so every wrong argument must be found here. Each error message names the
argument, what was expected, what was given, and a likely correction.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minivision.core.devices import get_array_module, is_on_gpu
from minivision.core.types import Array, PaddingPairs, Size

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def as_array(name: str, value: Any) -> Array:
    """Return `value` as an array that kernels can index: C order, aligned, native byte order, writable memory.

    An array with these properties is returned without a copy. Of a CuPy array only the order is changed.
    """
    if not isinstance(value, np.ndarray) and is_on_gpu(value):
        return get_array_module(value).ascontiguousarray(value)
    try:
        array = np.asarray(value)
    except ValueError as error:  # ragged lists
        raise ValueError(f"{name}: expected an array, got something that NumPy cannot convert ({error})") from None
    if not (array.flags.carray and array.dtype.isnative):
        # Read-only memory is copied too: Numba would compile a second kernel for it.
        array = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
    return array


def floats(**arrays: npt.ArrayLike | None) -> list[Any]:
    """Convert arrays to the dtype of the first one: float32, float64, or object for symbols. None stays None.

    Parameters
    ----------
    **arrays
        The arrays, by the name that error messages use.

    Returns
    -------
    result : list of ndarray or None

    Raises
    ------
    TypeError
        If the first array has another dtype, or another array does not consist of numbers.
    """
    result: list[Array | None] = []
    dtype = None
    for name, value in arrays.items():
        if value is None and dtype is not None:
            result.append(None)
            continue
        array = as_array(name, value)
        if dtype is None:
            if array.dtype not in FLOATS and array.dtype.kind != "O":
                raise TypeError(
                    f"{name}: expected float32 or float64, got {array.dtype}; "
                    f"convert it first, as in {name}.astype(np.float32)"
                )
            dtype = array.dtype
        elif array.dtype != dtype:
            if array.dtype.kind not in "fiu" and dtype.kind != "O":
                raise TypeError(f"{name}: expected numbers ({dtype}), got {array.dtype}")
            array = array.astype(dtype)
        result.append(array)
    return result


def check_shape(name: str, array: Array, layout: str, *, meaning: str = "") -> None:
    """Raise ValueError unless `array` has the axes of `layout`, as in ``"N, C, H, W"`` or ``"N, 4"``.

    A number in the layout is the required size of that axis.
    """
    axes = [axis.strip() for axis in layout.split(",")]
    fits = array.ndim == len(axes) and all(
        not axis.isdigit() or size == int(axis) for axis, size in zip(axes, array.shape, strict=True)
    )
    if fits:
        return
    message = f"{name}: expected shape ({layout}){', ' + meaning if meaning else ''}, got {array.shape}"
    if array.ndim == len(axes) - 1 and axes[0] == "N":
        message += f"; for a single one add the batch axis: {name}[None]"
    raise ValueError(message)


def check_same_shape(name: str, array: Array, expected: Sequence[int], reason: str) -> None:
    """Raise ValueError unless `array` has the shape `expected`; `reason` explains that shape in the message."""
    if array.shape != tuple(expected):
        raise ValueError(f"{name}: expected shape {tuple(expected)} ({reason}), got {array.shape}")


def integer(name: str, value: Any, *, minimum: int) -> int:
    """Return `value` as an int, and raise ValueError if it is less than `minimum`."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, got {value!r}") from None
    if number < minimum:
        raise ValueError(f"{name}: expected at least {minimum}, got {number}")
    return number


def number(name: str, value: Any) -> float:
    """Return `value` as a float, and raise ValueError if it is NaN."""
    try:
        result = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected a number, got {value!r}") from None
    if result != result:
        raise ValueError(f"{name}: expected a number, got {result}")
    return result


def pair(name: str, value: Any, *, minimum: int = 1) -> Size:
    """Return ``(vertical, horizontal)`` from an int, for both directions, or from a pair of ints."""
    if isinstance(value, (tuple, list, np.ndarray)):
        if len(value) != 2:
            raise ValueError(f"{name}: expected an int or a pair (vertical, horizontal), got {value!r}")
        vertical, horizontal = value
        return integer(name, vertical, minimum=minimum), integer(name, horizontal, minimum=minimum)
    number = integer(name, value, minimum=minimum)
    return number, number


def padding_pairs(value: Any, name: str = "padding") -> PaddingPairs:
    """Return ``((top, bottom), (left, right))`` from an int, from a pair ``(vertical, horizontal)`` or from itself."""
    if isinstance(value, (tuple, list, np.ndarray)):
        if len(value) == 2:
            vertical, horizontal = value
            return pair(name, vertical, minimum=0), pair(name, horizontal, minimum=0)
        raise ValueError(
            f"{name}: expected an int, a pair (vertical, horizontal) or ((top, bottom), (left, right)), got {value!r}"
        )
    number = integer(name, value, minimum=0)
    return (number, number), (number, number)


def size_pair(name: str, value: Any) -> Size:
    """Return a size ``(H, W)`` from itself or from the shape ``(N, C, H, W)`` of an array."""
    if isinstance(value, (tuple, list, np.ndarray)) and len(value) in (2, 4):
        return integer(name, value[-2], minimum=0), integer(name, value[-1], minimum=0)
    raise ValueError(f"{name}: expected a size (H, W), got {value!r}")


def reduction_name(value: str) -> str:
    """Return `value`, and raise ValueError unless it is ``"mean"`` or ``"sum"``."""
    if value not in ("mean", "sum"):
        raise ValueError(f"reduction: expected 'mean' or 'sum', got {value!r}")
    return value


def integers(name: str, value: Any) -> Array:
    """Return `value` as an int64 array; floats raise TypeError, because a conversion would round them."""
    array = as_array(name, value)
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(
            f"{name}: expected integers, got {array.dtype}; convert them first, as in {name}.astype(np.int64)"
        )
    return array.astype(np.int64, copy=False)


def all_below(array: Array, size: int) -> bool:
    """Return whether all numbers of the int64 `array` lie in ``0 .. size - 1``, with one pass over the array."""
    # As unsigned numbers, negative ones are huge: one maximum checks both ends of the range.
    return array.size == 0 or int(array.view(np.uint64).max()) < size


def check_range(name: str, array: Array, size: int, hint: str) -> None:
    """Raise ValueError unless all numbers of the int64 `array` lie in ``0 .. size - 1``; `hint` ends the message."""
    if all_below(array, size):
        return
    wrong = np.argwhere((array < 0) | (array >= size))[0]
    at = tuple(int(i) for i in wrong)
    raise ValueError(f"{name}: expected values in 0 .. {size - 1}, got {int(array[at])} at {at}; {hint}")
