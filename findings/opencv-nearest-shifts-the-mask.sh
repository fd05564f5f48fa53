#!/usr/bin/env bash
# OpenCV: INTER_NEAREST takes the corner of each cell, not its middle.
#
# One would expect: image and mask resized to the same size still fit: the image
#   with INTER_LINEAR or INTER_AREA, the mask with INTER_NEAREST.
# What happens: INTER_NEAREST picks pixel floor(i * scale), so at 1/4 the columns
#   0, 4, 8, 12. The image's column i is centered on 4 i + 1.5. The mask is shifted by
#   1.5 original pixels to the lower right. Pillow's NEAREST takes the middle.
# Versions tried: opencv-python-headless 5.0.0.93, Pillow 13.0.0, NumPy 2.4.6,
#   Python 3.11. Date: 2026-11-29.
# Why it matters: labels slide against the image, the more so the more it shrinks;
#   a model trained with one library and tested with the other sees another shift.
# What to do: INTER_NEAREST_EXACT for masks in OpenCV (or Pillow's NEAREST).
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 pillow==13.0.0 opencv-python-headless==5.0.0.93
"$tmp/venv/bin/python" - <<'PY'
import sys
import cv2
import numpy as np
import PIL
from PIL import Image

print("opencv", cv2.__version__, "pillow", PIL.__version__)
columns = np.tile(np.arange(16, dtype=np.uint8), (16, 1))  # each pixel holds its column
small = {
    "cv2.INTER_NEAREST": cv2.resize(columns, (4, 4), interpolation=cv2.INTER_NEAREST),
    "cv2.INTER_NEAREST_EXACT": cv2.resize(columns, (4, 4), interpolation=cv2.INTER_NEAREST_EXACT),
    "PIL NEAREST": np.array(Image.fromarray(columns).resize((4, 4), Image.Resampling.NEAREST)),
}
small = {name: picked[0].tolist() for name, picked in small.items()}
for name, picked in small.items():
    print(f"{name:24} takes the columns {picked}")
area = cv2.resize(columns.astype(np.float32), (4, 4), interpolation=cv2.INTER_AREA)[0].tolist()
print("an image (INTER_AREA) has its columns at", area)

# A square of 32 x 32 at four places: where is its center after 1/4, in image and mask?
def center(start, how):
    square = np.zeros((64, 64), np.float32)
    square[start:start + 32, start:start + 32] = 1
    picture = cv2.resize(square, (16, 16), interpolation=how)
    return float((picture.sum(0) * np.arange(16)).sum() / picture.sum())

shifts = [center(start, cv2.INTER_NEAREST) - center(start, cv2.INTER_AREA)
          for start in (16, 17, 18, 19)]
mean = sum(shifts) / 4
print("mask against image, in small pixels:", [round(s, 3) for s in shifts], "mean", round(mean, 3))
corner, middle = [0, 4, 8, 12], [2, 6, 10, 14]
if list(small.values()) != [corner, middle, middle] or abs(mean - 0.375) > 0.01:
    sys.exit("CHANGED: INTER_NEAREST picks other pixels now.")
PY
