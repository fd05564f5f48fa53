"""The baseline: a YOLO as the library has it, trained for the minutes that there are. Make it better.

    python detector.py --minutes 0.5 --out runs/quick     a quick look
    python detector.py                                    the real thing, into runs/detector

It writes checkpoint.npz, which is judged, log.jsonl and loss.png; and predictions.json, the objects that it finds in
the images of the split "val", as COCO's results.
"""

import argparse
import json
import pathlib

import numpy as np

from minivision.core.atomic import atomic_write
from minivision.data import DataSpec, hold_in_memory
from minivision.data.coco_results import coco_results
from minivision.data.ground_truth import open_truth
from minivision.data.result_file import read_results
from minivision.metrics.result_file import evaluate_results
from minivision.models import make_model
from minivision.models.base.resizing import Resizing
from minivision.training import Settings, train

DATA, LEVEL, MINUTES = "scenes", "hard", 5
SIZE = None if DATA == "scenes" else (240, 320)  # height and width at which the network sees an image; None: as it is
BATCH = 16  # images that are predicted at once


def make_detector(classes):
    """Return the detector, with random parameters."""
    return make_model("yolo", classes, rng=np.random.default_rng(0))


def make_settings():
    """Return how it is trained; what is not said here is the system's own recipe."""
    return Settings(seed=0)


def train_detector(data, minutes, out):
    """Train a detector into a folder; return it. The checkpoint records the time, and how the data are opened."""
    dataset = DataSpec.parse(data).open("train", level=LEVEL)
    if SIZE is not None:
        dataset = hold_in_memory(dataset, size=SIZE, progress=True)
    detector = make_detector(dataset.classes)
    about = {"data": str(DataSpec.parse(data).resolved().absolute()), "level": LEVEL, "split": "train", "size": SIZE}
    train(detector, dataset, make_settings(), minutes=minutes, out=out, data=about)
    return detector


def find_objects(detector, truth):
    """Return what a detector finds in the images of a split, as COCO's results."""
    if SIZE is not None:
        detector = Resizing(detector, SIZE)
    image_ids = {number: image_id for image_id, number in truth.ids.items() if number is not None}
    category_ids = {label: category_id for category_id, label in truth.labels.items()}
    categories = [category_ids[label] for label in range(1, len(truth.classes))]
    numbers, results = sorted(image_ids), []
    for start in range(0, len(numbers), BATCH):
        batch = numbers[start : start + BATCH]
        found = detector.predict([truth.image(number) for number in batch])
        for number, objects in zip(batch, found, strict=True):
            results += coco_results(objects, image_ids[number], categories)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=DATA, help=f"default: {DATA}")
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"default: {MINUTES}")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/detector"), help="a new folder")
    args = parser.parse_args()
    detector = train_detector(args.data, args.minutes, args.out)
    truth = open_truth(DataSpec.parse(args.data), "val", level=LEVEL)
    path = args.out / "predictions.json"
    with atomic_write(path) as partial:
        partial.write_text(json.dumps(find_objects(detector, truth)) + "\n", encoding="utf-8")
    metrics = evaluate_results(truth, read_results(path))
    print(f"AP {metrics['AP']:.3f}, AP50 {metrics['AP50']:.3f} on {len(truth)} images of the split val: {args.out}")


if __name__ == "__main__":
    main()
