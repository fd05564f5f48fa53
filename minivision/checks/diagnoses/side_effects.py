"""Inputs that a function should not write to, and arrays that it should update in place and does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.evidence import Evidence


def not_updated(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose an argument that should be updated in place and is as before."""
    before = evidence.values.get(evidence.result)
    if before is None or not np.array_equal(before, evidence.got):
        return None
    return (
        f"{evidence.result} is as it was before the call. It is to be updated in place: `{evidence.result}[:] = ...` "
        f"writes into it, while `{evidence.result} = ...` makes another array that the caller never gets."
    )


def input_diagnosis(name: str) -> str:
    """Return the diagnosis of a write to the input `name`."""
    return (
        f"{name} belongs to the caller. A slice of it is a view of the same memory, so that `{name}[...] = ...`, "
        f"`{name} += ...` and `out={name}` change it: work on {name}.copy(), or write to an array of your own."
    )
