"""The masks of several objects as runs of pixels: some thousand numbers, where the pixels are millions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from minivision.core.types import Array, Size
from minivision.data.rle import encode, run_lengths

__all__ = ["RunLengths"]


class RunLengths:
    """The masks of K objects in an image, as runs of pixels, which are numbered column by column as in COCO's format.

    Parameters
    ----------
    rles : sequence of dict
        COCO's run lengths of each object, ``{"size": [H, W], "counts": ...}``, as `minivision.data.rle.decode` reads
        them.
    size : (H, W), optional
        Size of the masks; needed only if there are none.

    Attributes
    ----------
    runs : int64 ndarray of shape (n, 2)
        Number of the first pixel of each run, and of the one after its last: pixel ``y, x`` has the number
        ``x * H + y``. One object after the other.
    starts : int64 ndarray of shape (K + 1,)
        The runs of object k are ``runs[starts[k] : starts[k + 1]]``.
    areas : int64 ndarray of shape (K,)
        Number of pixels of each object.

    Raises
    ------
    ValueError
        If run lengths are wrong, or not all of one size.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.data import Instances, RunLengths
    >>> masks = RunLengths([{"size": [4, 4], "counts": [5, 2, 2, 2, 5]}])
    >>> masks.areas.tolist()
    [4]
    >>> Instances([[1, 1, 3, 3]], labels=[1], run_lengths=masks).masks[0].astype(int)
    array([[0, 0, 0, 0],
           [0, 1, 1, 0],
           [0, 1, 1, 0],
           [0, 0, 0, 0]])
    """

    __slots__ = ("size", "runs", "starts", "areas")

    def __init__(self, rles: Sequence[Mapping[str, Any]], size: Size | None = None) -> None:
        runs = []
        for k, rle in enumerate(rles):
            height, width, counts = run_lengths(rle)
            size = (height, width) if size is None else (int(size[0]), int(size[1]))
            if (height, width) != size:
                raise ValueError(
                    f"run lengths of object {k} are of a {height}x{width} mask, not of {size[0]}x{size[1]}"
                )
            ends = np.cumsum(counts)
            ends = ends[: len(ends) // 2 * 2].reshape(-1, 2)  # zeros end where ones begin: a run's begin and end
            runs.append(ends[ends[:, 1] > ends[:, 0]])
        if size is None:
            raise ValueError("size: there are no run lengths, so the size of the masks must be given")
        self.size = size
        self.runs = np.concatenate([np.zeros((0, 2), np.int64), *runs])
        self.starts = np.concatenate([[0], np.cumsum([len(each) for each in runs], dtype=np.int64)])
        self.areas = np.array([(each[:, 1] - each[:, 0]).sum() for each in runs], np.int64)

    @classmethod
    def from_masks(cls, masks: ArrayLike) -> RunLengths:
        """Return the run lengths of bool masks ``(K, H, W)``."""
        masks = np.asarray(masks)
        if masks.ndim != 3:
            raise ValueError(f"masks must have shape (K, H, W), got {masks.shape}")
        return cls([encode(mask) for mask in masks], size=masks.shape[1:])

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, rows: Array) -> RunLengths:
        """Return those of some objects; `rows` are their numbers, from 0 to K - 1."""
        chosen = object.__new__(RunLengths)
        lengths = np.diff(self.starts)[rows]
        chosen.size, chosen.starts = self.size, np.concatenate([[0], np.cumsum(lengths)])
        within = np.arange(chosen.starts[-1]) - np.repeat(chosen.starts[:-1], lengths)
        chosen.runs = self.runs[np.repeat(self.starts[:-1][rows], lengths) + within]
        chosen.areas = self.areas[rows]
        return chosen

    def decode(self) -> Array:
        """Return the masks as pixels: bool ``(K, H, W)``."""
        height, width = self.size
        masks = np.zeros((len(self), width * height), bool)
        for mask, first, last in zip(masks, self.starts, self.starts[1:], strict=False):
            for start, end in self.runs[first:last]:
                mask[start:end] = True
        return masks.reshape(-1, width, height).transpose(0, 2, 1)
