"""What exceptions of the user's function come from, where their message does not say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minivision.core.signatures import signature

if TYPE_CHECKING:
    from minivision.core.types import Operation


def exception_diagnosis(error: Exception, op: Operation) -> str | None:
    """Return the diagnosis of an exception that a function for `op` raised; None where the message is enough."""
    message = str(error)
    if isinstance(error, RecursionError):
        return (
            "It calls an operation of minivision.ops that leads back to itself: on this backend "
            f"minivision.ops.{op.__name__} is this very function."
        )
    if "cannot reshape array of size 0" in message:
        return "If there is no image at all (N = 0), NumPy cannot compute the size that -1 stands for: write the size."
    optional = [name for name, parameter in signature(op).parameters.items() if parameter.default is None]
    if isinstance(error, TypeError) and "NoneType" in message and optional:
        return (
            f"An argument that is not given is None, and here that may be {' or '.join(optional)}: test for it with "
            "`is not None`."
        )
    return None
