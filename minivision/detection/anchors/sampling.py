"""A few boxes to train on, of the thousands there are: nearly all are background, which would outweigh the rest."""

import numpy as np

from minivision.core.labels import BACKGROUND


def sample(matches, size, positive_fraction, rng):
    """Draw boxes to train on, without replacement: up to a fraction of positives, filled up with background.

    Parameters
    ----------
    matches : (A,) int array
        As :func:`match` returns them: the index of an object, `BACKGROUND`, or `IGNORED`, which is never drawn.
    size : int
        How many boxes are drawn, if there are as many.
    positive_fraction : float
        How many of them have found an object, at most; where fewer have, there is more background.
    rng : numpy.random.Generator

    Returns
    -------
    positive, negative : int64 arrays
        Indices of boxes, ascending.

    References
    ----------
    Girshick, "Fast R-CNN", ICCV 2015, section 2.3: 64 RoIs an image, 25 % positive. Ren et al., "Faster R-CNN",
    NIPS 2015, section 3.1.3: 256 anchors, 1:1.
    """
    if size < 1 or not 0 <= positive_fraction <= 1:
        raise ValueError(
            f"expected a size of at least 1 and a positive_fraction from 0 to 1, got {size} and {positive_fraction}"
        )
    matches = np.asarray(matches)
    positive = _draw(np.flatnonzero(matches >= 0), int(size * positive_fraction), rng)
    negative = _draw(np.flatnonzero(matches == BACKGROUND), size - len(positive), rng)
    return positive, negative


def _draw(candidates, most, rng):
    if len(candidates) <= most:
        return candidates
    return np.sort(rng.choice(candidates, most, replace=False))
