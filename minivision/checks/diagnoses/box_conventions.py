"""Boxes and regions in another convention: + 1, corner and size, rounded corners, other weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.checks.diagnoses.other_arguments import Mistakes, explained_by

if TYPE_CHECKING:
    from minivision.checks.evidence import Evidence


def boxes_otherwise(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose boxes that are read with + 1, or as corner and size, and swapped targets and anchors."""
    return explained_by(_box_mistakes, evidence, others)


def _box_mistakes(values: dict[str, Any], op: str) -> Mistakes:
    names = [name for name in ("a", "b", "boxes", "targets", "anchors") if _are_boxes(values.get(name))]
    if not names:
        return []
    mistakes: Mistakes = [
        (
            "widths and heights are counted with + 1. A box is x2 - x1 wide; pixel i covers i to i + 1.",
            {name: values[name] + np.array([0, 0, 1, 1], values[name].dtype) for name in names},
        ),
        (
            "the last two numbers of a box are taken for its width and height; they are the corner x2, y2.",
            {
                name: np.concatenate([values[name][..., :2], values[name][..., :2] + values[name][..., 2:]], axis=-1)
                for name in names
            },
        ),
    ]
    if {"targets", "anchors"} <= set(names) and values["targets"].shape == values["anchors"].shape:
        what = "targets and anchors are the wrong way round. Offsets lead from the anchor to the target."
        mistakes.append((what, {"targets": values["anchors"], "anchors": values["targets"]}))
    return mistakes


def epsilon_in_union(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose a number that is added to the union, or to the area, and is too large to be ignored."""
    if evidence.op.__name__ != "box_iou" or not evidence.same_shape:
        return None
    areas = [
        (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        for boxes in (evidence.values["a"], evidence.values["b"])
    ]
    got, expected = evidence.got, evidence.expected
    overlap = expected > 0
    if overlap.sum() < 3 or got[~overlap].any() or (got[overlap] <= 0).any():
        return None
    union = (np.add.outer(*areas) / (1 + expected))[overlap]
    added = union * (expected[overlap] / got[overlap] - 1)
    added = added[union <= 100 * union.min()]  # it is lost in the rounding of a large union
    number = float(np.median(added))
    if number <= 0 or added.size < 3 or not np.allclose(added, number, rtol=1e-4, atol=0):
        return None
    return f"{number:.2g} is added to the union: leave it out, and return 0 where the intersection is 0."


def weights_otherwise(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose weights of the box coding that are ignored, inverted, or the same for all four numbers."""
    return explained_by(_weight_mistakes, evidence, others)


def _weight_mistakes(values: dict[str, Any], op: str) -> Mistakes:
    weights = values.get("weights")
    if weights is None or op not in ("encode_boxes", "decode_boxes") or len(set(weights)) == 1 == weights[0]:
        return []
    return [
        ("the weights are ignored.", {"weights": (1.0,) * 4}),
        (
            "the weights are inverted. encode_boxes multiplies with them, decode_boxes divides by them.",
            {"weights": tuple(1 / weight for weight in weights)},
        ),
        ("the first of the weights is used for all. There are four: wx, wy, ww, wh.", {"weights": (weights[0],) * 4}),
    ]


def another_format(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose boxes that are returned as a center or corner with a width and height."""
    got, expected = evidence.got, evidence.expected
    if evidence.result != "boxes" or expected.shape[-1:] != (4,) or not np.isfinite(expected).all():
        return None
    corner, size = expected[..., :2], expected[..., 2:] - expected[..., :2]
    formats = {"a center, width and height": corner + size / 2, "a corner, width and height": corner}
    for name, first in formats.items():
        if evidence.same(np.concatenate([first, size], axis=-1), got):
            return f"Each of the boxes is {name}; it should be its two corners, x1, y1, x2, y2."
    return None


def regions_otherwise(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose regions that are rounded otherwise, end a pixel early, or are all read from the first image."""
    return explained_by(_region_mistakes, evidence, others)


def _region_mistakes(values: dict[str, Any], op: str) -> Mistakes:
    rois = values.get("rois")
    if rois is None or not _are_boxes(rois, 5):
        return []
    first_image = rois.copy()
    first_image[:, 0] = 0
    what = "all regions are read from the first image. The first number of a region is the index of its image."
    mistakes: Mistakes = [(what, {"rois": first_image})]
    if "spatial_scale" not in values:
        return mistakes
    on_map = rois[:, 1:] * values["spatial_scale"]
    half_away = np.copysign(np.floor(np.abs(on_map) + 0.5), on_map)
    if op.startswith("roi_pool"):
        roundings = [
            ("corners are rounded down; the nearest pixel is meant.", np.floor(on_map)),
            ("corners are rounded up; the nearest pixel is meant.", np.ceil(on_map)),
            (_HALVES, np.round(on_map)),
            (_ROUNDED, half_away),
            ("the last row and column are missing: both corners belong to the region.", half_away - [0, 0, 1, 1]),
        ]
        whole = np.copysign(np.floor(np.abs(rois[:, 1:]) + 0.5), rois[:, 1:]) * values["spatial_scale"]
        first = "corners are rounded in the image, before they are scaled to the map."
        roundings += [(first, rounding(whole)) for rounding in (np.floor, np.round, np.ceil)]
    else:
        rounded = (np.floor(on_map), np.ceil(on_map), np.round(on_map), half_away)
        roundings = [(_ROUNDED, corners) for corners in rounded]
        scale = values["spatial_scale"]
        what = "half a pixel of the image is subtracted, before scaling: it is half a pixel of the map."
        roundings.append((what, on_map - 0.5 * scale + 0.5))
        roundings.append(("half a pixel is added instead of subtracted.", on_map + 1.0))
    for what, corners in roundings:
        regions = np.column_stack([rois[:, :1], corners]).astype(rois.dtype)
        mistakes.append((what, {"rois": regions, "spatial_scale": 1.0}))
    return mistakes


_ROUNDED = "corners are rounded; RoIAlign rounds nothing."
_HALVES = "halves are rounded to the even number (Python's round, np.round); they should be rounded away from zero."


def _are_boxes(value, columns=4):
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.shape[-1:] == (columns,)
