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


def overwrites(dy, tokens, rows):
    dtable = np.zeros((rows, dy.shape[1]))
    dtable[tokens] += dy
    return dtable


WRONG = {
    "04b.1": [(1.0986, "three classes"), (0.25, "probability"), (-1.386, "sign"), (3, "large")],
    "04b.2": [([-0.787, 0.893, -0.107], "sign"), ([0.787, 0.107, 0.107], "take 1 away"), ([1, 0, 0], "right")],
    "04b.3": [(plain, "without momentum"), (moves_first, "update it first"), (lambda g, r, m: 7.0, "off by")],
    "17.1": [([4, 4], "region"), ([5, 3], "END"), ([7, 4], "1 of 2")],
    "17.2": [(overwrites, "only the last"), (lambda dy, tokens, rows: 0 * overwrites(dy, tokens, rows), "off by")],
    "17.3": [(lambda dy, h, u: np.sum(dy * h[:-1]), "carry"), (lambda dy, h, u: np.sum(dy) * u, "off by")],
}
