#!/usr/bin/env bash
# scikit-image: resize(mask, order=0) blurs a float mask, and does not blur an int mask.
#
# One would expect: order=0 is "nearest neighbor": all values of the result are
#   values of the input.
# What happens: when the picture gets smaller, anti-aliasing is on by default for
#   float input, with order=0 too: a Gaussian filter runs before the nearest pixel
#   is taken. For bool and for integers with order=0 it is off. The documentation
#   says so, but the same call behaves in two ways.
# Versions tried: scikit-image 0.26.0, NumPy 2.4.6, Python 3.11. Date: 2026-11-29.
# Why it matters: class maps and masks are often float32 by then (after a loader or
#   a network). Of the classes 0 and 7 come values like 1.1 and 6.7 along the
#   borders; rounded down, they are classes that are nowhere in the picture.
# What to do: resize(..., order=0, anti_aliasing=False, preserve_range=True), or
#   turn labels into integers first.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 scikit-image==0.26.0
"$tmp/venv/bin/python" - <<'PY'
import sys
import numpy as np
import skimage
from skimage.transform import resize

print("scikit-image", skimage.__version__, "numpy", np.__version__)
classes = np.zeros((40, 40), np.uint8)
classes[:, 20:] = 7  # two classes, 0 and 7

def values(image, **options):
    small = resize(image, (10, 10), order=0, preserve_range=True, **options)
    return [round(float(v), 2) for v in np.unique(small)]

whole = values(classes)
real = values(classes.astype(np.float32))
plain = values(classes.astype(np.float32), anti_aliasing=False)
print("uint8, order=0:                        ", whole)
print("float32, order=0:                      ", real)
print("float32, order=0, anti_aliasing=False: ", plain)
if whole != [0, 7] or plain != [0, 7] or len(real) <= 2:
    sys.exit("CHANGED: resize with order=0 no longer blurs float masks.")
PY
