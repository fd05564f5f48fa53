"""Compare average precision with pycocotools on random detections: ``python -m minivision.bench.average_precision``.

The inputs are prepared before: `Instances` for ours, and for pycocotools its indexed annotations and results, whose
masks are already run lengths. COCO's evaluation of all images is timed, from there to the twelve figures, which are
compared too.
"""

from __future__ import annotations

import contextlib
import io
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from minivision.data.instances import Instances
from minivision.data.rle import encode
from minivision.metrics import average_precision

ROUNDS = 5
MAX_SECONDS = 20  # of pycocotools, after which no further round begins
# kind, images and their size, objects and detections in each, classes
WORKLOADS = {
    "boxes, 6 classes": ("box", 300, (128, 128), 10, 100, 6),
    "boxes, 80 classes": ("box", 300, (128, 128), 10, 100, 80),
    "boxes, one crowded class": ("box", 300, (128, 128), 100, 100, 1),
    "masks of 128 x 128, 6 classes": ("mask", 100, (128, 128), 10, 100, 6),
    "masks of 480 x 640, 6 classes": ("mask", 20, (480, 640), 10, 100, 6),
}
IOU_TYPES = {"box": "bbox", "mask": "segm", "keypoints": "keypoints"}  # pycocotools' names


def random_detections(
    kind: str,
    images: int,
    size: tuple[int, int],
    objects: int,
    detections: int,
    classes: int,
    rng: np.random.Generator,
) -> tuple[list[Instances], list[Instances]]:
    """Draw ground truth and predictions: objects moved a little, a fifth of them with a random class."""
    height, width = size
    truths, predictions = [], []
    for _ in range(images):
        corner = rng.uniform(0, [0.8 * width, 0.8 * height], (objects, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(0.06, 0.4, (objects, 2)) * [width, height]], axis=1)
        labels = rng.integers(1, classes + 1, objects)
        matched = rng.integers(0, objects, detections)
        detected = boxes[matched] + rng.normal(0, 0.02 * width, (detections, 4))
        detected[:, 2:] = np.maximum(detected[:, 2:], detected[:, :2] + 1)
        predicted = np.where(rng.random(detections) < 0.8, labels[matched], rng.integers(1, classes + 1, detections))
        masks = [ellipses(each, height, width) if kind == "mask" else None for each in (boxes, detected)]
        truths.append(Instances(boxes, labels, masks=masks[0]))
        predictions.append(Instances(detected, predicted, scores=rng.random(detections), masks=masks[1]))
    return truths, predictions


