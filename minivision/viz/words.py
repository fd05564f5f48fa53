"""Pictures in words: what their alternative texts are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from minivision.data.instances import Instances

MOST = 8  # things that a sentence lists


def listed(things: Iterable[Any]) -> str:
    """Return things as a sentence lists them: the first eight of them, and how many more there are."""
    names = [str(thing) for thing in things]
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more


def count_objects(instances: Instances, classes: Sequence[str]) -> str:
    """Return how many objects of each class there are, as in ``2 x disc, 1 x star``."""
    labels, counts = np.unique(instances.labels, return_counts=True)
    return listed(f"{n} x {classes[label]}" for label, n in zip(labels, counts, strict=True)) or "no object"


def legend_labels(axis: Any) -> str:
    """Return the labels of what is drawn in an axis."""
    return listed(axis.get_legend_handles_labels()[1])
