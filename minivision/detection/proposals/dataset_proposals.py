"""The proposals for all images of a dataset, kept on disk for the next run."""

import hashlib
import types
import zipfile

import numpy as np

from minivision.core.atomic import atomic_write
from minivision.core.backends import active_backend
from minivision.data.cache import load_or_make
from minivision.data.images import BrokenFileError
from minivision.data.threads import map_in_threads
from minivision.detection.selective_search.search import MODES, selective_search

VERSION = 1  # of selective search: raise it when the boxes of an image change, so that no old cache is used


def propose_dataset(dataset, mode="fast", progress=False, *, folder=None):
    """Return the proposals of selective search for every image of a dataset.

    They are kept beside the cached scenes, under a name that depends on the images and the mode; but not those of a
    backend of one's own, which may find others.

    Parameters
    ----------
    dataset : Dataset
        Only its images are looked at.
    mode : str
        As in `selective_search`.
    progress : bool
        Whether to show a progress bar.
    folder : path, optional
        Of the cache; by default that of the scenes.

    Returns
    -------
    list of (K, 4) float32 arrays
        ``x1, y1, x2, y2``, the most promising first: what ``selective_search(image, mode)`` returns for each image.
        They are read-only.

    Raises
    ------
    ValueError
        Where there is no such mode.
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


def images_digest(dataset):
    """Return a text that is the same for two datasets of the same images in the same order, and for no others."""
    digest = hashlib.sha256()
    for sample in dataset:
        digest.update(repr(sample.image.shape).encode())
        digest.update(np.ascontiguousarray(sample.image))
    return digest.hexdigest()


class BoxLists:
    """Boxes of many images, and their file.

    Parameters
    ----------
    boxes : iterable of (K, 4) float32 arrays
    """

    def __init__(self, boxes):
        self.boxes = list(boxes)
        for each in self.boxes:
            each.flags.writeable = False

    def save(self, path):
        """Write all to one ``.npz`` file; the file appears under its name only when it is complete."""
        with atomic_write(path) as beside, open(beside, "wb") as file:
            counts = np.array([len(each) for each in self.boxes], np.int64)
            np.savez(file, boxes=np.concatenate([np.zeros((0, 4), np.float32), *self.boxes]), counts=counts)

    @classmethod
    def load(cls, path):
        """Read the file that `save` wrote; raise BrokenFileError where that is not possible."""
        try:
            with np.load(path, allow_pickle=False) as file:
                boxes, counts = file["boxes"], file["counts"]
            if boxes.shape != (counts.sum(), 4):
                raise ValueError(f"it should have {counts.sum()} boxes, but has an array of shape {boxes.shape}")
            return cls(np.split(boxes, np.cumsum(counts)[:-1]) if len(counts) else [])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise BrokenFileError(path, error) from error
