"""Text files as Ultralytics writes and reads them: a line for each object, in units of the image's sides.

``labels/NAME.txt`` has ``class cx cy w h``, ``labels-segment/NAME.txt`` has ``class x1 y1 x2 y2 ...`` (an outline),
``labels-pose/NAME.txt`` has ``class cx cy w h`` and ``x y v`` of each joint. Classes count from 0, without the
background. Numbers have nine significant digits: float32 comes back exactly. With scores, they are the last number
of a line; Ultralytics reads such lines as predictions only, not as labels to train on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence

import numpy as np

from minivision.core.types import Array
from minivision.data.dataset import keypoint_flip
from minivision.data.files import clip_boxes
from minivision.data.instances import Instances
from minivision.data.mask_outlines import joined, outlines
from minivision.data.prediction_files.writer import PredictedImage, PredictionWriter, kinds_of

__all__ = ["YoloWriter"]

FOLDERS = {"boxes": "labels", "masks": "labels-segment", "joints": "labels-pose"}


class YoloWriter(PredictionWriter):
    """Writes a file of lines for each image and each kind of annotation, and ``data.yaml`` with the names.

    Boxes are clipped to the image, without which Ultralytics refuses them; objects outside are left out. Joints outside
    of the image, and those that are absent, are ``0 0 0``. A mask is one outline that is led through its parts and
    holes; one without pixels is its box.

    Attributes
    ----------
    scores : bool
        Whether the lines end with the score.
    """

    certain_only = True

    def __init__(self, folder: str | os.PathLike, classes: Sequence[str], keypoint_names: Sequence[str] = ()) -> None:
        super().__init__(folder, classes, keypoint_names)
        self.scores = False

    def add(self, image: PredictedImage, instances: Instances) -> None:
        boxes, inside = clip_boxes(instances.boxes, image.size)
        objects = instances.replace(boxes=boxes)[inside]
        sides = np.array(image.size[::-1], np.float64)  # width, height
        for kind in kinds_of(instances):
            numbers = getattr(self, f"_{kind}")(objects, sides)
            self._write(f"{FOLDERS[kind]}/{image.name}.txt", "".join(self._lines(objects, numbers)))

    def _lines(self, objects: Instances, numbers: Iterable[Array]) -> Iterable[str]:
        for k, values in enumerate(numbers):
            score = [objects.scores[k]] if self.scores and objects.scores is not None else []
            yield " ".join([str(objects.labels[k] - 1), *(f"{value:.9g}" for value in (*values, *score))]) + "\n"

    def _boxes(self, objects, sides):
        """Return center, width and height of each box, ``(K, 4)``."""
        boxes = objects.boxes.astype(np.float64)
        low, high = boxes[:, :2] / sides, boxes[:, 2:] / sides
        return np.concatenate([(low + high) / 2, high - low], axis=1)

    def _masks(self, objects, sides):
        """Yield the outline of each mask, ``(2 n,)``."""
        for k, box in enumerate(objects.boxes.astype(np.float64)):
            polygons = outlines(objects[k].masks[0])
            polygon = joined(polygons) if polygons else box[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2)
            yield (polygon / sides).ravel()

    def _joints(self, objects, sides):
        """Return the boxes and the joints, ``(K, 4 + 3 J)``."""
        joints = objects.keypoints.astype(np.float64)
        places = joints[..., :2] / sides
        seen = (joints[..., 2:] > 0) & ((places >= 0) & (places <= 1)).all(axis=2, keepdims=True)
        joints = np.where(seen, np.concatenate([places, joints[..., 2:]], axis=2), 0)
        return np.concatenate([self._boxes(objects, sides), joints.reshape(len(joints), 3 * joints.shape[1])], axis=1)

    def finish(self) -> None:
        """Write the names; a text in JSON is one in YAML."""
        names = [json.dumps(name, ensure_ascii=False) for name in self.classes[1:]]
        lines = ["names:", *(f"  {number}: {name}" for number, name in enumerate(names))]
        if self.keypoint_names:
            flip = keypoint_flip(self.keypoint_names).tolist()
            lines += [f"kpt_shape: [{len(flip)}, 3]", f"flip_idx: {flip}"]
        self._write("data.yaml", "\n".join(lines) + "\n")
