"""What a detector computed on its way to the objects in an image, so that it can be said where one was lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from minivision.core.types import Array, Size


class DetectionTrace(NamedTuple):
    """The K boxes of an image with their scores for C classes, where they came from, and what chooses among them.

    Attributes
    ----------
    boxes : ndarray of shape (K, 4) or (K, C, 4)
        In pixels: one for all classes, or one for each.
    scores : ndarray of shape (K, C)
        Score of each box for each class, without the background.
    background : ndarray of shape (K,)
        Score of the background, comparable with those of the classes: the largest of all is what a box is taken for.
    stages : tuple of (str, ndarray of shape (n, 4))
        The boxes after each step before the K boxes were classified, and the cause if an object is lost in that step:
        a key of `minivision.tasks.misses.CAUSES`.
    sources : ndarray of shape (K, 4), or None
        What each box was predicted from: proposals, default boxes, anchors. None in a grid without them.
    size : (int, int)
        Height and width of the image, to which boxes are clipped.
    selection : mapping of str to number
        Settings of `minivision.detection.select_detections`.
    grid : (int, int, int), or None
        Rows, columns and boxes of a cell, if each cell predicts one set of classes; the K boxes are in this order.
    stride : int
        Pixels from one cell of the grid to the next.
    """

    boxes: Array
    scores: Array
    background: Array
    stages: tuple[tuple[str, Array], ...]
    sources: Array | None
    size: Size
    selection: Mapping[str, Any]
    grid: tuple[int, int, int] | None = None
    stride: int = 1
