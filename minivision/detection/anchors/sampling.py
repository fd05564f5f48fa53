"""Sampling of the boxes of a training step: a few of thousands, so that background does not outweigh the objects."""

from __future__ import annotations

import numpy as np

from minivision.core.labels import BACKGROUND
from minivision.core.types import Array


def sample(
    matches: Array, batch_size_per_image: int, positive_fraction: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Sample boxes for a training step, without replacement: positive ones up to a fraction, and background.

    Parameters
    ----------
    matches : int ndarray of shape (A,)
        As :func:`match` returns them: the index of an object, `BACKGROUND`, or `IGNORED`, which is never sampled.
    batch_size_per_image : int
        Number of sampled boxes, if there are as many.
    positive_fraction : float
        Largest fraction of positive boxes among them; if fewer match an object, there is more background.
    rng : numpy.random.Generator

    Returns
    -------
    positive, negative : int64 ndarray of shape (P,) and (Q,)
        Indices of boxes, ascending.

    Raises
    ------
    ValueError
        If `batch_size_per_image` is less than 1, or `positive_fraction` not in 0 .. 1.

    References
    ----------
    Girshick, "Fast R-CNN", ICCV 2015, section 2.3: 64 RoIs per image, 25 % positive. Ren et al., "Faster R-CNN",
    NIPS 2015, section 3.1.3: 256 anchors, 1:1.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import sample
    >>> positive, negative = sample(np.array([-1, 0, -2, -1]), 4, 0.5, np.random.default_rng(0))
    >>> positive.tolist(), negative.tolist()
    ([1], [0, 3])
    """
    if batch_size_per_image < 1 or not 0 <= positive_fraction <= 1:
        raise ValueError(
            "expected a batch_size_per_image of at least 1 and a positive_fraction from 0 to 1, "
            f"got {batch_size_per_image} and {positive_fraction}"
        )
    matches = np.asarray(matches)
    positive = _choose(np.flatnonzero(matches >= 0), int(batch_size_per_image * positive_fraction), rng)
    negative = _choose(np.flatnonzero(matches == BACKGROUND), batch_size_per_image - len(positive), rng)
    return positive, negative


def _choose(candidates, max_count, rng):
    if len(candidates) <= max_count:
        return candidates
    return np.sort(rng.choice(candidates, max_count, replace=False))
