"""What a forward pass saves for its backward pass, if that is more than one array."""

from __future__ import annotations

from typing import NamedTuple

from minivision.core.types import Array


class BatchStatistics(NamedTuple):
    """Statistics that the forward pass of batch normalization saves for its backward pass.

    Attributes
    ----------
    mean, inv_std : ndarray of shape (C,)
        The mean subtracted from each channel, and the inverse standard deviation it was multiplied with.
    training : bool
        Whether these are the statistics of the batch itself, through which gradients flow too.
    """

    mean: Array
    inv_std: Array
    training: bool
