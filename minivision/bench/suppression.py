"""Non-maximum suppression of as many boxes as proposals in an image, beside torchvision's where it is installed."""

import numpy as np

from minivision import ops
from minivision.bench.boxes import IMAGE, SMALL, counts, draw_boxes, torchvision_beside
from minivision.bench.entry import entry

_THRESHOLD = 0.5
_LABELS = 20


def entries(torch, batch=1):
    """Yield the lines of the table, for batches so many times as large; `torch` is the module, or None."""
    torchvision = torchvision_beside(torch)
    for count in counts(batch):
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
