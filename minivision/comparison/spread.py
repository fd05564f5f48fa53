"""Several trainings of one row, each with a seed of its own: their mean and their spread."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

SPREAD = "_sd"  # the standard deviation of "AP" is called "AP_sd"


def mean_and_spread(samples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the means of what was measured with several seeds, and the standard deviations.

    Parameters
    ----------
    samples : sequence of mapping
        The measurements of each seed, by name.

    Returns
    -------
    values : dict
        Of one sample itself. Of several, for each number its mean, and under its name and ``_sd`` the standard
        deviation of a sample (the squares are divided by n - 1); what is no number is that of the first; ``seeds`` is
        n. Of none, nothing.
    """
    if len(samples) < 2:
        return dict(samples[0]) if samples else {}
    result: dict[str, Any] = {}
    for name, first in samples[0].items():
        values = [sample[name] for sample in samples if name in sample]
        if isinstance(first, (int, float)) and not isinstance(first, bool):
            result[name] = statistics.fmean(values)
            if len(values) > 1:
                result[name + SPREAD] = statistics.stdev(values)
        else:
            result[name] = first
    return {**result, "seeds": len(samples)}
