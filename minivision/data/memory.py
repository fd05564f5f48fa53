"""Datasets held in memory, and their file: no decoding or drawing while a model trains."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from minivision.core.atomic import atomic_write
from minivision.core.memory_available import available_memory
from minivision.core.types import Array, Size
from minivision.data.dataset import Dataset, Facts, Sample
from minivision.data.images import BrokenFileError
from minivision.data.instances import Instances, layer_masks
from minivision.data.threads import map_in_threads
from minivision.data.transforms import resize

__all__ = ["InMemory", "Resized", "hold_in_memory", "in_memory"]

FORMAT = 1  # of the file; raise it when the arrays in it change
MEMORY_SHARE = 0.5  # of the available memory may be used for decoded images
ASSUMED_MEMORY = 4 << 30  # bytes, where the system does not say how much is available
BYTES_PER_PIXEL = 5  # three colors, the class, the object; more where objects overlap

logger = logging.getLogger("minivision")

_BY_OBJECT = ("boxes", "labels", "crowd", "keypoints", "area")  # the columns with a row for each object
_FLAGS = ("has_boxes", "has_masks", "has_label_maps")  # of the facts, in the order of the file


class InMemory(Dataset):
    """Samples kept as arrays; ``dataset[i]`` takes no time and its arrays are read-only.

    Images may differ in size, so they are concatenated in long arrays, which are also the contents of the file that
    `save` writes. Made by `InMemory.collect`, `in_memory` or `InMemory.load`.

    Parameters
    ----------
    columns : dict of str to ndarray
        ``sizes`` (N, 2), heights and widths; ``images`` and ``label_maps``, flat uint8; ``counts`` (N,), the
        number of objects in each image; and for all objects ``boxes``, ``labels``, ``crowd``, and optionally
        ``keypoints``, ``area`` and ``captions`` (those of an object in one text, a line each). With masks also
        ``instance_maps``, flat, and ``layers`` (N,), the number of layers of each image.
    facts : Facts
    """

    def __init__(self, columns: dict[str, Array], facts: Facts) -> None:
        self.facts = facts
        self._columns = columns
        _check_columns(columns, facts)
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
        """Return sample `i`; its arrays are views of these parts of the columns."""
        columns, (height, width) = self._columns, self._columns["sizes"][i]
        image = columns["images"][3 * pixels.start : 3 * pixels.stop].reshape(height, width, 3)
        label_map = columns["label_maps"][pixels].reshape(height, width)
        fields = {name: columns[name][objects] for name in _BY_OBJECT if name in columns}
        if "captions" in columns:
            fields["captions"] = [tuple(text.splitlines()) for text in columns["captions"][objects].tolist()]
        if "instance_maps" in columns:
            fields["instance_map"] = columns["instance_maps"][mapped].reshape(-1, height, width)
        return Sample(image, Instances(**fields), label_map)

    def __len__(self) -> int:
        return len(self._samples)

    def image_sizes(self) -> list[Size]:
        return [(int(height), int(width)) for height, width in self._columns["sizes"]]

    def _sample(self, index: int) -> Sample:
        return self._samples[index]

    @classmethod
    def collect(cls, samples: Iterable[Sample], sizes: Sequence[Size], *, like: Dataset) -> InMemory:
        """Copy samples of a dataset into memory.

        Parameters
        ----------
        samples : iterable of Sample
            Each is copied and released before the next is read; of its masks only the instance map is kept.
        sizes : sequence of (height, width)
            Size of each sample.
        like : Dataset
            The dataset that the samples are from; its facts are kept.

        Returns
        -------
        dataset : InMemory
        """
        size_array = np.array(sizes, np.int64).reshape(-1, 2)
        ends = np.cumsum(size_array.prod(axis=1))
        images = np.empty(3 * size_array.prod(axis=1).sum(), np.uint8)
        label_maps = np.empty(len(images) // 3, np.uint8)
        instances = []
        for (height, width), end, sample in zip(size_array, ends, map(_with_instance_map, samples), strict=True):
            start = end - height * width
            images[3 * start : 3 * end].reshape(height, width, 3)[:] = sample.image
            label_maps[start:end].reshape(height, width)[:] = sample.label_map
            instances.append(sample.instances)
        columns = {"sizes": size_array, "images": images, "label_maps": label_maps}
        columns["counts"] = np.array([len(each) for each in instances], np.int64)
        empty = Instances.empty(keypoints=len(like.keypoint_names))
        if all(each.area is not None for each in instances):
            empty = empty.replace(area=np.zeros(0))
        for name in _BY_OBJECT:
            if getattr(empty, name) is not None:
                columns[name] = np.concatenate([getattr(empty, name), *(getattr(each, name) for each in instances)])
        if like.has_captions:
            texts = ["\n".join(phrases) for each in instances for phrases in _captions(each)]
            columns["captions"] = np.array(texts, np.str_)
        if like.has_masks:
            maps = [each.instance_map for each in instances]
            del instances
            columns["layers"] = np.array([len(each) for each in maps], np.int64)
            columns["instance_maps"] = _flat(maps)
        return cls(columns, like.facts)

    def save(self, path: str | os.PathLike) -> None:
        """Write everything to one ``.npz`` file; the file appears under its name only when it is complete."""
        facts = self.facts
        with atomic_write(path, per_process=True) as partial, open(partial, "wb") as file:
            np.savez(
                file,
                format=np.array(FORMAT),
                classes=np.array(facts.classes),
                keypoint_names=np.array(facts.keypoint_names, dtype=np.str_),
                flags=np.array([getattr(facts, name) for name in _FLAGS]),
                **self._columns,  # type: ignore[arg-type]  # the stubs take them for allow_pickle
            )

    @classmethod
    def load(cls, path: str | os.PathLike) -> InMemory:
        """Read a file that `save` wrote.

        Raises
        ------
        BrokenFileError
            If the file is missing, damaged, cut short, or not of this format.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                columns = {name: file[name] for name in file.files}
            if columns.pop("format") != FORMAT:
                raise ValueError("it was written by another version of minivision")
            classes, names = (tuple(columns.pop(name).tolist()) for name in ("classes", "keypoint_names"))
            flags = dict(zip(_FLAGS, columns.pop("flags").tolist(), strict=True))
            return cls(columns, Facts(classes, names, **flags, has_captions="captions" in columns))
        except Exception as error:  # archives that are damaged raise errors of many types
            raise BrokenFileError(path, error) from error


