"""Boxes on the GPU. Their overlap is a kernel in ``overlap.cu``; what is done to each box by itself is the textbook's
body, whose NumPy functions hand CuPy arrays over to CuPy.
"""

import cupy

from minivision.core.registry import reference
from minivision.kernels.cupy.launch import launch

box_area = reference("box_area")
box_convert = reference("box_convert")
clip_boxes_to_image = reference("clip_boxes_to_image")
remove_small_boxes = reference("remove_small_boxes")
encode_boxes = reference("encode_boxes")
decode_boxes = reference("decode_boxes")


def box_iou(a, b):
    iou = cupy.empty((len(a), len(b)), a.dtype)
    launch("overlap", "box_iou", iou.size, a, b, iou, len(b))
    return iou
