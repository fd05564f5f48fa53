"""Labelme's JSON, a file for each image, to look through predictions and correct them by hand.

``labelme IMAGES --output FOLDER`` opens the images with these files. A mask is a polygon, whose corners can be moved,
for each of its parts; no point of the outline is farther than half a pixel from it. A mask with holes, which polygons
of labelme cannot have, is a mask there, exact. Other objects are rectangles. Joints are points. What belongs to one
object has one ``group_id``. Coordinates are rounded to a thousandth of a pixel. The score is in the description, and as
a number in ``score``, which labelme keeps.
"""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minivision.data.instances import Instances
from minivision.data.mask_outlines import has_holes, outlines, simplified
from minivision.data.prediction_files.writer import PredictedImage, PredictionWriter

__all__ = ["LabelmeWriter"]

VERSION = "6.3.1"  # of labelme, whose reader these files were tried with
TOLERANCE = 0.5  # pixels between an outline and its polygon
DIGITS = 3
HIDDEN = "hidden"  # the flag of a joint that is labeled but not visible


class LabelmeWriter(PredictionWriter):
    """Writes ``NAME.json`` for each image; a file that is there already is not touched."""

    certain_only = True

    def check(self, names: Sequence[str]) -> None:
        for name in names:
            path = self.folder / f"{name}.json"
            if path.exists():
                raise FileExistsError(
                    f"{path} is there already, and may have been corrected by hand; choose a new folder"
                )

    def add(self, image: PredictedImage, instances: Instances) -> None:
        shapes: list[dict[str, Any]] = []
        for k in range(len(instances)):
            shapes += self._shapes(instances[k], group=k + 1)
        height, width = image.size
        content = {
            "version": VERSION, "flags": {}, "shapes": shapes, "imagePath": _relative(image.path, self.folder),
            "imageData": None, "imageHeight": height, "imageWidth": width,
        }  # fmt: skip
        self._write(f"{image.name}.json", json.dumps(content, ensure_ascii=False, indent=2) + "\n")

    def _shapes(self, instance: Instances, group: int) -> list[dict[str, Any]]:
        """Return the shapes of one object."""
        about: dict[str, Any] = {"label": self.classes[instance.labels[0]]}
        if instance.scores is not None:
            about |= {"description": f"score {instance.scores[0]:.3f}", "score": float(instance.scores[0])}
        parts = outlines(instance.masks[0]) if instance.masks is not None else []
        if not parts:
            shapes = [_shape(about, "rectangle", instance.boxes[0].reshape(2, 2))]
        elif has_holes(parts):
            shapes = [_mask_shape(about, instance.masks[0])]  # type: ignore[index]
        else:
            shapes = [_shape(about, "polygon", simplified(part, TOLERANCE)) for part in parts]
        joints = [] if instance.keypoints is None else instance.keypoints[0]
        for name, (x, y, visibility) in zip(self.keypoint_names, joints, strict=False):
            if visibility > 0:
                flags = {HIDDEN: True} if visibility == 1 else {}
                shapes.append({**_shape({"label": name}, "point", [[x, y]]), "flags": flags})
        return [{**shape, "group_id": group} for shape in shapes] if len(shapes) > 1 else shapes


def _shape(about, kind, points):
    corners = [[round(float(number), DIGITS) for number in point] for point in points]
    return {"description": "", **about, "points": corners, "group_id": None, "shape_type": kind, "flags": {}}


def _mask_shape(about, mask):
    """Return a shape with the pixels of a mask between its first and its last column and row, as a PNG."""
    from PIL import Image

    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1], columns[0], columns[-1]
    file = io.BytesIO()
    Image.fromarray(mask[top : bottom + 1, left : right + 1].astype(np.uint8) * 255).save(file, "PNG")
    shape = _shape(about, "mask", [[left, top], [right, bottom]])
    return {**shape, "mask": base64.b64encode(file.getvalue()).decode("ascii")}


def _relative(path, folder):
    """Return the path of an image as seen from a folder, with slashes; absolute where another drive holds it."""
    path = Path(path).resolve()
    try:
        return Path(os.path.relpath(path, Path(folder).resolve())).as_posix()
    except ValueError:
        return path.as_posix()
