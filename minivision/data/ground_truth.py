"""The ground truth of a dataset by the ids that a file of results has, without decoding more than is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minivision.core.types import Array, Size
from minivision.data import rle
from minivision.data.coco import Coco
from minivision.data.coco_file import Annotation, read_coco_file
from minivision.data.coco_layout import find_layout
from minivision.data.dataset import Dataset
from minivision.data.images import BrokenFileError, image_size, read_image
from minivision.data.instances import Instances
from minivision.data.spec import DataSpec

__all__ = ["CocoTruth", "DatasetTruth", "GroundTruth", "TrueImage", "open_truth"]


class TrueImage(NamedTuple):
    """An image of the ground truth: its height and width, and its objects.

    Joints are indices of pixels, as in COCO's files, half a pixel from the points that datasets have: those of people
    without a labeled joint are compared with boxes, so half a pixel counts.
    """

    size: Size
    instances: Instances


class GroundTruth:
    """Images by the ids of a file of results. See `CocoTruth` and `DatasetTruth`.

    Attributes
    ----------
    classes, keypoint_names, has_masks
        As of a dataset.
    labels : dict
        ``category_id`` -> label.
    ids : dict
        Every ``image_id`` that is allowed -> the number of its image, from 0; None where it does not count, since it is
        of another split, or broken and skipped.
    what_ids_are : str
        For messages.
    """

    classes: tuple[str, ...]
    keypoint_names: tuple[str, ...]
    has_masks: bool
    labels: Mapping[Any, int]
    ids: Mapping[Any, int | None]
    what_ids_are: str

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} does not say how many images it has")

    def __iter__(self) -> Iterator[TrueImage]:
        raise NotImplementedError(f"{type(self).__name__} does not have images")

    def image_path(self, number: int) -> Path | None:
        """Return the file of an image, which need not exist; None if it is no file."""
        raise NotImplementedError(f"{type(self).__name__} does not know where images are")

    def image(self, number: int) -> Array | None:
        """Return an image, uint8 ``(H, W, 3)``; None if its file is missing or broken: results are boxes and masks."""
        path = self.image_path(number)
        try:
            return None if path is None else read_image(path)
        except (OSError, BrokenFileError):
            return None


class CocoTruth(GroundTruth):
    """The ground truth of a file in COCO's format, with its own ids; no image is opened.

    Boxes are as in the file, neither clipped nor dropped, and images are in the order of their ids: as in COCO's own
    evaluation.

    Parameters
    ----------
    root, split, skip_broken
        As of `Coco`.
    """

    what_ids_are = "the ids of the images in its JSON file"

    def __init__(self, root: Path, split: str, *, skip_broken: bool = False) -> None:
        self.layout = find_layout(root, split)
        content = read_coco_file(self.layout.annotations)
        if content.broken and not skip_broken:
            raise next(iter(content.broken.values()))
        images = [image for image in content.images if image.id not in content.broken]
        self.ids = dict.fromkeys(image.id for image in content.images)
        if self.layout.holds_all_splits and split != "all":
            chosen = {entry.path for entry in Coco(root, split, skip_broken=skip_broken)._entries}
            images = [image for image in images if self.layout.find_image(image.file_name) in chosen]
        self._images = sorted(images, key=lambda image: (isinstance(image.id, str), image.id))
        self.ids |= {image.id: number for number, image in enumerate(self._images)}
        self._annotations = content.annotations
        self.classes, self.keypoint_names = content.classes, content.keypoint_names
        self.labels = content.category_ids
        kept = [annotation for image in self._images for annotation in content.annotations[image.id]]
        self.has_masks = all(annotation.segmentation is not None for annotation in kept)
        self._has_areas = all(annotation.area is not None for annotation in kept)

    def __len__(self) -> int:
        return len(self._images)

    def __iter__(self) -> Iterator[TrueImage]:
        for image in self._images:
            size = image.size or image_size(self.layout.find_image(image.file_name))
            yield TrueImage(size, self._instances(self._annotations[image.id], size))

    def image_path(self, number: int) -> Path:
        return self.layout.find_image(self._images[number].file_name)

    def _instances(self, annotations: list[Annotation], size: Size) -> Instances:
        boxes = np.array([annotation.box for annotation in annotations], float).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]  # COCO's x, y, width, height
        fields: dict[str, Any] = {"crowd": np.array([annotation.crowd for annotation in annotations], bool)}
        if self._has_areas:
            fields["area"] = [annotation.area for annotation in annotations]
        if self.has_masks:
            masks = [self._mask(annotation, size) for annotation in annotations]
            fields["masks"] = np.array(masks, bool).reshape(len(masks), *size)
        if self.keypoint_names:
            joints = np.zeros((len(annotations), len(self.keypoint_names), 3))
            for k, annotation in enumerate(annotations):
                if annotation.keypoints:
                    joints[k] = np.reshape(annotation.keypoints, joints.shape[1:])
            fields["keypoints"] = joints
        return Instances(boxes, [annotation.label for annotation in annotations], **fields)

    def _mask(self, annotation, size):
        try:
            if isinstance(annotation.segmentation, list):
                return rle.polygons_to_mask(annotation.segmentation, size)
            mask = rle.decode(annotation.segmentation)
            if mask.shape != tuple(size):
                raise ValueError(f"it is {mask.shape[0]}x{mask.shape[1]}, its image {size[0]}x{size[1]}")
        except ValueError as error:
            raise BrokenFileError(
                self.layout.annotations, f"segmentation of annotation {annotation.id}: {error}"
            ) from error
        return mask


class DatasetTruth(GroundTruth):
    """The ground truth of a dataset of any kind.

    An image's id is its file name, with or without its suffix and with as many of its folders as tell it from others;
    where images are no files, such as drawn scenes, it is their number, from 1. A category is the name of a class, or
    its number, from 1.

    Parameters
    ----------
    dataset : Dataset
    """

    what_ids_are = "the names of its image files"

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self.classes, self.keypoint_names = tuple(dataset.classes), tuple(dataset.keypoint_names)
        self.has_masks = dataset.has_masks
        numbers = range(1, len(self.classes))
        self.labels = {**{number: number for number in numbers}, **{self.classes[k]: k for k in numbers}}
        paths = [dataset.image_path(index) for index in range(len(dataset))]
        self.ids = _ids_of_paths(paths)
        if None in paths:
            self.ids = {index + 1: index for index in range(len(dataset))}
            self.what_ids_are = f"the numbers of its images, 1 to {len(dataset)}"

    def __len__(self) -> int:
        return len(self._dataset)

    def __iter__(self) -> Iterator[TrueImage]:
        for size, sample in zip(self._dataset.image_sizes(), self._dataset, strict=True):
            joints = sample.instances.keypoints
            indices = None if joints is None else joints - np.array([0.5, 0.5, 0], np.float32)
            yield TrueImage(size, sample.instances.replace(keypoints=indices))

    def image_path(self, number: int) -> Path | None:
        return self._dataset.image_path(number)

    def image(self, number: int) -> Array:
        return self._dataset[number].image


def open_truth(spec: DataSpec, split: str, *, level: str = "hard", skip_broken: bool = False) -> GroundTruth:
    """Open a split of a dataset as the ground truth of a file of results.

    Parameters and errors are those of `open_dataset`.
    """
    spec = spec.resolved()
    if spec.kind == "coco" and spec.folder is not None:
        root = spec.folder.expanduser()
        if not root.exists():
            raise FileNotFoundError(f"{spec}: there is no folder {root}")
        return CocoTruth(root, split, skip_broken=skip_broken)
    dataset = spec.open(split, level=level, skip_broken=skip_broken)
    if not dataset.has_boxes:
        raise ValueError(f"{spec} has label maps only, and no objects with which predictions could be compared")
    return DatasetTruth(dataset)


def _ids_of_paths(paths):
    """Return the index of each image by its names; a name of several images is left out."""
    found: dict[str, set[int]] = {}
    for index, path in enumerate(paths):
        if path is None:
            continue
        parts = path.parts
        for start in range(len(parts)):
            name = "/".join(parts[start:])
            for text in (name, name.removesuffix(path.suffix)):
                found.setdefault(text, set()).add(index)
    return {name: next(iter(indices)) for name, indices in found.items() if len(indices) == 1}
