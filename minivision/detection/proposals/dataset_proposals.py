"""Region proposals of all images of a dataset, cached on disk."""

from __future__ import annotations

import hashlib
import os
import types
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from minivision.core.atomic import atomic_write
from minivision.core.backends import active_backend
from minivision.core.types import Array
from minivision.data.cache import load_or_make
from minivision.data.images import BrokenFileError
from minivision.data.threads import map_in_threads
from minivision.detection.selective_search.search import MODES, selective_search

if TYPE_CHECKING:
    from minivision.data.dataset import Dataset

VERSION = 1  # of selective search; increase it if the boxes of an image change, so that no old cache is used


def propose_dataset(
    dataset: Dataset, mode: str = "fast", progress: bool = False, *, folder: str | os.PathLike | None = None
) -> list[Array]:
    """Return the proposals of selective search for every image of a dataset.

    They are cached next to the scenes, in a file whose name depends on the images and the mode; but not those of the
    user's own backend, which may be different.

    Parameters
    ----------
    dataset : Dataset
        Only its images are used.
    mode : str
        As in `selective_search`.
    progress : bool
        Whether to show a progress bar.
    folder : path, optional
        Folder of the cache; by default that of the scenes.

    Returns
    -------
    proposals : list of float32 ndarray of shape (K, 4)
        ``x1, y1, x2, y2``, the most promising first: the result of ``selective_search(image, mode)`` for each image.
        They are read-only.

    Raises
    ------
    ValueError
        If there is no such mode.
    """
    if mode not in MODES:
        raise ValueError(f"mode: expected {', '.join(map(repr, MODES))}, got {mode!r}")

    def make():
        def propose(index):
            return selective_search(dataset[index].image, mode)

        return BoxLists(map_in_threads(propose, range(len(dataset)), progress=progress))

    if isinstance(active_backend()[0].source, types.ModuleType):
        return make().boxes
    key = {"kind": "selective search", "version": VERSION, "mode": mode, "images": images_digest(dataset)}
    return load_or_make(f"proposals-{mode}-{len(dataset)}", key, make, folder, load=BoxLists.load).boxes


def images_digest(dataset: Dataset) -> str:
    """Return a hash of the images of a dataset and their order."""
    digest = hashlib.sha256()
    for sample in dataset:
        digest.update(repr(sample.image.shape).encode())
        digest.update(np.ascontiguousarray(sample.image))  # type: ignore[arg-type]  # an array is a buffer
    return digest.hexdigest()


class BoxLists:
    """Boxes of many images, which can be saved to one file.

    Parameters
    ----------
    boxes : iterable of float32 ndarray of shape (K, 4)
        They become read-only.
    """

    def __init__(self, boxes: Iterable[Array]) -> None:
        self.boxes = list(boxes)
        for each in self.boxes:
            each.flags.writeable = False

    def save(self, path: str | os.PathLike) -> None:
        """Write all boxes to one ``.npz`` file; it appears under its name only when it is complete."""
        with atomic_write(path) as partial, open(partial, "wb") as file:
            counts = np.array([len(each) for each in self.boxes], np.int64)
            np.savez(file, boxes=np.concatenate([np.zeros((0, 4), np.float32), *self.boxes]), counts=counts)

    @classmethod
    def load(cls, path: str | os.PathLike) -> BoxLists:
        """Read a file of `save`; raise BrokenFileError if that is not possible."""
        try:
            with np.load(path, allow_pickle=False) as file:
                boxes, counts = file["boxes"], file["counts"]
            if counts.dtype != np.int64 or counts.ndim != 1 or (counts < 0).any() or boxes.dtype != np.float32:
                raise ValueError(f"its counts are {counts.dtype} of shape {counts.shape}, its boxes {boxes.dtype}")
            if boxes.shape != (counts.sum(), 4):
                raise ValueError(f"it should have {counts.sum()} boxes, but has an array of shape {boxes.shape}")
            return cls(np.split(boxes, np.cumsum(counts)[:-1]) if len(counts) else [])
        except Exception as error:  # archives that are damaged raise errors of many types
            raise BrokenFileError(path, error) from error
