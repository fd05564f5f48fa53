"""The lecture's table of R-CNN and Fast R-CNN, measured: ``python -m minivision.bench.shared_features``.

Both have the same backbone and are given the same proposals, so what differs is whether the proposals share the
features. Weights do not matter for time and are random. The proposals are those of selective search first, then random
boxes until there are as many as wanted: small images have few.
"""

import argparse
import sys

import numpy as np

from minivision.bench.timing import interleaved_medians
from minivision.data import Scenes, collate
from minivision.detection import selective_search
from minivision.models import make_model

SIZES, COUNTS = (128, 256, 512), (100, 300, 1000, 2000)
TRAINED = {"images": 2, "sampled": 64}  # a training step of Fast R-CNN's paper
NAMES = ("rcnn", "fast-rcnn")


def measure(sizes=SIZES, counts=COUNTS, *, rounds=5):
    """Time the prediction of one image by both, and the search for its proposals.

    Parameters
    ----------
    sizes : sequence of int
        Sides of the images, in pixels.
    counts : sequence of int
        How many proposals.
    rounds : int
        Turns for each; medians are taken.

    Yields
    ------
    dict
        ``size``, ``proposals``, ``found`` (by selective search, in its fast mode); seconds: ``search``, ``rcnn``,
        ``fast_rcnn``.
    """
    for size in sizes:
        scenes = Scenes("hard", "val", objects=(1, 6 * (size // 128) ** 2), size=size)
        image = scenes[0].image
        models = {name: make_model(name, scenes.classes, rng=np.random.default_rng(0)) for name in NAMES}
        searched = interleaved_medians({"search": lambda image=image: selective_search(image)}, rounds=rounds)
        found = selective_search(image)
        for count in counts:
            boxes = np.concatenate([found, random_boxes(count, size, np.random.default_rng(0))])[:count]
            peers = {name: (lambda model=model, boxes=boxes: model.predict([image], [boxes]))  # noqa: B023
                     for name, model in models.items()}  # fmt: skip
            seconds = interleaved_medians(peers, rounds=rounds)
            yield {
                "size": size, "proposals": count, "found": len(found), "search": searched["search"],
                "rcnn": seconds["rcnn"], "fast_rcnn": seconds["fast-rcnn"],
            }  # fmt: skip


def measure_training(*, rounds=5):
    """Return the seconds of a training step of both, on the same images and as many proposals, by name."""
    scenes = Scenes("hard", "train")
    samples = [scenes[i] for i in range(TRAINED["images"])]
    samples = [sample._replace(proposals=selective_search(sample.image)) for sample in samples]
    batch = collate(samples)
    steps = {
        name: make_model(name, scenes.classes, batch_size_per_image=TRAINED["sampled"], rng=np.random.default_rng(0)).step
        for name in NAMES
    }
    return interleaved_medians({name: (lambda step=step: step(batch)) for name, step in steps.items()}, rounds=rounds)


def random_boxes(count, size, rng):
    """Return boxes ``(count, 4)`` of 8 pixels and more at random places."""
    side = rng.uniform(8, size / 2, (count, 2))
    corner = rng.uniform(0, 1, (count, 2)) * (size - side)
    return np.concatenate([corner, corner + side], axis=1).astype(np.float32)


def main():
    """Print the tables, and return an exit status."""
    parser = argparse.ArgumentParser(prog="python -m minivision.bench.shared_features", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns for each (default: 5)")
    args = parser.parse_args()
    print("Prediction, one image. The search is selective search, fast mode; times in milliseconds.\n")
    print(f"{'image':>9} {'proposals':>10} {'R-CNN':>9} {'Fast R-CNN':>11} {'ratio':>7} {'search':>8} "
          f"{'search / all of Fast R-CNN':>28}")  # fmt: skip
    for row in measure(rounds=args.rounds):
        slow, fast, search = 1e3 * row["rcnn"], 1e3 * row["fast_rcnn"], 1e3 * row["search"]
        side = f"{row['size']}x{row['size']}"
        print(f"{side:>9} {row['proposals']:>10} {slow:>9.1f} {fast:>11.1f} {slow / fast:>7.1f} {search:>8.1f} "
              f"{search / (search + fast):>28.0%}", flush=True)  # fmt: skip
    seconds = measure_training(rounds=args.rounds)
    slow, fast = (1e3 * seconds[name] for name in NAMES)
    print(f"\nA training step of {TRAINED['images']} images of 128x128 and {TRAINED['sampled']} proposals of each: "
          f"R-CNN {slow:.0f} ms, Fast R-CNN {fast:.0f} ms, ratio {slow / fast:.1f}")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
