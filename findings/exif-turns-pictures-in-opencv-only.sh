#!/usr/bin/env bash
# A photo with an EXIF orientation: OpenCV turns it, the other readers do not.
#
# One would expect: a file has one width and one height, and a box (x, y, w, h) fits
#   the picture whatever reads it.
# What happens: cv2.imread turns the picture as the EXIF orientation says: JPEG, PNG
#   and WebP alike. cv2.imread with IMREAD_UNCHANGED, Pillow, imageio, scikit-image
#   and matplotlib give the pixels as stored. Width and height are exchanged.
# Versions tried: OpenCV 5.0.0, Pillow 13.0.0, imageio 2.38.1, scikit-image 0.26.0,
#   matplotlib 3.11.2, NumPy 2.4.6, Python 3.11. Date: 2026-11-29.
# Why it matters: phone photos carry it. Boxes drawn in a browser (which turns)
#   and a training that reads with Pillow do not fit; relative boxes (YOLO) stay
#   in the picture and so hide it.
# What to do: ImageOps.exif_transpose(Image.open(file)) in Pillow, or rewrite
#   all pictures once without the tag; compare sizes with those in the labels.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 pillow==13.0.0 imageio==2.38.1 scikit-image==0.26.0 \
  opencv-python-headless==5.0.0.93 matplotlib==3.11.2
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
import cv2
import imageio.v3
import matplotlib.image
import numpy as np
import PIL
from PIL import Image, ImageOps
from skimage import io

print("opencv", cv2.__version__, "pillow", PIL.__version__, "imageio", imageio.__version__)
stored = np.zeros((20, 30, 3), np.uint8)  # 30 wide, 20 high
stored[:8, :8] = 255                      # a bright object at the left of the top
exif = Image.Exif()
exif[274] = 6                             # orientation: turn by 90 degrees, clockwise
readers = {
    "OpenCV": cv2.imread,
    "OpenCV IMREAD_UNCHANGED": lambda file: cv2.imread(file, cv2.IMREAD_UNCHANGED),
    "Pillow": lambda file: np.array(Image.open(file)),
    "Pillow exif_transpose": lambda file: np.array(ImageOps.exif_transpose(Image.open(file))),
    "imageio": imageio.v3.imread,
    "scikit-image": io.imread,
    "matplotlib": matplotlib.image.imread,
}

def box_of_bright(picture):
    rows, columns = np.nonzero(picture[..., 0] > picture.max() / 2)
    return [int(v) for v in (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)]

turned = {}
for kind in ("jpg", "png", "webp"):
    file = "photo." + kind
    Image.fromarray(stored).save(file, exif=exif, quality=100)
    turned[kind] = [name for name, read in readers.items() if read(file).shape[:2] == (30, 20)]
    for name, read in readers.items():
        picture = read(file)
        print(f"{kind:5}{name:24} height x width {picture.shape[:2]}  bright box {box_of_bright(picture)}")
print("turned:", turned)
if any(names != ["OpenCV", "Pillow exif_transpose"] for names in turned.values()):
    sys.exit("CHANGED: other readers turn, or OpenCV no longer does.")
PY
