#!/usr/bin/env bash
# Label maps as palette PNG: Pillow gives class numbers, all other readers give colors.
#
# One would expect: the class numbers that are in the file, as in Pascal VOC
#   (SegmentationClass): 0 is background, 15 is person.
# What happens: Pillow's array has the numbers. imageio, scikit-image and OpenCV
#   (even IMREAD_UNCHANGED) give the colors of the palette, matplotlib colors from
#   0 to 1. convert("L") or IMREAD_GRAYSCALE give the brightness of the colors: one
#   number per pixel, in the range of class numbers, and wrong. Two pairs of the
#   21 VOC classes even get the same brightness in Pillow.
# Versions tried: Pillow 13.0.0, imageio 2.38.1, scikit-image 0.26.0, OpenCV 5.0.0,
#   matplotlib 3.11.2, NumPy 2.4.6, Python 3.11. Date: 2026-11-29.
# Why it matters: gray masks look right on the screen and train without an error,
#   but the classes are others, and classes in the same gray cannot be told apart.
# What to do: np.array(Image.open(file)) while its mode is "P"; print np.unique().
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
from PIL import Image
from skimage import io

print("pillow", PIL.__version__, "opencv", cv2.__version__, "imageio", imageio.__version__)

def voc_color(number):
    """The bits of the number, dealt in turn to red, green and blue, highest first."""
    color = [0, 0, 0]
    for place in range(8):
        for channel in range(3):
            color[channel] |= (number >> (3 * place + channel) & 1) << (7 - place)
    return color

numbers = np.arange(21, dtype=np.uint8).reshape(3, 7)
picture = Image.new("P", (7, 3))
picture.putdata(numbers.ravel().tolist())
picture.putpalette([value for n in range(256) for value in voc_color(n)])
picture.save("labels.png")

opened = Image.open("labels.png")
brightness = np.array(opened.convert("L"))
read = {
    "Pillow": np.array(opened),
    'Pillow convert("L")': brightness,
    "OpenCV IMREAD_UNCHANGED": cv2.imread("labels.png", cv2.IMREAD_UNCHANGED),
    "OpenCV IMREAD_GRAYSCALE": cv2.imread("labels.png", cv2.IMREAD_GRAYSCALE),
    "imageio": imageio.v3.imread("labels.png"),
    "scikit-image": io.imread("labels.png"),
    "matplotlib": matplotlib.image.imread("labels.png"),
}
right = [name for name, array in read.items() if np.array_equal(array, numbers)]
for name, array in read.items():
    print(f"{name:24} shape {str(array.shape):10} person (15) is {array[2, 1]}")
groups = [[int(n) for n in numbers[brightness == gray]] for gray in np.unique(brightness)]
same = [group for group in groups if len(group) > 1]
print("the class numbers are given by:", right, "   same brightness:", same)
if right != ["Pillow"] or same != [[1, 16], [3, 18]] or [a.ndim for a in read.values()] != [2, 2, 3, 2, 3, 3, 3]:
    sys.exit("CHANGED: palette label maps are read in another way.")
PY
