"""How good proposals are: which objects they cover, and how well, for a given number of boxes."""

import numpy as np

from minivision import ops
from minivision.detection import best_overlaps

COUNTS = (100, 500, 1000, 2000)
IOU = 0.5


def evaluate_proposals(truths, proposals, classes, *, counts=COUNTS, iou=IOU):
    """Compare the proposals for some images with the objects in them.

    Parameters
    ----------
    truths : sequence of Instances
        The objects of each image; crowds do not count.
    proposals : sequence of (K, 4) arrays
        The boxes for each image, the most promising first.
    classes : sequence of str
        Names, the background first.
    counts : sequence of int
        Numbers of boxes for which to say how good the first so many of each image are.
    iou : float
        The intersection over union from which on a box covers an object.

    Returns
    -------
    dict
        ``recall`` and ``mabo``, for each of `counts` and then with all boxes (the key None). Recall is the part of
        all objects that are covered. The overlap of an object is the largest intersection over union with a box;
        averaged over the objects of a class it is the average best overlap (ABO), and averaged over classes the mean
        average best overlap (MABO). [1]_ ``classes``: ``abo``, ``recall`` and ``objects`` of each class by its name,
        with all boxes, NaN for a class that does not occur. ``images``, ``objects``; ``boxes``, the mean for an image.

    Raises
    ------
    ValueError
        Where truths and proposals are not of the same number of images.

    References
    ----------
    .. [1] Uijlings et al., Selective search for object recognition, IJCV 2013, section 5.
    """
    _check_lengths(truths, proposals)
    pairs = list(zip(truths, proposals, strict=True))
    overlaps = {
        count: _joined(best_overlaps(boxes[:count], [truth]) for truth, boxes in pairs) for count in (*counts, None)
    }
    labels = _joined((truth.labels[~truth.crowd] for truth in truths), np.int64)
    names = list(classes)[1:]
    by_class = {}
    for label, name in enumerate(names, start=1):
        best = overlaps[None][labels == label]
        by_class[name] = {"abo": _mean(best), "recall": _mean(best >= iou), "objects": len(best)}
    return {
        "recall": {count: _mean(best >= iou) for count, best in overlaps.items()},
        "mabo": {count: _mean([_mean(best[labels == label]) for label in np.unique(labels)])
                 for count, best in overlaps.items()},
        "classes": by_class,
        "images": len(truths),
        "objects": len(labels),
        "boxes": _mean([len(boxes) for boxes in proposals]),
    }  # fmt: skip


def proposal_recall(truths, proposals, *, iou=IOU):
    """Return the recall with the first box of each image, with the first two, and so on.

    Parameters
    ----------
    truths, proposals, iou
        As in :func:`evaluate_proposals`.

    Returns
    -------
    (n,) float64 array
        ``recall[k - 1]`` is the part of the objects that the first k boxes cover, up to the most boxes of an image;
        NaN where there are no objects.
    """
    _check_lengths(truths, proposals)
    most = max((len(boxes) for boxes in proposals), default=0)
    found, objects = np.zeros(most), 0
    for truth, boxes in zip(truths, proposals, strict=True):
        covers = ops.box_iou(truth.boxes[~truth.crowd], np.asarray(boxes, np.float32).reshape(-1, 4)) >= iou  # (T, K)
        objects += len(covers)
        covered, places = np.nonzero(covers)  # row by row, so an object's first box comes first
        np.add.at(found, places[np.unique(covered, return_index=True)[1]], 1)
    return np.cumsum(found) / objects if objects else np.full(most, np.nan)


def _check_lengths(truths, proposals):
    if len(truths) != len(proposals):
        raise ValueError(f"there are objects of {len(truths)} images, but proposals for {len(proposals)}")


def _joined(arrays, dtype=np.float32):
    return np.concatenate([np.zeros(0, dtype), *arrays])


def _mean(values):
    return float(np.mean(values)) if len(values) else float("nan")
