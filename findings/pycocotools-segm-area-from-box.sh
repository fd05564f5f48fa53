#!/usr/bin/env bash
# pycocotools: mask results that also carry a box are sorted by size with the box.
#
# One would expect: in a "segm" evaluation a result is small, medium or large by
#   the area of its mask, whether or not it also has a "bbox".
# What happens: loadRes sees "bbox" in the first result and sets area = w * h
#   for all of them. A thin mask (300 pixels, small) in a big box (10200, large)
#   is no longer small. A false mask then drops out of APs, which rises.
# Versions tried: pycocotools 2.0.11, NumPy 2.4.6, Python 3.11. Date: 2026-11-29.
#   (faster-coco-eval 1.8.0 and hotcoco 1.3.0 gave the same numbers.)
# Why it matters: two trainers with equal masks, one of whom writes boxes too,
#   report different APs, APm and APl. AP over all sizes is the same.
# What to do: remove "bbox" from the results before a "segm" evaluation, and
#   compare APs/APm/APl only between results written in the same way.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 pycocotools==2.0.11
"$tmp/venv/bin/python" - <<'PY'
import contextlib, io, sys
from importlib.metadata import version
import numpy as np
from pycocotools import mask as mask_tools
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

print("pycocotools", version("pycocotools"), "numpy", np.__version__)

def stripe(top):
    """A diagonal stripe three pixels wide: 300 pixels in a box of 102 x 100."""
    mask = np.zeros((200, 200), np.uint8, order="F")
    for i in range(100):
        mask[top + i, 20 + i:23 + i] = 1
    return mask_tools.encode(mask)

truth = COCO()
truth.dataset = {
    "info": {}, "images": [{"id": 1, "width": 200, "height": 200}],
    "categories": [{"id": 1, "name": "wire"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0,
                     "bbox": [20, 20, 102, 100], "area": 300, "segmentation": stripe(20)}]}

def scores(with_box):
    results = []
    for score, top in ((0.9, 80), (0.8, 20)):  # a false mask first, then the true one
        result = {"image_id": 1, "category_id": 1, "score": score, "segmentation": stripe(top)}
        if with_box:
            result["bbox"] = [20, top, 102, 100]
        results.append(result)
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        run = COCOeval(truth, truth.loadRes(results), "segm")
        run.evaluate(); run.accumulate(); run.summarize()
    return round(float(run.stats[0]), 3), round(float(run.stats[3]), 3)

without, with_box = scores(False), scores(True)
print("masks only:       AP %.3f, APs %.3f" % without)
print("masks and boxes:  AP %.3f, APs %.3f" % with_box)
if (without, with_box) != ((0.5, 0.5), (0.5, 1.0)):
    sys.exit("CHANGED: APs no longer depends on whether the mask results carry boxes.")
PY
