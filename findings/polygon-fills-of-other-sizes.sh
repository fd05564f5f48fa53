#!/usr/bin/env bash
# One polygon, two sizes of mask: 100 pixels in pycocotools, 121 in OpenCV, Pillow, scikit-image.
#
# One would expect: a square from 10 to 20 has 10 x 10 = 100 pixels in any library.
# What happens: scikit-image, Pillow and OpenCV take corners as centers of pixels and
#   paint the outline too: 11 x 11. pycocotools takes them as edges: 10 x 10.
# Versions tried: scikit-image 0.26.0, Pillow 13.0.0, OpenCV 5.0.0, pycocotools 2.0.11,
#   NumPy 2.4.6, Python 3.11. Date: 2026-11-29.
# Why it matters: a training that paints COCO polygons with cv2.fillPoly learns masks
#   that are too large to the right and below. Painted exactly, a square of 10 has
#   IoU 0.826 with its own label in pycocotools, and a square of 4 has 0.64: it
#   is missed at most thresholds of COCO's AP.
# What to do: paint labels with the library that evaluates (pycocotools.mask.
#   frPyObjects, decode), small objects above all.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 pycocotools==2.0.11 scikit-image==0.26.0 pillow==13.0.0 \
  opencv-python-headless==5.0.0.93
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
import cv2
import numpy as np
from PIL import Image, ImageDraw
from pycocotools import mask
from skimage.draw import polygon2mask

print("opencv", cv2.__version__, "numpy", np.__version__)
size = 40

def by_pycocotools(points):
    return mask.decode(mask.frPyObjects([points.ravel().tolist()], size, size))[..., 0].astype(bool)

def by_opencv(points):
    canvas = np.zeros((size, size), np.uint8)
    cv2.fillPoly(canvas, [points], 1)
    return canvas.astype(bool)

def by_pillow(points):
    canvas = Image.new("L", (size, size))
    ImageDraw.Draw(canvas).polygon([tuple(p) for p in points.tolist()], fill=1)
    return np.array(canvas).astype(bool)

def by_scikit_image(points):
    return polygon2mask((size, size), points[:, ::-1])

painted = {}
for painter in (by_pycocotools, by_opencv, by_pillow, by_scikit_image):
    name = painter.__name__[3:]
    painted[name] = []
    for side in (10, 4):
        square = np.array([(10, 10), (10 + side, 10), (10 + side, 10 + side), (10, 10 + side)], np.int32)
        found, label = painter(square), by_pycocotools(square)
        iou = (found & label).sum() / (found | label).sum()
        painted[name].append((int(found.sum()), round(float(iou), 3)))
    print(f"{name:13} square of 10: %d pixels, IoU %.3f   square of 4: %d pixels, IoU %.3f"
          % (*painted[name][0], *painted[name][1]))
outline = [(121, 0.826), (25, 0.64)]
if painted != {"pycocotools": [(100, 1.0), (16, 1.0)], "opencv": outline, "pillow": outline,
               "scikit_image": outline}:
    sys.exit("CHANGED: polygons are painted in another way.")
PY
