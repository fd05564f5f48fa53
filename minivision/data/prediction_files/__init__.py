"""Predicted objects in files that other tools read: a module with a writer for each format.

A new format is a module here with a subclass of `PredictionWriter`, and a line in ``WRITERS``.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence

from minivision.data.prediction_files.writer import PredictedImage, PredictionWriter

__all__ = ["WRITERS", "PredictedImage", "PredictionWriter", "prediction_writer"]

WRITERS = {  # name of a format -> its class; its module is called like the format
    "coco": "CocoWriter",
    "yolo": "YoloWriter",
    "labelme": "LabelmeWriter",
    "csv": "CsvWriter",
}


def prediction_writer(
    name: str, folder: str | os.PathLike, classes: Sequence[str], keypoint_names: Sequence[str] = ()
) -> PredictionWriter:
    """Return the writer of a format, for files in a folder.

    Parameters
    ----------
    name : str
        A key of ``WRITERS``.
    folder : path
        It is created when the first file is written.
    classes : sequence of str
        Names of the classes, the background first.
    keypoint_names : sequence of str
        Names of the joints, if the objects have joints.

    Raises
    ------
    ValueError
        If there is no such format.
    """
    if name not in WRITERS:
        raise ValueError(f"there is no format {name!r} for predictions; there are {', '.join(WRITERS)}")
    module = importlib.import_module(f"minivision.data.prediction_files.{name}_format")
    return getattr(module, WRITERS[name])(folder, classes, keypoint_names)
