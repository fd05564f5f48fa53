"""Time R-CNN and Fast R-CNN, as in the lecture's table: ``python -m minivision.bench.shared_features``.

Both have the same backbone and the same proposals; the difference is whether the proposals share the features. Weights
do not change the time and are random. The proposals are those of selective search, followed by random boxes where it
finds too few.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

import numpy as np

from minivision.bench.timing import interleaved_medians
from minivision.data import Scenes, collate
from minivision.detection import selective_search
from minivision.models import make_model

SIZES, COUNTS = (128, 256, 512), (100, 300, 1000, 2000)
NUM_IMAGES, BATCH_SIZE_PER_IMAGE = 2, 64  # of a training step, as in the paper of Fast R-CNN
NAMES = ("rcnn", "fast-rcnn")


def measure(sizes: Sequence[int] = SIZES, counts: Sequence[int] = COUNTS, *, rounds: int = 5) -> Iterator[dict]:
    """Time both models' predictions for one image, and selective search.

    Parameters
    ----------
    sizes : sequence of int
        Side lengths of the square images, in pixels.
    counts : sequence of int
        Numbers of proposals.
    rounds : int
        Number of turns of each; medians are taken.

    Yields
    ------
    row : dict
        ``size``, ``proposals``, ``found`` (number of boxes of selective search in fast mode); times in seconds:
        ``search``, ``rcnn``, ``fast_rcnn``.
    """
    for size in sizes:
        scenes = Scenes("hard", "val", objects=(1, 6 * (size // 128) ** 2), size=size)
        image = scenes[0].image
        models = {name: make_model(name, scenes.classes, rng=np.random.default_rng(0)) for name in NAMES}
        search_seconds = interleaved_medians({"search": lambda image=image: selective_search(image)}, rounds=rounds)
        searched = selective_search(image)
        for count in counts:
            boxes = np.concatenate([searched, random_boxes(count, size, np.random.default_rng(0))])[:count]
            peers = {name: (lambda model=model, boxes=boxes: model.predict([image], [boxes]))  # noqa: B023
                     for name, model in models.items()}  # fmt: skip
            seconds = interleaved_medians(peers, rounds=rounds)
            yield {
                "size": size, "proposals": count, "found": len(searched), "search": search_seconds["search"],
                "rcnn": seconds["rcnn"], "fast_rcnn": seconds["fast-rcnn"],
            }  # fmt: skip


def measure_training(*, rounds: int = 5) -> dict[str, float]:
    """Return the seconds of a training step of both models by name, with the same images and numbers of proposals."""
    scenes = Scenes("hard", "train")
    samples = [scenes[i] for i in range(NUM_IMAGES)]
    samples = [sample._replace(proposals=selective_search(sample.image)) for sample in samples]
    batch = collate(samples)
    steps = {
        name: make_model(
            name, scenes.classes, batch_size_per_image=BATCH_SIZE_PER_IMAGE, rng=np.random.default_rng(0)
        ).step
        for name in NAMES
    }
    return interleaved_medians({name: (lambda step=step: step(batch)) for name, step in steps.items()}, rounds=rounds)


def random_boxes(count: int, size: float, rng: np.random.Generator) -> np.ndarray:
    """Draw boxes (count, 4) with sides of at least 8 pixels at random positions."""
    side = rng.uniform(8, size / 2, (count, 2))
    corner = rng.uniform(0, 1, (count, 2)) * (size - side)
    return np.concatenate([corner, corner + side], axis=1).astype(np.float32)


def main() -> int:
    """Print the tables, and return an exit status."""
    parser = argparse.ArgumentParser(prog="python -m minivision.bench.shared_features", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="number of turns of each (default: 5)")
    args = parser.parse_args()
    print("Prediction for one image; 'search' is selective search in fast mode. Times in milliseconds.\n")
    print(f"{'image':>9} {'proposals':>10} {'R-CNN':>9} {'Fast R-CNN':>11} {'ratio':>7} {'search':>8} "
          f"{'search / all of Fast R-CNN':>28}")  # fmt: skip
    for row in measure(rounds=args.rounds):
        slow, fast, search = 1e3 * row["rcnn"], 1e3 * row["fast_rcnn"], 1e3 * row["search"]
        side = f"{row['size']}x{row['size']}"
        print(f"{side:>9} {row['proposals']:>10} {slow:>9.1f} {fast:>11.1f} {slow / fast:>7.1f} {search:>8.1f} "
              f"{search / (search + fast):>28.0%}", flush=True)  # fmt: skip
    seconds = measure_training(rounds=args.rounds)
    slow, fast = (1e3 * seconds[name] for name in NAMES)
    print(f"\nA training step of {NUM_IMAGES} images of 128x128 and {BATCH_SIZE_PER_IMAGE} proposals each: "
          f"R-CNN {slow:.0f} ms, Fast R-CNN {fast:.0f} ms, ratio {slow / fast:.1f}")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
