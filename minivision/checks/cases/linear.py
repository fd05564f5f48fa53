"""Cases for the fully connected layer: one of each, rests beside any block size, an empty batch."""

_SIZES = [
    (2, 3, 4),
    (3, 4, 4),  # a square matrix, which could be the wrong way round
    (1, 1, 1),
    (5, 7, 3),
    (8, 16, 32),
    (3, 130, 10),
    (17, 33, 9),
    (70, 5, 2),
    (0, 4, 3),
    (4, 0, 3),
]


def linear(rng):
    for N, D, M in _SIZES:
        x, w, b = rng.standard_normal((N, D)), rng.standard_normal((M, D)), rng.standard_normal(M)
        yield (x, w, b), {}
        yield (x, w), {}


def linear_backward(rng):
    for N, D, M in _SIZES:
        yield (rng.standard_normal((N, M)), rng.standard_normal((N, D)), rng.standard_normal((M, D))), {}
