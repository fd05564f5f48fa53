"""Selective search as a story: pixels merge into regions, and these into a hierarchy."""

from __future__ import annotations

import itertools

import numpy as np

from minivision.core.types import Array, Size
from minivision.data.transforms import resize_image
from minivision.detection.selective_search.color_spaces import to_color_space
from minivision.detection.selective_search.gaussian_filters import smooth
from minivision.detection.selective_search.graph_segmentation import merge_pixels, sorted_edges
from minivision.detection.selective_search.image_checks import check_image, check_positive, check_rgb
from minivision.detection.selective_search.search import SIGMA, region_hierarchy
from minivision.viz.stories.story import Story, as_link

LONGEST = 240  # pixels of the longer side at which an image is searched
FINEST = 1500  # regions at the first step; more where all edges leave more
STAGES = 24  # steps in which pixels merge into the first regions, about
SINGLE = 60  # the last merges of the hierarchy, a step each
LEGEND = [["part", "the two that merge"], ["new", "the box of both: a proposal"]]


def play_regions(image: Array, *, color_space: str = "HSV", k: float = 100, similarities: str = "CTSF") -> Story:
    """Play one strategy of selective search: how pixels become regions, and regions one image.

    First edges between pixels are gone through, the weakest first, and merge the regions they touch where the rule of
    Felzenszwalb and Huttenlocher allows it: union-find. Then the two most similar neighbors merge again and again;
    each merged region's box is a proposal.

    Parameters
    ----------
    image : uint8 ndarray of shape (H, W, 3)
        RGB. A longer side of more than `LONGEST` pixels is reduced to that many.
    color_space, k, similarities
        As in :func:`minivision.detection.region_hierarchy`.

    Returns
    -------
    Story
        A notebook displays it; ``save("regions.html")`` writes a page.

    Raises
    ------
    TypeError, ValueError
        If `image` is not such an array, or a parameter is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.viz import play_regions
    >>> image = np.zeros((40, 60, 3), np.uint8)
    >>> image[10:30, 20:50] = 255
    >>> play_regions(image).data["tracks"][0][-1]["regions"]
    1
    """
    check_rgb(image)
    check_positive("k", k)
    image = resize_image(image, _played_size(image.shape[:2]))
    hierarchy = region_hierarchy(image, color_space=color_space, k=k, similarities=similarities)
    stages = _stages(image, color_space, k, hierarchy.labels)
    base = stages[0]
    steps = [_pixel_step(base, finer, coarser) for finer, coarser in itertools.pairwise([base, *stages])]
    if len(stages) > 1:
        steps[-1]["say"] = (
            f"Regions of fewer than {k:g} pixels merge with a neighbor. {_counted(steps[-1]['regions'])}."
        )
    steps += _merge_steps(base, hierarchy)
    height, width = base.shape
    return Story(
        {
            "title": "Selective search",
            "view": [0, 0, width, height],
            "image": as_link(image),
            "regions": {"size": [height, width], "labels": _run_lengths(base), "sums": _sums(image, base)},
            "boxes": [],
            "legend": LEGEND,
            "start": len(stages) - 1,
            "tracks": [steps],
        }
    )


def _played_size(size: Size) -> Size:
    height, width = size
    scale = min(1, LONGEST / max(size))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _stages(image, color_space, k, last):
    """Return label maps from fine to coarse: the regions after the first edges, after more edges, and in the end.

    Regions after some edges are parts of those after more of them: union-find never divides.
    """
    edges, weights = sorted_edges(smooth(check_image(to_color_space(image, color_space)), SIGMA))
    counts = sorted(
        {int(part) for part in np.geomspace(max(len(edges) / 50, 1), len(edges), STAGES)} if len(edges) else ()
    )
    stages = [merge_pixels(edges[:n], weights[:n], last.shape, k=k, min_size=1) for n in counts]
    stages = [stage for stage in stages if stage.max() < FINEST] or stages[-1:]
    different = [stage for stage, after in itertools.pairwise([*stages, last]) if stage.max() > after.max()]
    return [*different, last]


def _pixel_step(base, finer, coarser):
    count = int(coarser.max()) + 1
    merged = int(finer.max()) + 1 - count
    how = f"{merged:,} more merges along weak edges." if merged else "Pixels have merged along the weakest edges."
    return {"say": f"{how} {_counted(count)}.", "regions": count, "joins": _joins(base, finer, coarser)}


def _counted(count):
    return f"{count:,} regions" if count > 1 else "1 region"


def _joins(base, finer, coarser):
    """Return pairs of regions of `base`: joining them turns the partition `finer` into `coarser`."""
    first = np.unique(base, return_index=True)[1]  # a pixel of each region of base
    fine, coarse = finer.ravel()[first], coarser.ravel()[first]
    leader_of_fine = np.unique(fine, return_index=True)[1]  # a region of base for each region
    leader_of_coarse = np.unique(coarse, return_index=True)[1]
    pairs = np.stack([leader_of_fine, leader_of_coarse[coarse[leader_of_fine]]], axis=1)
    return pairs[pairs[:, 0] != pairs[:, 1]].tolist()


def _merge_steps(base, hierarchy):
    """Return the steps of the grouping: many merges in one at first, then one merge in each."""
    R = len(hierarchy.children) + 1
    sizes = np.bincount(hierarchy.labels.ravel(), minlength=2 * R - 1)
    leaders = np.zeros(2 * R - 1, int)  # for each region, one of base in it
    leaders[hierarchy.labels.ravel()] = base.ravel()
    for t, children in enumerate(hierarchy.children):
        sizes[R + t] = sizes[children].sum()
        leaders[R + t] = leaders[children[0]]
    ends = sorted(
        {*np.linspace(0, max(R - 1 - SINGLE, 0), 12).astype(int)[1:].tolist(), *range(max(R - 1 - SINGLE, 0) + 1, R)}
        - {0}
    )
    steps, done = [], 0
    for end in ends:
        children, new = hierarchy.children[end - 1], R + end - 1
        joins = leaders[hierarchy.children[done:end]].tolist()
        left = R - end
        one, other = sizes[children]
        say = f"The most similar neighbors, of {one:,} and {other:,} pixels, merge. "
        if end - done > 1:
            say = f"{end - done} merges of the most similar neighbors. "
        drawn = [[hierarchy.boxes[child].tolist(), "part"] for child in children] if end - done == 1 else []
        drawn.append([hierarchy.boxes[new].tolist(), "new"])
        count = f"{left:,} regions are left." if left > 1 else "One region is left: the whole image."
        steps.append({"say": say + count, "regions": left, "joins": joins, "boxes": drawn})
        done = end
    return steps


def _run_lengths(labels):
    """Return a label map row by row as label, count, label, count, …"""
    flat = labels.ravel()
    starts = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]]))
    return np.stack([flat[starts], np.diff([*starts, flat.size])], axis=1).ravel().tolist()


def _sums(image, labels):
    """Return for each region the sums of red, green and blue, and its number of pixels."""
    flat, count = labels.ravel(), int(labels.max()) + 1
    sums = [np.bincount(flat, image[..., c].ravel(), count) for c in range(3)]
    return np.stack([*sums, np.bincount(flat, minlength=count)], axis=1).astype(int).ravel().tolist()
