#!/usr/bin/env bash
# pylabel: in the COCO export every image without objects repeats the object before it.
#
# One would expect: an image without objects adds an image and no annotation.
# What happens: the loop of ExportToCoco keeps the annotation of the last row, and
#   appends it once more for each image without objects. It is on the image where
#   it was, with the same id, again and again.
# Versions tried: pylabel 0.1.55, pandas 2.3.3, pycocotools 2.0.11, NumPy 2.4.6,
#   Python 3.11. Date: 2026-11-29. (With pandas 3 ImportCoco ends with an error.)
# Why it matters: a detection can match one of the copies only. The others count as
#   missed, and recall and AP fall; a training sees the object with more weight.
# What to do: after the export keep one annotation per id, as below, or compare the
#   number of annotations with that of the file before.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 pandas==2.3.3 pylabel==0.1.55 pycocotools==2.0.11
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import contextlib, io, json, sys, warnings
from importlib.metadata import version
from pathlib import Path

warnings.simplefilter("ignore")
from pylabel import importer
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

print("pylabel", version("pylabel"), "pandas", version("pandas"))
box = [10, 10, 40, 40]
truth = {"images": [{"id": n, "file_name": f"{n}.jpg", "width": 100, "height": 100} for n in (1, 2, 3)],
         "categories": [{"id": 1, "name": "cat"}],
         "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": box, "area": 1600,
                          "iscrowd": 0, "segmentation": []}]}
Path("truth.json").write_text(json.dumps(truth))
with contextlib.redirect_stderr(io.StringIO()):
    importer.ImportCoco("truth.json", path_to_images=".").export.ExportToCoco(output_path="again.json")
again = json.loads(Path("again.json").read_text())
copies = [(a["image_id"], a["bbox"]) for a in again["annotations"]]
print("annotations in the file before:", len(truth["annotations"]))
print("annotations in the file after: ", len(copies), copies)

def found_exactly(annotations):
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = dict(again, info={}, annotations=[dict(a, id=a["id"] + 1) for a in annotations])
        coco.createIndex()
        result = [{"image_id": 1, "category_id": 1, "bbox": box, "score": 0.9}]
        run = COCOeval(coco, coco.loadRes(result), "bbox")
        run.evaluate(); run.accumulate(); run.summarize()
    return round(float(run.stats[0]), 3)

exported = found_exactly(again["annotations"])
mended = found_exactly({a["id"]: a for a in again["annotations"]}.values())
print("AP of the exact box: as exported %.3f, one annotation per id %.3f" % (exported, mended))
if copies != [(1, box)] * 3 or (exported, mended) != (0.337, 1.0):
    sys.exit("CHANGED: images without objects no longer repeat the object before them.")
PY
