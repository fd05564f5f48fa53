"""Boxes on the GPU. Their overlap is a kernel in ``overlap.cu``; what is done to each box by itself is the textbook's
body, whose NumPy functions hand CuPy arrays over to CuPy.
"""

import cupy

from minivision.kernels.cupy.launch import launch
from minivision.ops import boxes as textbook

box_area = textbook.box_area.reference
box_convert = textbook.box_convert.reference
clip_boxes_to_image = textbook.clip_boxes_to_image.reference
remove_small_boxes = textbook.remove_small_boxes.reference
encode_boxes = textbook.encode_boxes.reference
decode_boxes = textbook.decode_boxes.reference


def box_iou(a, b):
    iou = cupy.empty((len(a), len(b)), a.dtype)
    launch("overlap", "box_iou", iou.size, a, b, iou, len(b))
    return iou
