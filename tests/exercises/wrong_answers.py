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


def keeps_the_last(dy, tokens, rows):
    dtable = np.zeros((rows, dy.shape[1]))
    dtable[tokens] += dy
    return dtable


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


def one_path(dy, x):
    return dy * x.sum()


def overwrites(dy, w):
    dx = np.zeros(len(dy) + len(w) - 1)
    for i in range(len(dy)):
        dx[i : i + len(w)] = dy[i] * w
    return dx


def turned(dy, w):
    return np.convolve(dy, w[::-1])


def sigma_alone(d, area, sigmas):
    return np.mean(np.exp(-(d**2) / (2 * area * sigmas**2)))


def one_side(d, area, sigmas):
    return np.mean(np.exp(-(d**2) / (2 * area**2 * (2 * sigmas) ** 2)))


WRONG = {
    "00.1": [("semantic segmentation", "not which"), ("Object detection", "share pixels"), ("cow", "one of")],
    "00.2": [([9216, 4, 28], "class is a number"), ([9216, 5, 14], "an x and a y"), ([9216, 5], "3 numbers")],
    "00.3": [([12, 0], "overlap"), ([8, 1], "longer"), ([8, 3], "1 of 2")],
    "01.1": [([12.61, 12.01], "other way"), ([12, 12], "derivative"), ([24.02, 12.61], "2 h apart")],
    "01.2": [([65536, 65536], "row for each output"), ([65536**2, 1], "1 of 2")],
    "01.3": [(one_path, "one path"), (lambda dy, x: x, "off by"), (lambda dy, x: dy[:1], "shape (1,)")],
    "02.1": [([2, 3], "first window"), ([5, 7], "stride 1"), ([4, 3], "other way")],
    "02.2": [([36864, 37748736], "bias"), ([36928, 36864], "places"), ([1, 1], "0 of 2")],
    "02.3": [(overwrites, "+="), (turned, "turned round"), (lambda dy, w: dy, "shape (3,)")],
    "03.1": [([2.5, 0], "not its mean"), ([10, 10], "zeros around"), ([6, 0], "two rows")],
    "03.2": [([1, 1, 2, 2], "nearest"), ([1, 4 / 3, 5 / 3, 2], "middle"), ([1, 2], "4 numbers")],
    "03.3": [([0, 0, 20, 0, 0], "replaced"), ([0, 0, 15, 0, 0], "mean"), ([10, 0, 20, 0, 0], "maximum")],
    "04.1": [([12, 11], "cuts off"), ([10, 10], "only the kernel of 4"), ([9, 10], "other way")],
    "04.2": [([1, 2], "one direction"), ([4, 2, 1], "least first"), (1, "got one number")],
    "04.3": [([[1, 0], [0, 1]], "inverse"), ([[3, 2], [2, 3]], "stride 1"), ([3, 1, 1, 3], "shape (2, 2)")],
    "04b.1": [(1.0986, "three classes"), (0.25, "probability"), (-1.386, "sign"), (3, "large")],
    "04b.2": [([-0.787, 0.893, -0.107], "sign"), ([0.787, 0.107, 0.107], "take 1 away"), ([1, 0, 0], "right")],
    "04b.3": [(plain, "without momentum"), (moves_first, "update it first"), (lambda g, r, m: 7.0, "off by")],
    "05.1": [([0.9, 0.9], "averaged"), ([0.9, 0.5], "not 1"), ([0.9, 0.0], "a class, too")],
    "05.2": [([39, 65], "before the blocks"), ([39, 15], "without dilation"), ([39, 39], "1 of 2")],
    "05.3": [(1.0397, "without weights"), (0.7971, "number of pixels"), (0.5, "small")],
    "06.1": [([2, 0.5], "at most 1"), ([1, 0.5], "larger box"), ([0.5, 0.4], "1 of 2")],
    "06.2": [([0.75, 0.975], "divide by the union"), ([0.6, 0.6], "IoU is not")],
    "06.3": [(sigma_alone, "twice sigma"), (one_side, "square already"), (lambda *a: 0.5, "off by")],
    "07.1": [([4064256, 67.7376], "65 lines"), ([4326400, 4326.4], "minutes"), ([1, 1], "0 of 2")],
    "07.2": [([100, 200], "nothing to merge"), ([99, 99], "have boxes")],
    "07.3": [([0.5, 0.5333], "exactly"), ([0.75, 0.55], "mean of each class"), ([0.75, 0.5667], "two classes")],
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
    "17.1": [([4, 4], "region"), ([5, 3], "END"), ([7, 4], "1 of 2")],
    "17.2": [
        (keeps_the_last, "only the last"),
        (lambda dy, tokens, rows: 0 * keeps_the_last(dy, tokens, rows), "off by"),
    ],
    "17.3": [(lambda dy, h, u: np.sum(dy * h[:-1]), "carry"), (lambda dy, h, u: np.sum(dy) * u, "off by")],
}
