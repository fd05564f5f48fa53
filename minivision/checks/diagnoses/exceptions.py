"""What exceptions of the user's function come from, where their message does not say it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minivision.core.signatures import signature

if TYPE_CHECKING:
    from minivision.core.types import Operation

# Of convolutions: where a window that is smaller than its filter should have come from.
_CUT_OFF = {
    "conv2d": "Windows are taken from the padded map, not from x.",
    "conv2d_backward": "Windows are taken from the padded map, for dw as for dx, not from x.",
    "conv_transpose2d": "First make an output that is large enough for all copies; cut it at the end.",
    "conv_transpose2d_backward": "First extend dy by zeros, where the padding had removed rows and columns.",
}


def exception_diagnosis(error: Exception, op: Operation, arguments: Mapping[str, Any] | None = None) -> str | None:
    """Return the diagnosis of an exception that a function for `op` raised; None where the message is enough.

    Parameters
    ----------
    error : Exception
    op : operation
    arguments : dict, optional
        The arguments of the call by name.
    """
    message = str(error)
    if isinstance(error, RecursionError):
        return (
            "It calls an operation of minivision.ops that leads back to itself: on this backend "
            f"minivision.ops.{op.__name__} is this very function."
        )
    if "cannot reshape array of size 0" in message:
        return "If there is no image at all (N = 0), NumPy cannot compute the size that -1 stands for: write the size."
    if "broadcast" in message and op.__name__ in _CUT_OFF and arguments is not None:
        return _window_of_another_size(message, arguments["w"].shape[-2:], _CUT_OFF[op.__name__])
    optional = [name for name, parameter in signature(op).parameters.items() if parameter.default is None]
    if isinstance(error, TypeError) and "NoneType" in message and optional:
        return (
            f"An argument that is not given is None, and here that may be {' or '.join(optional)}: test for it with "
            "`is not None`."
        )
    return None


def _window_of_another_size(message, kernel, where):
    """Return why a window has not the size of its filter, from the shapes that do not fit; None for other shapes."""
    shapes = [tuple(map(int, re.findall(r"\d+", text))) for text in re.findall(r"\(([\d, ]+)\)", message)]
    if not shapes or min(map(len, shapes)) < 2:
        return None
    sizes = {shape[-2:] for shape in shapes}  # NumPy names the array that is written to as well
    if kernel not in sizes or len(sizes) != 2:
        return None
    (window,) = sizes - {kernel}
    here, filter_ = (f"{rows} x {columns}" for rows, columns in (window, kernel))
    lead = f"A window of {here} meets a filter of {filter_}"
    if window == kernel[::-1] != kernel:
        return f"{lead}: height and width are swapped. A window has kh rows and kw columns."
    if window[0] <= kernel[0] and window[1] <= kernel[1]:
        return f"{lead}: a slice that reaches beyond an array is cut off there, without an error. {where}"
    return None
