#!/usr/bin/env bash
# pycocotools: an object of exactly 32 x 32 is both small and medium.
#
# One would expect: every object is in one size group. The COCO page says small
#   is area < 32*32, medium lies between 32*32 and 96*96.
# What happens: both ends of each range count. Area 1024 is in small and medium,
#   area 9216 in medium and large. One object gives two size groups a score.
# Versions tried: pycocotools 2.0.11, NumPy 2.4.6, Python 3.11. Date: 2026-11-29.
#   (faster-coco-eval 1.8.0, hotcoco 1.3.0 and torchmetrics 1.9.0 do the same.)
# Why it matters: made-up sets, tiles, and labels on a grid have many boxes of
#   32 x 32 or 96 x 96. Counts by size do not add up to the total, and an own
#   evaluator that uses "<" gives other numbers.
# What to do: if sizes matter, set params.areaRng to limits that no object hits,
#   for example 1023.5 and 9215.5, and say so beside the numbers.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 pycocotools==2.0.11
"$tmp/venv/bin/python" - <<'PY'
import contextlib, io, sys
from importlib.metadata import version
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

print("pycocotools", version("pycocotools"))

def groups(side):
    """The size groups that get a score from one square that is found perfectly."""
    box = [20, 20, side, side]
    truth = COCO()
    truth.dataset = {
        "info": {}, "images": [{"id": 1, "width": 200, "height": 200}],
        "categories": [{"id": 1, "name": "tile"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0,
                         "bbox": box, "area": side * side}]}
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        found = truth.loadRes([{"image_id": 1, "category_id": 1, "score": 0.9, "bbox": box}])
        run = COCOeval(truth, found, "bbox")
        run.evaluate(); run.accumulate(); run.summarize()
    names = ("small", "medium", "large")
    return [n for n, score in zip(names, run.stats[3:6]) if score != -1]

seen = {side: groups(side) for side in (31, 32, 33, 96)}
for side, names in seen.items():
    print(f"one {side} x {side} object counts as: {' and '.join(names)}")
if seen != {31: ["small"], 32: ["small", "medium"], 33: ["medium"], 96: ["medium", "large"]}:
    sys.exit("CHANGED: the size groups no longer share their limits.")
PY
