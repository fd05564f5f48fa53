"""Operations with their gradients: reference implementations, argument checks, dispatch to a backend.

Feature maps have the shape ``(N, C, H, W)`` and dtype float32 or float64; results have the dtype of the first array.
The gradient of ``f`` is ``f_backward``: it takes the upstream gradient, then what it needs of the forward pass, and
returns the gradients in the order of the arrays of ``f``.
"""

from minivision.ops.boxes import (
    box_area,
    box_convert,
    box_iou,
    clip_boxes_to_image,
    decode_boxes,
    encode_boxes,
    remove_small_boxes,
)
from minivision.ops.convolution import (
    conv2d,
    conv2d_backward,
    conv2d_filter_gradient,
    conv_matrix,
    conv_transpose2d,
    conv_transpose2d_backward,
)
from minivision.ops.embedding import (
    embedding,
    embedding_backward,
)
from minivision.ops.linear import (
    linear,
    linear_backward,
)
from minivision.ops.losses import (
    binary_cross_entropy_with_logits,
    hinge_loss,
    mse_loss,
    smooth_l1_loss,
    softmax,
    softmax_backward,
    softmax_cross_entropy,
)
from minivision.ops.normalization import (
    batch_norm2d,
    batch_norm2d_backward,
)
from minivision.ops.pointwise import (
    dropout,
    dropout_backward,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
)
from minivision.ops.pooling import (
    avg_pool2d,
    avg_pool2d_backward,
    global_avg_pool2d,
    global_avg_pool2d_backward,
    max_pool2d,
    max_pool2d_backward,
    max_unpool2d,
    max_unpool2d_backward,
)
from minivision.ops.recurrent import (
    lstm_step,
    lstm_step_backward,
    rnn_step,
    rnn_step_backward,
)
from minivision.ops.regions import (
    crop_and_resize,
    crop_and_resize_backward,
    roi_align,
    roi_align_backward,
    roi_pool,
    roi_pool_backward,
)
from minivision.ops.suppression import (
    batched_nms,
    nms,
)
from minivision.ops.upsampling import (
    bed_of_nails,
    bed_of_nails_backward,
    upsample_bilinear,
    upsample_bilinear_backward,
    upsample_nearest,
    upsample_nearest_backward,
)

__all__ = [
    "avg_pool2d",
    "avg_pool2d_backward",
    "batch_norm2d",
    "batch_norm2d_backward",
    "batched_nms",
    "bed_of_nails",
    "bed_of_nails_backward",
    "binary_cross_entropy_with_logits",
    "box_area",
    "box_convert",
    "box_iou",
    "clip_boxes_to_image",
    "conv2d",
    "conv2d_backward",
    "conv2d_filter_gradient",
    "conv_matrix",
    "conv_transpose2d",
    "conv_transpose2d_backward",
    "crop_and_resize",
    "crop_and_resize_backward",
    "decode_boxes",
    "dropout",
    "dropout_backward",
    "embedding",
    "embedding_backward",
    "encode_boxes",
    "global_avg_pool2d",
    "global_avg_pool2d_backward",
    "hinge_loss",
    "linear",
    "linear_backward",
    "lstm_step",
    "lstm_step_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "max_unpool2d",
    "max_unpool2d_backward",
    "mse_loss",
    "nms",
    "relu",
    "relu_backward",
    "remove_small_boxes",
    "rnn_step",
    "rnn_step_backward",
    "roi_align",
    "roi_align_backward",
    "roi_pool",
    "roi_pool_backward",
    "sigmoid",
    "sigmoid_backward",
    "smooth_l1_loss",
    "softmax",
    "softmax_backward",
    "softmax_cross_entropy",
    "upsample_bilinear",
    "upsample_bilinear_backward",
    "upsample_nearest",
    "upsample_nearest_backward",
]
