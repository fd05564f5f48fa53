#!/usr/bin/env bash
# torchmetrics: asking for masks too changes the small/medium/large scores of the boxes.
#
# One would expect: MeanAveragePrecision(iou_type=("bbox", "segm")) gives for the
#   boxes what iou_type="bbox" gives for the same boxes.
# What happens: when masks are asked for as well, the area of a mask also decides
#   the size group of its box. A thin object in a large box is "large" in the one
#   call and "small" in the other. The main map is the same, so nobody looks.
# Versions tried: torchmetrics 1.9.0, torch 2.14.1, torchvision 0.29.1, pycocotools
#   2.0.11, Python 3.11, CPU. Date: 2026-11-29.
# Why it matters: map_small, map_medium and map_large of the boxes change when a
#   mask head is added to a detector, though its boxes are the same.
# What to do: use one metric object per type, and compare the scores by size only
#   between runs with the same iou_type.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 torch==2.14.1 torchvision==0.29.1 torchmetrics==1.9.0 pycocotools==2.0.11
"$tmp/venv/bin/python" - <<'PY'
import sys
import torch
import torchmetrics
from torchmetrics.detection import MeanAveragePrecision

print("torchmetrics", torchmetrics.__version__, "torch", torch.__version__)
masks = torch.zeros(1, 200, 200, dtype=torch.bool)
for i in range(100):  # a diagonal stripe: 300 pixels in a box of 102 x 100
    masks[0, 20 + i, 20 + i:23 + i] = True
boxes, labels = torch.tensor([[20., 20., 122., 120.]]), torch.tensor([1])
found = [{"boxes": boxes, "masks": masks, "labels": labels, "scores": torch.tensor([0.9])}]
truth = [{"boxes": boxes, "masks": masks, "labels": labels}]

def scores(types, prefix):
    metric = MeanAveragePrecision(iou_type=types)
    metric.update(found, truth)
    result = metric.compute()
    return {size: float(result[f"{prefix}map{size}"])
            for size in ("", "_small", "_medium", "_large")}

alone, together = scores("bbox", ""), scores(("bbox", "segm"), "bbox_")
print('boxes, iou_type="bbox":          ', alone)
print('boxes, iou_type=("bbox", "segm"):', together)
if (alone["_large"], alone["_small"], together["_large"], together["_small"]) != (1, -1, -1, 1):
    sys.exit("CHANGED: the size group of a box no longer depends on the types asked for.")
PY
