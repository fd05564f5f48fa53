"""CuPy kernels of ``nms`` and ``batched_nms``: find pairs with a high IoU, then decide in rounds (``iou.cu``)."""

import cupy
import numpy as np

from minivision.kernels.cupy.launch import launch

KEPT = 1  # as in iou.cu, where 0 is an undecided box
ROUNDS = 4  # before each test whether boxes are undecided, for which the CPU waits for the GPU


def nms(boxes, scores, iou_threshold):
    return batched_nms(boxes, scores, cupy.zeros(len(boxes), np.int64), iou_threshold)


def batched_nms(boxes, scores, labels, iou_threshold):
    K = len(boxes)
    order = cupy.argsort(-scores)  # stable
    boxes, labels = boxes[order], labels[order]
    words = cupy.empty((-(-K // 64), K), np.uint64)
    launch("iou", "find_suppressors", words.size, boxes, labels, words, K, iou_threshold)
    states = cupy.zeros(K, np.int32)
    while not (states != 0).all():
        for _ in range(ROUNDS):
            launch("iou", "decide", K, words, states)
    return order[states == KEPT]
