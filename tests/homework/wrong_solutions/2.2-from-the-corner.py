"""The offset is added to the upper left corner of the anchor, as if it were the center of the box.

Told: corner of the anchor, not to its center
"""

import numpy as np

from minivision.core.constants import LARGEST_LOG_SCALE


def decode_boxes(deltas, anchors, *, weights=(1, 1, 1, 1)):
    wx, wy, ww, wh = weights
    width, height = anchors[..., 2] - anchors[..., 0], anchors[..., 3] - anchors[..., 1]
    cx = anchors[..., 0] + deltas[..., 0] / wx * width
    cy = anchors[..., 1] + deltas[..., 1] / wy * height
    w = width * np.exp(np.minimum(deltas[..., 2] / ww, LARGEST_LOG_SCALE))
    h = height * np.exp(np.minimum(deltas[..., 3] / wh, LARGEST_LOG_SCALE))
    return np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], axis=-1)
