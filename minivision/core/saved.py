"""What a forward pass saves for its backward pass, where that is more than one array."""

from typing import NamedTuple

import numpy as np


class BatchStatistics(NamedTuple):
    """Statistics that the forward pass of batch normalization saves for its backward pass.

    Attributes
    ----------
    mean, inv_std : ndarray of shape (C,)
        The mean subtracted from each channel, and the inverse standard deviation it was multiplied with.
    training : bool
        Whether these are the statistics of the batch itself, through which gradients flow too.
    """

    mean: np.ndarray
    inv_std: np.ndarray
    training: bool
