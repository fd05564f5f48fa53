"""What the readers of image files share: broken files, odd boxes, splits that are not there."""

import warnings

import numpy as np

from minivision.core.labels import IGNORE
from minivision.data.dataset import Dataset
from minivision.data.images import BrokenFileError

__all__ = ["IMAGE_SUFFIXES", "FileDataset", "clip_boxes", "paint_label_map", "warn_about_boxes"]

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp")


class FileDataset(Dataset):
    """Images decoded from files when asked for.

    Subclasses fill ``_entries``, a list with one entry for each image, and implement ``_sample``, which
    raises `BrokenFileError` where a file cannot be used.
    """

    _entries: list

    def __len__(self):
        return len(self._entries)

    def _leave_out_broken(self, already=()):
        """Decode every file once, and leave out those that cannot be used, with one warning.

        Parameters
        ----------
        already : sequence of BrokenFileError
            Files that were found broken before, for the warning.
        """
        errors, good = list(already), []
        for index, entry in enumerate(self._entries):
            try:
                self._sample(index)
                good.append(entry)
            except BrokenFileError as error:
                errors.append(error)
        self._entries = good
        if errors:
            shown = "; ".join(f"{error.path.name} ({error.reason})" for error in errors[:10])
            more = f"; and {len(errors) - 10} more" if len(errors) > 10 else ""
            files = "1 broken file" if len(errors) == 1 else f"{len(errors)} broken files"
            warnings.warn(f"skipped {files}, {len(good)} images are left: {shown}{more}", stacklevel=4)


def clip_boxes(boxes, size):
    """Boxes cut at the borders of the image, and which of them have an area.

    Parameters
    ----------
    boxes : (K, 4) array
    size : (height, width)

    Returns
    -------
    boxes : (K, 4) float32 array
    valid : (K,) bool array
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    height, width = size
    clipped = np.clip(boxes, 0, [width, height, width, height]).astype(np.float32)
    return clipped, (clipped[:, 2:] > clipped[:, :2]).all(axis=1)  # False also for NaN


def warn_about_boxes(path, dropped):
    """One warning for all boxes of a dataset that were dropped, if any were."""
    if dropped:
        boxes = "1 box" if dropped == 1 else f"{dropped} boxes"
        warnings.warn(f"{path}: dropped {boxes} without width or height inside the image", stacklevel=4)


def paint_label_map(masks, labels, crowd):
    """The class of each pixel, from masks that may overlap.

    A pixel of several objects goes to the smallest, which is most likely in front. Pixels of crowds are
    `IGNORE` unless an object of their own covers them.

    Parameters
    ----------
    masks : (K, H, W) bool array
    labels : (K,) integer array
    crowd : (K,) bool array

    Returns
    -------
    (H, W) uint8 array
    """
    label_map = np.zeros(masks.shape[1:], np.uint8)
    for k in np.flatnonzero(crowd):
        label_map[masks[k]] = IGNORE
    areas = masks.sum(axis=(1, 2))
    for k in np.argsort(-areas, kind="stable"):
        if not crowd[k]:
            label_map[masks[k]] = labels[k]
    return label_map
