#!/usr/bin/env bash
# supervision: two folders of Pascal VOC files number the same classes differently.
#
# One would expect: a class has the same number in the training and in the
#   validation set, or the reader takes a list of class names.
# What happens: VOC files hold names. from_pascal_voc numbers them as they appear
#   in the first files that have them, and takes no list. Another folder, or one
#   more file, gives other numbers.
# Versions tried: supervision 0.31.2, NumPy 2.4.6, Python 3.11. Date: 2026-11-29.
# Why it matters: a model trained with the numbers of one folder is evaluated with
#   those of the other: a perfect detector gets AP 0. Nothing is printed.
# What to do: renumber by name with one fixed list after reading, as below;
#   DetectionDataset.merge() joins two sets by the names of their classes.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 supervision==0.31.2 opencv-python-headless==5.0.0.93
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
from pathlib import Path
import cv2
import numpy as np
import supervision as sv
from supervision.metrics import MeanAveragePrecision

print("supervision", sv.__version__, "numpy", np.__version__)
names = {"train": ["dog", "cat"], "val": ["cat", "dog"]}  # one object per file
boxes = {"dog": (10, 10, 50, 50), "cat": (60, 60, 90, 90)}

def write(folder):
    Path(folder).mkdir()
    for number, name in enumerate(names[folder]):
        cv2.imwrite(f"{folder}/{number}.png", np.zeros((100, 100, 3), np.uint8))
        corners = "".join("<%s>%d</%s>" % (tag, value, tag)
                          for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), boxes[name]))
        Path(f"{folder}/{number}.xml").write_text(
            f"<annotation><object><name>{name}</name><bndbox>{corners}</bndbox></object></annotation>")

for folder in names:
    write(folder)
train = sv.DetectionDataset.from_pascal_voc("train", "train")
val = sv.DetectionDataset.from_pascal_voc("val", "val")
print("classes of train:", train.classes)
print("classes of val:  ", val.classes)

def ap(number_of):
    """AP of a detector that finds all, and gives the numbers of the training set."""
    targets = [annotation for _, _, annotation in val]
    found = []
    for target in targets:
        labels = [train.classes.index(val.classes[c]) for c in target.class_id]
        found.append(sv.Detections(xyxy=target.xyxy, class_id=np.array(labels),
                                   confidence=np.ones(len(target))))
    truth = [sv.Detections(xyxy=t.xyxy, class_id=np.array([number_of(c) for c in t.class_id]))
             for t in targets]
    return round(float(MeanAveragePrecision().update(found, truth).compute().map50_95), 3)

as_read = ap(lambda c: int(c))
by_name = ap(lambda c: train.classes.index(val.classes[c]))
print("AP of a perfect detector: numbers as read %.3f, numbers by name %.3f" % (as_read, by_name))
if (train.classes, val.classes, as_read, by_name) != (["dog", "cat"], ["cat", "dog"], 0.0, 1.0):
    sys.exit("CHANGED: the VOC reader numbers classes in another way.")
PY
