"""One table, ``predictions.csv``: a line for each object, for spreadsheets, R and pandas.

Numbers are written with as many digits as float32 needs to come back exactly. A mask is ``HEIGHTxWIDTH:COUNTS``, with
COCO's compressed run lengths.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from typing import Any

from minivision.data import rle
from minivision.data.instances import Instances
from minivision.data.prediction_files.writer import PredictedImage, PredictionWriter

__all__ = ["CsvWriter"]

COLUMNS = ("image", "height", "width", "class", "score", "x1", "y1", "x2", "y2")


class CsvWriter(PredictionWriter):
    """Writes ``predictions.csv`` in UTF-8, with a line of titles; images without objects have no line."""

    def __init__(self, folder: str | os.PathLike, classes: Sequence[str], keypoint_names: Sequence[str] = ()) -> None:
        super().__init__(folder, classes, keypoint_names)
        self.rows: list[dict[str, Any]] = []
        self.columns: dict[str, None] = dict.fromkeys(COLUMNS)  # in their order

    def add(self, image: PredictedImage, instances: Instances) -> None:
        for k in range(len(instances)):
            row = {"image": str(image.path), "height": image.size[0], "width": image.size[1]}
            row["class"] = self.classes[instances.labels[k]]
            row["score"] = "" if instances.scores is None else str(instances.scores[k])
            row |= {name: str(number) for name, number in zip(COLUMNS[5:], instances.boxes[k], strict=True)}
            if instances.keypoints is not None:
                for name, joint in zip(self.keypoint_names, instances.keypoints[k], strict=True):
                    row |= {f"{name} {part}": str(number) for part, number in zip("xyv", joint, strict=True)}
            if instances.has_masks:
                mask = rle.encode(instances[k].masks[0])  # type: ignore[index]
                row["mask"] = "{}x{}:{}".format(*mask["size"], mask["counts"])
            self.rows.append(row)
            self.columns.update(dict.fromkeys(row))

    def finish(self) -> None:
        text = io.StringIO()
        table = csv.DictWriter(text, list(self.columns), lineterminator="\n")
        table.writeheader()
        table.writerows(self.rows)
        self._write("predictions.csv", text.getvalue())
