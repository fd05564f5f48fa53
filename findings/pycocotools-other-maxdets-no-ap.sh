#!/usr/bin/env bash
# pycocotools: raise the largest maxDets and the AP becomes -1, only that one.
#
# One would expect: params.maxDets = [1, 10, 300] gives AP, AP50, AP75 ... with
#   up to 300 detections per image.
# What happens: summarize() asks for the first line, AP, at a fixed 100. As 100
#   is not in the list, the AP is -1, while all other lines use 300 and are fine.
# Versions tried: pycocotools 2.0.11, NumPy 2.4.6, Python 3.11. Date: 2026-11-29.
#   (torchmetrics 1.9.0, which runs it, also gives map = -1 and map_50 = 1.0
#   for max_detection_thresholds=[1, 10, 300].)
# Why it matters: crowded images need more than 100 detections. The main number
#   is the one that is lost, and a "keep the best model" rule on AP then keeps
#   the first model for ever, since -1 never improves.
# What to do: take the mean of run.eval["precision"] (values above -1) yourself,
#   as shown below, or keep 100 in the list.
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
truth = COCO()
truth.dataset = {
    "info": {}, "images": [{"id": 1, "width": 200, "height": 200}],
    "categories": [{"id": 1, "name": "cell"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0,
                     "bbox": [20, 20, 50, 50], "area": 2500}]}

def evaluate(max_dets):
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        found = truth.loadRes([{"image_id": 1, "category_id": 1, "score": 0.9,
                                "bbox": [20, 20, 50, 50]}])
        run = COCOeval(truth, found, "bbox")
        run.params.maxDets = max_dets
        run.evaluate(); run.accumulate(); run.summarize()
    precision = run.eval["precision"][:, :, :, 0, -1]
    by_hand = float(precision[precision > -1].mean())
    ap, ap50, ap75 = (round(float(v), 3) for v in run.stats[:3])
    print(f"maxDets {max_dets}: AP {ap}, AP50 {ap50}, AP75 {ap75}; AP by hand {by_hand:.3f}")
    return ap, ap50, ap75, round(by_hand, 3)

seen = evaluate([1, 10, 100]), evaluate([1, 10, 300])
if seen != ((1.0, 1.0, 1.0, 1.0), (-1.0, 1.0, 1.0, 1.0)):
    sys.exit("CHANGED: the AP with other maxDets is no longer -1.")
PY
