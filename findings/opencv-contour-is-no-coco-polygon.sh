#!/usr/bin/env bash
# OpenCV and COCO: a mask turned into a polygon and back loses a row and a column.
#
# One would expect: cv2.findContours of a mask of 10 x 10, stored as a COCO polygon
#   and read by pycocotools, is the mask of 10 x 10 again. And cv2.fillPoly of a
#   COCO polygon is the mask that pycocotools makes of it.
# What happens: a contour goes through the CENTERS of the border pixels (10 to 19),
#   a COCO polygon runs along their EDGES (10 to 20). The mask comes back as 9 x 9,
#   and fillPoly, which paints the border too, makes 11 x 11 of a 10 x 10 polygon.
#   An object one pixel high vanishes. Each tool by itself does what it says.
# Versions tried: opencv-python-headless 5.0.0.93, pycocotools 2.0.11, NumPy 2.4.6,
#   Python 3.11. Date: 2026-11-29. (Pillow 13.0.0's ImageDraw.polygon gives 121 too.)
# Why it matters: it is the common way to write masks as COCO. A perfect mask of
#   10 x 10 then has an IoU of 0.81 with its own copy: lost at the thresholds from 0.85 on.
# What to do: write masks as RLE. If it must be polygons, compare the area before
#   and after, or trace the pixel edges instead of the centers.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 pycocotools==2.0.11 opencv-python-headless==5.0.0.93
"$tmp/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version
import cv2
import numpy as np
from pycocotools import mask as mask_tools

print("opencv", cv2.__version__, "pycocotools", version("pycocotools"))

def coco_mask(polygon):
    return mask_tools.decode(mask_tools.merge(mask_tools.frPyObjects([polygon], 40, 40)))

def there_and_back(height):
    mask = np.zeros((40, 40), np.uint8)
    mask[10:10 + height, 10:20] = 1
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    polygon = contours[0].ravel().tolist()
    if len(polygon) < 6:
        return int(mask.sum()), 0, polygon  # two points: no polygon at all
    return int(mask.sum()), int(coco_mask(polygon).sum()), polygon

tall, flat = there_and_back(10), there_and_back(1)
for before, after, polygon in (tall, flat):
    print(f"mask of {before} pixels -> contour {polygon} -> COCO mask of {after} pixels")

square = [10, 10, 20, 10, 20, 20, 10, 20]
painted = np.zeros((40, 40), np.uint8)
cv2.fillPoly(painted, [np.array(square).reshape(-1, 2)], 1)
areas = int(coco_mask(square).sum()), int(painted.sum())
print("COCO polygon of 10 x 10: pycocotools %d pixels, cv2.fillPoly %d pixels" % areas)
if (tall[:2], flat[:2], areas) != ((100, 81), (10, 0), (100, 121)):
    sys.exit("CHANGED: contours, COCO polygons and fillPoly now agree, or differ otherwise.")
PY
