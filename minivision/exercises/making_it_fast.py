"""Exercises of notebook 15: making it fast."""

from __future__ import annotations

from typing import Any

from minivision.exercises.judge import exercise, function, numbers


@exercise("15.1", because="6 weights and 4 vectors of pixels are loaded for 24 products of vectors")
def loads_of_a_tile(answer: Any) -> str | None:
    """How many loads a multiplication needs with a tile of 6 filters and 4 vectors, one number."""
    mistakes = [
        (24 / 10, "the other way round: loads for a multiplication"),
        (10, "these are the loads for 24 multiplications"),
        (1, "each load serves several multiplications: 6 + 4 loads, 6 · 4 products"),
        (11 / 24, "that is the tile of 8 x 3"),
        (2, "that is without reuse"),
    ]
    return numbers(answer, 10 / 24, mistakes)


@exercise("15.2", because="9,437,184 multiplications and as many additions, 50 billion a second")
def microseconds(answer: Any) -> str | None:
    """How many microseconds the convolution takes at 50 GFLOP/s, one number."""
    operations = 2 * 32 * 32 * 9 * 32 * 32
    mistakes = [
        (operations / 2 / 50e3, "each multiplication has an addition, and both count"),
        (operations / 50e6, "these are milliseconds"),
        (operations / 9 / 50e3, "a filter of 3 x 3 has nine taps"),
        (operations / 32 / 50e3, "every filter sees all 32 channels of the input"),
        (operations / 50e9, "these are seconds"),
    ]
    return numbers(answer, operations / 50e3, mistakes, atol=1.0)


def _seconds(flops: float, size: float, peak: float, bandwidth: float) -> float:
    return max(flops / peak, size / bandwidth)


@exercise("15.3", because="memory and arithmetic work at the same time, so the slower of the two decides")
def roof(answer: Any) -> str | None:
    """A function of flops, bytes, peak and bandwidth that returns the least time a kernel can take, in seconds."""
    examples = [(2e9, 4e6, 1e11, 2e10), (1e6, 4e8, 1e11, 2e10), (5e9, 1e9, 1e11, 2e10)]
    mistakes = [
        (lambda f, s, p, b: f / p + s / b, "they need not wait for one another: the slower of the two decides"),
        (lambda f, s, p, b: min(f / p, s / b), "that would be done when the faster of the two is; the slower decides"),
        (lambda f, s, p, b: f / p, "and the memory? A ReLU is as long as its bytes are"),
        (lambda f, s, p, b: s / b, "and the arithmetic?"),
    ]
    return function(answer, _seconds, examples, mistakes, atol=1e-12)
