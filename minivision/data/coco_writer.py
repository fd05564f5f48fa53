"""Writing any dataset in COCO's format, so that reading it again gives the same samples."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minivision.core.folder import check_is_new, new_folder
from minivision.core.labels import IGNORE
from minivision.core.progress import progress_bar
from minivision.core.types import Array
from minivision.data import rle
from minivision.data.dataset import Dataset, Sample
from minivision.data.files import is_painted
from minivision.data.instances import Instances

__all__ = ["Written", "annotation_dicts", "instances_of_label_map", "write_coco"]

_PIXEL = np.array([0.5, 0.5, 0])  # COCO's joints are indices of pixels; here they are points, at pixel centers


class Written(NamedTuple):
    """What `write_coco` wrote of a split, and of how many images the label map is another one when it is read again."""

    images: int
    objects: int
    changed_label_maps: int


def write_coco(
    splits: dict[str, Dataset], folder: str | os.PathLike, *, number: int | None = None, progress: bool = False
) -> dict[str, Written]:
    """Write the splits of a dataset into a new folder: ``annotations/instances_SPLIT.json`` and ``SPLIT/*``.

    Files of images are copied byte for byte; drawn scenes become PNG files. Boxes, classes, masks (as run lengths),
    joints and crowds are the same bit for bit when the folder is read with ``coco:``. COCO has no label maps: the
    reader paints them from the masks. Where there are only label maps, the pixels of each class in an image become one
    object, and the pixels to ignore one crowd, from which the same label map is painted.

    Parameters
    ----------
    splits : dict of str to Dataset
        By name. All have the same classes.
    folder : path
        It must not exist, or be empty. It appears when everything is written.
    number : int, optional
        How many images of each split, the first ones; by default all.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    written : dict of str to Written

    Raises
    ------
    FileExistsError
        If the folder has something in it.
    ValueError
        If the classes or joints of the splits differ.
    BrokenFileError
        If an image cannot be read.
    """
    check_is_new(Path(folder))
    (first, dataset), *others = splits.items()
    for name, other in others:
        for what in ("classes", "keypoint_names"):
            if getattr(other, what) != getattr(dataset, what):
                raise ValueError(f"the splits {first} and {name} have different {what.replace('_', ' ')}")
    written = {}
    with new_folder(folder) as partial:
        (partial / "annotations").mkdir()
        for name, each in splits.items():
            content, written[name] = _write_split(each, partial / _plain(name), number, progress)
            with open(partial / "annotations" / f"instances_{_plain(name)}.json", "w", encoding="utf-8") as file:
                json.dump(content, file, allow_nan=False)
    return written


def _plain(split):
    """Return the name of a split as a name of a file: ``Segmentation/train`` has a folder in it."""
    return split.replace("/", "-").replace("\\", "-")


def _write_split(dataset, folder, number, progress):
    """Copy the images of a split; return the content of its JSON file, and what was written."""
    folder.mkdir()
    count = len(dataset) if number is None else min(number, len(dataset))
    names = _file_names([dataset.image_path(index) for index in range(count)])
    images, annotations, changed = [], [], 0
    for index in progress_bar(range(count), unit="image", leave=False, disable=not progress):
        sample = dataset[index]
        _write_image(sample, dataset.image_path(index), folder / names[index])
        height, width = sample.image.shape[:2]
        images.append({"id": index + 1, "file_name": names[index], "height": height, "width": width})
        instances = sample.instances if dataset.has_boxes else instances_of_label_map(sample.label_map)
        for entry in annotation_dicts(instances, bool(dataset.keypoint_names)):
            annotations.append({"id": len(annotations) + 1, "image_id": index + 1, **entry})
        changed += dataset.has_label_maps and not is_painted(sample.label_map, instances)
    categories = _categories(dataset, annotations)
    content = {"info": {}, "licenses": [], "images": images, "annotations": annotations, "categories": categories}
    return content, Written(count, len(annotations), changed)


def _file_names(paths: Sequence[Path | None]) -> list[str]:
    """Return the names that images get: their own, with their folders where several have the same name."""
    files = {path for path in paths if path is not None}
    names = {path: path.name for path in files}
    if len({name.lower() for name in names.values()}) < len(files):
        common = Path(os.path.commonpath([path.parent for path in files]))
        names = {path: path.relative_to(common).as_posix() for path in files}
    return [f"{index:06}.png" if path is None else names[path] for index, path in enumerate(paths)]


def _write_image(sample: Sample, source: Path | None, target: Path) -> None:
    if target.exists():
        return  # a file that is listed twice
    target.parent.mkdir(parents=True, exist_ok=True)
    if source is not None:
        _copy(source, target)
    else:
        from PIL import Image

        Image.fromarray(sample.image).save(target)


def _copy(source, target):
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        if error.errno == errno.ENOSPC:  # it names the source, which is not what is full
            raise OSError(error.errno, error.strerror, str(target)) from error
        raise


def instances_of_label_map(label_map: Array) -> Instances:
    """Return the regions of a label map as objects: one for each class, and a crowd for the pixels to ignore.

    The crowd is of class 1: a crowd needs a class, and these pixels have none.

    Parameters
    ----------
    label_map : uint8 ndarray of shape (H, W)

    Returns
    -------
    instances : Instances
        With masks; boxes are the extents of the regions.
    """
    values = [value for value in np.unique(label_map).tolist() if value]
    masks = np.stack([label_map == value for value in values]) if values else np.zeros((0, *label_map.shape), bool)
    boxes = [rle.bounding_box(rle.encode(mask)) for mask in masks]
    crowd = np.array([value == IGNORE for value in values], bool)
    labels = np.where(crowd, 1, np.array(values, np.int64))
    return Instances(np.array(boxes, np.float32).reshape(-1, 4), labels, masks=masks, crowd=crowd)


def annotation_dicts(instances: Instances, with_joints: bool = False) -> list[dict[str, Any]]:
    """Return objects as COCO writes them, without the ids of annotation and image.

    The category of an object is its label. An area that is not known is that of the mask, or of the box, as
    evaluations take it.

    Parameters
    ----------
    instances : Instances
    with_joints : bool
        Whether to write ``keypoints``.

    Returns
    -------
    annotations : list of dict
        Ready for ``json.dumps``.
    """
    masks = instances.masks if instances.has_masks else None
    entries = []
    for k, (x1, y1, x2, y2) in enumerate(instances.boxes.tolist()):
        entry: dict[str, Any] = {"category_id": int(instances.labels[k]), "bbox": [x1, y1, x2 - x1, y2 - y1]}
        if instances.area is not None:
            entry["area"] = float(instances.area[k])
        else:
            entry["area"] = float((x2 - x1) * (y2 - y1) if masks is None else np.count_nonzero(masks[k]))
        entry["iscrowd"] = int(instances.crowd[k])
        if masks is not None:
            entry["segmentation"] = rle.encode(masks[k])
        if with_joints and instances.keypoints is not None:
            joints = instances.keypoints[k].astype(np.float64)
            shown = joints[:, 2:] > 0
            entry["keypoints"] = [_whole(value) for value in np.where(shown, joints - _PIXEL, 0).ravel().tolist()]
            entry["num_keypoints"] = int(shown.sum())
        entries.append(entry)
    return entries


def _whole(number):
    """Return a number, as int if it is whole: shorter, and visibilities must be."""
    return int(number) if number == int(number) else number


def _categories(dataset, annotations):
    """Return the classes as categories; those of which an object has joints list their names."""
    names = list(dataset.keypoint_names)
    having = {each["category_id"] for each in annotations if each.get("num_keypoints")}
    categories: list[dict[str, Any]] = []
    for label, name in enumerate(dataset.classes[1:], start=1):
        joints = {"keypoints": names, "skeleton": []} if names and (label in having or not having) else {}
        categories.append({"id": label, "name": name, "supercategory": "", **joints})
    return categories
