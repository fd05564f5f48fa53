"""Label Studio's JSON and JSON_MIN exports (https://labelstud.io/guide/export, as its version 1.23 writes them).

A list of tasks. In JSON each has ``data`` with the place of its image, and ``annotations`` (``completions`` in old
files) with a ``result``: a list of regions. In JSON_MIN the regions are lists under the names of the tools. Places are
percents of the image's sides; see `label_studio_regions`.
"""

from __future__ import annotations

import os
import re
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from minivision.core.types import Size
from minivision.data.class_names import is_background, listed_classes
from minivision.data.files import IMAGE_SUFFIXES, find_file, is_hidden, one_split
from minivision.data.formats.format import Format, Found
from minivision.data.formats.label_studio_regions import Region, read_region, region_size
from minivision.data.images import BrokenFileError
from minivision.data.records import ImageRecord, ObjectRecord, Recorded
from minivision.data.text import peek, read_json

__all__ = ["LABEL_STUDIO", "LabelStudio"]

PREFIX = re.compile(r"[0-9a-f]{8}-")  # that Label Studio puts before the name of a file that is uploaded
FOLDERS = ("images", "upload", "media/upload", "data")
BEGINNING = 1 << 16  # bytes of a file that tell whether it is an export


class LabelStudio(Recorded):
    """Images with the regions of a JSON file that Label Studio exported.

    Parameters
    ----------
    root : path
        A JSON file, or a folder with one. The images are beside it or in ``images/``, with the names that Label Studio
        gave them when they were uploaded, or without the eight letters and the hyphen before.
    split : str
        Images are divided as by `one_split`, by their names without these letters.
    skip_broken : bool
        As in `Recorded`.

    Notes
    -----
    The classes are the lines of ``classes.txt`` beside the file, else all labels in the order of the alphabet.
    Rectangles are boxes without a mask; turned ones are the turned rectangle, with the box around it. Key points are
    the joints of the region that they belong to (``parentID``), or of the only object of the image; others are left
    out, with a warning. Of several annotations of a task the one that is called ground truth is taken, else the latest.
    Skipped ("cancelled") annotations, predictions and tasks without an annotation are left out.
    """

    def __init__(self, root: str | os.PathLike, split: str, *, skip_broken: bool = False) -> None:
        path = _file(Path(root))
        reader = _Reader(path)
        found = reader.read(read_json(path))
        chosen = [each for _, each in one_split(found, split, path, lambda item: item[0])]
        reader.warn()
        joints = sorted(reader.joints)
        records = [each.record(path, joints) for each in chosen if isinstance(each, _Task)]
        broken = [each for each in chosen if isinstance(each, BrokenFileError)]
        names = (listed_classes(path.parent, reader.labels) or ("background", *sorted(reader.labels)))[1:]
        super().__init__(records, names, joints, source=path, broken=broken, skip_broken=skip_broken)


class _Task(NamedTuple):
    """An image with its regions; each region of an object has the places of its joints by name."""

    path: Path
    size: Size | None
    objects: list[tuple[Region, dict[str, tuple[float, float]]]]

    def record(self, source: Path, joints: Sequence[str]) -> ImageRecord:
        """Return the record of the image, whose joints are in the order of all joints."""
        objects = []
        for region, places in self.objects:
            keypoints = np.zeros((len(joints), 3))
            for name, place in places.items():
                keypoints[joints.index(name)] = (*place, 2)
            polygons = None if region.polygon is None else (region.polygon,)
            objects.append(ObjectRecord(region.label, region.box, polygons, region.mask, keypoints if joints else None))
        return ImageRecord(self.path, self.size, objects, source=source)


