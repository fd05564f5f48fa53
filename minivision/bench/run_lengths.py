"""Time the encoding of masks as run lengths, beside pycocotools: ``python -m minivision.bench.run_lengths``.

Masks of 2000 x 3000 pixels are encoded in turn by both, on one thread; the texts are compared too. pycocotools needs
masks in column order, and making that copy is part of its time.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from minivision.core.types import Array
from minivision.data import rle

SIZE = (2000, 3000)  # height, width
ROUNDS = 15


def masks() -> dict[str, Array]:
    """Return masks of few and of many runs, by name."""
    from skimage.filters import gaussian

    rng = np.random.default_rng(0)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    small = np.zeros(SIZE, bool)
    small[100:140, 200:260] = True
    return {
        "a rectangle of 40 x 60": small,
        "a disk of radius 800": np.hypot(y - SIZE[0] / 2, x - SIZE[1] / 2) < 800,
        "many blobs": gaussian(rng.normal(size=SIZE), 12) > 0.02,
        "rough blobs": gaussian(rng.normal(size=SIZE), 1.5) > 0.1,
        "noise": rng.random(SIZE) < 0.5,
    }


def encode_with_pycocotools(mask: Array) -> str:
    """Return the compressed counts of a mask."""
    from pycocotools.mask import encode

    return encode(np.asfortranarray(mask.view(np.uint8)))["counts"].decode()


def main() -> None:
    """Print a line for each mask."""
    rivals: dict[str, Callable[[Array], str]] = {
        "minivision": lambda mask: rle.encode(mask)["counts"],
        "pycocotools": encode_with_pycocotools,
    }
    for name, mask in masks().items():
        texts = [encode(mask) for encode in rivals.values()]  # also compiles
        seconds: dict[str, list[float]] = {rival: [] for rival in rivals}
        for _ in range(ROUNDS):
            for rival, encode in rivals.items():
                start = time.thread_time()
                encode(mask)
                seconds[rival].append(time.thread_time() - start)
        shown = ", ".join(f"{rival} {1e3 * statistics.median(each):.2f} ms" for rival, each in seconds.items())
        same = "the same text" if texts[0] == texts[1] else "DIFFERENT TEXTS"
        print(f"{name}: {shown}; {same} of {len(texts[0])} characters")


if __name__ == "__main__":
    main()
