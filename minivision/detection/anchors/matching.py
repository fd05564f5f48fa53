"""Which box is to find which object: the truth that anchors and proposals are trained on."""

import numpy as np

from minivision import ops
from minivision.core.arguments import floats, number
from minivision.core.dispatch import operation
from minivision.core.labels import BACKGROUND, IGNORED

CROWD_SHARE = 0.5  # of a background box's area in a crowd, from which it is ignored


def check_thresholds(fg_iou_thresh, bg_iou_thresh):
    """Return the two thresholds of a matching; raise ValueError unless ``0 <= bg_iou_thresh <= fg_iou_thresh``."""
    if not 0 <= bg_iou_thresh <= fg_iou_thresh:
        raise ValueError(
            f"expected 0 <= bg_iou_thresh <= fg_iou_thresh, got bg_iou_thresh={bg_iou_thresh} and fg_iou_thresh={fg_iou_thresh}"
        )
    return number("fg_iou_thresh", fg_iou_thresh), number("bg_iou_thresh", bg_iou_thresh)


def _check_match(iou, fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches):
    (iou,) = floats(iou=iou)
    fg_iou_thresh, bg_iou_thresh = check_thresholds(fg_iou_thresh, bg_iou_thresh)
    if iou.ndim != 2:
        raise ValueError(f"iou: expected shape (G, A), a row for each object, got {iou.shape}")
    if np.isnan(iou).any():
        raise ValueError("iou: it has values that are NaN; look where the boxes come from")
    return iou, fg_iou_thresh, bg_iou_thresh, bool(allow_low_quality_matches)


@operation(check=_check_match, returns=("matches",))
def match(iou, *, fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=True):
    """Give every box the object that it overlaps most, if it overlaps it enough.

    Parameters
    ----------
    iou : (G, A) array
        Intersection over union of G objects with A boxes (anchors or proposals), as ``box_iou`` returns it.
    fg_iou_thresh : float
        From here on a box has found its object.
    bg_iou_thresh : float
        Below, a box is background; between `bg_iou_thresh` and `fg_iou_thresh` it is ignored.
    allow_low_quality_matches : bool
        Whether the boxes that overlap an object most, all equally good ones, count as found however small that
        overlap is; so no object remains without a box. As everywhere, such a box gets the object that *it* overlaps
        most, which is usually that one.

    Returns
    -------
    matches : (A,) int64 array
        The index of the object, `BACKGROUND` (-1) or `IGNORED` (-2).

    Raises
    ------
    ValueError
        When the thresholds do not satisfy ``0 <= bg_iou_thresh <= fg_iou_thresh``.

    Notes
    -----
    As torchvision's ``Matcher``, with two differences: without objects all boxes are background, not an error; and
    an object that no box overlaps at all gets none, where there it gets every box that it does not touch.

    References
    ----------
    Ren, He, Girshick and Sun, "Faster R-CNN", NIPS 2015, section 3.1.2: 0.7, 0.3 and the best anchor.
    """
    if iou.size == 0:
        return np.full(iou.shape[1], BACKGROUND)
    objects, overlap = iou.argmax(axis=0), iou.max(axis=0)
    matches = np.where(overlap >= fg_iou_thresh, objects, np.where(overlap < bg_iou_thresh, BACKGROUND, IGNORED))
    if allow_low_quality_matches:
        best = iou.max(axis=1, keepdims=True)  # (G, 1)
        boxes = np.nonzero((iou == best) & (best > 0))[1]
        matches[boxes] = objects[boxes]
    return matches


def match_instances(boxes, instances, *, fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=True):
    """Match boxes with the objects of an image; crowds are no objects, and no background either.

    Parameters
    ----------
    boxes : (A, 4) array
        Anchors or proposals, ``x1, y1, x2, y2``.
    instances : Instances
        The true objects. An object of a ``crowd`` is never matched: boxes that lie in it by half and more, and
        would be background, are ignored.
    fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches
        As in :func:`match`.

    Returns
    -------
    (A,) int64 array
        Indices into `instances`, `BACKGROUND` or `IGNORED`.
    """
    iou = ops.box_iou(instances.boxes, boxes)  # (G, A)
    iou[instances.crowd] = 0
    matches = match(
        iou,
        fg_iou_thresh=fg_iou_thresh,
        bg_iou_thresh=bg_iou_thresh,
        allow_low_quality_matches=allow_low_quality_matches,
    )
    return ignore_in_crowds(matches, boxes, instances.boxes[instances.crowd])


def ignore_in_crowds(matches, boxes, crowds):
    """Return matches in which background boxes that lie in a crowd by half and more are ignored.

    Parameters
    ----------
    matches : (A,) int64 array
        As :func:`match` returns them for the objects that are no crowds.
    boxes : (A, 4) array
    crowds : (G, 4) array

    Returns
    -------
    (A,) int64 array
    """
    if len(crowds) == 0:
        return matches
    inside = _share_inside(boxes, crowds) >= CROWD_SHARE
    return np.where((matches == BACKGROUND) & inside, IGNORED, matches)


def best_overlaps(anchors, all_instances):
    """Return, for each object of several images, the IoU of the anchor that fits it best: what can be found at all.

    Parameters
    ----------
    anchors : (A, 4) array
    all_instances : sequence of Instances
        Crowds are left out.

    Returns
    -------
    (K,) float32 array
    """
    boxes = [each.boxes[~each.crowd] for each in all_instances]
    boxes = np.concatenate([np.zeros((0, 4), np.float32), *boxes])
    if len(anchors) == 0:
        return np.zeros(len(boxes), np.float32)
    return ops.box_iou(boxes, np.asarray(anchors, np.float32)).max(axis=1)


def _share_inside(boxes, crowds):
    """Return, for each box, the largest part of its area that one of the crowds covers."""
    corner = np.maximum(boxes[:, None, :2], crowds[:, :2])  # (A, G, 2)
    opposite = np.minimum(boxes[:, None, 2:], crowds[:, 2:])
    width, height = np.moveaxis(np.maximum(opposite - corner, 0), -1, 0)
    area = np.maximum(ops.box_area(boxes), np.finfo(np.float32).tiny)  # of a box without area nothing is inside
    return (width * height).max(axis=1) / area
