#!/usr/bin/env bash
# scikit-image: felzenszwalb gives other segments for the same numbers in another type.
#
# One would expect: the picture as uint8, as int64 or as float32 holds the same
#   numbers from 0 to 255, so scale=100 gives the same segments.
# What happens: uint8 is divided by 255 first, int64 by 2**63 - 1 (nothing is left
#   but one segment), float is taken as it is (the scale then is 255 times as fine).
#   The parameter "scale" is only meant for values from 0 to 1. No warning.
# Versions tried: scikit-image 0.26.0, NumPy 2.4.6, Python 3.11. Date: 2026-11-29.
# Why it matters: it is the first step of Selective Search, and so of R-CNN. After
#   an augmentation pictures often are float32 from 0 to 255, and from arithmetic
#   int64: the number of proposals then changes by far.
# What to do: give uint8, or float from 0 to 1, and assert it.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 scikit-image==0.26.0
"$tmp/venv/bin/python" - <<'PY'
import sys
import numpy as np
import skimage
from skimage.segmentation import felzenszwalb

print("scikit-image", skimage.__version__, "numpy", np.__version__)
rng = np.random.default_rng(0)
picture = rng.integers(0, 60, (40, 40, 3)).astype(np.uint8)  # a noisy picture
picture[:, 20:] += 150                                       # of two halves

def segments(image):
    return int(felzenszwalb(image, scale=100).max()) + 1

seen = {
    "uint8, 0 to 255": segments(picture),
    "float32, 0 to 1": segments(picture.astype(np.float32) / 255),
    "float32, 0 to 255": segments(picture.astype(np.float32)),
    "int64, 0 to 255": segments(picture.astype(np.int64)),
}
for name, count in seen.items():
    print(f"{name:18} {count} segments")
a, b, c, d = seen.values()
if a != b or c <= a or d != 1:
    sys.exit("CHANGED: the segments no longer depend on the type of the picture in this way.")
PY
