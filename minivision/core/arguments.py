"""Checks of arguments, and their conversion to the one form that kernels take.

Kernels index memory without bounds checks, so every wrong argument must be found here. Each error message names the
argument, what was expected, what was given, and a likely correction.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minivision.core.devices import get_array_module, is_on_gpu
from minivision.core.types import Array, PaddingPairs, Size

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
MAX_INTEGER = 2**31 - 1
MAX_STEPS = 2**16  # the largest kernel, stride, dilation, padding, scale and output size: beyond any image


def as_array(name: str, value: Any) -> Array:
    """Return `value` as an array that kernels can index: C order, aligned, native byte order, writable memory.

    An array with these properties is returned without a copy. Of a CuPy array only the order is changed.
    """
    if type(value) is not np.ndarray:
        if is_on_gpu(value):
            return get_array_module(value).ascontiguousarray(value)
        if value is None:
            raise TypeError(f"{name}: expected an array, got None")
        if isinstance(value, np.ma.MaskedArray):
            raise TypeError(
                f"{name}: expected an array without a mask, got a masked array; what is masked would be used: fill it "
                f"first, as in {name}.filled(0)"
            )
    try:
        array = np.asarray(value)
    except ValueError as error:  # ragged lists
        raise ValueError(f"{name}: expected an array, got something that NumPy cannot convert ({error})") from None
    if not (array.flags.carray and array.dtype.isnative):
        # Read-only memory is copied too: Numba would compile a second kernel for it.
        array = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
    return array


def floats(optional: str = "", /, **arrays: npt.ArrayLike | None) -> list[Any]:
    """Convert arrays to the dtype of the first one: float32, float64, or object for symbols.

    Parameters
    ----------
    optional : str
        Name of the array that may be None, and stays so.
    **arrays
        The arrays, by the name that error messages use.

    Returns
    -------
    result : list of ndarray or None

    Raises
    ------
    TypeError
        If the first array has another dtype, another array does not consist of numbers, or one is None.
    """
    result: list[Array | None] = []
    dtype = None
    for name, value in arrays.items():
        if value is None and name == optional:
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
        if array.dtype.kind == "O":
            _check_symbols(name, array)
        result.append(array)
    return result


def _check_symbols(name, array):
    for element in array.flat:
        if isinstance(element, int):
            number(name, element)  # not too large for a float
        elif not hasattr(element, "__sub__"):  # None, text, a list
            raise TypeError(f"{name}: expected numbers or symbols, got {element!r:.80} in an array of objects")


def float_dtype(name: str, value: Any) -> np.dtype:
    """Return `value` as float32 or float64, and raise TypeError if it is neither."""
    try:
        dtype = np.dtype(value)
    except TypeError:
        raise TypeError(f"{name}: expected float32 or float64, got {value!r}") from None
    if dtype not in FLOATS:
        raise TypeError(f"{name}: expected float32 or float64, got {dtype}")
    return dtype


def check_shape(name: str, array: Array, layout: str, *, meaning: str = "") -> None:
    """Raise ValueError unless `array` has the axes of `layout`, as in ``"N, C, H, W"`` or ``"N, 4"``.

    A number in the layout is the required size of that axis.
    """
    axes, required = _axes(layout)
    shape = array.shape
    if len(shape) == len(axes) and all(shape[axis] == size for axis, size in required):
        return
    message = f"{name}: expected shape ({layout}){', ' + meaning if meaning else ''}, got {array.shape}"
    if array.ndim == len(axes) - 1 and axes[0] == "N":
        message += f"; for a single one add the batch axis: {name}[None]"
    raise ValueError(message)


@functools.lru_cache(maxsize=256)
def _axes(layout):
    """Return the names of the axes of a layout, and ``(axis, size)`` of those that are numbers."""
    axes = tuple(axis.strip() for axis in layout.split(","))
    return axes, tuple((number, int(axis)) for number, axis in enumerate(axes) if axis.isdigit())


def check_same_shape(name: str, array: Array, expected: Sequence[int], reason: str) -> None:
    """Raise ValueError unless `array` has the shape `expected`; `reason` explains that shape in the message."""
    if array.shape != tuple(expected):
        raise ValueError(f"{name}: expected shape {tuple(expected)} ({reason}), got {array.shape}")


def integer(name: str, value: Any, *, minimum: int, maximum: int = MAX_INTEGER) -> int:
    """Return `value` as an int, and raise ValueError if it is less than `minimum` or more than `maximum`."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, got {value!r}") from None
    if number < minimum:
        raise ValueError(f"{name}: expected at least {minimum}, got {number}")
    if number > maximum:
        raise ValueError(f"{name}: expected at most {maximum}, got {number}")
    return number


