#!/usr/bin/env bash
# torchvision: batched_nms of one class keeps other boxes when the class has another number.
#
# One would expect: all boxes belong to one class. Whether its number is 0 or 79
#   cannot matter.
# What happens: classes are kept apart by adding number * (largest coordinate + 1)
#   to the boxes. In an image of 4000 pixels, class 79 lies near 316000, where
#   float32 goes in steps of 1/32 pixel: the IoU is another, and so is the result.
#   With many boxes another way without offsets is taken, so unrelated boxes in the
#   same call can change the result too.
# Versions tried: torch 2.14.1, torchvision 0.29.1, Python 3.11, CPU. Date: 2026-11-29.
# Why it matters: big pictures (aerial, microscope) with small objects and many
#   classes. Sorting the class list anew changes detections near the threshold.
# What to do: give float64 boxes (below), or call nms for each class.
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
from torchvision.ops import batched_nms, nms

print("torch", torch.__version__, "torchvision", torchvision.__version__)
# The second box has an IoU of 0.5001 with the first: to be dropped at 0.5.
boxes = torch.tensor([[0, 0, 10.01, 10], [0, 0, 10.01, 5.006], [3990, 3990, 4000, 4000]])
scores = torch.tensor([0.9, 0.8, 0.7])
print("nms keeps", nms(boxes, scores, 0.5).tolist())
seen = {}
for number in (0, 10, 79):
    labels = torch.full((3,), number)
    single = batched_nms(boxes, scores, labels, 0.5).tolist()
    double = batched_nms(boxes.double(), scores.double(), labels, 0.5).tolist()
    seen[number] = (single, double)
    print(f"batched_nms, class {number}: float32 keeps {single}, float64 keeps {double}")

generator = torch.Generator().manual_seed(0)
differ = 0
for _ in range(100):  # thirty small boxes near the far corner
    corner = 3980 + 4 * torch.rand(30, 2, generator=generator)
    many = torch.cat([corner, corner + 4 + 4 * torch.rand(30, 2, generator=generator)], 1)
    marks = torch.rand(30, generator=generator)
    low, high = (batched_nms(many, marks, torch.full((30,), n), 0.5).tolist() for n in (0, 79))
    differ += low != high
print(f"random small boxes: class 0 and class 79 differ in {differ} of 100 sets")
if seen[0] != ([0, 2],) * 2 or seen[79] != ([0, 1, 2], [0, 2]) or differ == 0:
    sys.exit("CHANGED: the class number no longer changes which boxes stay.")
PY