class _Reader:
    """Reads tasks; collects labels and names of joints, and counts what is left out."""

    def __init__(self, path):
        self.path = path
        self.labels: set[str] = set()
        self.joints: set[str] = set()
        self.left_out: Counter[str] = Counter()

    def warn(self):
        if self.left_out:
            shown = ", ".join(f"{count} {what}" for what, count in sorted(self.left_out.items()))
            warnings.warn(f"{self.path}: left out {shown}", stacklevel=4)

    def read(self, tasks):
        """Return the name of the image, and a `_Task` or an error, for each task that is annotated."""
        if not isinstance(tasks, list):
            raise BrokenFileError(self.path, f"it should be a list of tasks [...], got {type(tasks).__name__}")
        if tasks and all(isinstance(task, dict) and "annotation_id" in task for task in tasks):
            tasks = list(_from_min(tasks))
        found = []
        for number, task in enumerate(tasks):
            where, name = f"task number {number}", str(number)
            try:
                if not isinstance(task, dict):
                    raise BrokenFileError(self.path, f"{where} should be an object {{...}}, got {task!r:.60}")
                where = f"task {task.get('id', f'number {number}')!s:.40}"
                results = self._results(task, where)
                if results is None:
                    continue
                place = self._place(task, where)
                name = PREFIX.sub("", place.rpartition("/")[2], count=1)
                found.append((name, self._task(results, place, where)))
            except BrokenFileError as error:
                found.append((name, error))
        return found

    def _results(self, task, where):
        """Return the regions of the annotation that counts, None without one."""
        annotations = task.get("annotations", task.get("completions", []))
        if not isinstance(annotations, list) or not all(isinstance(each, dict) for each in annotations):
            raise BrokenFileError(self.path, f"annotations of {where} should be a list of objects {{...}}")
        if not annotations:
            self.left_out["tasks without an annotation"] += 1
            return None
        good = [each for each in annotations if not each.get("was_cancelled")]
        if not good:
            self.left_out["skipped tasks"] += 1
            return None
        if len(good) > 1:
            self.left_out["annotations of tasks that have several"] += len(good) - 1
        chosen = max(good, key=lambda each: (each.get("ground_truth") is True, str(each.get("updated_at") or "")))
        results = chosen.get("result")
        if not isinstance(results, list) or not all(isinstance(each, dict) for each in results):
            raise BrokenFileError(self.path, f"result of {where} should be a list of regions, got {results!r:.60}")
        return results

    def _place(self, task, where):
        """Return the place of the image as a path with slashes, or an address."""
        data = task.get("data")
        texts = [text for text in data.values() if isinstance(text, str)] if isinstance(data, dict) else []
        for text in texts:
            try:
                parts = urlsplit(text)
            except ValueError:
                continue
            if parts.scheme == "data" or not text.isprintable():
                continue
            local = parse_qs(parts.query).get("d", [""])[0]  # /data/local-files/?d=PATH
            place = (local or unquote(parts.path)).replace("\\", "/")
            if place.lower().endswith(IMAGE_SUFFIXES):
                return f"{parts.scheme}://{parts.netloc}{place}" if len(parts.scheme) > 1 else place
        raise BrokenFileError(self.path, f"data of {where} names no image file, got {data!r:.80}")

    def _task(self, results, place, where):
        size, regions = None, []
        named = {each.get("id") for each in results if _labels(each)}
        for number, result in enumerate(results):
            name = f"region {result.get('id', number)!s:.20} of {where}"
            try:
                own = region_size(result)
                if own is None or not isinstance(result.get("value"), Mapping):
                    continue  # a choice, a text, a relation
                if size is not None and own != size:
                    raise ValueError(f"it was drawn on an image of {own[0]}x{own[1]}, others on {size[0]}x{size[1]}")
                size = own
                labels = _labels(result)
                if not labels:
                    if result.get("id") not in named:
                        self.left_out["regions without a label"] += 1
                    continue
                if len(labels) > 1:
                    self.left_out["labels of regions that have several"] += len(labels) - 1
                region = read_region(result, labels[0], size)
            except (ValueError, OverflowError) as error:
                raise BrokenFileError(self.path, f"{name}: {error}") from error
            if region is not None and is_background(region.label):
                self.left_out[f"regions called {region.label}"] += 1
            elif region is not None:
                regions.append(region)
        return _Task(self._file(place, where), size, self._objects(regions))

    def _objects(self, regions):
        """Return pairs of an object and its joints, which are places by name."""
        objects = [(each, {}) for each in regions if each.point is None]
        self.labels.update(each.label for each, _ in objects)
        by_id = {each.id: joints for each, joints in objects if each.id is not None}
        for point in (each for each in regions if each.point is not None):
            joints = by_id.get(point.parent) if point.parent is not None else None
            if joints is None and point.parent is None and len(objects) == 1:
                joints = objects[0][1]
            if joints is None or point.label in joints:
                self.left_out["key points that belong to no object, or a second time"] += 1
            else:
                joints[point.label] = point.point
                self.joints.add(point.label)
        return objects

    def _file(self, place, where):
        scheme, _, rest = place.rpartition("://")
        folders = [self.path.parent / name for name in FOLDERS] + [self.path.parent]
        path = find_file(rest, folders)
        last = rest.rpartition("/")[2]
        if not os.path.isfile(path) and PREFIX.match(last):
            path = find_file(PREFIX.sub("", last, count=1), folders)
        if not os.path.isfile(path):
            if scheme:
                raise BrokenFileError(
                    self.path,
                    f"the image of {where} is at {place:.120}, and nothing is downloaded here; put the file "
                    f"{last:.80} into {folders[0]}",
                )
            path = folders[0] / last
        return path


