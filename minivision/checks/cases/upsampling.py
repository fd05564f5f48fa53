"""Cases for upsampling: scale 2, which has kernels of its own, and others; maps one pixel wide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.cases import Cases

_MAPS = [
    (2, 3, 4, 5),
    (1, 1, 1, 1),
    (1, 2, 1, 6),
    (1, 2, 6, 1),
    (1, 1, 2, 2),
    (1, 18, 3, 40),
    (0, 3, 4, 4),
    (2, 0, 3, 3),
]
_SCALES = [2, 1, 3, (2, 1), (1, 2), (2, 3), (4, 2), (3, 5)]


def _maps(rng: np.random.Generator) -> Cases:
    for shape in _MAPS:
        for scale in _SCALES:
            yield (rng.standard_normal(shape), scale), {}
    yield (rng.standard_normal(_MAPS[0]),), {}  # the default
    yield (rng.standard_normal(_MAPS[0]),), {"scale": 3}


def _gradients(rng: np.random.Generator) -> Cases:
    for N, C, H, W in _MAPS:
        for scale in _SCALES:
            sh, sw = scale if isinstance(scale, tuple) else (scale, scale)
            yield (rng.standard_normal((N, C, H * sh, W * sw)), scale), {}
    yield (rng.standard_normal((2, 3, 4, 6)),), {}  # the default


bed_of_nails = upsample_nearest = upsample_bilinear = _maps
bed_of_nails_backward = upsample_nearest_backward = upsample_bilinear_backward = _gradients
