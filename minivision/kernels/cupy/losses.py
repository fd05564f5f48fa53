"""The losses on the GPU. Cross-entropy is a kernel in ``losses.cu``; the others are the textbook's bodies, whose NumPy
functions hand CuPy arrays over to CuPy. A loss is a CuPy array without axes: nobody waits for the GPU to see it.
"""

import math

import cupy

from minivision.kernels.cupy.launch import launch
from minivision.ops import losses as textbook

binary_cross_entropy_with_logits = textbook.binary_cross_entropy_with_logits.reference
smooth_l1_loss = textbook.smooth_l1_loss.reference
mse_loss = textbook.mse_loss.reference
hinge_loss = textbook.hinge_loss.reference


def softmax_cross_entropy(scores, target, weight, ignore_index, reduction):
    C, L = scores.shape[1], math.prod(scores.shape[2:])
    ignored = target == ignore_index
    label = cupy.where(ignored, -1, target)
    w = cupy.ones(target.shape, scores.dtype) if weight is None else weight[cupy.maximum(label, 0)]
    norm = cupy.where(ignored, 0, w).sum() if reduction == "mean" else cupy.ones((), scores.dtype)
    losses, dscores = cupy.empty(target.shape, scores.dtype), cupy.empty_like(scores)
    launch("losses", "softmax_cross_entropy", target.size, scores, label, w, norm, losses, dscores, C, L)
    return losses.sum(), dscores
