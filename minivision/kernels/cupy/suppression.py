"""Non-maximum suppression on the GPU: who rivals whom, and rounds of decisions (``overlap.cu``)."""

import cupy
import numpy as np

from minivision.kernels.cupy.launch import launch

STAYS = 1  # as in overlap.cu; 0 is a box that waits
ROUNDS = 4  # until it is asked whether a box still waits, for which the CPU must wait


def nms(boxes, scores, iou_threshold):
    return batched_nms(boxes, scores, cupy.zeros(len(boxes), np.int64), iou_threshold)


def batched_nms(boxes, scores, labels, iou_threshold):
    K = len(boxes)
    order = cupy.argsort(-scores)  # keeps the order of equals
    boxes, labels = boxes[order], labels[order]
    words = cupy.empty((-(-K // 64), K), np.uint64)
    launch("overlap", "rivals", words.size, boxes, labels, words, K, iou_threshold)
    decision = cupy.zeros(K, np.int32)
    while not (decision != 0).all():
        for _ in range(ROUNDS):
            launch("overlap", "decide", K, words, decision)
    return order[decision == STAYS]
