#!/usr/bin/env bash
# pylabel: the YOLO export of masks writes the first polygon of an object and drops the others.
#
# One would expect: all parts of an object are written (joined, or as lines of their
#   own), or an error says that the format cannot hold them.
# What happens: ExportToYoloV5(segmentation=True) takes segmentation[0]. The rest of
#   an object that is seen in parts becomes background, without a word.
# Versions tried: pylabel 0.1.55, pandas 2.3.3, pycocotools 2.0.11, NumPy 2.4.6,
#   Python 3.11. Date: 2026-11-29.
# Why it matters: in COCO-like sets many objects are half hidden and have several
#   polygons. Which part comes first is chance; here it is the smaller one.
# What to do: count polygons per object before; convert such sets with a tool that
#   keeps the parts, and compare the areas before and after.
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
from pycocotools import mask
from pylabel import importer

print("pylabel", version("pylabel"), "pandas", version("pandas"))
size = 100
parts = [[10, 10, 30, 10, 30, 40, 10, 40], [40, 10, 90, 10, 90, 40, 40, 40]]  # behind a pole
truth = {"images": [{"id": 1, "file_name": "a.jpg", "width": size, "height": size}],
         "categories": [{"id": 0, "name": "car"}],
         "annotations": [{"id": 1, "image_id": 1, "category_id": 0, "bbox": [10, 10, 80, 30],
                          "area": 2100, "iscrowd": 0, "segmentation": parts}]}
Path("truth.json").write_text(json.dumps(truth))
with contextlib.redirect_stderr(io.StringIO()):
    importer.ImportCoco("truth.json", path_to_images=".").export.ExportToYoloV5(
        output_path="yolo/labels", segmentation=True)
lines = Path("yolo/labels/a.txt").read_text().splitlines()
written = [[float(v) * size for v in line.split()[1:]] for line in lines]

def area(polygons):
    return int(mask.area(mask.merge(mask.frPyObjects(polygons, size, size))))

before, after = area(parts), area(written)
print("before: %d polygons of one object, %d pixels" % (len(parts), before))
print("after:  %d line, %d pixels" % (len(lines), after))
if (before, len(lines), after) != (2100, 1, 600):
    sys.exit("CHANGED: the other polygons of an object are no longer dropped.")
PY
