"""Box by box, in Python's own numbers."""

import math

import numpy as np


def encode_boxes(targets, anchors, *, weights=(1, 1, 1, 1)):
    deltas = np.empty_like(targets)
    for place in np.ndindex(targets.shape[:-1]):
        x, y, w, h = _center(targets[place])
        ax, ay, aw, ah = _center(anchors[place])
        numbers = (x - ax) / aw, (y - ay) / ah, math.log(w / aw), math.log(h / ah)
        deltas[place] = [weight * number for weight, number in zip(weights, numbers, strict=True)]
    return deltas


def decode_boxes(deltas, anchors, *, weights=(1, 1, 1, 1)):
    boxes = np.empty_like(deltas)
    for place in np.ndindex(deltas.shape[:-1]):
        x, y, w, h = _center(anchors[place])
        tx, ty, tw, th = (float(number) / weight for number, weight in zip(deltas[place], weights, strict=True))
        x, y = x + tx * w, y + ty * h
        w, h = w * math.exp(min(tw, math.log(62.5))), h * math.exp(min(th, math.log(62.5)))
        boxes[place] = x - 0.5 * w, y - 0.5 * h, x + 0.5 * w, y + 0.5 * h
    return boxes


def _center(box):
    x1, y1, x2, y2 = map(float, box)
    return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
