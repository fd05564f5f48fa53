"""Compare selective search with OpenCV's: ``python -m minivision.bench.selective_search [DATA ...]``.

DATA are `scenes` (hard scenes, the default), or folders of datasets; the split `val` is used. For each dataset and mode
it prints the recall at an IoU of .5 and the mean average best overlap (MABO) of the first 500, 1000 and 2000 boxes, and
of equally many boxes of both in each image; and the processor time for an image, both on one thread.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

COUNTS = (500, 1000, 2000)
MODES = ("fast", "quality")


def opencv_search(image: np.ndarray, mode: str) -> np.ndarray:
    """Return the boxes of OpenCV's selective search: (K, 4) float32, x1 y1 x2 y2."""
    import cv2

    search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
    search.setBaseImage(np.ascontiguousarray(image[..., ::-1]))  # OpenCV's images are BGR
    search.switchToSelectiveSearchFast() if mode == "fast" else search.switchToSelectiveSearchQuality()
    boxes = np.array(search.process(), np.float32)
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def compare(samples: Sequence[Any], classes: Sequence[str], mode: str) -> dict[str, dict]:
    """Run both selective searches on the same images, in turns.

    Returns
    -------
    results : dict of str to dict
        For ``"minivision"`` and ``"OpenCV"``: ``seconds``, the median for an image; ``figures``, the result of
        `evaluate_proposals`; and ``equal``, its result for equally many boxes of both in each image.
    """
    import cv2

    from minivision.detection import selective_search
    from minivision.metrics import evaluate_proposals

    cv2.setNumThreads(1)
    peers = {"minivision": selective_search, "OpenCV": opencv_search}
    boxes: dict[str, list] = {name: [] for name in peers}
    seconds: dict[str, list] = {name: [] for name in peers}
    selective_search(samples[0].image, mode)  # compiles
    for sample in samples:
        for name, search in peers.items():
            start = time.process_time()
            boxes[name].append(search(sample.image, mode))
            seconds[name].append(time.process_time() - start)
    truths = [sample.instances for sample in samples]
    fewest = [min(map(len, each)) for each in zip(*boxes.values(), strict=True)]
    result = {}
    for name, proposals in boxes.items():
        first = [each[:count] for each, count in zip(proposals, fewest, strict=True)]
        result[name] = {
            "seconds": statistics.median(seconds[name]),
            "figures": evaluate_proposals(truths, proposals, classes, counts=COUNTS),
            "equal": evaluate_proposals(truths, first, classes, counts=()),
        }
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table, and return an exit status."""
    parser = argparse.ArgumentParser(prog="python -m minivision.bench.selective_search", description=__doc__)
    parser.add_argument("data", nargs="*", default=["scenes"], metavar="DATA", help="datasets (default: scenes)")
    parser.add_argument(
        "--images", type=int, default=60, metavar="N", help="largest number of images of each dataset (default: 60)"
    )
    parser.add_argument("--size", type=int, nargs=2, metavar=("H", "W"), help="resize every image to this size")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    args = parser.parse_args(argv)
    try:
        import cv2

        cv2.ximgproc.segmentation  # noqa: B018  # in opencv-contrib only
    except (ImportError, AttributeError):
        print("There is nothing to compare with: install it with pip install opencv-contrib-python", file=sys.stderr)
        return 2
    from minivision.data import DataSpec

    heads = "".join(f"{f'first {count}':>14}" for count in COUNTS)
    print(f"{'recall / MABO':<28}{'':<12}{'equal numbers':>14}{heads}{'boxes':>8}{'ms/image':>10}")
    for spec in map(DataSpec.parse, args.data):
        classes, samples = _open(spec, args.images, args.size)
        for mode in args.modes:
            _print(f"{spec.name}, {mode}, {len(samples)} images", compare(samples, classes, mode))
    return 0


def _open(spec, images, size):
    from minivision.data import resize

    dataset = spec.open("val", level="hard")
    samples = [dataset[i] for i in range(min(images, len(dataset)))]
    return dataset.classes, [resize(sample, tuple(size)) for sample in samples] if size else samples


def _print(title, result):
    for name, each in result.items():
        figures = [(each["equal"]["recall"][None], each["equal"]["mabo"][None])]
        figures += [(each["figures"]["recall"][count], each["figures"]["mabo"][count]) for count in COUNTS]
        cells = "".join(f"{f'{recall:.3f} / {mabo:.3f}':>14}" for recall, mabo in figures)
        print(f"{title:<28}{name:<12}{cells}{each['figures']['boxes']:>8.0f}{1e3 * each['seconds']:>10.1f}", flush=True)
        title = ""
    ratio = result["minivision"]["seconds"] / result["OpenCV"]["seconds"]
    print(f"{'':<28}{'ratio of the times':<86}{ratio:>13.2f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
