"""Initial values of weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivision.core.types import Array


def he_normal(shape: tuple[int, ...], fan_in: float, rng: np.random.Generator, dtype: Any = np.float32) -> Array:
    """Draw weights from a normal distribution with variance ``2 / fan_in``.

    ReLU halves the variance of activations; with these weights it stays the same from layer to layer.

    Parameters
    ----------
    shape : tuple of int
    fan_in : float
        Number of inputs that each output sums over: ``C / groups * kh * kw``.
    rng : numpy.random.Generator
    dtype : dtype

    References
    ----------
    He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015, equation 10.
    """
    return (rng.standard_normal(shape) * np.sqrt(2 / fan_in)).astype(dtype)


def bilinear(shape: tuple[int, int, int, int], dtype: Any = np.float32) -> Array:
    """Return filters of shape (C, F, k, k) with which a transpose convolution interpolates bilinearly.

    Input channel c goes to output channel ``c % F``, with the weights of a triangle (tent) of width `k`. With stride
    ``s`` and kernel ``k = 2 s - s % 2`` this is exact bilinear interpolation.

    Parameters
    ----------
    shape : tuple of int
        ``(C, F / groups, kh, kw)``.
    dtype : dtype

    References
    ----------
    Long, Shelhamer and Darrell, "Fully convolutional networks for semantic segmentation", CVPR 2015, section 4.
    """
    C, F, kh, kw = shape
    w = np.zeros(shape, dtype)
    tent = np.outer(_tent(kh), _tent(kw))
    for c in range(C):
        w[c, c % F] = tent
    return w / max(1, C // F)  # channels that share an output share its weight


def _tent(k):
    """Return the samples of a triangle of height 1 over `k` taps: ``[1/4, 3/4, 3/4, 1/4]`` for 4."""
    half = (k + 1) // 2
    center = half - 1 if k % 2 else half - 0.5
    return 1 - np.abs(np.arange(k) - center) / half
