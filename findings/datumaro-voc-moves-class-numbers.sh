#!/usr/bin/env bash
# datumaro: on the way through Pascal VOC every class number moves by one.
#
# One would expect: a set converted COCO -> VOC -> YOLO has the labels of COCO -> YOLO.
# What happens: the VOC export adds a class "background" at the front, and the import
#   keeps it as an ordinary class. The YOLO file then has one class more, and 1
#   where it had 0. Nothing is printed.
# Versions tried: datumaro 1.13.12, NumPy 2.4.6, Python 3.11. Date: 2026-11-29.
# Why it matters: YOLO labels are bare numbers. Put such a set beside one that was
#   converted directly, or evaluate a model of the one with the other, and
#   cats are dogs.
# What to do: compare the list of names (obj.names) after each conversion; remove
#   "background" from it before the export, or convert from the first format.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 datumaro==1.13.12
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import json, sys
from importlib.metadata import version
from pathlib import Path
import datumaro
import numpy as np
from PIL import Image

print("datumaro", version("datumaro"), "numpy", np.__version__)
Path("coco/annotations").mkdir(parents=True)
Path("coco/images/train").mkdir(parents=True)
Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save("coco/images/train/a.png")
Path("coco/annotations/instances_train.json").write_text(json.dumps({
    "images": [{"id": 1, "file_name": "a.png", "width": 60, "height": 40}],
    "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 20, 20, 15],
                     "area": 300, "iscrowd": 0, "segmentation": []}]}))

def yolo(dataset, folder):
    """Names and label lines of the set, written as YOLO."""
    dataset.export(folder, "yolo", save_media=True)
    names = (Path(folder) / "obj.names").read_text().split()
    return names, next(Path(folder).glob("obj_*_data/a.txt")).read_text().strip()

first = datumaro.Dataset.import_from("coco", "coco")
first.export("voc", "voc", save_media=True)
direct = yolo(first, "direct")
through = yolo(datumaro.Dataset.import_from("voc", "voc"), "through")
print("COCO -> YOLO:       ", *direct)
print("COCO -> VOC -> YOLO:", *through)
box = "0.333333 0.687500 0.333333 0.375000"
if (direct, through) != ((["cat", "dog"], "0 " + box), (["background", "cat", "dog"], "1 " + box)):
    sys.exit("CHANGED: class numbers stay, or move in another way.")
PY
