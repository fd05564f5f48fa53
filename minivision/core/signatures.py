"""Signatures of functions, whatever their annotations are."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["signature"]


def signature(function: Callable) -> inspect.Signature:
    """Return the signature of a function without evaluating its annotations.

    From Python 3.14 on, annotations are evaluated when they are asked for. Names that are imported for type checkers
    alone (``if TYPE_CHECKING:``) then raise NameError, although nothing needs them.
    """
    return inspect.signature(function, **_unevaluated())


@functools.cache
def _unevaluated() -> dict[str, Any]:
    try:
        from annotationlib import Format
    except ImportError:  # before Python 3.14
        return {}
    return {"annotation_format": Format.FORWARDREF}
