"""Steps of recurrent networks: gates in another order, a missing tanh, a gradient that one of two paths lacks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minivision.checks.diagnoses.other_arguments import explains

if TYPE_CHECKING:
    from minivision.checks.evidence import Evidence

ORDER = "ifgo"
_ROWS = ("w_ih", "w_hh", "b_ih", "b_hh")  # the arguments of lstm_step that have rows for each gate


def gates_in_another_order(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose rows of an LSTM's weights that are taken for those of another gate."""
    if evidence.op.__name__ != "lstm_step" or evidence.result not in ("h_next", "c_next"):
        return None
    for blocks in itertools.permutations(range(4)):
        if explains(evidence, **{name: _rearranged(evidence.values[name], blocks) for name in _ROWS}):
            taken = ", ".join(ORDER[blocks.index(block)] for block in range(4))
            return (
                f"{evidence.result} is what the reference gives if the rows of weights belong to the gates {taken}: "
                "their order is i, f, g, o: input, forget, cell, output, as in PyTorch."
            )
    return None


def _rearranged(rows, blocks):
    """Return the four blocks of rows in another order."""
    parts = np.split(rows, 4)
    return np.concatenate([parts[block] for block in blocks])


def tanh_of_cell_missing(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose a hidden state that shows the cell itself instead of its tanh."""
    if evidence.op.__name__ != "lstm_step" or evidence.result != "h_next":
        return None
    results = dict(zip(evidence.op.returns, evidence.all_results(), strict=True))
    o = np.split(results["gates"], 4, axis=1)[3]
    if not evidence.same(o * results["c_next"], evidence.got):
        return None
    return "h_next is o * c_next: the tanh of the cell is missing. The hidden state is o * tanh(c_next)."


def branch_missing(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose a backward step of an LSTM that takes only one of the two gradients that reach it."""
    if evidence.op.__name__ != "lstm_step_backward":
        return None
    for name, way in (("dc_next", "into the next step"), ("dh_next", "through tanh into h_next")):
        if explains(evidence, **{name: np.zeros_like(evidence.values[name])}):
            return (
                f"{evidence.result} is what the reference gives with {name} = 0: {name} is ignored. The cell is used "
                f"twice, and one of its two gradients comes back from {way}: they are added."
            )
    return None
