#!/usr/bin/env bash
# supervision: writing masks as YOLO and reading them back gives more objects.
#
# One would expect: as many objects as before, or an error if the format cannot
#   hold one of them.
# What happens: a line of a YOLO label file is one polygon. A mask of two parts
#   is written as two lines, and is read as two objects of the same class.
# Versions tried: supervision 0.31.2, NumPy 2.4.6, Python 3.11. Date: 2026-11-29.
# Why it matters: an object seen behind a pole becomes two. The detector learns
#   to report halves; against the original labels, one half is a false positive
#   and the other often overlaps too little. Nothing is printed.
# What to do: count the objects after each conversion; keep masks of several parts
#   in COCO (RLE), or join the parts with a thin line when YOLO is a must.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 supervision==0.31.2 opencv-python-headless==5.0.0.93
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
import cv2
import numpy as np
import supervision as sv

print("supervision", sv.__version__, "numpy", np.__version__)
masks = np.zeros((2, 100, 100), bool)
masks[0, 60:90, 10:40] = True                                   # a plain square
masks[1, 10:30, 10:40] = True; masks[1, 10:30, 50:90] = True     # behind a pole
cv2.imwrite("a.png", np.zeros((100, 100, 3), np.uint8))
objects = sv.Detections(xyxy=sv.mask_to_xyxy(masks), mask=masks, class_id=np.zeros(2, int))
sv.DetectionDataset(classes=["car"], images=["a.png"], annotations={"a.png": objects}
                    ).as_yolo("images", "labels", "data.yaml")
again = sv.DetectionDataset.from_yolo("images", "labels", "data.yaml", force_masks=True)
_, _, back = again[0]

def areas(some):
    return sorted(int(mask.sum()) for mask in some)

before, after = areas(masks), areas(back.mask)
best = float(sv.mask_iou_batch(masks[1:], back.mask).max())
print(f"written: {len(masks)} objects of {before} pixels")
print(f"read:    {len(back)} objects of {after} pixels")
print(f"best overlap of the divided car with one object that was read: IoU {best:.3f}")
if (before, after) != ([900, 1400], [600, 800, 900]):
    sys.exit("CHANGED: a mask of two parts is no longer read back as two objects.")
PY
