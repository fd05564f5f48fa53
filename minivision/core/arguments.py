"""What the doors of the operations check, and the one form they bring the arguments to.

Kernels index memory without bounds checks, so nothing wrong may pass here. Every error names the argument, what it
got, what it expected, and the likely fix.
"""

import operator

import numpy as np

from minivision.core.devices import get_array_module, is_on_gpu

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def as_array(name, value):
    """Return `value` as an array that a kernel can index: C order, aligned, native bytes, writable memory.

    An array that already is all of that is returned as it is; a CuPy array is left to CuPy.
    """
    if is_on_gpu(value):
        return get_array_module(value).ascontiguousarray(value)
    try:
        array = np.asarray(value)
    except ValueError as error:  # ragged lists
        raise ValueError(f"{name}: expected an array, got something NumPy cannot make one of ({error})") from None
    if not (array.flags.carray and array.dtype.isnative):
        # Read-only memory is copied too: Numba would compile a second kernel for it.
        array = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
    return array


def floats(**arrays):
    """Return the arrays (None stays None) in the dtype of the first: float32, float64, or object for symbols.

    Raises
    ------
    TypeError
        When the first is neither, or another holds something that is no number.
    """
    result = []
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


def check_shape(name, array, layout, *, meaning=""):
    """Raise ValueError unless `array` has the axes of `layout`, as in ``"N, C, H, W"`` or ``"N, 4"``.

    A number in the layout is the size that axis must have.
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


def check_same_shape(name, array, expected, reason):
    """Raise ValueError unless `array` has exactly the shape `expected`; `reason` says where that comes from."""
    if array.shape != tuple(expected):
        raise ValueError(f"{name}: expected shape {tuple(expected)} ({reason}), got {array.shape}")


def integer(name, value, *, minimum):
    """Return `value` as an int that is at least `minimum`."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, got {value!r}") from None
    if number < minimum:
        raise ValueError(f"{name}: expected at least {minimum}, got {number}")
    return number


def number(name, value):
    """Return `value` as a float that is not NaN."""
    try:
        result = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected a number, got {value!r}") from None
    if result != result:
        raise ValueError(f"{name}: expected a number, got {result}")
    return result


def pair(name, value, *, minimum=1):
    """Return ``(vertical, horizontal)`` from an int, which counts for both, or from a pair of ints."""
    if isinstance(value, (tuple, list, np.ndarray)):
        if len(value) != 2:
            raise ValueError(f"{name}: expected an int or a pair (vertical, horizontal), got {value!r}")
        return tuple(integer(name, part, minimum=minimum) for part in value)
    number = integer(name, value, minimum=minimum)
    return number, number


def padding_pairs(value, name="padding"):
    """Return ``((top, bottom), (left, right))`` from an int, a pair ``(vertical, horizontal)``, or that itself."""
    if isinstance(value, (tuple, list, np.ndarray)):
        if len(value) == 2:
            return tuple(pair(name, part, minimum=0) for part in value)
        raise ValueError(
            f"{name}: expected an int, a pair (vertical, horizontal) or ((top, bottom), (left, right)), got {value!r}"
        )
    number = integer(name, value, minimum=0)
    return (number, number), (number, number)


def size_pair(name, value):
    """Return a spatial size ``(H, W)`` given as such, or as the whole ``(N, C, H, W)`` shape of an array."""
    if isinstance(value, (tuple, list, np.ndarray)) and len(value) in (2, 4):
        return tuple(integer(name, part, minimum=0) for part in value[-2:])
    raise ValueError(f"{name}: expected a size (H, W), got {value!r}")


def reduction_name(value):
    """Return `value` if it is ``"mean"`` or ``"sum"``."""
    if value not in ("mean", "sum"):
        raise ValueError(f"reduction: expected 'mean' or 'sum', got {value!r}")
    return value


def integers(name, value):
    """Return `value` as an int64 array that a kernel can index; floats are refused, for they round silently."""
    array = as_array(name, value)
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(
            f"{name}: expected integers, got {array.dtype}; convert them first, as in {name}.astype(np.int64)"
        )
    return array.astype(np.int64, copy=False)


def all_below(array, size):
    """Say whether every number of the int64 `array` lies in ``0 .. size - 1``, in one pass over it."""
    # Seen as unsigned, a negative number is a huge one: one maximum tells both ends.
    return array.size == 0 or int(array.view(np.uint64).max()) < size


def check_range(name, array, size, hint):
    """Raise ValueError unless every number of the int64 `array` lies in ``0 .. size - 1``; `hint` says the fix."""
    if all_below(array, size):
        return
    wrong = np.argwhere((array < 0) | (array >= size))[0]
    at = tuple(int(i) for i in wrong)
    raise ValueError(f"{name}: expected values in 0 .. {size - 1}, got {int(array[at])} at {at}; {hint}")
