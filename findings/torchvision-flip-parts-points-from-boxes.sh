#!/usr/bin/env bash
# torchvision: in one and the same flip, points and boxes are mirrored at two lines.
#
# One would expect: a point on the edge of its box is on the edge after the flip,
#   and flipping both ways is the same as turning by 180 degrees.
# What happens: a flip moves x of a box to width - x (edges of pixels) and x of a
#   point to width - 1 - x (centers of pixels). rotate(180) moves points to
#   width - x, like boxes. So points move one pixel against the box in a flip, and
#   flips and turns disagree with each other.
# Versions tried: torch 2.14.1, torchvision 0.29.1, Python 3.11, CPU. Date: 2026-11-29.
#   (The flip of albumentations 2.0.8 treats points and boxes in these two ways too.)
# Why it matters: COCO keypoints are used as places in the same plane as the boxes.
#   With flips, half of the training pictures have keypoints that are a pixel off
#   against the boxes, which counts for small people and low resolutions.
# What to do: choose one rule. Subtract 0.5 from points on the edge grid before
#   the flip and add it afterwards (below), so that both rules become one.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 torch==2.14.1 torchvision==0.29.1
"$tmp/venv/bin/python" - <<'PY'
import sys
import torch
import torchvision
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as F

print("torch", torch.__version__, "torchvision", torchvision.__version__)
size = (100, 100)
box = tv_tensors.BoundingBoxes(torch.tensor([[10., 10., 20., 20.]]), format="XYXY", canvas_size=size)
point = tv_tensors.KeyPoints(torch.tensor([[10., 10.]]), canvas_size=size)  # a corner of the box

def both(change):
    moved, place = change(box)[0].tolist(), change(point)[0].tolist()
    return moved, place, place[0] in (moved[0], moved[2])

seen = {
    "as given": both(lambda thing: thing),
    "horizontal_flip": both(F.horizontal_flip),
    "both flips": both(lambda thing: F.vertical_flip(F.horizontal_flip(thing))),
    "rotate 180": both(lambda thing: F.rotate(thing, 180)),
}
for name, (moved, place, on_edge) in seen.items():
    print(f"{name:16} box {moved}, point {place}, on the edge: {on_edge}")
shifted = tv_tensors.KeyPoints(point - 0.5, canvas_size=size)
mended = (F.horizontal_flip(shifted) + 0.5)[0].tolist()
print("flip, shifted by half a pixel before and back after: point", mended)
if [s[2] for s in seen.values()] != [True, False, False, True] or mended != [90.0, 10.0]:
    sys.exit("CHANGED: flips and turns now treat points and boxes in another way.")
PY
