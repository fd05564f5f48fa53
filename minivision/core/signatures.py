"""Signatures of functions, whatever their annotations are."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["signature"]


def signature(function: Callable) -> inspect.Signature:
    """Return the signature of a function without evaluating its annotations.

    From Python 3.14 on, annotations are evaluated when they are asked for. Names that are imported for type checkers
    alone (``if TYPE_CHECKING:``) then raise NameError, although nothing needs them.
    """
    return inspect.signature(function, **_unevaluated())


def _unevaluated() -> dict[str, Any]:
    module = sys.modules.get("annotationlib")  # inspect imports it, from Python 3.14 on; to search for it takes long
    return {} if module is None else {"annotation_format": module.Format.FORWARDREF}
