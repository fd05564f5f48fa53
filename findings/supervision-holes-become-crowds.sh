#!/usr/bin/env bash
# supervision: a mask with a hole, or of two parts, is exported as a COCO crowd.
#
# One would expect: one object stays one object ("iscrowd": 0) in as_coco(),
#   whatever its shape; the RLE form is allowed for those too.
# What happens: as a polygon cannot hold a hole, the mask is written as RLE, and
#   with it "iscrowd": 1. COCO evaluation takes crowds out: nobody has to find
#   them, and AP is computed from the other objects only.
# Versions tried: supervision 0.31.2, pycocotools 2.0.11, NumPy 2.4.6, Python 3.11.
#   Date: 2026-11-29.
# Why it matters: export and evaluate, and the hard objects (half hidden, ring
#   shaped) no longer count. Many training pipelines drop crowds as well.
# What to do: after the export set "iscrowd": 0 in the file (pycocotools reads RLE
#   of either kind), as below; count the crowds before and after.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 supervision==0.31.2 pycocotools==2.0.11 \
  opencv-python-headless==5.0.0.93
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import contextlib, io, json, sys
from importlib.metadata import version
import cv2
import numpy as np
import supervision as sv
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

print("supervision", sv.__version__, "pycocotools", version("pycocotools"))
masks = np.zeros((3, 200, 200), bool)
masks[0, 10:50, 10:50] = True                                   # a plain square
masks[1, 80:120, 10:50] = True; masks[1, 90:110, 20:40] = False  # a ring
masks[2, 10:30, 100:120] = True; masks[2, 60:80, 140:160] = True  # two parts
cv2.imwrite("a.png", np.zeros((200, 200, 3), np.uint8))
objects = sv.Detections(xyxy=sv.mask_to_xyxy(masks), mask=masks, class_id=np.zeros(3, int))
sv.DetectionDataset(classes=["part"], images=["a.png"], annotations={"a.png": objects}
                    ).as_coco(annotations_path="out.json")
with open("out.json") as file:
    data = json.load(file)
data.setdefault("info", {})
crowds = [a["iscrowd"] for a in data["annotations"]]
print("iscrowd of square, ring, two parts:", crowds)

def found_only_the_square():
    first = data["annotations"][0]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(); truth.dataset = data; truth.createIndex()
        results = [{"image_id": first["image_id"], "category_id": first["category_id"],
                    "score": 0.9, "segmentation": truth.annToRLE(first)}]
        run = COCOeval(truth, truth.loadRes(results), "segm")
        run.evaluate(); run.accumulate(); run.summarize()
    return round(float(run.stats[0]), 3)

exported = found_only_the_square()
for annotation in data["annotations"]:
    annotation["iscrowd"] = 0
mended = found_only_the_square()
print("AP if only the square is found: as exported %.3f, with iscrowd 0 %.3f" % (exported, mended))
if (crowds, exported, mended) != ([0, 1, 1], 1.0, 0.337):
    sys.exit("CHANGED: masks with holes or several parts are exported in another way.")
PY
