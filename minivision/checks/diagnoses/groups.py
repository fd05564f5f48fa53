"""Filters that use the channels of another group, or that are not multiplied channel by channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.evidence import Evidence

# The axis of each argument and of each result along which entries belong to groups one after the other.
_AXES = {
    "conv2d_backward": {"dy": 1, "w": 0, "dw": 0},
    "conv_transpose2d": {"x": 1, "w": 0},
    "conv_transpose2d_backward": {"x": 1, "w": 0, "dx": 1, "dw": 0},
}
_CARDS = (
    "Groups are blocks of neighbors: of {n} entries in {groups} groups the first {size} belong to the first group. So "
    "the group of entry k is k // {size}; k % {groups} deals them out like cards."
)


def groups_confused(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose groups that are dealt like cards, and filters that look at another group."""
    groups = evidence.values.get("groups", 1)
    if groups < 2 or not evidence.same_shape:
        return None
    if evidence.op.__name__ == "conv2d":
        return _groups_of_filters(evidence, groups)
    axes = _AXES.get(evidence.op.__name__)
    if axes is None:
        return None
    entries = evidence.values["w"].shape[0]
    dealt = np.argsort(np.arange(entries) % groups, kind="stable")
    changed = {
        name: np.ascontiguousarray(np.take(evidence.values[name], dealt, axis))
        for name, axis in axes.items()
        if name in evidence.values
    }
    result = evidence.reference(**changed)
    if result is None or result.shape != evidence.got.shape:
        return None
    if evidence.result in axes:  # back in the order of the arguments
        result = np.take(result, np.argsort(dealt), axes[evidence.result])
    if not evidence.same(result, evidence.got) or evidence.same(result, evidence.expected):
        return None
    return f"{evidence.result} is what the reference gives for other groups. {_explained(entries, groups)}"


def channels_summed_apart(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose a convolution that multiplies the sum of the channels by the sum of the filter over them."""
    w = evidence.values.get("w")
    if evidence.op.__name__ != "conv2d" or w is None or w.shape[1] < 2:
        return None
    summed = np.ascontiguousarray(np.broadcast_to(w.sum(axis=1, keepdims=True), w.shape))
    y = evidence.reference(w=summed)
    if y is None or not evidence.same(y, evidence.got):
        return None
    return (
        "The channels of the window and those of the filter are summed before they are multiplied. Channel c of the "
        "window belongs to channel c of the filter: in einsum both have the same letter."
    )


def _groups_of_filters(evidence, groups):
    """Return which group each filter of a convolution uses, in words, if one of them explains each output."""
    outputs = _output_of_each_group(evidence, groups)
    filters, used = len(outputs), []
    for f, of_groups in enumerate(outputs):
        got = evidence.got[:, f]
        fitting = [g for g, y in enumerate(of_groups) if y is not None and evidence.same(y[:, 0], got)]
        if not fitting:
            return None
        used.append(fitting[0])
    if used == [f // (filters // groups) for f in range(filters)]:
        return None
    if used == [f % groups for f in range(filters)]:
        return f"The filters use the channels of other groups. {_explained(filters, groups)}"
    return (
        f"The {filters} filters use the channels of the groups {', '.join(map(str, used))}. "
        f"F // groups filters belong to each group, here {filters // groups}: the group of filter f is "
        f"f // (F // groups), and its channels begin at group * w.shape[1]."
    )


def _output_of_each_group(evidence, groups):
    """Return what each filter gives on the channels of each group: a list for each filter."""
    w, x, b = (evidence.values[name] for name in "wxb")
    channels = w.shape[1]
    parts = [np.ascontiguousarray(x[:, group * channels : (group + 1) * channels]) for group in range(groups)]
    return [
        [evidence.reference(x=part, w=w[f : f + 1], b=None if b is None else b[f : f + 1], groups=1) for part in parts]
        for f in range(len(w))
    ]


def _explained(entries, groups):
    return _CARDS.format(n=entries, groups=groups, size=entries // groups)
