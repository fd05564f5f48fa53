"""Compare average precision with pycocotools and hotcoco: ``python -m minivision.bench.average_precision``.

Detections are random. The inputs are prepared before: `Instances` for ours, and for the others, as many as are
installed, their indexed annotations and results, whose masks are already run lengths. COCO's evaluation of all images
is timed, from there to the twelve figures, which are compared too. The time is that of the processor, and everyone has
one thread; hotcoco would start several (``RAYON_NUM_THREADS``).
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import io
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minivision.data.instances import Instances
from minivision.data.rle import encode
from minivision.data.run_lengths import RunLengths
from minivision.metrics import average_precision

RIVALS = ("pycocotools", "hotcoco")
ROUNDS = 9
MAX_SECONDS = 20  # of the slowest, after which no further round begins


class Work(NamedTuple):
    """A kind of work: how many images, what is in each, and whether our masks are run lengths too."""

    kind: str
    images: int
    size: tuple[int, int]
    objects: int
    detections: int
    classes: int
    as_runs: bool = False


WORKLOADS = {
    "boxes, 6 classes": Work("box", 300, (128, 128), 10, 100, 6),
    "boxes, 80 classes": Work("box", 300, (128, 128), 10, 100, 80),
    "boxes, one crowded class": Work("box", 300, (128, 128), 100, 100, 1),
    "masks of 128 x 128": Work("mask", 100, (128, 128), 10, 100, 6, as_runs=True),
    "masks of 480 x 640": Work("mask", 20, (480, 640), 10, 100, 6, as_runs=True),
    "masks of 128 x 128, ours pixels": Work("mask", 100, (128, 128), 10, 100, 6),
    "masks of 480 x 640, ours pixels": Work("mask", 20, (480, 640), 10, 100, 6),
}
IOU_TYPES = {"box": "bbox", "mask": "segm", "keypoints": "keypoints"}  # pycocotools' names


def random_detections(work: Work, rng: np.random.Generator) -> tuple[list[Instances], list[Instances]]:
    """Draw ground truth and predictions: objects moved a little, a fifth of them with a random class."""
    kind, images, size, objects, detections, classes, _ = work
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


def coco_ground_truth(truths: Sequence[Instances], num_classes: int, library: str = "pycocotools") -> Any:
    """Convert the ground truth of all images to a ``COCO`` of pycocotools or hotcoco."""
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
    categories = [{"id": label, "name": str(label)} for label in range(1, num_classes)]
    return _indexed({"info": {}, "images": images, "categories": categories, "annotations": annotations}, library)


def coco_results(coco: Any, predictions: Sequence[Instances], kind: str) -> Any:
    """Convert predictions to a ``COCO`` of the same library for the kind that is evaluated."""
    entries = []
    for image, prediction in enumerate(predictions):
        scores = np.asarray(prediction.scores)
        for entry, score in zip(_entries(image, prediction, (kind,)), scores, strict=True):
            entries.append({**entry, "score": float(score)})
    # pycocotools refuses an empty list
    return coco.loadRes(entries) if entries else _indexed({**coco.dataset, "annotations": []}, "pycocotools")


def _indexed(dataset, library):
    """Return the ``COCO`` of a library for a dict in COCO's format."""
    if library == "hotcoco":
        return _hotcoco().COCO(dataset)
    from pycocotools.coco import COCO

    coco = COCO()
    coco.dataset = dataset
    coco.createIndex()
    return coco


def _hotcoco():
    """Import hotcoco, which reads the number of its threads when it first needs some."""
    os.environ.setdefault("RAYON_NUM_THREADS", "1")
    import hotcoco

    return hotcoco


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


def coco_evaluation(
    truth: Any, results: Any, kind: str, sigmas: Sequence[float] | None = None, library: str = "pycocotools"
) -> Any:
    """Return the evaluation of pycocotools or hotcoco; its figures are in ``stats``."""
    module = _hotcoco() if library == "hotcoco" else importlib.import_module("pycocotools.cocoeval")
    evaluation = module.COCOeval(truth, results, IOU_TYPES[kind])
    if sigmas is not None:
        evaluation.params.kpt_oks_sigmas = np.asarray(sigmas)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation


class Comparison(NamedTuple):
    """Median seconds of processor time, and the largest difference of a figure of ours from one of theirs."""

    ours: float
    theirs: dict[str, float]
    difference: float


def compare(work: Work, *, rounds: int = ROUNDS) -> Comparison:
    """Time ours and those of `RIVALS` that are installed, in turns."""
    truths, predictions = random_detections(work, np.random.default_rng(0))
    names = ["background", *(f"class {k}" for k in range(work.classes))]
    functions: dict[str, Callable[[], Any]] = {}
    with contextlib.redirect_stdout(io.StringIO()):  # they print messages
        for library in installed():
            truth = coco_ground_truth(truths, len(names), library)
            results = coco_results(truth, predictions, work.kind)
            functions[library] = functools.partial(coco_evaluation, truth, results, work.kind, library=library)
        if work.as_runs:
            truths, predictions = ([_with_runs(each) for each in both] for both in (truths, predictions))
        functions["ours"] = functools.partial(average_precision, truths, predictions, names, kind=work.kind)
        metrics = functions["ours"]().metrics  # compiles
        ours = np.nan_to_num(list(metrics.values()), nan=-1)  # -1: no such objects
        last = {"pycocotools": functions.pop("pycocotools")} if "pycocotools" in functions else {}
        times = {**_time(functions, ours, rounds), **_time(last, ours, rounds)}
    seconds = {name: statistics.median(each) for name, (each, _) in times.items()}
    return Comparison(seconds.pop("ours"), seconds, max(difference for _, difference in times.values()))


def _time(functions, figures, rounds):
    """Run some functions in turns; return the seconds of each, and the largest difference of its figures.

    pycocotools is timed by itself: it leaves so much garbage that whoever comes next takes up to four times as long.
    """
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    differences = dict.fromkeys(functions, 0.0)
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.process_time()
            result = function()
            seconds[name].append(time.process_time() - start)
            if name != "ours":
                differences[name] = max(differences[name], float(np.abs(figures - np.asarray(result.stats)).max()))
        if max(map(sum, seconds.values()), default=0) > MAX_SECONDS:
            break
    return {name: (each, differences[name]) for name, each in seconds.items()}


def installed() -> list[str]:
    """Return which of `RIVALS` can be imported."""
    return [name for name in RIVALS if importlib.util.find_spec(name) is not None]


def _with_runs(instances):
    return instances.replace(run_lengths=RunLengths.from_masks(instances.masks))


def main() -> int:
    """Print a table, and return an exit status."""
    rivals = installed()
    if not rivals:
        print("There is nothing to compare with: pip install pycocotools, or hotcoco, or both", file=sys.stderr)
        return 2
    columns = "".join(f"{name:>13}{'ratio':>8}" for name in rivals)
    print(f"{'work':<34}{'minivision':>12}{columns}   largest difference")
    for name, work in WORKLOADS.items():
        ours, theirs, difference = compare(work)
        columns = "".join(f"{theirs[rival]:>11.3f} s{ours / theirs[rival]:>8.3f}" for rival in rivals)
        print(f"{name:<34}{ours:>10.3f} s{columns}   {difference:.1e}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
