"""Faces of mistakes with boxes: read in another format, rounded, weighted or suppressed by another rule.

As everywhere, a face is claimed only when the textbook, for arguments read in that way, gives the wrong numbers.
"""

import numpy as np

MOST_WITNESSES = 5  # other cases that must agree where a result is a few whole numbers


def boxes_otherwise(evidence, others=()):
    """Say that boxes are read with + 1, as corner and size, or that two lists of them are swapped."""
    return _what_explains(_box_readings, evidence, others)


def _box_readings(values, op):
    names = [name for name in ("a", "b", "boxes", "targets", "anchors") if _are_boxes(values.get(name))]
    readings = {
        "widths and heights are counted with + 1. A box is x2 - x1 wide; pixel i covers i to i + 1.": {
            name: values[name] + np.array([0, 0, 1, 1], values[name].dtype) for name in names
        },
        "the last two numbers of a box are taken for its width and height; they are the corner x2, y2.": {
            name: np.concatenate([values[name][..., :2], values[name][..., :2] + values[name][..., 2:]], axis=-1)
            for name in names
        },
    }
    if {"targets", "anchors"} <= set(names) and values["targets"].shape == values["anchors"].shape:
        swapped = {"targets": values["anchors"], "anchors": values["targets"]}
        readings["targets and anchors are the wrong way round: the way leads from the anchor to the target."] = swapped
    return readings if names else {}


def weights_otherwise(evidence, others=()):
    """Say that the weights of box coding are ignored, turned upside down, or one of them is used for all."""
    return _what_explains(_weight_readings, evidence, others)


def _weight_readings(values, op):
    weights = values.get("weights")
    if op not in ("encode_boxes", "decode_boxes") or len(set(weights)) == 1 == weights[0]:
        return {}
    readings = {
        "the weights are ignored.": (1.0,) * 4,
        "encode_boxes multiplies with the weights and decode_boxes divides by them, not the other way round.": tuple(
            1 / weight for weight in weights
        ),
        "the first of the weights is used for all; there are wx, wy, ww, wh.": (weights[0],) * 4,
    }
    return {what: {"weights": other} for what, other in readings.items()}


def another_format(evidence):
    """Say that boxes are right, but given back as a centre or corner with a width and height."""
    got, expected = evidence.got, evidence.expected
    if evidence.result != "boxes" or expected.shape[-1:] != (4,) or not np.isfinite(expected).all():
        return None
    low, size = expected[..., :2], expected[..., 2:] - expected[..., :2]
    formats = {"a centre, width and height": low + size / 2, "a corner, width and height": low}
    for name, first in formats.items():
        if evidence.same(np.concatenate([first, size], axis=-1), got):
            return f"Each of the boxes is {name}; it should be its two corners, x1, y1, x2, y2."
    return None


def regions_otherwise(evidence, others=()):
    """Say that regions are rounded as they should not be, end a pixel early, or are all of the first image."""
    return _what_explains(_region_readings, evidence, others)


def _region_readings(values, op):
    rois = values.get("rois")
    if not _are_boxes(rois, 5):
        return {}
    first_image = rois.copy()
    first_image[:, 0] = 0
    readings = {
        "the first number of a region is the number of its image; here all regions belong to the first one.": {
            "rois": first_image
        }
    }
    if "spatial_scale" in values:
        on_map = rois[:, 1:] * values["spatial_scale"]
        half_away = np.copysign(np.floor(np.abs(on_map) + 0.5), on_map)
        pooling = op.startswith("roi_pool")
        roundings = {
            "corners are rounded down; the nearest pixel is meant." if pooling else _ROUNDED: np.floor(on_map),
            "corners are rounded up; the nearest pixel is meant." if pooling else f"{_ROUNDED} ": np.ceil(on_map),
            _HALVES if pooling else f"{_ROUNDED}  ": np.round(on_map),
            f"{_ROUNDED}   ": half_away,
        }
        if pooling:
            roundings["the last row and column are missing: both corners belong to the region."] = half_away - [
                0,
                0,
                1,
                1,
            ]
        for what, corners in roundings.items():
            regions = np.column_stack([rois[:, :1], corners]).astype(rois.dtype)
            readings[what] = {"rois": regions, "spatial_scale": 1.0}
    return readings


