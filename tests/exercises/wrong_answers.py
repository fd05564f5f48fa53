"""Wrong answers to the exercises: by number, each answer with a word of what is said of it."""

import numpy as np


def plain(gradients, rate, momentum):
    return -rate * np.sum(gradients)


def moves_first(gradients, rate, momentum):
    velocity = value = 0
    for gradient in gradients:
        value -= rate * velocity
        velocity = momentum * velocity + gradient
    return value


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
}
