#!/usr/bin/env bash
# torchvision and supervision: the box of a mask lacks the last column and row.
#
# One would expect: a mask of 4 x 4 pixels has a box of 4 x 4, as for COCO's own
#   toBbox, since box_iou and box_area take x2 - x1 as the width.
# What happens: masks_to_boxes gives the index of the last pixel, not the edge
#   behind it: 3 x 3. A mask one pixel wide has a box of area 0, whose IoU with
#   itself is not a number, and remove_small_boxes throws it out.
#   supervision's mask_to_xyxy does the same.
# Versions tried: torch 2.14.1, torchvision 0.29.1, supervision 0.31.2, pycocotools
#   2.0.11, Python 3.11, CPU. Date: 2026-11-29.
# Why it matters: it is the usual way from mask labels to boxes in fine-tuning. All
#   boxes are a pixel too small; 4 x 4 against 3 x 3 is an IoU of 0.56, and
#   thin objects vanish or make the loss NaN.
# What to do: add 1 to x2 and y2 (below) before any operation on the boxes.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 torch==2.14.1 torchvision==0.29.1 pycocotools==2.0.11 supervision==0.31.2
"$tmp/venv/bin/python" -W ignore - <<'PY'
import sys
import numpy as np
import supervision as sv
import torch
import torchvision
from pycocotools import mask as mask_tools
from torchvision.ops import box_iou, masks_to_boxes, remove_small_boxes

print("torch", torch.__version__, "torchvision", torchvision.__version__,
      "supervision", sv.__version__)
masks = np.zeros((2, 20, 20), bool)
masks[0, 5:9, 5:9] = True   # 4 x 4 pixels
masks[1, 5:15, 12] = True   # a line, one pixel wide
boxes = masks_to_boxes(torch.from_numpy(masks))
same = sv.mask_to_xyxy(masks).tolist()
coco = [mask_tools.toBbox(mask_tools.encode(np.asfortranarray(m, np.uint8))) for m in masks]
coco = torch.tensor(np.array([[x, y, x + w, y + h] for x, y, w, h in coco])).float()
print("torchvision:", boxes.tolist())
print("supervision:", same)
print("COCO:       ", coco.tolist())
iou = [round(float(v), 3) for v in box_iou(boxes, coco).diag()]
itself = float(box_iou(boxes[1:], boxes[1:]))
left = remove_small_boxes(boxes, 1).tolist()
print("IoU with COCO's box:", iou, "- the line with itself:", itself)
print("left by remove_small_boxes(boxes, 1):", left)
mended = boxes + torch.tensor([0, 0, 1, 1])
print("with 1 added to x2 and y2 equal to COCO's:", torch.equal(mended, coco))
expected = [[5, 5, 8, 8], [12, 5, 12, 14]]
if boxes.tolist() != expected or same != expected or itself == itself or left != [0]:
    sys.exit("CHANGED: the box of a mask no longer ends at its last pixel.")
PY
