"""A dataset held in memory, and its file: no decoding or drawing while a model trains."""

import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from minivision.data.dataset import Dataset, Sample
from minivision.data.images import BrokenFileError
from minivision.data.instances import Instances, layer_masks

__all__ = ["InMemory", "in_memory", "map_in_threads"]

FORMAT = 1  # of the file; raise it when the arrays in it change

_BY_OBJECT = ("boxes", "labels", "crowd", "keypoints", "area")  # the columns with a row for each object


class InMemory(Dataset):
    """Samples kept as arrays; ``dataset[i]`` takes no time and its arrays are read-only.

    Images may differ in size, so all of them lie one behind the other in long arrays, which are also what the
    file of `save` holds. Make one with `InMemory.collect`, `in_memory` or `InMemory.load`.

    Parameters
    ----------
    columns : dict of arrays
        ``sizes`` (N, 2) heights and widths; ``images`` and ``label_maps``, flat uint8; ``counts`` (N,)
        objects in each image, and then for all objects ``boxes``, ``labels``, ``crowd``, perhaps
        ``keypoints`` and ``area``. With masks also ``instance_maps``, flat, and ``layers`` (N,), how many each
        image has.
    classes, keypoint_names, has_boxes, has_masks, has_label_maps
        As in `Dataset`.
    """

    def __init__(self, columns, *, classes, keypoint_names=(), has_boxes=True, has_masks=True, has_label_maps=True):
        self.classes, self.keypoint_names = tuple(classes), tuple(keypoint_names)
        self.has_boxes, self.has_masks, self.has_label_maps = has_boxes, has_masks, has_label_maps
        self._columns = columns
        _check_columns(columns)
        for array in columns.values():
            array.flags.writeable = False
        areas = columns["sizes"].prod(axis=1)
        layers = columns.get("layers", np.zeros_like(areas))
        pixels, mapped, objects = _starts(areas), _starts(areas * layers), _starts(columns["counts"])
        self._samples = [
            self._view(i, slice(*pixels[i : i + 2]), slice(*mapped[i : i + 2]), slice(*objects[i : i + 2]))
            for i in range(len(areas))
        ]

    def _view(self, i, pixels, mapped, objects):
        """Sample `i`, its arrays views of these parts of the columns."""
        columns, (height, width) = self._columns, self._columns["sizes"][i]
        image = columns["images"][3 * pixels.start : 3 * pixels.stop].reshape(height, width, 3)
        label_map = columns["label_maps"][pixels].reshape(height, width)
        fields = {name: columns[name][objects] for name in _BY_OBJECT if name in columns}
        if "instance_maps" in columns:
            fields["instance_map"] = columns["instance_maps"][mapped].reshape(-1, height, width)
        return Sample(image, Instances(**fields), label_map)

    def __len__(self):
        return len(self._samples)

    def image_sizes(self):
        return [(int(height), int(width)) for height, width in self._columns["sizes"]]

    def _sample(self, index):
        return self._samples[index]

    @classmethod
    def collect(cls, samples, sizes, *, like):
        """Keep samples of a dataset.

        Parameters
        ----------
        samples : iterable of Sample
            Each is copied and let go before the next is asked for.
        sizes : sequence of (height, width)
            Of each sample.
        like : Dataset
            Where the samples are from: its classes and so on are kept with them.
        """
        sizes = np.array(sizes, np.int64).reshape(-1, 2)
        ends = np.cumsum(sizes.prod(axis=1))
        images = np.empty(3 * sizes.prod(axis=1).sum(), np.uint8)
        label_maps = np.empty(len(images) // 3, np.uint8)
        instances = []
        for (height, width), end, sample in zip(sizes, ends, samples, strict=True):
            start = end - height * width
            images[3 * start : 3 * end].reshape(height, width, 3)[:] = sample.image
            label_maps[start:end].reshape(height, width)[:] = sample.label_map
            instances.append(sample.instances)
        columns = {"sizes": sizes, "images": images, "label_maps": label_maps}
        columns["counts"] = np.array([len(each) for each in instances], np.int64)
        empty = Instances.empty(keypoints=len(like.keypoint_names))
        if all(each.area is not None for each in instances):
            empty = empty.replace(area=np.zeros(0))
        for name in _BY_OBJECT:
            if getattr(empty, name) is not None:
                columns[name] = np.concatenate([getattr(empty, name), *(getattr(each, name) for each in instances)])
        if like.has_masks:
            maps = [
                each.instance_map if each.instance_map is not None else layer_masks(each.masks) for each in instances
            ]
            columns["layers"] = np.array([len(each) for each in maps], np.int64)
            columns["instance_maps"] = _flat(maps)
        return cls(columns, **_facts(like))

    def save(self, path):
        """Write all to one ``.npz`` file; the file appears under its name only when it is complete."""
        path = Path(path)
        beside = path.with_name(f".{path.name}.{os.getpid()}.part")
        facts = _facts(self)
        try:
            with open(beside, "wb") as file:
                np.savez(
                    file,
                    format=np.array(FORMAT),
                    classes=np.array(facts.pop("classes")),
                    keypoint_names=np.array(facts.pop("keypoint_names"), dtype=np.str_),
                    flags=np.array(list(facts.values())),
                    **self._columns,
                )
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)

    @classmethod
    def load(cls, path):
        """Read the file that `save` wrote.

        Raises
        ------
        BrokenFileError
            Where the file is missing, damaged, cut short, or not of this format.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                columns = {name: file[name] for name in file.files}
            if columns.pop("format") != FORMAT:
                raise ValueError("it was written by another version of minivision")
            flags = dict(zip(("has_boxes", "has_masks", "has_label_maps"), columns.pop("flags").tolist(), strict=True))
            classes = columns.pop("classes").tolist()
            return cls(columns, classes=classes, keypoint_names=columns.pop("keypoint_names").tolist(), **flags)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise BrokenFileError(path, error) from error


def in_memory(dataset, *, size=None, threads=None, progress=False):
    """Decode or draw every sample of a dataset once, and keep them.

    Parameters
    ----------
    dataset : Dataset
        Scenes come from their cache on disk.
    size : (height, width), optional
        Size to which to bring every sample.
    threads : int, optional
        How many to use; by default one for each core.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    InMemory
    """
    from minivision.data.transforms import resize

    if hasattr(dataset, "cached"):
        dataset = dataset.cached(progress=progress)
    if isinstance(dataset, InMemory) and size is None:
        return dataset

    def sample(index):
        return dataset[index] if size is None else resize(dataset[index], size)

    sizes = dataset.image_sizes() if size is None else [size] * len(dataset)
    samples = map_in_threads(sample, range(len(dataset)), threads=threads, progress=progress)
    return InMemory.collect(samples, sizes, like=dataset)


def map_in_threads(function, items, *, threads=None, progress=False):
    """Yield ``function(item)`` in order, on several cores while `function` runs without Python's lock.

    Parameters
    ----------
    function : callable
    items : sequence
    threads : int, optional
        By default one for each core that this process may use.
    progress : bool
        Whether to show a progress bar.
    """
    items = list(items)
    if threads is None:
        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield from map(function, items[:1])  # compiles and loads what is needed, once
    size = max(1, min(16, len(items) // (2 * threads)))  # enough at once to be worth it, and work for every thread
    chunks = [items[start : start + size] for start in range(1, len(items), size)]
    with ThreadPoolExecutor(threads) as pool:
        parts = pool.map(lambda chunk: [function(item) for item in chunk], chunks)
        if progress:
            from tqdm import tqdm

            parts = tqdm(parts, total=len(chunks), unit_scale=size, unit="image", leave=False)
        for part in parts:
            yield from part


def _facts(dataset):
    names = ("classes", "keypoint_names", "has_boxes", "has_masks", "has_label_maps")
    return {name: getattr(dataset, name) for name in names}


def _flat(arrays):
    """Arrays one behind the other in one long array."""
    return np.concatenate([np.zeros(0, np.uint8), *(array.ravel() for array in arrays)])


def _starts(lengths):
    """Where each of several parts begins, and the end of the last."""
    return np.concatenate([[0], np.cumsum(lengths)])


def _check_columns(columns):
    """Every column as long as the sizes and counts say: a file may be damaged, and views do not check."""
    pixels, objects = int(columns["sizes"].prod(axis=1).sum()), int(columns["counts"].sum())
    expected = {"images": 3 * pixels, "label_maps": pixels}
    expected |= dict.fromkeys(("counts", "layers"), len(columns["sizes"]))
    expected |= dict.fromkeys(_BY_OBJECT, objects)
    if "layers" in columns:
        expected["instance_maps"] = int((columns["sizes"].prod(axis=1) * columns["layers"]).sum())
    for name, array in columns.items():
        if len(array) != expected.get(name, len(array)):
            raise ValueError(f"column {name!r} should have {expected[name]} entries, but has {len(array)}")
