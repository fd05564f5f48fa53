"""Non-maximum suppression of thousands of boxes.

Each kept box is compared with all boxes of lower score, several at a time, in rounds: after a round the boxes that were
suppressed leave the arrays. If many stay, boxes are put next to their neighbors in the image, in tiles of 64, and a box
is compared only with the tiles that it touches.
"""

import math

import numpy as np

from minivision.core.compile import jit
from minivision.kernels.numba.engine.pairwise_boxes import coordinates, update_max_iou
from minivision.kernels.numba.engine.radix_sort import ascending_bits, radix_sort

_FIRST_ROUND = 64  # boxes; each round takes as many as all before it
_TILE = 64  # boxes
_TILES_FROM = 512  # boxes that were decided before tiles are made: often few of the others are left then
_MANY = 4096  # boxes left; for fewer, sorting them into tiles takes longer than it saves


def by_descending_score(scores):
    """Return the indices of scores, the highest first; of equal scores the lower index comes first."""
    descending = scores.dtype.type(0) - scores  # 0 - 0 is 0, where -(0.0) has other bits than 0.0
    return _sorted_indices(descending.view(f"u{scores.itemsize}")).astype(np.int64)


def by_label(labels):
    """Return an order in which equal labels follow each other, those that came first first."""
    return radix_sort(labels.view(np.uint64), np.arange(labels.size, dtype=np.uint32))[1].astype(np.int64)


@jit
def _sorted_indices(bits):
    """Return the indices that sort floats with the given bits."""
    return radix_sort(ascending_bits(bits), np.arange(bits.size).astype(np.uint32))[1]


@jit
def suppress_one_group(boxes, order, threshold, keep):
    _suppress(coordinates(boxes, order), threshold, keep)


@jit
def suppress_groups(boxes, order, labels, threshold, keep):
    x1, y1, x2, y2, area = coordinates(boxes, order)
    start = 0
    for stop in range(1, order.size + 1):
        if stop == order.size or labels[order[stop]] != labels[order[start]]:
            group = slice(start, stop)
            _suppress((x1[group], y1[group], x2[group], y2[group], area[group]), threshold, keep[group])
            start = stop


@jit
def _suppress(boxes, threshold, keep):
    """Write to `keep` which boxes are kept.

    `boxes` are x1, y1, x2, y2 and area, arrays that are sorted by descending score and are overwritten: boxes leave
    their places and move up. The rank of a box is its first place.
    """
    count = keep.size
    max_iou = np.zeros_like(boxes[0])  # the largest IoU of each box with a kept box
    rank, place = np.arange(count), np.arange(count)  # of the box in each place; of the box of each rank
    tiles = _bounds_of_tiles(boxes, count - count)  # none yet
    for r in range(count):
        keep[r] = True
    first, last = 0, _FIRST_ROUND
    while count > 0:
        for r in range(first, min(last, keep.size)):
            i = place[r]
            keep[r] = keep[r] and max_iou[i] <= threshold
            if keep[r] and tiles[0].size:
                _compare_in_tiles(boxes, i, tiles, max_iou[:count])
            elif keep[r]:
                _compare(boxes, i, i + 1, count, max_iou)
        count = _leave_out_decided(boxes, max_iou, rank, place, count, last, threshold, keep)
        if tiles[0].size or (last >= _TILES_FROM and count >= _MANY):
            if not tiles[0].size:
                _put_neighbors_together(boxes, max_iou, rank, place, count)
            tiles = _bounds_of_tiles(boxes, count)
        first, last = last, 2 * last


@jit
def _compare(boxes, i, start, stop, max_iou):
    """Update the largest IoU of boxes from `start` to `stop` by their IoU with box i."""
    x1, y1, x2, y2, area = boxes
    box = x1[i], y1[i], x2[i], y2[i], area[i]
    part = slice(start, stop)
    update_max_iou(box, x1[part], y1[part], x2[part], y2[part], area[part], max_iou[part])


@jit
def _compare_in_tiles(boxes, i, tiles, max_iou):
    """Update the largest IoU of all boxes in tiles that box i touches; in the others it is 0."""
    touched = _touched(boxes, i, tiles)
    start = 0
    while start < touched.size:
        stop = start + 1
        if touched[start]:
            while stop < touched.size and touched[stop]:
                stop += 1
            _compare(boxes, i, start * _TILE, min(stop * _TILE, max_iou.size), max_iou)
        start = stop


@jit
def _touched(boxes, i, tiles):
    x1, y1, x2, y2, _ = boxes
    left, top, right, bottom = x1[i], y1[i], x2[i], y2[i]
    tile_x1, tile_y1, tile_x2, tile_y2 = tiles
    touched = np.empty(tile_x1.size, np.bool_)
    for t in range(touched.size):
        touched[t] = (tile_x1[t] < right) & (tile_x2[t] > left) & (tile_y1[t] < bottom) & (tile_y2[t] > top)
    return touched


@jit
def _bounds_of_tiles(boxes, count):
    """Return x1, y1, x2 and y2 around the boxes of each tile, for the first `count` boxes."""
    x1, y1, x2, y2, _ = boxes
    tiles = (count + _TILE - 1) // _TILE
    left, top = np.empty(tiles, x1.dtype), np.empty(tiles, x1.dtype)
    right, bottom = np.empty(tiles, x1.dtype), np.empty(tiles, x1.dtype)
    for i in range(count):
        t = i // _TILE
        if i == t * _TILE:
            left[t], top[t], right[t], bottom[t] = x1[i], y1[i], x2[i], y2[i]
        left[t], top[t] = min(left[t], x1[i]), min(top[t], y1[i])
        right[t], bottom[t] = max(right[t], x2[i]), max(bottom[t], y2[i])
    return left, top, right, bottom


@jit
def _leave_out_decided(boxes, max_iou, rank, place, count, last, threshold, keep):
    """Remove boxes of ranks below `last` and suppressed boxes from their places; return how many boxes are left."""
    left = 0
    for i in range(count):
        r = rank[i]
        if r < last:
            continue
        keep[r] = max_iou[i] <= threshold
        if keep[r]:
            for values in boxes:
                values[left] = values[i]
            max_iou[left], rank[left], place[r] = max_iou[i], r, left
            left += 1
    return left


@jit
def _put_neighbors_together(boxes, max_iou, rank, place, count):
    """Reorder the first `count` boxes by rows of tiles: in each row by x, the rows by y.

    Leutenegger, Lopez and Edgington, STR: a simple and efficient algorithm for R-tree packing, 1997.
    """
    x1, y1, x2, y2, _ = boxes
    center = np.empty(count, np.float32)  # twice the center of each box
    for i in range(count):
        center[i] = y1[i] + y2[i]
    order = _argsort(center)
    row_size = math.ceil(count / max(1, round(math.sqrt(count / _TILE))))
    for start in range(0, count, row_size):
        row = order[start : start + row_size].copy()
        for i in range(row.size):
            center[i] = x1[row[i]] + x2[row[i]]
        by_x = _argsort(center[: row.size])
        for i in range(row.size):
            order[start + i] = row[by_x[i]]
    for values in boxes:
        _reorder(values, order)
    _reorder(max_iou, order)
    _reorder(rank, order)
    for i in range(count):
        place[rank[i]] = i


@jit
def _reorder(values, order):
    """Move the value at ``order[i]`` to place i."""
    before = values.copy()
    for i in range(order.size):
        values[i] = before[order[i]]


@jit
def _argsort(values):
    """Return the indices that sort float32 values."""
    return _sorted_indices((values + np.float32(0)).view(np.uint32))  # -0 becomes 0
