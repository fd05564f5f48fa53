#!/usr/bin/env bash
# ultralytics: convert_coco gives own classes other numbers, and class 0 the number -1.
#
# One would expect: the classes of a COCO file are numbered from 0 in the order of
#   their ids, whatever those are, and the YOLO labels have these numbers.
# What happens: by default the ids are taken for those of the COCO data set, which
#   has gaps: id 13 becomes 11, id 14 becomes 12, in a set of one's own as well.
#   With cls91to80=False the number is id - 1: ids from 0 (Label Studio writes such
#   files) begin with -1, and 7 and 9 leave gaps. No file with the names is
#   written beside the labels.
# Versions tried: ultralytics 8.4.190, torch 2.14.1, torchvision 0.29.1, NumPy 2.4.6,
#   Python 3.11, CPU. Date: 2026-11-29.
# Why it matters: the labels of classes are exchanged with the next ones in the list
#   of names, or lie outside of it.
# What to do: renumber the categories 1, 2, 3, ... without gaps first, call with
#   cls91to80=False, and write the names in this order.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 torch==2.14.1 torchvision==0.29.1 ultralytics==8.4.190 \
  opencv-python-headless==5.0.0.93
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import json, os, sys
from pathlib import Path

os.environ["YOLO_CONFIG_DIR"] = os.getcwd()
import ultralytics
from ultralytics.data.converter import convert_coco

print("ultralytics", ultralytics.__version__)

def numbers(ids, name, **options):
    """The class numbers in the labels, for one object of each category id."""
    Path(name).mkdir()
    Path(name, "own.json").write_text(json.dumps({
        "images": [{"id": 1, "file_name": "a.jpg", "width": 1000, "height": 100}],
        "categories": [{"id": i, "name": f"class {i}"} for i in ids],
        "annotations": [{"id": n + 1, "image_id": 1, "category_id": i, "bbox": [20 * n, 10, 15, 15],
                         "area": 225, "iscrowd": 0, "segmentation": []} for n, i in enumerate(ids)]}))
    convert_coco(name, name + "-yolo", **options)
    return [int(line.split()[0]) for line in next(Path(name + "-yolo").rglob("a.txt")).read_text().splitlines()]

cases = {
    "ids 10, 11, 13, 14, default          ": numbers([10, 11, 13, 14], "coco"),
    "ids 0, 1, 2,        cls91to80=False  ": numbers([0, 1, 2], "zero", cls91to80=False),
    "ids 7, 9,           cls91to80=False  ": numbers([7, 9], "gaps", cls91to80=False),
}
for case, found in cases.items():
    print(case, "class numbers", found)
if list(cases.values()) != [[9, 10, 11, 12], [-1, 0, 1], [6, 8]]:
    sys.exit("CHANGED: convert_coco numbers the classes in another way.")
PY
