#!/usr/bin/env bash
# torchvision: boxes of whole numbers move when their form is changed there and back.
#
# One would expect: XYXY -> CXCYWH -> XYXY gives the same box, or an error for
#   integer boxes, since their centers can lie at half a pixel.
# What happens: transforms.v2 keeps the integer type. 10, 10, 15, 15 becomes
#   9, 9, 14, 14, and each further trip moves it one pixel to the upper left.
#   resize cuts off too: half of 5 pixels is 2, and the box is then off by that.
# Versions tried: torch 2.14.1, torchvision 0.29.1, Python 3.11, CPU. Date: 2026-11-29.
# Why it matters: COCO and VOC labels often are whole numbers, and torch.tensor of
#   them is int64. Sides of odd length drift; for an object of 5 x 5 pixels one
#   pixel means an IoU of 0.47: no longer a match at 0.5.
# What to do: always make boxes with dtype=torch.float32.
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
from torchvision.ops import box_iou
from torchvision.transforms import v2

print("torch", torch.__version__, "torchvision", torchvision.__version__)

def trips(kind):
    box = tv_tensors.BoundingBoxes(torch.tensor([[10, 10, 15, 15]], dtype=kind),
                                   format="XYXY", canvas_size=(100, 100))
    places = [box[0].tolist()]
    for _ in range(3):
        for form in ("CXCYWH", "XYXY"):
            box = v2.ConvertBoundingBoxFormat(form)(box)
        places.append(box[0].tolist())
    return places

def half(kind):
    box = tv_tensors.BoundingBoxes(torch.tensor([[10, 10, 15, 15]], dtype=kind),
                                   format="XYXY", canvas_size=(100, 100))
    return v2.functional.resize(box, [50, 50])[0].tolist()

whole, real = trips(torch.int64), trips(torch.float32)
print("int64, after 0, 1, 2, 3 trips:  ", whole)
print("float32, after 0, 1, 2, 3 trips:", real)
print("resized to half: int64", half(torch.int64), "float32", half(torch.float32))
once = torch.tensor(whole[:2]).float()
print(f"IoU of the box with itself after one trip: {float(box_iou(once[:1], once[1:])):.3f}")
if whole[1] != [9, 9, 14, 14] or real[3] != real[0] or half(torch.int64) != [5, 5, 7, 7]:
    sys.exit("CHANGED: integer boxes move in another way, or no longer.")
PY
