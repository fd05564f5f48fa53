"""Cases for YOLO's targets and loss: several objects in a cell, boxes that overlap none, images without objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.cases import Cases


def _truth(rng, N, S, B, C, cells):
    """Return a tensor with objects in some cells of each image, the largest first."""
    truth = np.zeros((N, *S, 5 * B + C))
    for image in truth:
        for place in rng.permutation(S[0] * S[1])[:cells]:
            cell = image[place // S[1], place % S[1]]
            count = rng.integers(1, B + 1)
            sides = rng.uniform(0.1, 0.8, (count, 2))
            sides = sides[np.argsort(-sides.prod(axis=1))]
            for k in range(count):
                cell[5 * k : 5 * k + 5] = *rng.random(2), *sides[k], 1
                cell[5 * B + rng.integers(C)] += 1 / count
    return truth


def _outputs(rng, truth, B, noise=0.15):
    """Return possible outputs of a network that has learned a little: the truth with noise; roots for w and h."""
    outputs = truth.copy()
    for b in range(B):
        box = outputs[..., 5 * b : 5 * b + 5]
        box[box[..., 4] == 0] = (0.5, 0.5, 0.3, 0.3, 0)
        box[..., 2:4] **= 0.5
    return outputs + noise * rng.standard_normal(truth.shape)


def yolo_targets(rng: np.random.Generator) -> Cases:
    for N, S, B, C, cells in ((1, (2, 2), 2, 3, 1), (2, (3, 4), 2, 3, 3), (2, (4, 3), 1, 2, 4), (2, (2, 5), 3, 4, 5)):
        truth = _truth(rng, N, S, B, C, cells)
        outputs = _outputs(rng, truth, B)
        yield (outputs, truth, B), {}
        yield (outputs, truth, B), {"coordinates": 3.0, "no_object": 0.25}
    truth = _truth(rng, 2, (3, 3), 2, 3, 6)
    yield (rng.standard_normal(truth.shape), truth, 2), {}  # a network that has learned nothing
    yield (np.zeros_like(truth), truth, 2), {}  # no box overlaps anything
    other = np.concatenate([truth[..., 5:10], truth[..., :5], truth[..., 10:]], axis=-1)
    yield (_outputs(rng, other, 2, noise=0.02), truth, 2), {}  # each object is in the other box of its cell
    truth[1] = 0
    yield (_outputs(rng, truth, 2), truth, 2), {}  # nothing in the second image
    yield (rng.standard_normal((2, 2, 3, 8)), np.zeros((2, 2, 3, 8)), 1), {}
    yield (np.zeros((0, 2, 2, 8)), np.zeros((0, 2, 2, 8)), 1), {}


def yolo_loss(rng: np.random.Generator) -> Cases:
    for N, S, B, C in ((1, (2, 2), 2, 3), (2, (3, 4), 2, 3), (3, (4, 3), 1, 2), (2, (2, 3), 3, 4)):
        shape = (N, *S, 5 * B + C)
        outputs, target = rng.standard_normal(shape), rng.random(shape)
        weight = np.zeros(shape)
        weight[..., 5 * B :] = rng.random((N, *S, 1)) < 0.5
        for b in range(B):
            responsible = rng.random((N, *S)) < 0.4
            weight[..., 5 * b : 5 * b + 5] = np.where(responsible[..., None], (5, 5, 5, 5, 1), (0, 0, 0, 0, 0.5))
        yield (outputs, target, weight, B), {}
        yield (outputs, target, np.where(weight == 5, 3, weight), B), {}
        yield (outputs, target, np.where(weight == 0.5, 1, weight), B), {}  # no_object = 1
    weight[1] = 0  # a crowd everywhere in an image
    yield (outputs, target, weight, B), {}
    nowhere = np.zeros(shape)
    nowhere[..., 4 : 5 * B : 5] = 0.5
    yield (outputs, target, nowhere, B), {}
    yield (np.zeros((0, 2, 2, 8)), np.zeros((0, 2, 2, 8)), np.zeros((0, 2, 2, 8)), 1), {}
