#!/usr/bin/env bash
# pycocotools: an "ignore" flag in the annotations is itself ignored.
#
# One would expect: an object with "ignore": 1 is neither demanded nor punished.
#   COCOeval uses that very key inside, and its first step reads it from the file.
# What happens: the next line of the same step overwrites it with "iscrowd".
#   The flag has no effect, and the object that should not count is a miss.
# Versions tried: pycocotools 2.0.11, NumPy 2.4.6, Python 3.11. Date: 2026-11-29.
#   (faster-coco-eval 1.8.0 and hotcoco 1.3.0 do the same.)
# Why it matters: sets turned from VOC ("difficult"), KITTI or CityPersons mark
#   what must not count. Exporters write the key "ignore", and nobody reads it.
# What to do: leave such objects out, or set "iscrowd": 1 and know that this
#   also changes the overlap (it is then divided by the area of the detection).
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

def average_precision(**flags):
    """Two objects, of which only the first is found; the second has the flags."""
    truth = COCO()
    truth.dataset = {
        "info": {}, "images": [{"id": 1, "width": 200, "height": 200}],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0,
             "bbox": [20, 20, 50, 50], "area": 2500},
            {"id": 2, "image_id": 1, "category_id": 1, "iscrowd": 0,
             "bbox": [100, 20, 50, 50], "area": 2500, **flags}]}
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        found = truth.loadRes([{"image_id": 1, "category_id": 1, "score": 0.9,
                                "bbox": [20, 20, 50, 50]}])
        run = COCOeval(truth, found, "bbox")
        run.evaluate(); run.accumulate(); run.summarize()
    return round(float(run.stats[0]), 3)

seen = average_precision(), average_precision(ignore=1), average_precision(iscrowd=1)
print("AP, no flag:     %.3f\nAP, ignore = 1:  %.3f\nAP, iscrowd = 1: %.3f" % seen)
if seen != (0.505, 0.505, 1.0):
    sys.exit("CHANGED: an object flagged with ignore is now treated in another way.")
PY
