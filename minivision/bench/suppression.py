"""Benchmark of non-maximum suppression of as many boxes as an image has proposals, compared with torchvision."""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import ModuleType

import numpy as np

from minivision import ops
from minivision.bench.boxes import IMAGE, SMALL, counts, draw_boxes, import_torchvision
from minivision.bench.entry import Entry, entry

_THRESHOLD = 0.5
_LABELS = 20
_MANY = 20_000  # boxes, as before a selection of the best scores


def entries(torch: ModuleType | None, batch: int = 1) -> Iterator[Entry]:
    """Yield the entries of these operations, with batches `batch` times as large; `torch` is the module or None."""
    torchvision = import_torchvision(torch)
    for count in [*counts(batch), _MANY * math.isqrt(batch)]:
        (boxes, scores, labels), (few, few_scores, few_labels) = _detections(count), _detections(SMALL)
        one = several = None
        if torchvision is not None:
            one, several = _theirs(torch, torchvision, boxes, scores, labels)
        yield entry(ops.nms, (boxes, scores, _THRESHOLD), (few, few_scores, _THRESHOLD), theirs=one)
        arguments, small = (boxes, scores, labels, _THRESHOLD), (few, few_scores, few_labels, _THRESHOLD)
        yield entry(ops.batched_nms, arguments, small, theirs=several, note=f", {_LABELS} labels")


def _detections(count):
    rng = np.random.default_rng(1)
    return draw_boxes(count, IMAGE), rng.random(count, np.float32), rng.integers(0, _LABELS, count)


def _theirs(torch, torchvision, boxes, scores, labels):
    boxes, scores, labels = map(torch.from_numpy, (boxes, scores, labels))
    return (
        lambda: torchvision.ops.nms(boxes, scores, _THRESHOLD),
        lambda: torchvision.ops.batched_nms(boxes, scores, labels, _THRESHOLD),
    )
