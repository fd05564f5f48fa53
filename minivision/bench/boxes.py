"""Benchmark of box operations on as many boxes as an image has proposals, compared with torchvision."""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from minivision import ops
from minivision.bench.entry import Entry, entry

COUNTS = [100, 1000, 2000]
SMALL = 30  # boxes for the reference implementation
IMAGE = 600  # pixels high and wide
_WEIGHTS = (10.0, 10.0, 5.0, 5.0)


def counts(batch: int) -> list[int]:
    """Return the numbers of boxes; the work for pairs of boxes grows linearly with `batch`."""
    return [count * math.isqrt(batch) for count in COUNTS]


def import_torchvision(torch: ModuleType | None) -> ModuleType | None:
    """Return torchvision, or None if it or PyTorch is missing."""
    if torch is None:
        return None
    try:
        import torchvision
    except ImportError:
        return None
    return torchvision


def draw_boxes(count: int, size: float) -> np.ndarray:
    """Draw boxes with a tenth to half the size of the image; some extend beyond its border."""
    rng = np.random.default_rng(0)
    corners = rng.uniform(-0.05 * size, 0.8 * size, (count, 2))
    return np.concatenate(
        [corners, corners + rng.uniform(0.1 * size, 0.5 * size, (count, 2))], axis=1, dtype=np.float32
    )


def entries(torch: ModuleType | None, batch: int = 1) -> Iterator[Entry]:
    """Yield the entries of these operations, with batches `batch` times as large; `torch` is the module or None."""
    for count in counts(batch):
        work, small = _work(count), _work(SMALL)
        (targets, anchors), (deltas, _) = work["encode_boxes"], work["decode_boxes"]
        theirs = _theirs(torch, targets, anchors, deltas)
        for name, arguments in work.items():
            keywords: dict[str, Any] = {"weights": _WEIGHTS} if name.endswith("code_boxes") else {}
            yield entry(getattr(ops, name), arguments, small[name], theirs=theirs.get(name), **keywords)


def _work(count: int) -> dict[str, tuple]:
    boxes = draw_boxes(count, IMAGE)
    targets = boxes + np.random.default_rng(1).uniform(-3, 3, boxes.shape).astype(np.float32)
    deltas = ops.encode_boxes(targets, boxes, weights=_WEIGHTS)
    return {
        "box_area": (boxes,),
        "box_convert": (boxes, "xyxy", "cxcywh"),
        "clip_boxes_to_image": (boxes, (IMAGE, IMAGE)),
        "remove_small_boxes": (boxes, 99.0),
        "encode_boxes": (targets, boxes),
        "decode_boxes": (deltas, boxes),
        "box_iou": (boxes, boxes),
    }


def _theirs(torch, targets, boxes, deltas):
    torchvision = import_torchvision(torch)
    if torchvision is None:
        return {}
    operations = torchvision.ops
    coder = torchvision.models.detection._utils.BoxCoder(_WEIGHTS)
    targets, boxes, deltas = map(torch.from_numpy, (targets, boxes, deltas))
    return {
        "box_area": lambda: operations.box_area(boxes),
        "box_convert": lambda: operations.box_convert(boxes, "xyxy", "cxcywh"),
        "clip_boxes_to_image": lambda: operations.clip_boxes_to_image(boxes, (IMAGE, IMAGE)),
        "remove_small_boxes": lambda: operations.remove_small_boxes(boxes, 99.0),
        "encode_boxes": lambda: coder.encode_single(targets, boxes),
        "decode_boxes": lambda: coder.decode_single(deltas, boxes),
        "box_iou": lambda: operations.box_iou(boxes, boxes),
    }