_ROUNDED = "corners are rounded; RoIAlign rounds nothing."
_HALVES = "halves are rounded to the even number (Python's round, np.round); they go away from zero."


def suppressed_otherwise(evidence, others=()):
    """Say by which other rule boxes were suppressed or put in order."""
    if evidence.op.__name__ != "nms" or not len(evidence.expected):
        return None
    what = _agreed(_suppressions, evidence, others)
    return what and f"keep is what the textbook gives {what}"


def _suppressions(evidence):
    """Return for each rule whether it explains the result; rules that change nothing here are left out."""
    values, got, expected = evidence.values, evidence.got, evidence.expected
    boxes, scores, threshold = values["boxes"], values["scores"], values["iou_threshold"]
    last = len(scores) - 1
    from_behind = evidence.textbook(boxes=boxes[::-1].copy(), scores=scores[::-1].copy())
    rules = {
        "where an overlap of just the threshold is too much: a box goes when it is above (>), not when it is equal.": (
            evidence.textbook(iou_threshold=float(np.nextafter(threshold, -1)))
        ),
        'where of equal scores the last box wins: sort by np.argsort(-scores, kind="stable").': (
            None if from_behind is None else last - from_behind
        ),
        "for the threshold 0.5: the one that is asked for is ignored.": evidence.textbook(iou_threshold=0.5),
        "for the opposite scores: begin with the highest one, not with the lowest.": evidence.textbook(scores=-scores),
        "where all scores are equal: they are not looked at.": evidence.textbook(scores=np.zeros_like(scores)),
        "where nothing is suppressed.": np.argsort(-scores, kind="stable"),
        "in the order of the indices: they come by descending score.": np.sort(expected),
        "as a mask: return the indices, the best first.": np.isin(np.arange(last + 1), expected),
    }
    return {
        what: np.array_equal(found, got) and (found.dtype == bool) == (got.dtype == bool)
        for what, found in rules.items()
        if found is not None and not (np.array_equal(found, expected) and found.dtype != bool)
    }


def equal_places(evidence):
    """Say that a maximum stood in several places, and that another of these was taken."""
    got, expected, values = evidence.got, evidence.expected, evidence.values
    if evidence.result != "argmax" or not {"x", "rois"} <= set(values):
        return None
    plane = values["x"].reshape(*values["x"].shape[:2], -1)[values["rois"][:, 0].astype(int)]  # of each region
    if (
        not plane.size
        or got.min(initial=0) < -1
        or got.max(initial=0) >= plane.shape[2]
        or (got[expected < 0] >= 0).any()
    ):
        return None
    flat = (len(got), plane.shape[1], -1)
    one, other = (np.take_along_axis(plane, np.maximum(each, 0).reshape(flat), axis=2) for each in (got, expected))
    if not np.array_equal(one, other, equal_nan=True) or ((got < 0) & (expected >= 0)).any():
        return None
    return (
        "Where several numbers are the largest, argmax is the place of another: of equals the first wins (>, not >=)."
    )


def _are_boxes(value, columns=4):
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.shape[-1:] == (columns,)


def _what_explains(readings_of, evidence, others):
    """Return a sentence for the first of several readings that gives the wrong result, here and in other cases."""

    def tried(evidence):
        found = {}
        for what, changed in readings_of(evidence.values, evidence.op.__name__).items():
            other = evidence.textbook(**changed)
            if other is not None and not evidence.same(other, evidence.expected):
                found[what] = evidence.same(other, evidence.got)
        return found

    what = _agreed(tried, evidence, others)
    return what and f"{evidence.result} is what it would be if this were meant: {what.rstrip()}"


def _agreed(tried, evidence, others):
    """Return what explains a case and is refuted by no other; `tried` says for a case what does and what does not."""
    here = tried(evidence)
    if not any(here.values()):
        return None
    elsewhere = [tried(other) for other in others[:MOST_WITNESSES]]
    for what, explains in here.items():
        if explains and all(rules.get(what, True) for rules in elsewhere):
            return what
    return None
