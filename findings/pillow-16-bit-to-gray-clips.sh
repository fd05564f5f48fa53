#!/usr/bin/env bash
# Pillow: convert("L") or convert("RGB") of a 16-bit gray image cuts off, it does not scale.
#
# One would expect: 16-bit gray (0 ... 65535) becomes 8-bit gray (0 ... 255) by
#   scaling, as 8-bit depth is asked for.
# What happens: every value above 255 becomes 255. A picture that uses the 16 bits
#   becomes white, without a warning.
# Versions tried: Pillow 13.0.0, NumPy 2.4.6, Python 3.11. Date: 2026-11-29.
# Why it matters: medical, thermal, depth and microscope images are 16-bit PNG or
#   TIFF, and nearly every data loader says Image.open(...).convert("RGB"). The
#   detector then trains on white pictures, and its loss still falls a little.
# What to do: look at image.mode; scale by hand (value / 257, or by the range of
#   the sensor) before converting.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 pillow==13.0.0
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import sys
import numpy as np
import PIL
from PIL import Image

print("pillow", PIL.__version__, "numpy", np.__version__)
values = np.array([[0, 100, 255, 256, 1000, 32768, 65535]], np.uint16)
Image.fromarray(values).save("gray16.png")
picture = Image.open("gray16.png")
gray = np.array(picture.convert("L"))[0].tolist()
red = np.array(picture.convert("RGB"))[0, :, 0].tolist()
scaled = (values[0] / 257).round().astype(int).tolist()
print("mode          ", picture.mode)
print("in the file   ", values[0].tolist())
print('convert("L")  ', gray)
print('convert("RGB")', red)
print("scaled by hand", scaled)
if picture.mode != "I;16" or gray != [0, 100, 255, 255, 255, 255, 255] or red != gray:
    sys.exit("CHANGED: 16-bit gray is no longer cut off at 255.")
PY
