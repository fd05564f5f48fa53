"""What annotation files of any format say, as plain records, and the dataset that is made of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from minivision.core.labels import IGNORE
from minivision.core.types import Array, Size
from minivision.data import rle
from minivision.data.class_names import check_class_names
from minivision.data.dataset import Sample
from minivision.data.files import (
    FileDataset,
    all_have_masks,
    clip_boxes,
    paint_label_map,
    report_boxes,
    warn_about_boxes,
)
from minivision.data.images import BrokenFileError, image_size, read_image
from minivision.data.instances import Instances
from minivision.data.problems import is_collecting

__all__ = ["ImageRecord", "ObjectRecord", "Recorded"]

MIN_CORNERS = 3  # of a polygon
LIMIT = 1e9  # of coordinates


@dataclass(frozen=True, eq=False)
class ObjectRecord:
    """One object as a file describes it.

    Attributes
    ----------
    label : str
        Name of its class.
    box : (x1, y1, x2, y2), optional
        In pixels; pixel ``i`` covers ``[i, i + 1)``. Without it, the extent of the polygons, the mask, or the visible
        joints.
    polygons : tuple of ndarray of shape (N, 2), optional
        Corners ``x, y`` in pixels; the object is the union of their areas.
    mask : bool ndarray of shape (H, W) or dict, optional
        Its pixels, or run lengths ``{"size": [H, W], "counts": ...}``; see `minivision.data.rle`.
    keypoints : ndarray of shape (J, 3), optional
        Points ``x, y, visibility`` in pixels; the center of the first pixel is ``(0.5, 0.5)``. Visibility is COCO's.
    crowd : bool
        Whether it stands for a group of objects, or is too difficult to count.
    captions : tuple of str
        What is said of it.
    """

    label: str
    box: tuple[float, float, float, float] | None = None
    polygons: tuple[Array, ...] | None = None
    mask: Array | Mapping[str, Any] | None = None
    keypoints: Array | None = None
    crowd: bool = False
    captions: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ImageRecord:
    """One image as a file describes it.

    Attributes
    ----------
    path : pathlib.Path
        The image file.
    size : (height, width), optional
        As the annotations have it. Without it, it is read from the header of the image when it is needed.
    objects : sequence of ObjectRecord
    relative : bool
        Whether all coordinates are shares of the image's width and height, from 0 to 1, instead of pixels.
    source : pathlib.Path, optional
        The annotation file, for messages.
    """

    path: Path
    size: Size | None = None
    objects: Sequence[ObjectRecord] = ()
    relative: bool = False
    source: Path | None = None


class Recorded(FileDataset):
    """A dataset of records. Opening it opens no image.

    Parameters
    ----------
    records : sequence of ImageRecord
    names : sequence of str
        Names of the classes in the order of their labels, without the background.
    keypoint_names : sequence of str
        Names of the joints; empty where objects have none.
    source : path
        The file or folder that the records are from, for messages.
    broken : sequence of BrokenFileError
        Files that could not be used. Without `skip_broken` the first one is raised.
    skip_broken : bool
        Whether to leave out images that cannot be read, with a warning. Every image is then decoded once at opening.

    Raises
    ------
    BrokenFileError
        If a record has a class that is not among `names`, or a number that is not finite, or as described above.
    FileNotFoundError
        If there are images, and no file of any of them.

    Notes
    -----
    Boxes are clipped to the image; those without area are dropped, with a warning. There are masks if all objects have
    polygons or a mask. Where masks overlap, the label map has the smaller object; crowds are `IGNORE`.
    """

    def __init__(
        self,
        records: Sequence[ImageRecord],
        names: Sequence[str],
        keypoint_names: Sequence[str] = (),
        *,
        source: str | os.PathLike,
        broken: Sequence[BrokenFileError] = (),
        skip_broken: bool = False,
    ) -> None:
        self.source = Path(source)
        self.classes = check_class_names(source, names)
        self.keypoint_names = tuple(keypoint_names)
        if broken and not skip_broken:
            raise broken[0]
        if records and not any(os.path.isfile(record.path) for record in records):
            raise FileNotFoundError(
                f"{source}: none of the {len(records)} images is there, such as {records[0].path}; put the images "
                "where the annotations name them"
            )
        errors = list(broken)
        self._entries = self._make_entries(records, errors if skip_broken else None)
        masked = [bool(each.polygons) or each.mask is not None for record in self._entries for each in record.objects]
        self.has_masks = all_have_masks(self.source, masked)
        self.has_label_maps = self.has_masks and len(self.classes) <= IGNORE
        if skip_broken:
            self._leave_out_broken(errors)

    def image_sizes(self) -> list[Size]:
        return [record.size or image_size(record.path) for record in self._entries]

    def _image(self, record):
        """Return the pixels of an image; formats that have images within other files override it."""
        return read_image(record.path, record.size)

    def count_objects(self) -> int:
        return sum(len(record.objects) for record in self._entries)

    def _make_entries(self, records, errors):
        """Return the records with checked objects; errors go to the list `errors` if it is given."""
        entries, dropped = [], 0
        labels = {name: label for label, name in enumerate(self.classes)}
        for record in records:
            try:
                joints = len(self.keypoint_names)
                objects = [_checked(record, number, labels, joints) for number in range(len(record.objects))]
            except BrokenFileError as error:
                if errors is None:
                    raise
                errors.append(error)
                continue
            kept = [each for each in objects if each.box is not None]
            if is_collecting():
                _report_boxes_of(record, kept)
            size = (1, 1) if record.relative else record.size
            if size is not None:
                _, valid = clip_boxes([each.box for each in kept], size)
                kept = [each for each, good in zip(kept, valid, strict=True) if good]
            dropped += len(objects) - len(kept)
            entries.append(replace(record, objects=tuple(kept)))
        warn_about_boxes(self.source, dropped)
        return entries

    def _sample(self, index: int) -> Sample:
        record = self._entries[index]
        image = self._image(record)
        height, width = size = image.shape[:2]
        scale = (width, height) if record.relative else (1, 1)
        boxes = np.array([each.box for each in record.objects], float).reshape(-1, 4) * (*scale, *scale)
        boxes, valid = clip_boxes(boxes, size)
        objects = [each for each, good in zip(record.objects, valid, strict=True) if good]
        labels = np.array([self.classes.index(each.label) for each in objects], np.int64)
        crowd = np.array([each.crowd for each in objects], bool)
        fields: dict[str, Any] = {"crowd": crowd}
        if self.has_captions:
            fields["captions"] = [each.captions for each in objects]
        if self.keypoint_names:
            fields["keypoints"] = self._keypoints(objects, scale)
        label_map = np.full(size, IGNORE, np.uint8)
        if self.has_masks:
            masks = fields["masks"] = np.zeros((len(objects), *size), bool)
            for k, each in enumerate(objects):
                masks[k] = _mask(record, each, size, scale)
            if self.has_label_maps:
                label_map = paint_label_map(masks, labels, crowd)
        return Sample(image, Instances(boxes[valid], labels, **fields), label_map)

    def _keypoints(self, objects, scale):
        keypoints = np.zeros((len(objects), len(self.keypoint_names), 3), np.float32)
        for k, each in enumerate(objects):
            if each.keypoints is not None:
                keypoints[k] = np.asarray(each.keypoints) * (*scale, 1)
        keypoints[keypoints[..., 2] == 0] = 0
        return keypoints


def _report_boxes_of(record, objects):
    """Report boxes without area and outside of their image, for who collects problems; looks at the image's header."""
    try:
        height, width = record.size or image_size(record.path)
    except BrokenFileError:
        return  # reported when its sample is read
    scale = (width, height) if record.relative else (1, 1)
    boxes = np.array([each.box for each in objects], float).reshape(-1, 4) * (*scale, *scale)
    report_boxes(record.path, boxes, (height, width))


