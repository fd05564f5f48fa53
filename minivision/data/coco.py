"""Datasets in COCO's format (https://cocodataset.org/#format-data)."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minivision.core.labels import IGNORE
from minivision.core.types import Array, Size
from minivision.data import rle
from minivision.data.dataset import Sample
from minivision.data.files import FileDataset, clip_boxes, paint_label_map, warn_about_boxes
from minivision.data.images import BrokenFileError, image_size, read_image
from minivision.data.instances import Instances

__all__ = ["Coco"]

KINDS = ("instances", "person_keypoints")  # of annotation files, in the order of the search


class _Entry(NamedTuple):
    """One image: its file, its size, and its annotations whose boxes have an area."""

    path: Path
    size: Size
    annotations: list
    boxes: Array


class Coco(FileDataset):
    """Images with boxes, masks and joints from one JSON file.

    Parameters
    ----------
    root : path
        A folder with ``annotations/instances_NAME.json`` (or ``person_keypoints_NAME.json``) and the images
        in ``NAME/``, ``images/NAME/`` or ``images/``.
    split : str
        NAME. ``"train"`` also finds ``instances_train2017.json``, if it is the only year.
    skip_broken : bool
        Whether to leave out images that cannot be read, with a warning. Every image is then decoded once at
        opening.

    Notes
    -----
    Label ``i + 1`` is the category with the i-th smallest id. Boxes are clipped to the image; those without
    area are dropped. Crowds have ``crowd`` set and are `IGNORE` in the label map. ``area`` is set if all
    annotations have one. COCO's joints are indices of pixels; here they are points, at the centers of these
    pixels.
    """

    def __init__(self, root: str | os.PathLike, split: str, *, skip_broken: bool = False) -> None:
        self.path, name = _find_annotations(Path(root), split)
        self.folder = _find_images(Path(root), name)
        data = _read_json(self.path)
        categories = sorted(data["categories"], key=lambda category: category["id"])
        self.classes = ("background", *(category["name"] for category in categories))
        self._label_of = {category["id"]: i for i, category in enumerate(categories, start=1)}
        self.keypoint_names = next((tuple(c["keypoints"]) for c in categories if c.get("keypoints")), ())
        self.has_masks = self._check_masks(data["annotations"])
        self.has_label_maps = self.has_masks and len(self.classes) <= IGNORE
        self._has_areas = all(_is_area(annotation.get("area")) for annotation in data["annotations"])
        broken: list[BrokenFileError] = []
        self._entries = self._make_entries(data, broken if skip_broken else None)
        if skip_broken:
            self._leave_out_broken(broken)

    def image_sizes(self) -> list[Size]:
        return [entry.size for entry in self._entries]

    def _check_masks(self, annotations):
        """Return whether all annotations have masks; warn if only some have."""
        without = sum(1 for annotation in annotations if not annotation.get("segmentation"))
        if 0 < without < len(annotations):
            warnings.warn(
                f"{self.path}: {without} of {len(annotations)} annotations have no segmentation, "
                "so none is used; remove those annotations to have masks",
                stacklevel=4,
            )
        return without == 0

    def _make_entries(self, data, broken):
        """Return the annotations by image, with checked boxes; broken files are appended to `broken` if it is given."""
        of_image = {image["id"]: [] for image in data["images"]}
        for annotation in data["annotations"]:
            image, category = annotation.get("image_id"), annotation.get("category_id")
            if image not in of_image:
                raise BrokenFileError(self.path, f"annotation {annotation.get('id')} is for image {image}, not listed")
            if category not in self._label_of:
                raise BrokenFileError(
                    self.path, f"annotation {annotation.get('id')} is of category {category}, not listed"
                )
            of_image[image].append(annotation)
        entries, dropped = [], 0
        for image in data["images"]:
            path = self.folder / image["file_name"]
            try:
                size = (image["height"], image["width"]) if "height" in image else image_size(path)
            except BrokenFileError as error:
                if broken is None:
                    raise
                broken.append(error)
                continue
            annotations = of_image[image["id"]]
            boxes = np.array([self._box(annotation) for annotation in annotations], float).reshape(-1, 4)
            boxes[:, 2:] += boxes[:, :2]  # COCO's x, y, width, height
            boxes, valid = clip_boxes(boxes, size)
            annotations = [annotation for annotation, keep in zip(annotations, valid, strict=True) if keep]
            entries.append(_Entry(path, size, annotations, boxes[valid]))
            dropped += np.count_nonzero(~valid)
        warn_about_boxes(self.path, dropped)
        return entries

    def _box(self, annotation):
        """Return COCO's ``x, y, width, height``."""
        box = annotation.get("bbox")
        if not isinstance(box, list) or len(box) != 4:
            raise BrokenFileError(self.path, f"annotation {annotation.get('id')} has no bbox of four numbers")
        return box

    def _sample(self, index: int) -> Sample:
        entry = self._entries[index]
        image = read_image(entry.path, entry.size)
        labels = np.array([self._label_of[annotation["category_id"]] for annotation in entry.annotations], np.int64)
        crowd = np.array([bool(annotation.get("iscrowd", 0)) for annotation in entry.annotations], bool)
        fields = {"crowd": crowd}
        if self._has_areas:
            fields["area"] = np.array([annotation["area"] for annotation in entry.annotations], float)
        if self.keypoint_names:
            fields["keypoints"] = self._keypoints(entry.annotations)
        label_map = np.full(entry.size, IGNORE, np.uint8)
        if self.has_masks:
            each = [self._mask(annotation, entry.size) for annotation in entry.annotations]
            masks = fields["masks"] = np.array(each, bool).reshape(-1, *entry.size)
            if self.has_label_maps:
                label_map = paint_label_map(masks, labels, crowd)
        return Sample(image, Instances(entry.boxes, labels, **fields), label_map)

    def _mask(self, annotation, size):
        segmentation = annotation["segmentation"]
        try:
            if isinstance(segmentation, list):
                return rle.polygons_to_mask(segmentation, size)
            if tuple(segmentation["size"]) != tuple(size):
                raise ValueError(f"its size is {segmentation['size']}, that of the image {list(size)}")
            return rle.decode(segmentation)
        except (ValueError, KeyError, TypeError) as error:
            raise BrokenFileError(self.path, f"segmentation of annotation {annotation.get('id')}: {error}") from error

    def _keypoints(self, annotations):
        joints = len(self.keypoint_names)
        keypoints = np.zeros((len(annotations), joints, 3), np.float32)
        for k, annotation in enumerate(annotations):
            numbers = annotation.get("keypoints")
            if numbers:
                if len(numbers) != 3 * joints:
                    raise BrokenFileError(
                        self.path,
                        f"annotation {annotation.get('id')} has {len(numbers) / 3:g} joints, not {joints}",
                    )
                keypoints[k] = np.reshape(numbers, (joints, 3))
        keypoints[..., :2] += 0.5
        keypoints[keypoints[..., 2] == 0] = 0
        return keypoints


