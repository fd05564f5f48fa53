"""Where the regions of a traced operation and their samples lie on its map: in its pixels, pixel 0 from 0 to 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from minivision.tracing import Step, Trace

MAPS = {
    "roi_pool": "x",
    "roi_align": "x",
    "crop_and_resize": "x",
    "roi_pool_backward": "dx",
    "roi_align_backward": "dx",
    "crop_and_resize_backward": "dx",
}


def regions_of(trace: Trace) -> dict[str, Any] | None:
    """Return the regions of an operation on regions, for the picture of its map; None for other functions.

    Returns
    -------
    regions : dict or None
        ``panel``, the number of the map's panel, and ``boxes``: for each region ``image``, ``box`` and ``grid``.
    """
    names = [panel.name for panel in trace.panels]
    name = MAPS.get(trace.title)
    if name not in names or not isinstance(trace.values.get("rois"), np.ndarray):
        return None
    rois = np.array([[getattr(one, "value", one) for one in row] for row in trace.values["rois"].tolist()], float)
    grid = _grid(trace)
    if grid is None or rois.ndim != 2 or not np.isfinite(rois).all():
        return None
    panel = names.index(name)
    return {
        "panel": panel,
        "boxes": [
            {"image": int(image), "box": [float(f"{corner:.6g}") for corner in box], "grid": grid}
            for image, *box in np.column_stack([rois[:, 0], rois[:, 1:] * _scale(trace) + _shift(trace)]).tolist()
        ],
    }


def place_of(step: Step, trace: Trace, regions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the region, and the sample if it has one, that a step is about: ``region`` and ``sample``."""
    about: dict[str, Any] = {}
    k = step.counters.get("k")
    if not isinstance(k, int) or not 0 <= k < len(regions["boxes"]):
        return about
    about["region"] = k
    y, x = step.counters.get("sample_y"), step.counters.get("sample_x")
    if isinstance(y, float) and isinstance(x, float):  # there the center of pixel 0 lies at 0
        about["sample"] = {"image": regions["boxes"][k]["image"], "x": round(x + 0.5, 6), "y": round(y + 0.5, 6)}
    return about


def _grid(trace):
    size = trace.values.get("output_size")
    if size is None and isinstance(trace.values.get("dy"), np.ndarray):
        size = trace.values["dy"].shape[2:]
    return [int(side) for side in size] if isinstance(size, tuple) and len(size) == 2 else None


def _scale(trace):
    return trace.values.get("spatial_scale", 1.0)


def _shift(trace):
    """Return half a pixel where the center of pixel 0 counts as 0."""
    return 0.0 if trace.values.get("aligned", True) else 0.5