def in_memory(
    dataset: Dataset, *, size: Size | None = None, threads: int | None = None, progress: bool = False
) -> InMemory:
    """Decode or draw every sample of a dataset once, and keep them in memory.

    Parameters
    ----------
    dataset : Dataset
        Scenes come from their cache on disk.
    size : (height, width), optional
        Size to which every sample is resized.
    threads : int, optional
        Number of threads; by default one for each core.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    dataset : InMemory
    """
    return _in_memory(dataset, size, threads, progress)


def _in_memory(dataset, size, threads, progress, keep_all=False, limit=float("inf")):
    """Do what `in_memory` does; raise _TooLarge once the samples that are read need more than `limit` bytes."""
    if hasattr(dataset, "cached"):
        dataset = dataset.cached(progress=progress)
    if isinstance(dataset, InMemory) and size is None:
        return dataset

    def sample(index):
        whole = dataset[index] if size is None else resize(dataset[index], size, keep_all=keep_all)
        return _with_instance_map(whole)  # here, so that masks are held of the few images that are being read

    sizes = dataset.image_sizes() if size is None else [size] * len(dataset)
    samples = map_in_threads(sample, range(len(dataset)), threads=threads, progress=progress)
    return InMemory.collect(_limited(samples, limit), sizes, like=dataset)


class _TooLarge(Exception):
    """The samples read so far need more memory than is allowed."""


def _limited(samples: Iterator[Sample], limit: float) -> Iterator[Sample]:
    """Yield samples until they need more than `limit` bytes."""
    total = 0
    for sample in samples:
        instance_map = sample.instances.instance_map
        total += sample.image.nbytes + sample.label_map.nbytes + (0 if instance_map is None else instance_map.nbytes)
        if total > limit:
            raise _TooLarge
        yield sample


class Resized(Dataset):
    """A dataset whose images are resized each time that they are read.

    Parameters
    ----------
    dataset : Dataset
    size : (int, int)
        Height and width.
    keep_all : bool
        Whether objects are kept whose resized mask is empty.
    """

    def __init__(self, dataset: Dataset, size: Size, *, keep_all: bool = False) -> None:
        height, width = size
        self.dataset, self.size, self.keep_all = dataset, (height, width), keep_all
        self.facts = dataset.facts

    def __len__(self) -> int:
        return len(self.dataset)

    def image_sizes(self) -> list[Size]:
        return [self.size] * len(self)

    def image_path(self, index: int) -> Path | None:
        return self.dataset.image_path(index)

    def _sample(self, index: int) -> Sample:
        return resize(self.dataset[index], self.size, keep_all=self.keep_all)


