#!/usr/bin/env bash
# label-studio-sdk: the COCO export turns a rotated rectangle in percent, not in pixels.
#
# One would expect: "bbox" is the upright box around the rotated rectangle as it
#   stands in the picture, so it holds the four corners of the YOLO_OBB export.
# What happens: Label Studio stores x and width in percent of the width, y and
#   height in percent of the height. The COCO export turns those numbers. Where
#   the picture is not square, percents of the two axes have different lengths,
#   and the box is at another place and of another size.
# Versions tried: label-studio-sdk 2.1.2, Python 3.11. Date: 2026-11-29.
# Why it matters: ships, text lines, vehicles from above are labeled with rotated
#   rectangles. A detector trained from the COCO file learns boxes that miss them.
# What to do: take the corners from YOLO_OBB (they are right), times width and
#   height of the picture, and compute the upright box from them, as below.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  label-studio-sdk==2.1.2
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import json, sys
from importlib.metadata import version
from pathlib import Path
from label_studio_sdk.converter import Converter

print("label-studio-sdk", version("label-studio-sdk"))
width, height = 400, 200
# 80 x 20 pixels, a quarter turn about its corner at (200, 50).
value = {"x": 50, "y": 25, "width": 20, "height": 10, "rotation": 90, "rectanglelabels": ["ship"]}
result = {"id": "r", "type": "rectanglelabels", "from_name": "label", "to_name": "image",
          "original_width": width, "original_height": height, "image_rotation": 0, "value": value}
task = {"id": 1, "data": {"image": "a.png"},
        "annotations": [{"id": 1, "completed_by": 1, "result": [result]}]}
Path("tasks.json").write_text(json.dumps([task]))
view = ('<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image">'
        '<Label value="ship"/></RectangleLabels></View>')
converter = Converter(view, project_dir=None, download_resources=False)
converter.convert_to_coco("tasks.json", "coco", is_dir=False)
converter.convert_to_yolo("tasks.json", "obb", is_dir=False, is_obb=True)

coco = json.loads(Path("coco/result.json").read_text())["annotations"][0]["bbox"]
line = next(Path("obb/labels").glob("*.txt")).read_text().split()
xs = [float(v) * width for v in line[1::2]]
ys = [float(v) * height for v in line[2::2]]
upright = [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
coco, upright = [[round(v, 6) for v in box] for box in (coco, upright)]
print("picture %d x %d, rectangle of 80 x 20 turned by 90 degrees" % (width, height))
print("COCO export, x y w h:          ", coco)
print("upright box of the OBB corners:", upright)
if coco != [160, 50, 40, 40] or upright != [180, 50, 20, 80]:
    sys.exit("CHANGED: the COCO export turns rectangles in another way.")
PY
