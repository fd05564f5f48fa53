"""Predictions in the format of COCO's results, which all COCO evaluators and servers read.

One flat list for all images with one dict per object: ``image_id``, ``category_id``, ``score``, and ``bbox`` (x, y,
width, height), ``segmentation`` (run lengths) or ``keypoints``. There is a list for each of the three, since COCO's
evaluation takes the area of a mask from ``bbox`` where it is there, and wants joints of every object of a list.
See https://cocodataset.org/#format-results.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minivision.data import rle
from minivision.data.coco_file import read_coco_file
from minivision.data.images import BrokenFileError
from minivision.data.instances import Instances

__all__ = ["KINDS", "coco_ids", "coco_results", "image_id_of"]

KINDS = ("boxes", "masks", "joints")  # of results

_PIXEL = np.array([0.5, 0.5, 0])  # COCO's joints are indices of pixels; here they are points, at pixel centers


def coco_results(
    instances: Instances, image_id: int, category_ids: Sequence[int], kind: str = "boxes"
) -> list[dict[str, Any]]:
    """Convert the objects predicted in one image to COCO's results.

    Parameters
    ----------
    instances : Instances
        With scores.
    image_id : int
        The id of the image in the annotations.
    category_ids : sequence of int
        ``category_ids[label - 1]`` is the category of a label.
    kind : {"boxes", "masks", "joints"}
        What the results have: COCO's evaluations ``bbox``, ``segm`` and ``keypoints``. Objects without a visible joint
        are no results of the last.

    Returns
    -------
    results : list of dict
        Ready for ``json.dumps``.

    Raises
    ------
    ValueError
        If there are no scores, no such annotations, or a label has no category.
    """
    if len(instances) and instances.scores is None:
        raise ValueError("COCO's results are ranked by score, and these objects have none: are they a prediction?")
    if instances.labels.max(initial=0) > len(category_ids):
        raise ValueError(f"label {instances.labels.max()} has no category: there are {len(category_ids)}")
    if kind not in KINDS:
        raise ValueError(f"kind: expected one of {', '.join(KINDS)}, got {kind!r}")
    if kind == "masks" and not instances.has_masks or kind == "joints" and instances.keypoints is None:
        raise ValueError(f"kind: these objects have no {kind}")
    scores = np.zeros(0) if instances.scores is None else instances.scores
    masks = instances.masks if kind == "masks" else None
    results = []
    for k, (x1, y1, x2, y2) in enumerate(instances.boxes.tolist()):
        result: dict[str, Any] = {"image_id": image_id, "category_id": category_ids[instances.labels[k] - 1]}
        if kind == "boxes":
            result["bbox"] = [round(number, 4) for number in (x1, y1, x2 - x1, y2 - y1)]
        elif masks is not None:
            result["segmentation"] = rle.encode(masks[k])
        else:
            joints = instances.keypoints[k]  # type: ignore[index]
            if not joints[:, 2].any():
                continue
            result["keypoints"] = np.round(joints - _PIXEL, 2).ravel().tolist()
        results.append({**result, "score": float(scores[k])})
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
        By ``file_name`` as the file has it, with folders.
    category_ids : list of int
        Of all classes except the background.

    Raises
    ------
    BrokenFileError
        If it is no such file, has no category for a class, or several that annotations use.
    """
    path = Path(path)
    content = read_coco_file(path, annotated=False)
    strays = [error for image, error in content.broken.items() if image not in content.annotations]
    if strays:  # entries of images; wrong annotations do not matter here
        raise strays[0]
    image_ids: dict[str, int] = {}
    for image in content.images:
        if image_ids.setdefault(image.file_name, image.id) != image.id:
            raise BrokenFileError(path, f"two images have the file_name {image.file_name!r}: which id is meant?")
    missing = [name for name in classes[1:] if name not in content.classes[1:]]
    if missing:
        raise BrokenFileError(path, f"it has no category {missing[0]!r}; it has {', '.join(content.classes[1:])}")
    used = {annotation.category for each in content.annotations.values() for annotation in each}
    return image_ids, [_category_id(path, content, name, used) for name in classes[1:]]


def _category_id(path, content, name, used):
    """Return the id of the category of a class: of several with its name, the one that annotations use."""
    label = content.classes.index(name)
    numbers = [number for number, other in content.category_ids.items() if other == label]
    choices = [number for number in numbers if number in used] or numbers[:1]
    if len(choices) > 1:
        shown = " and ".join(map(str, choices))
        raise BrokenFileError(path, f"the categories {shown} are both called {name!r}: which id should objects get?")
    return choices[0]


def image_id_of(path: str | os.PathLike, image_ids: Mapping[str, int]) -> int | None:
    """Return the id of an image file: of the longest ``file_name`` that its path ends with.

    Returns
    -------
    image_id : int or None
        None if no image has the name of the file, or several have, in folders that the path does not end with.
    """
    own = _folded(Path(path).absolute())
    by_name = {name: _folded(name) for name in image_ids}
    ending = [name for name, full in by_name.items() if own.endswith(full)]
    if ending:
        return image_ids[max(ending, key=len)]
    last = own[own.rindex("/") :]
    same = [image_ids[name] for name, full in by_name.items() if full.endswith(last)]
    return same[0] if len(same) == 1 else None


def _folded(path):
    """Return a path for comparison: with slashes, one in front, and in lower case where the system ignores case."""
    return f"/{os.path.normcase(path)}".replace("\\", "/")
