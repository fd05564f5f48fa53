"""Numba kernels for boxes: areas, conversion, IoU, clipping, removal of small boxes, encoding and decoding.

Each is one pass over the boxes.
"""

import numpy as np
from numba import prange

from minivision.core.compile import jit
from minivision.core.constants import LARGEST_LOG_SCALE
from minivision.kernels.numba.engine.exponential import exp, log
from minivision.kernels.numba.engine.pairwise_boxes import coordinates, pair_iou

_SERIAL_PAIRS = 2**16  # pairs; for fewer, one thread is faster than starting several


def _rows(boxes):
    """(..., 4) -> (K, 4)"""
    return boxes.reshape(boxes.size // 4, 4)


def box_area(boxes):
    area = np.empty(boxes.shape[:-1], boxes.dtype)
    _areas(_rows(boxes), area.reshape(area.size))
    return area


@jit
def _areas(boxes, area):
    for k in range(area.size):
        area[k] = (boxes[k, 2] - boxes[k, 0]) * (boxes[k, 3] - boxes[k, 1])


def box_convert(boxes, in_fmt, out_fmt):
    if in_fmt == out_fmt:
        return boxes.copy()
    result = np.empty_like(boxes)
    _convert(_rows(boxes), in_fmt == "xyxy", in_fmt == "xywh", out_fmt == "xyxy", out_fmt == "xywh", _rows(result))
    return result


@jit
def _convert(boxes, from_corners, from_corner, to_corners, to_corner, result):
    half = boxes.dtype.type(0.5)
    for k in range(len(boxes)):
        x1, y1, x2, y2 = boxes[k, 0], boxes[k, 1], boxes[k, 2], boxes[k, 3]
        if from_corner:
            x2, y2 = x1 + x2, y1 + y2
        elif not from_corners:
            x1, y1, x2, y2 = x1 - x2 * half, y1 - y2 * half, x1 + x2 * half, y1 + y2 * half
        if to_corner:
            x2, y2 = x2 - x1, y2 - y1
        elif not to_corners:
            x1, y1, x2, y2 = (x1 + x2) * half, (y1 + y2) * half, x2 - x1, y2 - y1
        result[k, 0], result[k, 1], result[k, 2], result[k, 3] = x1, y1, x2, y2


def box_iou(a, b):
    iou = np.empty((len(a), len(b)), a.dtype)
    if iou.size < _SERIAL_PAIRS:
        _iou_matrix(a, b, iou)
    else:
        _iou_matrix_parallel(a, b, iou)
    return iou


def _fill_iou_matrix(a, b, iou):
    x1, y1, x2, y2, area = coordinates(b, np.arange(len(b)))
    for i in prange(len(a)):
        left, top, right, bottom = a[i, 0], a[i, 1], a[i, 2], a[i, 3]
        own_area = (right - left) * (bottom - top)
        row = iou[i]
        for j in range(row.size):
            row[j] = pair_iou(left, top, right, bottom, own_area, x1[j], y1[j], x2[j], y2[j], area[j])


_iou_matrix, _iou_matrix_parallel = jit(_fill_iou_matrix), jit(_fill_iou_matrix, parallel=True)


def clip_boxes_to_image(boxes, size):
    result = np.empty_like(boxes)
    _clip(_rows(boxes), boxes.dtype.type(size[0]), boxes.dtype.type(size[1]), _rows(result))
    return result


@jit
def _clip(boxes, height, width, result):
    zero = height - height
    for k in range(len(boxes)):
        for axis in range(4):
            value, limit = boxes[k, axis], height if axis % 2 else width
            value = zero if value < zero else value  # NaN stays NaN: every comparison with it is false
            result[k, axis] = limit if value > limit else value


def remove_small_boxes(boxes, min_size):
    keep = np.empty(len(boxes), np.int64)
    return keep[: _indices_of_large(boxes, boxes.dtype.type(min_size), keep)]


@jit
def _indices_of_large(boxes, min_size, keep):
    count = 0
    for k in range(len(boxes)):
        if boxes[k, 2] - boxes[k, 0] >= min_size and boxes[k, 3] - boxes[k, 1] >= min_size:
            keep[count] = k
            count += 1
    return count


def _in_dtype(weights, array):
    return tuple(array.dtype.type(weight) for weight in weights)


def encode_boxes(targets, anchors, weights):
    deltas = np.empty_like(targets)
    _encode(_rows(targets), _rows(anchors), _in_dtype(weights, targets), _rows(deltas))
    return deltas


@jit
def _encode(targets, anchors, weights, deltas):
    wx, wy, ww, wh = weights
    half = targets.dtype.type(0.5)
    log_w, log_h = np.empty(len(targets), targets.dtype), np.empty(len(targets), targets.dtype)
    for k in range(len(targets)):
        width, height = anchors[k, 2] - anchors[k, 0], anchors[k, 3] - anchors[k, 1]
        w, h = targets[k, 2] - targets[k, 0], targets[k, 3] - targets[k, 1]
        deltas[k, 0] = wx * ((targets[k, 0] + w * half) - (anchors[k, 0] + width * half)) / width
        deltas[k, 1] = wy * ((targets[k, 1] + h * half) - (anchors[k, 1] + height * half)) / height
        log_w[k], log_h[k] = w / width, h / height
    for k in range(len(targets)):  # separate loops over contiguous arrays, so that the logarithm is vectorized
        log_w[k] = ww * log(log_w[k])
    for k in range(len(targets)):
        log_h[k] = wh * log(log_h[k])
    for k in range(len(targets)):
        deltas[k, 2], deltas[k, 3] = log_w[k], log_h[k]


def decode_boxes(deltas, anchors, weights):
    boxes = np.empty_like(deltas)
    largest = deltas.dtype.type(LARGEST_LOG_SCALE)
    _decode(_rows(deltas), _rows(anchors), _in_dtype(weights, deltas), largest, _rows(boxes))
    return boxes


@jit
def _decode(deltas, anchors, weights, largest, boxes):
    wx, wy, ww, wh = weights
    half = deltas.dtype.type(0.5)
    for k in range(len(deltas)):
        width, height = anchors[k, 2] - anchors[k, 0], anchors[k, 3] - anchors[k, 1]
        x = deltas[k, 0] / wx * width + (anchors[k, 0] + width * half)
        y = deltas[k, 1] / wy * height + (anchors[k, 1] + height * half)
        tw, th = deltas[k, 2] / ww, deltas[k, 3] / wh
        tw, th = largest if tw > largest else tw, largest if th > largest else th
        half_w, half_h = exp(tw) * width * half, exp(th) * height * half
        boxes[k, 0], boxes[k, 1] = x - half_w, y - half_h
        boxes[k, 2], boxes[k, 3] = x + half_w, y + half_h
