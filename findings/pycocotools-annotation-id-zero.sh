#!/usr/bin/env bash
# pycocotools: the ground-truth object with annotation id 0 can never be found.
#
# One would expect: ids are names. Numbering from 0 is as good as from 1.
# What happens: COCOeval stores the id of the matched object as the sign of a
#   match, and 0 stands for "no match". So the perfect detection of object 0
#   counts as a false positive, and the evaluation says nothing about it.
#   Exporters do number from 0: globox writes such a file here.
# Versions tried: pycocotools 2.0.11, globox 2.9.0, NumPy 2.4.6, Python 3.11.
#   Date: 2026-11-29. (faster-coco-eval 1.8.0 gives the same AP but warns;
#   hotcoco 1.3.0 gives 1.0.)
# Why it matters: one object is lost in every set numbered from 0. In a large
#   set the loss is tiny and goes unseen; in a small one it is large.
# What to do: number annotations from 1; check min(id) > 0 before evaluating.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 pycocotools==2.0.11 globox==2.9.0
"$tmp/venv/bin/python" - <<'PY'
import contextlib, io, sys
from importlib.metadata import version
from globox import Annotation, AnnotationSet, BoundingBox
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

print("pycocotools", version("pycocotools"), "globox", version("globox"))
boxes = [BoundingBox(label="cat", xmin=x, ymin=20, xmax=x + 50, ymax=70) for x in (20, 100)]
dataset = AnnotationSet([Annotation(image_id="x.jpg", image_size=(200, 200), boxes=boxes)]
                        ).to_coco(auto_ids=True)
dataset["info"] = {}
ids = [a["id"] for a in dataset["annotations"]]
print("annotation ids written by globox:", ids)

def perfect(first_id):
    for number, annotation in enumerate(dataset["annotations"]):
        annotation["id"] = first_id + number
        annotation["bbox"] = list(annotation["bbox"])
    results = [{"image_id": a["image_id"], "category_id": a["category_id"],
                "bbox": a["bbox"], "score": 0.9 - 0.1 * n}
               for n, a in enumerate(dataset["annotations"])]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = dataset
        truth.createIndex()
        run = COCOeval(truth, truth.loadRes(results), "bbox")
        run.evaluate(); run.accumulate(); run.summarize()
    return round(float(run.stats[0]), 3)

zero, one = perfect(0), perfect(1)
print("AP of perfect boxes, ids from 0:", zero)
print("AP of perfect boxes, ids from 1:", one)
if (ids, zero, one) != ([0, 1], 0.252, 1.0):
    sys.exit("CHANGED: ids from 0 are no longer written, or no longer lower the AP.")
PY
