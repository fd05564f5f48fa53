#!/usr/bin/env bash
# Pascal VOC files: globox and supervision number pixels from 0 and from 1, so boxes shift.
#
# One would expect: <xmin> means one thing, and a box written by one library is the
#   same box when another reads it.
# What happens: VOC numbers pixels from 1, and xmax is the last pixel of the object.
#   supervision does so: it adds 1 to the left and top side, and takes it off again. globox
#   writes and reads the numbers as they are. Nothing in the file tells.
# Versions tried: globox 2.9.0, supervision 0.31.2, NumPy 2.4.6, Python 3.11.
#   Date: 2026-11-29.
# Why it matters: left and top move by one pixel for all objects. On an object of
#   10 x 10 that is an IoU of 0.826 or 0.81: a miss at the upper thresholds of AP.
# What to do: write and read VOC with the same library; look for the smallest xmin
#   and ymin in the files: a 0 says that they are numbered from 0.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 globox==2.9.0 supervision==0.31.2 opencv-python-headless==5.0.0.93
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version
from pathlib import Path
import cv2
import numpy as np
import supervision as sv
from globox import Annotation, AnnotationSet, BoundingBox

print("globox", version("globox"), "supervision", sv.__version__)
box = (10, 20, 20, 30)  # left, top, right, bottom; 10 x 10 pixels
Path("images").mkdir()
cv2.imwrite("images/a.png", np.zeros((40, 60, 3), np.uint8))

def write_globox(folder):
    corners = dict(zip(("xmin", "ymin", "xmax", "ymax"), box))
    objects = [BoundingBox(label="cat", **corners)]
    AnnotationSet([Annotation("a.png", (60, 40), objects)]).save_pascal_voc(folder)

def write_supervision(folder):
    objects = sv.Detections(xyxy=np.array([box], float), class_id=np.array([0]))
    sv.DetectionDataset(classes=["cat"], images=["images/a.png"], annotations={"images/a.png": objects}
                        ).as_pascal_voc(annotations_directory_path=folder)

def read_globox(folder):
    return [b.ltrb for a in AnnotationSet.from_pascal_voc(folder) for b in a.boxes][0]

def read_supervision(folder):
    _, _, objects = sv.DetectionDataset.from_pascal_voc("images", folder)[0]
    return objects.xyxy[0]

write_globox("globox")
write_supervision("supervision")
print("the box:", box)
seen = {}
for writer in ("globox", "supervision"):
    for reader in (read_globox, read_supervision):
        name = reader.__name__[5:]
        seen[writer, name] = tuple(int(v) for v in reader(writer))
        iou = float(sv.box_iou_batch(np.array([box], float), np.array([seen[writer, name]], float))[0, 0])
        print(f"written by {writer:11} read by {name:11} {seen[writer, name]}  IoU {iou:.3f}")
if list(seen.values()) != [box, (9, 19, 20, 30), (11, 21, 20, 30), box]:
    sys.exit("CHANGED: the corners in VOC files are counted in another way.")
PY
