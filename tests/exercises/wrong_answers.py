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


WRONG = {
    "04b.1": [(1.0986, "three classes"), (0.25, "probability"), (-1.386, "sign"), (3, "large")],
    "04b.2": [([-0.787, 0.893, -0.107], "sign"), ([0.787, 0.107, 0.107], "take 1 away"), ([1, 0, 0], "right")],
    "04b.3": [(plain, "without momentum"), (moves_first, "update it first"), (lambda g, r, m: 7.0, "off by")],
}