def _is_area(value):
    return isinstance(value, int | float) and 0 <= value < float("inf")  # False also for NaN


def _find_annotations(root, split):
    """Return the JSON file of a split, and the split's full name."""
    folder = root / "annotations"
    if not folder.is_dir():
        raise FileNotFoundError(f"{root} is not a dataset in COCO's format: it has no folder 'annotations'")
    for kind in KINDS:
        exact = folder / f"{kind}_{split}.json"
        files = [exact] if exact.is_file() else sorted(folder.glob(f"{kind}_{split}[0-9]*.json"))
        if len(files) == 1:
            return files[0], files[0].stem.removeprefix(f"{kind}_")
    names = {path.stem.removeprefix(f"{kind}_") for kind in KINDS for path in folder.glob(f"{kind}_*.json")}
    raise FileNotFoundError(
        f"{folder} has no instances_{split}.json; splits that are there: {', '.join(sorted(names)) or 'none'}"
    )


def _find_images(root, name):
    choices = [root / name, root / "images" / name, root / "images"]
    for folder in choices:
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the images of split {name!r} should be in {choices[0]}, but there is no such folder")


def _read_json(path):
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BrokenFileError(path, f"not JSON: {error}") from error
    for key in ("images", "annotations", "categories"):
        if not isinstance(data, dict) or not isinstance(data.get(key), list):
            raise BrokenFileError(path, f"it has no list {key!r}, as COCO's files for objects have")
    return data
