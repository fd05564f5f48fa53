#!/usr/bin/env bash
# pycocotools: finding 57 of 100 objects gives the AP of finding 56.
#
# One would expect: with n = 100 objects and k found without any false alarm, the
#   precision is 1 at the recalls 0.00, 0.01 ... k/100, so AP = (k + 1) / 101.
# What happens: the recall k/n is compared with np.linspace(0, 1, 101). For some k
#   the grid value is a last bit above k/n, so that grid point is not reached and
#   AP = k / 101. This is so for 10 of the 99 values of k, for example 57.
# Versions tried: pycocotools 2.0.11, NumPy 2.4.6, Python 3.11. Date: 2026-11-29.
#   (faster-coco-eval 1.8.0 and hotcoco 1.3.0 give the same AP.)
# Why it matters: an own evaluator that divides in another order, or uses whole
#   numbers, differs from COCO by up to 0.0099 AP per class with no mistake in it,
#   and a model that finds one more object can show no gain at all.
# What to do: expect jumps of 1/101 per class when you compare evaluators; build
#   the grid with the same np.linspace if equal numbers are wanted.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 pycocotools==2.0.11
"$tmp/venv/bin/python" - <<'PY'
import contextlib, io, sys
from importlib.metadata import version
import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

print("pycocotools", version("pycocotools"), "numpy", np.__version__)
boxes = [[12 * (n % 10), 12 * (n // 10), 10, 10] for n in range(100)]
truth = COCO()
truth.dataset = {
    "info": {}, "images": [{"id": 1, "width": 200, "height": 200}],
    "categories": [{"id": 1, "name": "dot"}],
    "annotations": [{"id": n + 1, "image_id": 1, "category_id": 1, "iscrowd": 0,
                     "bbox": box, "area": 100} for n, box in enumerate(boxes)]}

def reached(found):
    """How many of the 101 recall points are reached when so many are found."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        results = truth.loadRes([{"image_id": 1, "category_id": 1, "score": 0.9, "bbox": box}
                                 for box in boxes[:found]])
        run = COCOeval(truth, results, "bbox")
        run.evaluate(); run.accumulate(); run.summarize()
    return round(float(run.stats[0]) * 101)

seen = {found: reached(found) for found in (55, 56, 57, 58)}
for found, points in seen.items():
    print(f"{found} of 100 found: AP = {points}/101, expected {found + 1}/101")
print("57/100 =", repr(57 / 100), "but the grid has", repr(float(np.linspace(0, 1, 101)[57])))
if seen != {55: 56, 56: 57, 57: 57, 58: 59}:
    sys.exit("CHANGED: the recall points that are reached are others.")
PY
