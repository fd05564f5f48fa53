#!/usr/bin/env bash
# pycocotools: getImgIds(catIds=[cat, dog]) gives only images that show BOTH.
#
# One would expect: the images with a cat or a dog, as getAnnIds(catIds=[cat, dog])
#   gives the objects that are a cat or a dog.
# What happens: getImgIds takes the common part of the sets of images, getAnnIds
#   takes all. Ask for more classes and you get fewer images, in the end none.
# Versions tried: pycocotools 2.0.11, NumPy 2.4.6, Python 3.11. Date: 2026-11-29.
# Why it matters: this is how people cut a training set down to a few classes.
#   With two classes much of the data is gone, and training runs all the same.
# What to do: ask for each class by itself and unite the sets, or take the image
#   ids from loadAnns(getAnnIds(catIds=...)), as below.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 pycocotools==2.0.11
"$tmp/venv/bin/python" - <<'PY'
import contextlib, io, sys
from importlib.metadata import version
from pycocotools.coco import COCO

print("pycocotools", version("pycocotools"))
pairs = [(1, 1), (2, 2), (3, 1), (3, 2)]  # (image, class): image 3 shows both classes
coco = COCO()
coco.dataset = {
    "images": [{"id": i} for i in (1, 2, 3)],
    "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    "annotations": [{"id": n, "image_id": i, "category_id": c, "iscrowd": 0, "area": 1}
                    for n, (i, c) in enumerate(pairs, 1)]}
with contextlib.redirect_stdout(io.StringIO()):
    coco.createIndex()

images = sorted(coco.getImgIds(catIds=[1, 2]))
objects = sorted(coco.getAnnIds(catIds=[1, 2]))
through_objects = sorted({a["image_id"] for a in coco.loadAnns(objects)})
print("images with a cat:       ", sorted(coco.getImgIds(catIds=[1])))
print("images with a dog:       ", sorted(coco.getImgIds(catIds=[2])))
print("getImgIds for both:      ", images)
print("getAnnIds for both:      ", objects)
print("images of those objects: ", through_objects)
if (images, objects, through_objects) != ([3], [1, 2, 3, 4], [1, 2, 3]):
    sys.exit("CHANGED: getImgIds no longer demands that an image shows every class.")
PY
