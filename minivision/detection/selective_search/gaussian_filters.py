"""Gaussian filters of images: smoothing and derivatives, one axis after the other."""

from __future__ import annotations

import math

import numpy as np

from minivision.core.arguments import floats, integer
from minivision.core.dispatch import operation
from minivision.core.types import Array
from minivision.detection.selective_search.image_checks import check_extent

TRUNCATE = 4  # standard deviations after which a Gaussian is cut off


def smooth(image: Array, sigma: float) -> Array:
    """Smooth an image ``(H, W, C)`` with a Gaussian of `sigma` pixels; borders are reflected, edge pixels included."""
    if sigma == 0:
        return image
    weights = _gaussian(sigma, image.dtype)[1]
    return correlate1d(correlate1d(image, weights, axis=0), weights, axis=1)


def gradients(image: Array, sigma: float) -> tuple[Array, Array]:
    """Return the Gaussian derivatives of an image ``(H, W, C)`` to the right and downwards, per pixel."""
    positions, weights = _gaussian(sigma, image.dtype)
    derivative = (positions * weights / (positions**2 * weights).sum()).astype(image.dtype)  # of a ramp it is the slope
    return correlate1d(correlate1d(image, weights, axis=0), derivative, axis=1), correlate1d(
        correlate1d(image, weights, axis=1), derivative, axis=0
    )


def _gaussian(sigma, dtype):
    radius = int(TRUNCATE * sigma + 0.5)
    positions = np.arange(-radius, radius + 1)
    weights = np.array([math.exp(-0.5 * (x / sigma) ** 2) for x in positions])
    return positions, (weights / weights.sum()).astype(dtype)


def _check_correlate1d(image, weights, axis):
    image, weights = floats(image=image, weights=weights)
    if image.ndim != 3:
        raise ValueError(f"image: expected shape (H, W, C), rows, columns and channels, got {image.shape}")
    check_extent(image)
    if weights.ndim != 1 or weights.size % 2 == 0:
        raise ValueError(
            f"weights: expected shape (2 r + 1,), an odd number of them, got {weights.shape}; "
            "the middle one belongs to the pixel itself"
        )
    axis = integer("axis", axis, minimum=0)
    if axis > 1:
        raise ValueError(f"axis: expected 0 (along the columns) or 1 (along the rows), got {axis}")
    return image, weights, axis


@operation(check=_check_correlate1d, returns=("result",))
def correlate1d(image: Array, weights: Array, *, axis: int) -> Array:
    """Correlate an image with weights along one axis; borders are reflected, edge pixels included.

    Parameters
    ----------
    image : ndarray of shape (H, W, C)
    weights : ndarray of shape (2 r + 1,)
        The weight in the middle belongs to the pixel itself.
    axis : int
        0: each pixel is combined with those above and below it; 1: with those to its left and right.

    Returns
    -------
    result : ndarray of shape (H, W, C)

    Raises
    ------
    ValueError
        If the image is empty, the number of weights is even, or there is no such axis.

    Notes
    -----
    The result is that of ``scipy.ndimage.correlate1d`` with its default mode, ``"reflect"``.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection.selective_search.gaussian_filters import correlate1d
    >>> row = np.array([0.0, 4.0, 0.0, 0.0]).reshape(1, 4, 1)
    >>> correlate1d(row, np.array([0.25, 0.5, 0.25]), axis=1).ravel().tolist()
    [1.0, 2.0, 1.0, 0.0]
    """
    radius = len(weights) // 2
    padding = [(radius, radius) if a == axis else (0, 0) for a in range(3)]
    padded = np.pad(image, padding, mode="symmetric")
    result = np.zeros_like(image)
    for k, weight in enumerate(weights):
        shifted = padded[k : k + len(image)] if axis == 0 else padded[:, k : k + image.shape[1]]
        result += weight * shifted
    return result
