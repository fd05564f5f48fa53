"""Corners are read by index; widths and centers are pairs."""

import numpy as np


def encode_boxes(targets, anchors, *, weights=(1, 1, 1, 1)):
    size, anchor_size = (boxes[..., 2:] - boxes[..., :2] for boxes in (targets, anchors))
    way = (targets[..., :2] + targets[..., 2:] - anchors[..., :2] - anchors[..., 2:]) / 2
    deltas = np.concatenate([way / anchor_size, np.log(size) - np.log(anchor_size)], axis=-1)
    return deltas * np.array(weights, targets.dtype)


def decode_boxes(deltas, anchors, *, weights=(1, 1, 1, 1)):
    deltas = deltas / np.array(weights, deltas.dtype)
    size = anchors[..., 2:] - anchors[..., :2]
    center = anchors[..., :2] + size / 2 + deltas[..., :2] * size
    half = size / 2 * np.minimum(np.exp(np.minimum(deltas[..., 2:], 5)), deltas.dtype.type(1000 / 16))
    return np.concatenate([center - half, center + half], axis=-1)
