#!/usr/bin/env bash
# sahi: reading a COCO file and writing it again gives other image ids and no crowds.
#
# One would expect: reading and writing without a change keeps image ids and
#   "iscrowd", so that results and labels of before fit the new file.
# What happens: Coco(...).json numbers the images anew from 1, in the order of the
#   file, and writes "iscrowd": 0 for each object. File names and category ids stay.
# Versions tried: sahi 0.12.8, pycocotools 2.0.11, NumPy 2.4.6, Python 3.11.
#   Date: 2026-11-29.
# Why it matters: COCO's own ids have gaps (139, 285, ...). Results made with the old
#   file are looked up in other images when the old ids happen to be valid, as
#   here: perfect boxes get AP 0. Crowds become objects that count as missed.
# What to do: join results and labels by file_name, or make the results with the
#   file that sahi wrote; set "iscrowd" again from the file of before.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 sahi==0.12.8 pycocotools==2.0.11
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import contextlib, io, json, sys
from importlib.metadata import version
from pathlib import Path
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from sahi.utils.coco import Coco

print("sahi", version("sahi"), "pycocotools", version("pycocotools"))
boxes = {2: [10, 10, 20, 20], 1: [60, 60, 30, 30]}  # the image with id 2 comes first in the file

def annotation(number, image, box, crowd):
    return {"id": number, "image_id": image, "category_id": 1, "bbox": box, "iscrowd": crowd,
            "area": box[2] * box[3], "segmentation": []}

before = {"images": [{"id": n, "file_name": f"{n}.jpg", "width": 100, "height": 100} for n in boxes],
          "categories": [{"id": 1, "name": "cat"}],
          "annotations": [annotation(n, n, box, 0) for n, box in boxes.items()]
          + [annotation(3, 1, [0, 0, 40, 40], 1)]}
Path("before.json").write_text(json.dumps(before))
with contextlib.redirect_stderr(io.StringIO()):
    after = Coco.from_coco_dict_or_path("before.json").json

def ids(data):
    return {image["file_name"]: image["id"] for image in data["images"]}

def crowds(data):
    return sum(a["iscrowd"] for a in data["annotations"])

def ap(data, number_of):
    """AP of the exact boxes of both objects, under the image ids that are asked for."""
    results = [{"image_id": number_of[f"{n}.jpg"], "category_id": 1, "bbox": box, "score": 0.9}
               for n, box in boxes.items()]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = dict(data, info={})
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(results), "bbox")
        run.evaluate(); run.accumulate(); run.summarize()
    return round(float(run.stats[0]), 3)

scores = [ap(before, ids(before)), ap(after, ids(before)), ap(after, ids(after))]
print("image ids before:", ids(before), "crowds:", crowds(before))
print("image ids after: ", ids(after), "crowds:", crowds(after))
print("AP of exact boxes: old file %.3f, new file %.3f, new file and ids by name %.3f" % tuple(scores))
if (ids(after), crowds(after), scores) != ({"2.jpg": 1, "1.jpg": 2}, 0, [1.0, 0.0, 0.663]):
    sys.exit("CHANGED: image ids or crowds are kept, or changed in another way.")
PY