def hold_in_memory(
    dataset: Dataset,
    *,
    size: Size | None = None,
    keep_all: bool = False,
    progress: bool = False,
    memory_share: float = MEMORY_SHARE,
) -> Dataset:
    """Return `dataset` decoded into memory if it fits into a share of it, else as it is; resized if `size` is given.

    A dataset that is in memory already is returned unchanged, so a second call costs nothing.

    Parameters
    ----------
    dataset : Dataset
    size : (int, int), optional
        Height and width of the resized images.
    keep_all : bool
        Whether objects are kept whose resized mask is empty: nothing can be learned from them, but in an evaluation
        they count.
    progress : bool
        Whether to show a progress bar. The time that it took is logged either way.
    memory_share : float
        How much of the available memory (see `available_memory`) the decoded images may need, from 0, never, to 1.

    Returns
    -------
    dataset : Dataset
        An `InMemory`; or, where it needs too much memory, `dataset` itself or a `Resized`.
    """
    if not 0 <= memory_share <= 1:
        raise ValueError(f"memory_share: expected a share from 0 to 1, got {memory_share}")
    current = dataset.image_sizes()
    sizes = current if size is None else [(size[0], size[1])] * len(dataset)
    if isinstance(dataset, InMemory) and sizes == current:
        return dataset
    limit = memory_share * (available_memory() or ASSUMED_MEMORY)
    needed = BYTES_PER_PIXEL * sum(height * width for height, width in sizes)
    start = time.perf_counter()
    try:
        if needed > limit:
            raise _TooLarge
        held = _in_memory(dataset, size, None, progress, keep_all, limit)
    except _TooLarge:  # also where many objects overlap
        logger.info(
            "Each of the %d images is read when it is needed: decoded they need over %.2f GB, and %.2f GB may be used",
            *(len(dataset), needed / 1e9, limit / 1e9),
        )
        return dataset if size is None else Resized(dataset, size, keep_all=keep_all)
    logger.info("Read %d images into memory in %.1f s", len(held), time.perf_counter() - start)
    return held


def _with_instance_map(sample):
    """Return a sample whose objects have an instance map instead of a mask each, if they have masks."""
    instances = sample.instances
    if instances.instance_map is not None or not instances.has_masks:
        return sample
    return sample._replace(instances=instances.replace(instance_map=layer_masks(instances.masks)))


def _captions(instances):
    """Return the captions of each object, none where there are none."""
    return [()] * len(instances) if instances.captions is None else instances.captions


def _flat(arrays):
    """Return the concatenated elements of some arrays, as one flat array; empties the list of the arrays."""
    flat = np.empty(sum(array.size for array in arrays), np.result_type(np.uint8, *{array.dtype for array in arrays}))
    end = len(flat)
    while arrays:
        array = arrays.pop()
        flat[end - array.size : end] = array.ravel()
        end -= array.size
    return flat


def _starts(lengths):
    """Return where each of several parts starts, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(lengths)])


_SHAPES = {  # of the columns but for their length, and their types
    "sizes": ((2,), np.int64), "counts": ((), np.int64), "layers": ((), np.int64),
    "images": ((), np.uint8), "label_maps": ((), np.uint8), "instance_maps": ((), np.integer),
    "boxes": ((4,), np.float32), "labels": ((), np.int64), "crowd": ((), np.bool_),
    "keypoints": ((None, 3), np.float32), "area": ((), np.float64), "captions": ((), np.str_),
}  # fmt: skip


def _check_columns(columns, facts):
    """Check names, dtypes and lengths of the columns: a file may be damaged, and views do not check."""
    optional = {"area", "captions"}
    optional |= set() if facts.has_masks else {"instance_maps", "layers"}
    optional |= set() if facts.keypoint_names else {"keypoints"}
    missing, unknown = _SHAPES.keys() - optional - columns.keys(), columns.keys() - _SHAPES.keys()
    if missing or unknown:
        raise ValueError(f"columns: missing {sorted(missing)}, unknown {sorted(unknown)}")
    for name, array in columns.items():
        shape, dtype = _SHAPES[name]
        fits = array.ndim == 1 + len(shape) and all(
            size in (None, actual) for size, actual in zip(shape, array.shape[1:], strict=True)
        )
        if not fits or not np.issubdtype(array.dtype, dtype):
            raise ValueError(f"column {name!r} has shape {array.shape} and dtype {array.dtype}")
    for name in ("sizes", "counts", "layers"):
        if (columns.get(name, np.zeros(0)) < 0).any():
            raise ValueError(f"column {name!r} has negative numbers")
    pixels, objects = int(columns["sizes"].prod(axis=1).sum()), int(columns["counts"].sum())
    expected = {"images": 3 * pixels, "label_maps": pixels}
    expected |= dict.fromkeys(("counts", "layers"), len(columns["sizes"]))
    expected |= dict.fromkeys((*_BY_OBJECT, "captions"), objects)
    if "layers" in columns:
        expected["instance_maps"] = int((columns["sizes"].prod(axis=1) * columns["layers"]).sum())
    for name, array in columns.items():
        if len(array) != expected.get(name, len(array)):
            raise ValueError(f"column {name!r} should have {expected[name]} entries, but has {len(array)}")
