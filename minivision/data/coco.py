"""Datasets in COCO's format (https://cocodataset.org/#format-data)."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minivision.core.labels import IGNORE
from minivision.core.types import Array, Size
from minivision.data import rle
from minivision.data.coco_file import Annotation, read_coco_file
from minivision.data.coco_layout import find_layout, split_of_image
from minivision.data.dataset import Sample
from minivision.data.files import (
    FileDataset,
    all_have_masks,
    clip_boxes,
    one_split,
    paint_label_map,
    report_boxes,
    split_name,
    warn_about_boxes,
)
from minivision.data.images import BrokenFileError, image_size, read_image, stored_image_size
from minivision.data.instances import Instances
from minivision.data.problems import MendedWarning, report

__all__ = ["Coco"]


class _Entry(NamedTuple):
    """One image: its file, its size, and its annotations whose boxes have an area."""

    path: Path
    size: Size
    annotations: list[Annotation]
    boxes: Array


class Coco(FileDataset):
    """Images with boxes, masks and joints from one JSON file.

    Parameters
    ----------
    root : path
        A folder with ``annotations/instances_NAME.json`` (or ``person_keypoints_NAME.json``) and the images
        in ``NAME/``, ``images/NAME/`` or ``images/``; or a folder with ``NAME/_annotations.coco.json`` beside its
        images, as Roboflow writes it; or JSON files of other names, which or whose folders have the name of a split; or
        one JSON file, or a folder with a single one, with the images beside it or in ``images/``, ``data/`` or
        ``JPEGImages/``.
    split : str
        NAME. ``"train"`` also finds ``instances_train2017.json``, if it is the only year, and
        ``"person_keypoints_train"`` means that file, where both are there. One file for all splits (such as CVAT's
        ``instances_default.json``) is divided by folders in the names of the images, such as ``train/``, if all have
        one, else as in `LabelFolder`: ``"val"`` is about every fifth image.
    skip_broken : bool
        Whether to leave out images that cannot be read, with a warning. Every image is then decoded once at
        opening.

    Notes
    -----
    Label ``i + 1`` is the category with the i-th smallest id; categories of one name are one class, and one called
    background is none. Boxes are clipped to the image; those without area are dropped. Crowds have ``crowd`` set and
    are `IGNORE` in the label map. ``area`` is set if all annotations have one, and there are masks if all have a
    segmentation. COCO's joints are indices of pixels; here they are points, at the centers of these pixels.
    """

    def __init__(self, root: str | os.PathLike, split: str, *, skip_broken: bool = False) -> None:
        self.layout = find_layout(Path(root), split)
        self.path = self.layout.annotations
        content = read_coco_file(self.path)
        self.classes, self.keypoint_names = content.classes, content.keypoint_names
        images = content.images
        if self.layout.holds_all_splits:
            images = sorted(images, key=lambda image: image.file_name)
            images = _images_of_split(images, split, self.path)
        broken = list(content.broken.values())
        if broken and not skip_broken:
            raise broken[0]
        images = [image for image in images if image.id not in content.broken]
        if images and not any(os.path.isfile(self.layout.find_image(image.file_name)) for image in images):
            folders = ", ".join(map(str, self.layout.folders))
            raise FileNotFoundError(f"the images of split {split!r} should be in {folders}, but none is there")
        self._entries = self._make_entries(images, content.annotations, broken if skip_broken else None)
        kept = [annotation for entry in self._entries for annotation in entry.annotations]
        self.has_masks = all_have_masks(self.path, [each.segmentation is not None for each in kept])
        self.has_label_maps = self.has_masks and len(self.classes) <= IGNORE
        self._has_areas = self._check_areas(kept)
        self._warn_about_crowds(kept)
        self._warn_about_joints()
        if skip_broken:
            self._leave_out_broken(broken)

    def image_sizes(self) -> list[Size]:
        return [entry.size for entry in self._entries]

    def count_objects(self) -> int:
        return sum(len(entry.boxes) for entry in self._entries)

    def _check_areas(self, annotations):
        """Return whether all annotations have an area; warn if only some have, or if most cannot be right."""
        without = sum(1 for annotation in annotations if annotation.area is None)
        if 0 < without < len(annotations):
            warnings.warn(
                f"{self.path}: annotations without an area that is a number: {without} of {len(annotations)}. So all "
                "areas are those of the masks, or of the boxes",
                stacklevel=4,
            )
        if without or not annotations:
            return without == 0
        tiny = sum(1 for each in annotations if each.area < TINY * each.box[2] * each.box[3])
        if 2 * tiny > len(annotations):
            warnings.warn(
                f"{self.path}: areas below a hundredth of their boxes: {tiny} of {len(annotations)}. Metrics of small, "
                "medium and large objects and of joints rely on them; without areas, those of masks or boxes are taken",
                stacklevel=4,
            )
        return True

    def _warn_about_crowds(self, annotations):
        crowds = sum(annotation.crowd for annotation in annotations)
        if annotations and crowds == len(annotations):
            warnings.warn(
                f"{self.path}: {crowds} of {crowds} objects are crowds (iscrowd 1), which are neither learned nor "
                "counted; some tools write each mask of run lengths so: set iscrowd to 0 for single objects",
                stacklevel=4,
            )

    def _warn_about_joints(self):
        other = self.path.with_name(self.path.name.replace("instances_", "person_keypoints_", 1))
        if not self.keypoint_names and other != self.path and other.is_file():
            warnings.warn(
                f"{self.path} has no joints; {other.name} (keypoints) is opened by the split {other.stem!r}",
                stacklevel=4,
            )

    def _make_entries(self, images, annotations_of, broken):
        """Return the images with checked boxes; broken files are appended to `broken` if it is given."""
        entries, dropped, cut, elsewhere = [], 0, 0, 0
        for image in images:
            path = self.layout.find_image(image.file_name)
            try:
                annotations = annotations_of[image.id]
                boxes = np.array([annotation.box for annotation in annotations], float).reshape(-1, 4)
                boxes[:, 2:] += boxes[:, :2]  # COCO's x, y, width, height
                size = _true_size(path, image.size, boxes)
            except BrokenFileError as error:
                if broken is None:
                    raise
                broken.append(error)
                continue
            report_boxes(path, boxes, size)
            clipped, valid = clip_boxes(boxes, size)
            cut += np.count_nonzero(_areas(clipped)[valid] < MAX_CUT * _areas(boxes)[valid])
            annotations = [annotation for annotation, keep in zip(annotations, valid, strict=True) if keep]
            entries.append(_Entry(path, size, annotations, clipped[valid]))
            dropped += np.count_nonzero(~valid)
            elsewhere += sum(map(_outside_its_box, annotations, clipped[valid]))
        for path, count in Counter(entry.path for entry in entries).items():
            if count > 1:
                report("listed-twice", path, f"{count} entries of {self.path.name} name it")
        warn_about_boxes(self.path, dropped)
        if cut:
            warnings.warn(
                f"{self.path}: clipped boxes that lie largely outside their images: {cut}. Are they x, y, width, "
                "height (not corners), and are the images those that were annotated?",
                MendedWarning,
                stacklevel=4,
            )
        if elsewhere:
            warnings.warn(
                f"{self.path}: masks outside their own boxes: {elsewhere}. Do boxes and segmentations belong together?",
                MendedWarning,
                stacklevel=4,
            )
        return entries

    def _sample(self, index: int) -> Sample:
        entry = self._entries[index]
        image = read_image(entry.path, entry.size)
        labels = np.array([annotation.label for annotation in entry.annotations], np.int64)
        crowd = np.array([annotation.crowd for annotation in entry.annotations], bool)
        fields: dict[str, Any] = {"crowd": crowd}
        if self._has_areas:
            fields["area"] = np.array([annotation.area for annotation in entry.annotations], float)
        if self.keypoint_names:
            fields["keypoints"] = self._keypoints(entry.annotations)
        label_map = np.full(entry.size, IGNORE, np.uint8)
        if self.has_masks:
            masks = fields["masks"] = np.zeros((len(entry.annotations), *entry.size), bool)
            for mask, annotation in zip(masks, entry.annotations, strict=True):
                mask[:] = self._mask(annotation, entry.size)
            if self.has_label_maps:
                label_map = paint_label_map(masks, labels, crowd)
        return Sample(image, Instances(entry.boxes, labels, **fields), label_map)

    def _mask(self, annotation, size):
        try:
            return rle.segmentation_to_mask(annotation.segmentation, size)
        except ValueError as error:
            raise BrokenFileError(self.path, f"segmentation of annotation {annotation.id}: {error}") from error

    def _keypoints(self, annotations):
        joints = len(self.keypoint_names)
        keypoints = np.zeros((len(annotations), joints, 3))
        for k, annotation in enumerate(annotations):
            if annotation.keypoints:
                keypoints[k] = np.reshape(annotation.keypoints, (joints, 3))
        keypoints[..., :2] += 0.5
        keypoints[keypoints[..., 2] == 0] = 0
        return keypoints.astype(np.float32)  # only now: half a pixel is added without rounding


def _images_of_split(images, split, path):
    """Return a split of the images of one file: by folders of their names such as ``train/``, else by a hash."""
    splits = [split_of_image(image.file_name) for image in images]
    if None in splits or len(set(splits)) < 2 or split == "all":
        return one_split(images, split, path, lambda image: image.file_name)
    if split_name(split) not in splits:
        there = ", ".join(sorted(set(splits)))
        raise FileNotFoundError(f"{path} has no images in a folder {split!r}; splits that are there: {there}")
    return [image for image, own in zip(images, splits, strict=True) if own == split_name(split)]


TINY = 0.01  # of the area of a box: the area of an object that is hardly ever right
MAX_CUT = 0.5  # of the area of a box; if more is left, clipping is not worth a warning


def _areas(boxes):
    return np.prod(boxes[:, 2:] - boxes[:, :2], axis=1, dtype=float)


def _true_size(path, size, boxes):
    """Return the size of an image: that of the annotations, unless the boxes show that they were made on it turned.

    Label Studio writes the size of a photograph as it is stored, and boxes of the photograph as the camera's
    orientation turns it.
    """
    if size is None:
        return image_size(path)
    height, width = size
    reach = boxes[:, 2:].max(axis=0, initial=0) - 1  # 1 pixel for rounding
    fits, fits_turned = (reach <= (width, height)).all(), (reach <= (height, width)).all()
    if not fits and fits_turned and os.path.isfile(path) and stored_image_size(path) == size:
        return image_size(path)
    return size


def _outside_its_box(annotation, box):
    """Return whether the mask of an annotation does not even touch its box."""
    segmentation = annotation.segmentation
    if segmentation is None:
        return False
    if isinstance(segmentation, list):
        x1, x2 = min(min(each[0::2]) for each in segmentation), max(max(each[0::2]) for each in segmentation)
        y1, y2 = min(min(each[1::2]) for each in segmentation), max(max(each[1::2]) for each in segmentation)
    else:
        try:
            x1, y1, x2, y2 = rle.bounding_box(segmentation)
        except ValueError:
            return False  # reported when its sample is read
    return bool(x1 >= box[2] or y1 >= box[3] or x2 <= box[0] or y2 <= box[1])
