#!/usr/bin/env bash
# globox: a COCO crowd region is read, written and evaluated as one ordinary object.
#
# One would expect: "iscrowd": 1 is kept. In COCO evaluation nobody has to find a
#   crowd, and boxes inside it are no errors.
# What happens: from_coco does not look at "iscrowd". The COCO evaluation of globox
#   counts the crowd as an object that was missed, and to_coco writes it back
#   with "iscrowd": 0.
# Versions tried: globox 2.9.0, pycocotools 2.0.11, NumPy 2.4.6, Python 3.11.
#   Date: 2026-11-29.
# Why it matters: the same files give a lower AP than with pycocotools, and after a
#   conversion pycocotools gives the lower AP too.
# What to do: evaluate files with crowds with pycocotools; count the crowds before
#   and after a conversion.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 globox==2.9.0 pycocotools==2.0.11
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import contextlib, io, json, sys
from importlib.metadata import version
from pathlib import Path
from globox import AnnotationSet, COCOEvaluator
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

print("globox", version("globox"), "pycocotools", version("pycocotools"))
boxes = [[10, 10, 50, 50], [100, 10, 80, 80]]
truth = {"info": {}, "images": [{"id": 1, "file_name": "a.jpg", "width": 200, "height": 100}],
         "categories": [{"id": 1, "name": "person"}],
         "annotations": [{"id": n + 1, "image_id": 1, "category_id": 1, "bbox": box, "iscrowd": n,
                          "area": box[2] * box[3], "segmentation": []} for n, box in enumerate(boxes)]}
found = [{"image_id": 1, "category_id": 1, "bbox": boxes[0], "score": 0.9}]
Path("truth.json").write_text(json.dumps(truth))
Path("found.json").write_text(json.dumps(found))

def by_pycocotools(file):
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(file)
        coco.dataset.setdefault("info", {})
        image, label = coco.getImgIds()[0], coco.getCatIds()[0]
        run = COCOeval(coco, coco.loadRes([dict(found[0], image_id=image, category_id=label)]), "bbox")
        run.evaluate(); run.accumulate(); run.summarize()
    return round(float(run.stats[0]), 3)

read = AnnotationSet.from_coco("truth.json")
by_globox = round(float(COCOEvaluator(ground_truths=read, predictions=read.from_results("found.json")).ap()), 3)
written = read.to_coco(auto_ids=True)
for annotation in written["annotations"]:
    annotation["id"] += 1  # ids from 0 are another matter
Path("again.json").write_text(json.dumps(written))
crowds = [a["iscrowd"] for a in written["annotations"]]
before, after = by_pycocotools("truth.json"), by_pycocotools("again.json")
print("one object, found, beside one crowd: AP of pycocotools", before, "of globox", by_globox)
print("after globox wrote the file: iscrowd", crowds, "AP of pycocotools", after)
if (before, by_globox, crowds, after) != (1.0, 0.505, [0, 0], 0.505):
    sys.exit("CHANGED: globox treats crowds in another way.")
PY