def _checked(record, number, labels, joints):
    """Return an object with a box, None if nothing tells where it is, and without polygons that have no area."""
    each, place = record.objects[number], record.source or record.path
    where = f"object {number + 1} of {record.path.name}"
    if each.label not in labels or each.label == "background":
        raise BrokenFileError(place, f"{where} has the class {each.label!r:.60}, not listed as a class")
    box, polygons, mask, keypoints = each.box, each.polygons, each.mask, each.keypoints
    if keypoints is not None:
        keypoints = np.asarray(keypoints, float)
        if keypoints.shape != (joints, 3):
            raise BrokenFileError(place, f"{where} has {len(keypoints)} joints, not {joints}")
    if polygons is not None:
        polygons = tuple(np.asarray(polygon, float).reshape(-1, 2) for polygon in polygons)
    for values in (box, keypoints, *(polygons or ())):
        if values is not None and not (np.abs(np.asarray(values, float)) < LIMIT).all():
            raise BrokenFileError(place, f"{where} has a coordinate that is not finite, or far too large")
    polygons = tuple(polygon for polygon in polygons or () if len(polygon) >= MIN_CORNERS) or None
    if box is None:
        try:
            box = _extent_of(polygons, mask, keypoints)
        except ValueError as error:
            raise BrokenFileError(place, f"mask of {where}: {error}") from error
    return replace(each, box=box, polygons=polygons, keypoints=keypoints)


def _extent_of(polygons, mask, keypoints):
    """Return the box around an object, None if there is nothing."""
    if polygons:
        return _around(np.concatenate(polygons))
    if isinstance(mask, Mapping):
        return tuple(map(float, rle.bounding_box(mask)))
    if mask is not None:
        y, x = np.nonzero(mask)
        return (x.min(), y.min(), x.max() + 1.0, y.max() + 1.0) if len(x) else None
    return None if keypoints is None else _around(keypoints[keypoints[:, 2] > 0, :2])


def _around(points):
    return (*points.min(axis=0).tolist(), *points.max(axis=0).tolist()) if len(points) else None


def _mask(record, each, size, scale):
    """Return the pixels of an object."""
    place = record.source or record.path
    try:
        if each.polygons:
            return rle.segmentation_to_mask([(polygon * scale).ravel() for polygon in each.polygons], size)
        if isinstance(each.mask, Mapping):
            return rle.segmentation_to_mask(each.mask, size)
        if each.mask.shape != size:
            raise ValueError(f"its size is {list(each.mask.shape)}, that of the image {list(size)}")
        return np.asarray(each.mask, bool)
    except ValueError as error:
        raise BrokenFileError(place, f"mask of a {each.label} in {record.path.name}: {error}") from error
