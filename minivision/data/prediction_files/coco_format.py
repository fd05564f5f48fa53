"""COCO's results: a JSON list for boxes, one for masks, one for joints (https://cocodataset.org/#format-results).

Scores are the float32 numbers of the prediction, boxes are rounded to a ten-thousandth and joints to a hundredth of a
pixel, masks are run lengths, exact.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from minivision.data.coco_results import coco_results
from minivision.data.instances import Instances
from minivision.data.prediction_files.writer import PredictedImage, PredictionWriter, kinds_of

__all__ = ["CocoWriter"]


class CocoWriter(PredictionWriter):
    """Writes ``coco-results.json`` for boxes, and ``coco-results-masks.json`` and ``-joints.json`` if there are any.

    Without ids of somebody's annotations (`use_ids`), images are numbered in their order from 1, classes from 1, and
    ``coco-images.json`` lists both, for COCO's tools: a file of annotations without annotations.
    """

    def __init__(self, folder: str | os.PathLike, classes: Sequence[str], keypoint_names: Sequence[str] = ()) -> None:
        super().__init__(folder, classes, keypoint_names)
        self.image_ids: Mapping[Path, int] | None = None
        self.category_ids: Sequence[int] = range(1, len(self.classes))
        self.results: dict[str, list[dict[str, Any]]] = {"boxes": []}
        self.images: list[dict[str, Any]] = []

    def use_ids(self, image_ids: Mapping[Path, int], category_ids: Sequence[int]) -> None:
        """Take the ids of images, by their paths, and of the classes without the background, from annotations."""
        self.image_ids, self.category_ids = image_ids, category_ids

    def add(self, image: PredictedImage, instances: Instances) -> None:
        height, width = image.size
        number = len(self.images) + 1 if self.image_ids is None else self.image_ids[image.path]
        self.images.append({"id": number, "file_name": image.path, "height": height, "width": width})
        for kind in kinds_of(instances):
            results = coco_results(instances, number, self.category_ids, kind)
            self.results.setdefault(kind, []).extend(results)

    def finish(self) -> None:
        for kind, results in self.results.items():
            name = "coco-results.json" if kind == "boxes" else f"coco-results-{kind}.json"
            self._write(name, json.dumps(results) + "\n")
        if self.image_ids is None:
            joints: dict[str, Any] = {"keypoints": self.keypoint_names, "skeleton": []} if self.keypoint_names else {}
            classes = zip(self.category_ids, self.classes[1:], strict=True)
            categories = [{"id": number, "name": name, **joints} for number, name in classes]
            names = Counter(image["file_name"].name for image in self.images)
            images = [{**image, "file_name": _file_name(image["file_name"], names)} for image in self.images]
            content = {"images": images, "annotations": [], "categories": categories}
            self._write("coco-images.json", json.dumps(content, ensure_ascii=False) + "\n")


def _file_name(path: Path, names: Mapping[str, int]) -> str:
    """Return the name of an image, with its folders as they were given where several images have that name."""
    return path.name if names[path.name] == 1 else path.as_posix()
