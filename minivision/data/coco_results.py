"""Predictions in the format of COCO's results, which all COCO evaluators and servers read.

One flat list for all images with one dict per object: ``image_id``, ``category_id``, ``bbox`` (x, y, width, height),
``score``, and if there are any, ``segmentation`` (run lengths) and ``keypoints``.
See https://cocodataset.org/#format-results.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minivision.data import rle
from minivision.data.images import BrokenFileError
from minivision.data.instances import Instances

__all__ = ["coco_ids", "coco_results"]

_PIXEL = np.array([0.5, 0.5, 0])  # COCO's joints are indices of pixels; here they are points, at pixel centers


def coco_results(instances: Instances, image_id: int, category_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Convert the objects predicted in one image to COCO's results.

    Parameters
    ----------
    instances : Instances
        With scores.
    image_id : int
        The id of the image in the annotations.
    category_ids : sequence of int
        ``category_ids[label - 1]`` is the category of a label.

    Returns
    -------
    results : list of dict
        Ready for ``json.dumps``.

    Raises
    ------
    ValueError
        If there are no scores, or a label has no category.
    """
    if len(instances) and instances.scores is None:
        raise ValueError("COCO's results are ranked by score, and these objects have none: are they a prediction?")
    if instances.labels.max(initial=0) > len(category_ids):
        raise ValueError(f"label {instances.labels.max()} has no category: there are {len(category_ids)}")
    masks, scores = instances.masks, np.zeros(0) if instances.scores is None else instances.scores
    results = []
    for k, (x1, y1, x2, y2) in enumerate(instances.boxes.tolist()):
        result: dict[str, Any] = {
            "image_id": image_id,
            "category_id": category_ids[instances.labels[k] - 1],
            "bbox": [round(number, 2) for number in (x1, y1, x2 - x1, y2 - y1)],
            "score": round(float(scores[k]), 5),
        }
        if masks is not None:
            result["segmentation"] = rle.encode(masks[k])
        if instances.keypoints is not None and instances.keypoints[k, :, 2].any():
            result["keypoints"] = np.round(instances.keypoints[k] - _PIXEL, 2).ravel().tolist()
        results.append(result)
    return results


def coco_ids(path: str | os.PathLike, classes: Sequence[str]) -> tuple[dict[str, int], list[int]]:
    """Read the ids of images and of the classes of a model from a file of COCO annotations.

    Parameters
    ----------
    path : path
        Such as ``instances_val.json``.
    classes : sequence of str
        Class names, the background first.

    Returns
    -------
    image_ids : dict of str to int
        By the name of the image file, without folders.
    category_ids : list of int
        Of all classes except the background.

    Raises
    ------
    BrokenFileError
        If it is no such file, or has no category for a class.
    """
    path = Path(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        image_ids = {Path(image["file_name"]).name: image["id"] for image in data["images"]}
        by_name = {category["name"]: category["id"] for category in data["categories"]}
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenFileError(path, f"not a file of COCO annotations ({error!r})") from error
    missing = [name for name in classes[1:] if name not in by_name]
    if missing:
        raise BrokenFileError(path, f"it has no category {missing[0]!r}; it has {', '.join(by_name)}")
    return image_ids, [by_name[name] for name in classes[1:]]
