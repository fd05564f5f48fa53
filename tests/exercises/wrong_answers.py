"""Wrong answers to the exercises: by number, each answer with a word of what is said of it."""

import numpy as np

from minivision import ops


def plain(gradients, rate, momentum):
    return -rate * np.sum(gradients)


def moves_first(gradients, rate, momentum):
    velocity = value = 0
    for gradient in gradients:
        value -= rate * velocity
        velocity = momentum * velocity + gradient
    return value


def without_margin(scores, targets):
    return np.where(targets * scores < 0, -targets, 0.0)


def box_of_the_background(p, u, t, v):
    rows, object_class = np.arange(len(u)), np.maximum(u, 1)
    d = abs(t[rows, object_class - 1] - v)
    return np.mean(-np.log(p[rows, u]) + np.where(d < 1, d * d / 2, d - 0.5).sum(axis=1))


def propose_and_clip(boxes, scores, size, count):
    kept = boxes[ops.nms(boxes, scores, 0.7)[:count]]
    return ops.clip_boxes_to_image(kept, size)


def proposals_with_slivers(boxes, scores, size, count):
    return propose_and_clip(ops.clip_boxes_to_image(boxes, size), scores, size, count)


def proposals_with_duplicates(boxes, scores, size, count):
    boxes = ops.clip_boxes_to_image(boxes, size)
    large = (boxes[:, 2] - boxes[:, 0] >= 1) & (boxes[:, 3] - boxes[:, 1] >= 1)
    return boxes[large][np.argsort(-scores[large])[:count]]


def crowded_cells(boxes, S, B):
    cells = (np.clip((boxes[:, :2] + boxes[:, 2:]) / 2 * S, 0, S - 1e-9)).astype(int)
    return sum(n > B for n in np.unique(cells, axis=0, return_counts=True)[1])


def in_all(boxes, S, B):
    return max(0, len(boxes) - S * S * B)


def three_in_all(background, labels):
    chosen = np.zeros(len(labels), bool)
    chosen[sorted(np.flatnonzero(labels == 0), key=lambda k: background[k])[:3]] = True
    return chosen


def background_alone(background, labels):
    return labels == 0


def beaten_on_both(times, qualities):
    return [not ((times < time) & (qualities > quality)).any() for time, quality in zip(times, qualities, strict=True)]


def most_accurate(times, qualities):
    return qualities == max(qualities)


def any_pixel(mask, S):
    return [[part.max() for part in np.split(row, S, axis=1)] for row in np.split(mask, S)]


def middle_pixel(mask, S):
    h, w = mask.shape[0] // S, mask.shape[1] // S
    return mask[h // 2 :: h, w // 2 :: w]


def one_after_the_other(flops, size, peak, bandwidth):
    return flops / peak + size / bandwidth


BOXES = np.array([[6, 11, 36, 40], [45, 10, 64, 50], [2, 8, 33, 40], [81, 9, 110, 38], [20, 55, 45, 68]], float)

WRONG = {
    "04b.1": [(1.0986, "three classes"), (0.25, "probability"), (-1.386, "sign"), (3, "large")],
    "04b.2": [([-0.787, 0.893, -0.107], "sign"), ([0.787, 0.107, 0.107], "take 1 away"), ([1, 0, 0], "right")],
    "04b.3": [(plain, "without momentum"), (moves_first, "update it first"), (lambda g, r, m: 7.0, "off by")],
    "08.1": [(232744, "seconds"), (3879, "minutes"), (2.69, "days"), (-1, "something else")],
    "08.2": [([4, 1], "score comes first"), ([1, 4, 2], ".56"), ([0, 3], "scores"), ([2, 5], "from 0"), (1, "wanted")],
    "08.3": [
        (without_margin, "margin"),
        (lambda s, t: t, "off by"),
        (lambda s, t: np.maximum(0, 1 - s * t), "gradient"),
    ],
    "09.1": [([2, 5, 1, 5], "not down"), ([2, 6, 2, 6], "away from zero"), ([3, 2, 6, 6], "columns first")],
    "09.2": [([3.318, 3.318], "no box"), ([9.943, 0.693], "squares"), ([3.318, 1.386], "1 of 2"), (3.318, "2 numbers")],
    "09.3": [(box_of_the_background, "no box"), (lambda p, u, t, v: 1.0, "off by")],
    "10.1": [("Positive", ".7"), ("background", ".3"), ("yes", "one of")],
    "10.2": [([21600, 54], "softmax"), ([2400, 45], "nine"), ([21600, 5], "place"), ([1, 2], "0 of 2")],
    "10.3": [
        (propose_and_clip, "before all else"),
        (proposals_with_slivers, "less than one pixel"),
        (proposals_with_duplicates, "only the best"),
        (lambda boxes, scores, size, count: boxes, "shape"),
    ],
    "11.1": [([96, 18816], "background"), ([255, 49980], "belong to the cell"), ([95, 196], "cells")],
    "11.2": [(3.687, "square"), (1, "without"), (16, "widths"), (5, "small")],
    "11.3": [(crowded_cells, "counts cells"), (in_all, "other cells"), (lambda boxes, S, B: 0, "off by")],
    "12.1": [(8064, "finest"), (5376, "coarser"), (1344, "places"), (10**6, "large")],
    "12.2": [([0.2, 0.405], "sigmoid"), ([-1.386, 1.5], "anchor"), ([1.386, 0.405], "sign"), ([5, 5], "0 of 2")],
    "12.3": [(three_in_all, "not three in all"), (background_alone, "all the background")],
    "13.1": [(0.75, "one side"), (0.4375, "gone"), (0.25, "left"), (0.9, "large")],
    "13.2": [("A", "faster"), ("d", "accurate"), ("E", "one of")],
    "13.3": [(beaten_on_both, "beaten too"), (most_accurate, "fast one"), (lambda t, q: q, "off by")],
    "14.1": [(13.7, ".5"), (8, "blends"), (14, "rounded"), (12.2, "rows"), (100, "large")],
    "14.2": [([627200, 627200], "true class"), ([62720, 784], "ten"), ([1, 7840], "1 of 2")],
    "14.3": [(any_pixel, "any pixel"), (middle_pixel, "one pixel"), (lambda mask, S: np.ones((S, S)), "off by")],
    "15.1": [(2.4, "other way"), (10, "24"), (1, "several"), (0.2, "small")],
    "15.2": [(188.7, "addition"), (0.377, "milliseconds"), (41.9, "taps"), (10**6, "large")],
    "15.3": [(one_after_the_other, "slower"), (lambda f, s, p, b: f / p, "memory"), (lambda *a: 0.0, "off by")],
    "16.1": [(0.938, "4 of 6"), (0.835, "interpolate"), (0.691, "five boxes"), (0.5, "three heights")],
    "16.2": [
        ([0.451, 0.752], "other way"),
        ([1.0, 0.451], "found D"),
        ([0.7, 0.451], "all true"),
        ([0.752, 0.3], "false"),
    ],
    "16.3": [(BOXES, "AP is"), (BOXES + 20, "was"), (BOXES[:4], "shape"), (BOXES[:, [2, 3, 0, 1]], "x1 < x2")],
}