def _labels(result):
    """Return the labels of a region."""
    value = result.get("value")
    for key, labels in value.items() if isinstance(value, Mapping) else ():
        if key.endswith("labels") and isinstance(labels, list) and labels:
            return [label for label in labels if isinstance(label, str) and label.strip()]
    return []


def _from_min(tasks):
    """Yield tasks of JSON_MIN as those of JSON."""
    by_id: dict[Any, dict[str, Any]] = {}
    for task in tasks:
        values = [
            each for value in task.values() if isinstance(value, list) for each in value if isinstance(each, dict)
        ]
        sides = ("original_width", "original_height")
        regions = [{**{side: value.get(side) for side in sides}, "value": value} for value in values]
        key = str(task.get("id", len(by_id)))
        entry = by_id.setdefault(key, {"id": task.get("id"), "data": task, "annotations": []})
        if task["annotation_id"] is not None:
            entry["annotations"].append({"result": regions, "updated_at": task.get("updated_at")})
    yield from by_id.values()


def _file(root):
    """Return the JSON file of an export."""
    if root.is_file():
        return root
    files = _exports(root)
    if len(files) != 1:
        names = ", ".join(path.name for path in files) or "none"
        raise FileNotFoundError(
            f"{root} should have one JSON file that Label Studio exported; there are: {names}. Name one with "
            "label-studio:FILE.json"
        )
    return files[0]


def _exports(root):
    return sorted(path for path in root.glob("*.json") if not is_hidden(path) and _is_export(path))


def _is_export(path):
    """Return whether a file begins, or ends, as an export does."""
    first, last = peek(path, BEGINNING), peek(path, BEGINNING, end=True)
    if not re.match(rb"(\xef\xbb\xbf)?\s*\[\s*\{", first):
        return False
    tasks = b'"annotations"' in first or b'"completions"' in first
    return tasks and (b'"result"' in first or b'"data"' in first) or b'"annotation_id"' in last


def recognize(root: Path) -> Found | None:
    """Recognize a JSON file that is a list of tasks with annotations."""
    if root.is_file():
        return Found("label-studio", (), root.name) if root.suffix.lower() == ".json" and _is_export(root) else None
    files = _exports(root)
    return Found("label-studio", (), files[0].name) if files else None


LABEL_STUDIO = Format(
    "label-studio",
    "Label Studio's JSON",
    "a JSON file that is a list of tasks with annotations, exported as JSON or JSON_MIN",
    recognize,
    LabelStudio,
)