def ellipses(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return masks (K, H, W) of the ellipses inscribed in boxes (K, 4)."""
    x1, y1, x2, y2 = boxes.T[..., None]
    across = (2 * (np.arange(width) + 0.5) - x1 - x2) / (x2 - x1)  # (K, W), -1 to 1 in the box
    down = (2 * (np.arange(height) + 0.5) - y1 - y2) / (y2 - y1)
    return across[:, None, :] ** 2 + down[:, :, None] ** 2 <= 1


def coco_ground_truth(truths: Sequence[Instances], num_classes: int) -> Any:
    """Convert the ground truth of all images to a pycocotools ``COCO``."""
    from pycocotools.coco import COCO

    annotations: list[dict] = []
    images = []
    for image, truth in enumerate(truths):
        height, width = truth.mask_size or (1, 1)
        images.append({"id": image, "height": height, "width": width})
        for k, entry in enumerate(_entries(image, truth, ("box", "mask", "keypoints"))):
            x, y, w, h = entry["bbox"]
            area = truth.area[k] if truth.area is not None else w * h if truth.masks is None else truth.masks[k].sum()
            entry |= {"id": len(annotations) + 1, "area": float(area), "iscrowd": int(truth.crowd[k])}
            entry["num_keypoints"] = np.count_nonzero(entry.get("keypoints", ())[2::3])
            annotations.append(entry)
    coco = COCO()
    categories = [{"id": label, "name": str(label)} for label in range(1, num_classes)]
    coco.dataset = {"info": {}, "images": images, "categories": categories, "annotations": annotations}
    coco.createIndex()
    return coco


def coco_results(coco: Any, predictions: Sequence[Instances], kind: str) -> Any:
    """Convert predictions to a pycocotools ``COCO`` for the kind that is evaluated."""
    from pycocotools.coco import COCO

    entries = []
    for image, prediction in enumerate(predictions):
        scores = np.asarray(prediction.scores)
        for entry, score in zip(_entries(image, prediction, (kind,)), scores, strict=True):
            entries.append({**entry, "score": float(score)})
    if entries:
        return coco.loadRes(entries)
    nothing = COCO()  # loadRes refuses an empty list
    nothing.dataset = {**coco.dataset, "annotations": []}
    nothing.createIndex()
    return nothing


def _entries(image, instances, kinds):
    """Yield the objects of an image in COCO's format, with the given kinds of annotations if they have them."""
    masks = instances.masks if "mask" in kinds else None
    for k, (box, label) in enumerate(zip(instances.boxes.astype(float), instances.labels, strict=True)):
        entry = {"image_id": image, "category_id": int(label)}
        if "box" in kinds:
            x1, y1, x2, y2 = box.tolist()
            entry["bbox"] = [x1, y1, x2 - x1, y2 - y1]
        if masks is not None:
            entry["segmentation"] = encode(masks[k])
        if "keypoints" in kinds and instances.keypoints is not None:
            entry["keypoints"] = instances.keypoints[k].astype(float).ravel().tolist()
        yield entry


def coco_evaluation(truth: Any, results: Any, kind: str, sigmas: Sequence[float] | None = None) -> Any:
    """Return pycocotools' evaluation; its figures are in ``stats``."""
    from pycocotools.cocoeval import COCOeval

    evaluation = COCOeval(truth, results, IOU_TYPES[kind])
    if sigmas is not None:
        evaluation.params.kpt_oks_sigmas = np.asarray(sigmas)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation


def compare(
    kind: str,
    images: int,
    size: tuple[int, int],
    objects: int,
    detections: int,
    classes: int,
    *,
    rounds: int = ROUNDS,
) -> tuple[float, float, float]:
    """Time both in turns; return the median seconds of each, and the largest difference of a figure."""
    truths, predictions = random_detections(kind, images, size, objects, detections, classes, np.random.default_rng(0))
    names = ["background", *(f"class {k}" for k in range(classes))]
    seconds: dict[str, list[float]] = {"ours": [], "pycocotools": []}
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints messages
        truth = coco_ground_truth(truths, len(names))
        results = coco_results(truth, predictions, kind)
        average_precision(truths[:1], predictions[:1], names, kind=kind)  # compiles
        for _ in range(rounds):
            start = time.perf_counter()
            ours = average_precision(truths, predictions, names, kind=kind).metrics
            middle = time.perf_counter()
            theirs = coco_evaluation(truth, results, kind).stats
            seconds["ours"].append(middle - start)
            seconds["pycocotools"].append(time.perf_counter() - middle)
            if sum(seconds["pycocotools"]) > MAX_SECONDS:
                break
    difference = np.abs(np.nan_to_num(list(ours.values()), nan=-1) - theirs).max()  # -1: no such objects
    return statistics.median(seconds["ours"]), statistics.median(seconds["pycocotools"]), difference


def main() -> int:
    """Print a table, and return an exit status."""
    try:
        import pycocotools  # noqa: F401
    except ImportError:
        print("There is nothing to compare with: install it with pip install pycocotools", file=sys.stderr)
        return 2
    print(f"{'work':<32}{'minivision':>12}{'pycocotools':>13}{'ratio':>8}   largest difference")
    for name, work in WORKLOADS.items():
        ours, theirs, difference = compare(*work)
        print(f"{name:<32}{ours:>10.3f} s{theirs:>11.3f} s{ours / theirs:>8.3f}   {difference:.1e}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