def flag(name: str, value: Any) -> bool:
    """Return `value` as a bool, and raise TypeError if it is none: the text ``"False"`` would be true."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}: expected True or False, got {value!r}")
    return bool(value)


def number(name: str, value: Any, *, minimum: float | None = None) -> float:
    """Return `value` as a float; raise ValueError if it is NaN, or with a minimum if it is infinite or less."""
    try:
        if isinstance(value, str | bytes):  # float("1") would be 1
            raise TypeError
        result = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected a number, got {value!r}") from None
    except OverflowError:
        raise ValueError(f"{name}: expected a number that a float can hold, got one that is too large") from None
    if result != result:
        raise ValueError(f"{name}: expected a number, got {result}")
    if minimum is not None and not minimum <= result < np.inf:
        raise ValueError(f"{name}: expected a finite number of at least {minimum:g}, got {result}")
    return result


def numbers(name: str, values: Any) -> tuple[float, ...]:
    """Return several numbers as a tuple of floats."""
    try:
        elements = tuple(values)
    except TypeError:
        raise TypeError(f"{name}: expected a sequence of numbers, got {values!r}") from None
    return tuple(number(name, value) for value in elements)


def pair(name: str, value: Any, *, minimum: int = 1) -> Size:
    """Return ``(vertical, horizontal)`` from an int, for both directions, or from a pair of ints."""
    if _is_sequence(value):
        if len(value) != 2:
            raise ValueError(f"{name}: expected an int or a pair (vertical, horizontal), got {value!r}")
        vertical, horizontal = (integer(name, each, minimum=minimum, maximum=MAX_STEPS) for each in value)
        return vertical, horizontal
    number = integer(name, value, minimum=minimum, maximum=MAX_STEPS)
    return number, number


def _is_sequence(value):
    return isinstance(value, (tuple, list)) or isinstance(value, np.ndarray) and value.ndim > 0


def padding_pairs(value: Any, name: str = "padding") -> PaddingPairs:
    """Return ``((top, bottom), (left, right))`` from an int, from a pair ``(vertical, horizontal)`` or from itself."""
    if _is_sequence(value):
        if len(value) == 2:
            vertical, horizontal = value
            return pair(name, vertical, minimum=0), pair(name, horizontal, minimum=0)
        raise ValueError(
            f"{name}: expected an int, a pair (vertical, horizontal) or ((top, bottom), (left, right)), got {value!r}"
        )
    number = integer(name, value, minimum=0, maximum=MAX_STEPS)
    return (number, number), (number, number)


def size_pair(name: str, value: Any) -> Size:
    """Return a size ``(H, W)`` from itself or from the shape ``(N, C, H, W)`` of an array."""
    if _is_sequence(value) and len(value) in (2, 4):
        return integer(name, value[-2], minimum=0), integer(name, value[-1], minimum=0)
    raise ValueError(f"{name}: expected a size (H, W), got {value!r}")


def reduction_name(value: str) -> str:
    """Return `value`, and raise ValueError unless it is ``"mean"`` or ``"sum"``."""
    if not isinstance(value, str) or value not in ("mean", "sum"):
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
