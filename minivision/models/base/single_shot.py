"""Base class of the detectors without proposals: boxes and scores at every place of a grid, of which the best stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision import ops
from minivision.core.devices import on_host
from minivision.core.types import Array, Size
from minivision.data.instances import Instances
from minivision.detection import select_detections
from minivision.detection.postprocessing import SELECTION
from minivision.models.base.detection_trace import DetectionTrace
from minivision.models.base.detector import Detector

if TYPE_CHECKING:
    from minivision.data import Dataset


class SingleShot(Detector):
    """A detector of one stage: one pass of one network, then non-maximum suppression.

    A subclass defines ``forward``, ``losses``, ``backward`` and :meth:`decode`.

    Attributes
    ----------
    score_threshold, iou_threshold, max_candidates
        As in :func:`minivision.detection.select_detections`.
    """

    score_threshold: float = 0.01
    iou_threshold: float = 0.5
    max_candidates: int = 400

    def __init__(self, classes: Sequence[str], **options: Any) -> None:
        super().__init__(classes, **options)
        if len(classes) < 2:
            raise ValueError(f"classes: expected the background and at least one class, got {tuple(classes)}")

    def decode(self, outputs: Array, size: Size) -> tuple[Array, Array]:
        """Return the boxes and scores that the outputs of the network stand for.

        Parameters
        ----------
        outputs : ndarray
            As ``forward`` returned them, on the host.
        size : (int, int)
            Height and width of the images.

        Returns
        -------
        boxes : ndarray of shape (N, K, 4)
            In pixels.
        scores : ndarray of shape (N, K, C)
            For each class but the background.
        """
        raise NotImplementedError(f"{self.name} cannot decode its outputs yet")

    def detect(self, images: Array) -> list[Instances]:
        """Return the objects in a batch of images; see :meth:`Detector.detect`."""
        x = self.normalize(images, self.stride)
        all_boxes, all_scores = self.decode(on_host(self.forward(x)), x.shape[2:])
        return [
            select_detections(boxes, scores, images.shape[1:3], **self.selection)
            for boxes, scores in zip(all_boxes, all_scores, strict=True)
        ]

    @property
    def selection(self) -> dict[str, Any]:
        """The settings of `select_detections`."""
        settings = ("score_threshold", "iou_threshold", "max_candidates")
        return {**SELECTION, **{name: getattr(self, name) for name in settings}}

    def trace_batch(self, images: Array) -> list[DetectionTrace]:
        """Return how :meth:`detect` comes to the objects in a batch of images."""
        x = self.normalize(images, self.stride)
        outputs = on_host(self.forward(x))
        boxes, scores = self.decode(outputs, x.shape[2:])
        background, sources = self.background(outputs), self.sources(x.shape[2:])
        stages = () if sources is None else (("no default box", sources),)
        grid = self.grid(outputs)
        return [
            DetectionTrace(
                boxes[n],
                scores[n],
                background[n],
                stages,
                sources,
                images.shape[1:3],
                self.selection,
                grid,
                self.stride,
            )
            for n in range(len(images))
        ]

    def background(self, outputs: Array) -> Array:
        """Return the probability of the background of each box: ``(N, K)``."""
        raise NotImplementedError(f"{self.name} does not say yet which boxes are background")

    def sources(self, size: Size) -> Array | None:
        """Return what each box of images of a height and width is predicted from: ``(K, 4)``; None for nothing."""
        return None

    def grid(self, outputs: Array) -> tuple[int, int, int] | None:
        """Return rows, columns and boxes of a cell, if each cell has one set of classes."""
        return None

    def check_size(self, images: Array) -> None:
        """Raise ValueError unless height and width of images ``(N, 3, H, W)`` divide by the stride."""
        height, width = images.shape[2:]
        if height % self.stride or width % self.stride:
            raise ValueError(
                f"{self.name}: images of {height} x {width} do not divide into cells of {self.stride} x {self.stride} "
                f"pixels; bring them to such a size, or train on crops of one"
            )


def clip_instances(instances: Instances, size: Size) -> Instances:
    """Clip the boxes of instances to the image, and drop those without area, which cannot be detected.

    Parameters
    ----------
    instances : Instances
    size : (int, int)
        Height and width of the image.

    Returns
    -------
    Instances
        With boxes, labels and crowd marks only.
    """
    height, width = size
    boxes = np.clip(instances.boxes, 0, (width, height, width, height))
    has_area = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    return Instances(boxes[has_area], instances.labels[has_area], crowd=instances.crowd[has_area])


def box_sizes(dataset: Dataset) -> Array:
    """Return widths and heights, of shape (K, 2), of all objects of a dataset that have an area.

    Raises
    ------
    ValueError
        When there is none.
    """
    clipped = [clip_instances(sample.instances, sample.image.shape[:2]) for sample in dataset]
    boxes = np.concatenate([np.zeros((0, 4)), *(instances.boxes[~instances.crowd] for instances in clipped)])
    if len(boxes) == 0:
        raise ValueError("the dataset holds no objects, so there is nothing to choose the sizes of boxes by")
    return boxes[:, 2:] - boxes[:, :2]


def softmax_last_axis(scores: Array) -> Array:
    """Return the softmax of scores along their last axis."""
    N, C = len(scores), scores.shape[-1]
    planes = scores.reshape(N, -1, C).transpose(0, 2, 1)[..., None]  # (N, ..., C) -> (N, C, L, 1)
    return ops.softmax(planes)[..., 0].transpose(0, 2, 1).reshape(scores.shape)


def cells_inside(boxes: Array, grid_size: Size, size: Size) -> Array:
    """Return which cells of a grid have their center in one of the boxes.

    Parameters
    ----------
    boxes : ndarray of shape (K, 4)
    grid_size : (int, int)
        Rows and columns of the grid.
    size : (int, int)
        Height and width of the image.

    Returns
    -------
    bool ndarray of shape (rows, columns)
    """
    rows, columns = grid_size
    x = (np.arange(columns) + 0.5) * (size[1] / columns)
    y = (np.arange(rows)[:, None] + 0.5) * (size[0] / rows)
    covered = np.zeros((rows, columns), bool)
    for x1, y1, x2, y2 in boxes:
        covered |= (x > x1) & (x < x2) & (y > y1) & (y < y2)
    return covered
