"""Matching of boxes (anchors or proposals) with the ground-truth objects of an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minivision import ops
from minivision.core.arguments import flag, floats, number
from minivision.core.dispatch import operation
from minivision.core.labels import BACKGROUND, IGNORED
from minivision.core.types import Array

if TYPE_CHECKING:
    from minivision.data.instances import Instances

CROWD_FRACTION = 0.5  # of the area of a background box inside of a crowd, from which the box is ignored


def check_thresholds(fg_iou_thresh: float, bg_iou_thresh: float) -> tuple[float, float]:
    """Return the two thresholds of a matching; raise ValueError unless ``0 <= bg_iou_thresh <= fg_iou_thresh``."""
    fg_iou_thresh, bg_iou_thresh = number("fg_iou_thresh", fg_iou_thresh), number("bg_iou_thresh", bg_iou_thresh)
    if not 0 <= bg_iou_thresh <= fg_iou_thresh:
        raise ValueError(
            f"expected 0 <= bg_iou_thresh <= fg_iou_thresh, got bg_iou_thresh={bg_iou_thresh} "
            f"and fg_iou_thresh={fg_iou_thresh}"
        )
    return fg_iou_thresh, bg_iou_thresh


def _check_match(iou, fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches):
    (iou,) = floats(iou=iou)
    fg_iou_thresh, bg_iou_thresh = check_thresholds(fg_iou_thresh, bg_iou_thresh)
    if iou.ndim != 2:
        raise ValueError(f"iou: expected shape (G, A), a row for each object, got {iou.shape}")
    if iou.dtype.kind == "f" and np.isnan(iou).any():  # not of traced numbers
        raise ValueError("iou: it has values that are NaN; look for them in the boxes")
    return iou, fg_iou_thresh, bg_iou_thresh, flag("allow_low_quality_matches", allow_low_quality_matches)


@operation(check=_check_match, returns=("matches",))
def match(iou: Array, *, fg_iou_thresh: float, bg_iou_thresh: float, allow_low_quality_matches: bool = True) -> Array:
    """Match each box with the object of the largest IoU, if that is large enough.

    Parameters
    ----------
    iou : ndarray of shape (G, A)
        Intersection over union of G objects with A boxes (anchors or proposals), as ``box_iou`` returns it. There may
        be no objects, or no boxes.
    fg_iou_thresh : float
        Smallest IoU of a matched box.
    bg_iou_thresh : float
        Below, a box is background; between `bg_iou_thresh` and `fg_iou_thresh` it is ignored.
    allow_low_quality_matches : bool
        Whether the boxes with the largest IoU of each object, all equally good ones, are matched however small that
        IoU is; so no object remains without a box. Such a box, too, is matched with the object with which *it* has the
        largest IoU, which is usually that one.

    Returns
    -------
    matches : int64 ndarray of shape (A,)
        The index of the object, `BACKGROUND` (-1) or `IGNORED` (-2).

    Raises
    ------
    ValueError
        If the thresholds do not satisfy ``0 <= bg_iou_thresh <= fg_iou_thresh``.

    Notes
    -----
    As torchvision's ``Matcher``, with two differences: without objects all boxes are background, which is an error
    there; and an object that no box overlaps gets none, where there it gets all boxes that do not touch it.

    References
    ----------
    Ren, He, Girshick and Sun, "Faster R-CNN", NIPS 2015, section 3.1.2: 0.7, 0.3 and the best anchor.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import match
    >>> iou = np.array([[0.8, 0.5, 0.1, 0.0], [0.0, 0.2, 0.0, 0.4]])  # 2 objects, 4 boxes
    >>> match(iou, fg_iou_thresh=0.7, bg_iou_thresh=0.3).tolist()
    [0, -2, -1, 1]
    """
    if iou.size == 0:
        return np.full(iou.shape[1], BACKGROUND)
    objects, best_iou = iou.argmax(axis=0), iou.max(axis=0)
    matches = np.where(best_iou >= fg_iou_thresh, objects, np.where(best_iou < bg_iou_thresh, BACKGROUND, IGNORED))
    if allow_low_quality_matches:
        best = iou.max(axis=1, keepdims=True)  # (G, 1)
        boxes = np.nonzero((iou == best) & (best > 0))[1]
        matches[boxes] = objects[boxes]
    return matches


def match_instances(
    boxes: Array,
    instances: Instances,
    *,
    fg_iou_thresh: float,
    bg_iou_thresh: float,
    allow_low_quality_matches: bool = True,
) -> Array:
    """Match boxes with the objects of an image; crowds are neither objects nor background.

    Parameters
    ----------
    boxes : ndarray of shape (A, 4)
        Anchors or proposals, ``x1, y1, x2, y2``.
    instances : Instances
        The ground truth. A crowd is never matched: background boxes that lie in it by half and more are ignored.
    fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches
        As in :func:`match`.

    Returns
    -------
    matches : int64 ndarray of shape (A,)
        Indices into `instances`, crowds included; `BACKGROUND` or `IGNORED`.

    See Also
    --------
    instance_targets : the same, with the regression targets of a region proposal network.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.data import Instances
    >>> from minivision.detection import match_instances
    >>> truth = Instances([[0, 0, 9, 9], [20, 0, 29, 9]], [1, 1], crowd=[True, False])
    >>> boxes = np.array([[20, 0, 29, 10], [1, 1, 5, 5], [40, 0, 49, 9]], np.float32)
    >>> match_instances(boxes, truth, fg_iou_thresh=0.5, bg_iou_thresh=0.5).tolist()
    [1, -2, -1]
    """
    iou = ops.box_iou(instances.boxes[~instances.crowd], boxes)  # (G, A)
    matches = match(
        iou,
        fg_iou_thresh=fg_iou_thresh,
        bg_iou_thresh=bg_iou_thresh,
        allow_low_quality_matches=allow_low_quality_matches,
    )
    return index_all_instances(matches, boxes, instances)


def index_all_instances(matches: Array, boxes: Array, instances: Instances) -> Array:
    """Turn matches with the objects that are no crowd into matches with all instances, and ignore boxes in crowds.

    Every match of boxes with `Instances` goes through this function, so all detectors have one convention.

    Parameters
    ----------
    matches : int64 ndarray of shape (A,)
        As :func:`match` returns them: indices into ``instances.boxes[~instances.crowd]``, `BACKGROUND` or `IGNORED`.
    boxes : ndarray of shape (A, 4)
        The matched boxes.
    instances : Instances
        The ground truth, crowds included.

    Returns
    -------
    matches : int64 ndarray of shape (A,)
        Indices into `instances`, `BACKGROUND` or `IGNORED`; background boxes that lie in a crowd are ignored, see
        :func:`ignore_in_crowds`.
    """
    if not instances.crowd.any():
        return matches
    objects, matched = np.flatnonzero(~instances.crowd), matches >= 0
    matches = matches.copy()
    matches[matched] = objects[matches[matched]]
    return ignore_in_crowds(matches, boxes, instances.boxes[instances.crowd])


def ignore_in_crowds(matches: Array, boxes: Array, crowds: Array) -> Array:
    """Return matches in which background boxes that lie in a crowd by half and more are ignored.

    Parameters
    ----------
    matches : int64 ndarray of shape (A,)
        As :func:`match` returns them for the objects that are no crowds.
    boxes : ndarray of shape (A, 4)
        The matched boxes.
    crowds : ndarray of shape (G, 4)

    Returns
    -------
    matches : int64 ndarray of shape (A,)
    """
    if len(crowds) == 0:
        return matches
    inside = _largest_fraction_inside(boxes, crowds) >= CROWD_FRACTION
    return np.where((matches == BACKGROUND) & inside, IGNORED, matches)


def best_ious(anchors: Array, all_instances: Sequence[Instances]) -> Array:
    """Return, for each object of several images, its largest IoU with an anchor: an upper bound of what is detected.

    Parameters
    ----------
    anchors : ndarray of shape (A, 4)
    all_instances : sequence of Instances
        The objects of each image, without crowds.

    Returns
    -------
    iou : float32 ndarray of shape (K,)
    """
    objects = [each.boxes[~each.crowd] for each in all_instances]
    boxes = np.concatenate([np.zeros((0, 4), np.float32), *objects])
    if len(anchors) == 0:
        return np.zeros(len(boxes), np.float32)
    return ops.box_iou(boxes, np.asarray(anchors, np.float32)).max(axis=1)


def _largest_fraction_inside(boxes, crowds):
    """Return, for each box, the largest fraction of its area inside of a crowd."""
    corner = np.maximum(boxes[:, None, :2], crowds[:, :2])  # (A, G, 2)
    opposite = np.minimum(boxes[:, None, 2:], crowds[:, 2:])
    width, height = np.moveaxis(np.maximum(opposite - corner, 0), -1, 0)
    area = np.maximum(ops.box_area(boxes), np.finfo(np.float32).tiny)  # a box without area is not inside
    return (width * height).max(axis=1) / area
