"""CuPy kernels for boxes: IoU in ``iou.cu``; all others are the reference implementations.

On CuPy arrays, the NumPy functions in a reference implementation call those of CuPy.
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
    launch("iou", "box_iou", iou.size, a, b, iou, len(b))
    return iou
