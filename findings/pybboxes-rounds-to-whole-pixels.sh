#!/usr/bin/env bash
# pybboxes: converting a box between formats rounds it to whole pixels.
#
# One would expect: COCO (x, y, width, height) and VOC corners can hold fractions; a
#   change of format changes no box.
# What happens: results in "coco" and "voc" are rounded to integers, and so are the
#   numbers on their way into "yolo". There and back gives another box.
# Versions tried: pybboxes 0.1.6, NumPy 2.4.6, Python 3.11. Date: 2026-11-29.
# Why it matters: labels and detections with fractions lose up to half a pixel per
#   side. The box of about 5 pixels below has an IoU of 0.729 with itself
#   afterwards: at half the thresholds of COCO's AP it is missed.
# What to do: convert with two lines of your own in floating point; compare boxes
#   before and after.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 pybboxes==0.1.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version
import pybboxes

print("pybboxes", version("pybboxes"))

def area(box):
    return max(box[2] - box[0], 0) * max(box[3] - box[1], 0)

def iou(a, b):
    both = area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))
    return both / (area(a) + area(b) - both)

size = (100, 100)
box = (10.5, 20.4, 15.4, 25.6)
coco = pybboxes.convert_bbox(box, from_type="voc", to_type="coco", image_size=size)
yolo = pybboxes.convert_bbox(box, from_type="voc", to_type="yolo", image_size=size)
back = pybboxes.convert_bbox(yolo, from_type="yolo", to_type="voc", image_size=size)
exact = (box[0], box[1], round(box[2] - box[0], 6), round(box[3] - box[1], 6))
print("corners          ", box)
print("as coco          ", coco, "exact:", exact)
print("as yolo          ", yolo)
print("corners from yolo", back)
overlap = round(iou(box, back), 3)
print("IoU of the box with itself after the way through yolo:", overlap)
if (coco, back, overlap) != ((10, 20, 5, 6), (10, 20, 15, 26), 0.729):
    sys.exit("CHANGED: boxes keep their fractions, or are rounded in another way.")
PY
