"""Gaussian filters of images, one axis after the other."""

import math

import numpy as np

from minivision.detection.with_kernel import with_kernel

TRUNCATE = 4  # standard deviations, after which a Gaussian is cut off


def smooth(image, sigma):
    """Blur an image ``(H, W, C)`` with a Gaussian of `sigma` pixels; it is mirrored at its borders, edge included."""
    if sigma == 0:
        return image
    weights = _gaussian(sigma, image.dtype)[1]
    return correlate(correlate(image, weights, 0), weights, 1)


def gradients(image, sigma):
    """Return how much an image ``(H, W, C)`` rises per pixel to the right and downwards: Gaussian derivatives."""
    positions, weights = _gaussian(sigma, image.dtype)
    derivative = (positions * weights / (positions**2 * weights).sum()).astype(image.dtype)  # of a ramp it is the slope
    return correlate(correlate(image, weights, 0), derivative, 1), correlate(
        correlate(image, weights, 1), derivative, 0
    )


def _gaussian(sigma, dtype):
    radius = int(TRUNCATE * sigma + 0.5)
    positions = np.arange(-radius, radius + 1)
    weights = np.array([math.exp(-0.5 * (x / sigma) ** 2) for x in positions])
    return positions, (weights / weights.sum()).astype(dtype)


@with_kernel
def correlate(image, weights, axis):
    """Correlate an image ``(H, W, C)`` with 2 r + 1 weights along rows (`axis` 1) or columns (0)."""
    radius = len(weights) // 2
    padding = [(radius, radius) if a == axis else (0, 0) for a in range(3)]
    padded = np.pad(image, padding, mode="symmetric")
    result = np.zeros_like(image)
    for k, weight in enumerate(weights):
        shifted = padded[k : k + len(image)] if axis == 0 else padded[:, k : k + image.shape[1]]
        result += weight * shifted
    return result
