"""Numba kernels of softmax and of the losses, which compute value and gradient in one pass.

Each block of numbers has a partial sum, and the partial sums are added in a fixed order: the result is the same for any
number of threads.
"""

import numpy as np
from numba import prange

from minivision.core.compile import jit
from minivision.core.registry import reference
from minivision.kernels.numba.engine.exponential import NEGLIGIBLE, exp, log, log1p
from minivision.kernels.numba.engine.sums import sum_of

_BLOCK = 2048  # numbers that are summed in the dtype of the array; the sums of blocks are added in float64
_PIXELS = 256  # pixels that softmax processes at a time: all their classes fit the first-level cache


def _number_of_blocks(size, block):
    return (size + block - 1) // block


# ---- softmax and cross-entropy ----


def softmax(x):
    if x.ndim == 2:  # a few thousand rows at most: 2000 x 21 take 0.3 ms, and a kernel would save a fifth of it
        return reference("softmax")(x)
    y = np.empty_like(x)
    N, C = x.shape[:2]
    if x.size > 0:
        maps = N, C, x[0, 0].size  # (N, C, H, W) -> (N, C, H * W)
        _softmax_of_maps(x.reshape(maps), y.reshape(maps))
    return y


@jit(parallel=True, fastmath={"contract"})
def _softmax_of_maps(x, y):
    """Compute softmax of maps (N, C, pixels), in blocks of pixels along the pixels of each class."""
    N, C, L = x.shape
    blocks = (L + _PIXELS - 1) // _PIXELS
    for task in prange(N * blocks):
        n, block = task // blocks, task % blocks
        start, stop = block * _PIXELS, min((block + 1) * _PIXELS, L)
        largest = x[n, 0, start:stop].copy()
        for c in range(1, C):
            _keep_largest(x[n, c, start:stop], largest)
        total = np.zeros(stop - start, x.dtype)
        for c in range(C):
            _exponentials(x[n, c, start:stop], largest, y[n, c, start:stop], total)
        for i in range(stop - start):
            total[i] = 1 / total[i]
        for c in range(C):
            _scale(y[n, c, start:stop], total)


def softmax_backward(dy, y):
    if y.ndim == 2:
        return reference("softmax_backward")(dy, y)
    dx = np.empty_like(y)
    N, C = y.shape[:2]
    if y.size > 0:
        maps = N, C, y[0, 0].size
        _softmax_backward_of_maps(dy.reshape(maps), y.reshape(maps), dx.reshape(maps))
    return dx


@jit(parallel=True, fastmath={"contract"})
def _softmax_backward_of_maps(dy, y, dx):
    N, C, L = y.shape
    blocks = (L + _PIXELS - 1) // _PIXELS
    for task in prange(N * blocks):
        n, block = task // blocks, task % blocks
        start, stop = block * _PIXELS, min((block + 1) * _PIXELS, L)
        total = np.zeros(stop - start, y.dtype)
        for c in range(C):
            _add_products(dy[n, c, start:stop], y[n, c, start:stop], total)
        for c in range(C):
            _softmax_gradient(dy[n, c, start:stop], y[n, c, start:stop], total, dx[n, c, start:stop])


@jit(fastmath={"contract"})
def _add_products(dy, y, total):
    for i in range(y.size):
        total[i] += dy[i] * y[i]


@jit(fastmath={"contract"})
def _softmax_gradient(dy, y, total, dx):
    zero, negligible = y.dtype.type(0), y.dtype.type(NEGLIGIBLE)
    for i in range(y.size):
        p = zero if y[i] < negligible else y[i]
        dx[i] = p * (dy[i] - total[i])


def softmax_cross_entropy(scores, target, weight, ignore_index, reduction):
    N, C = scores.shape[:2]
    dscores = np.empty_like(scores)
    if scores.size == 0:
        return scores.dtype.type(0), dscores
    if weight is None:
        weight = np.ones(C, scores.dtype)
    norm = 1.0
    if reduction == "mean":
        norm = _total_weight(target.reshape(-1), weight, ignore_index) or 1.0
    if scores.ndim == 2:
        partial = np.empty(N)
        _softmax_rows(scores, target, weight, ignore_index, 1 / norm, partial, dscores)
    else:
        maps = N, C, scores[0, 0].size  # (N, C, H, W) -> (N, C, H * W)
        partial = np.empty((N, _number_of_blocks(maps[2], _PIXELS)))
        _softmax_pixels(
            scores.reshape(maps),
            target.reshape(N, -1),
            weight,
            ignore_index,
            1 / norm,
            partial,
            dscores.reshape(maps),
        )
    return scores.dtype.type(partial.sum() / norm), dscores


def _total_weight(target, weight, ignore_index):
    partial = np.empty(_number_of_blocks(target.size, _BLOCK))
    _weight_of_blocks(target, weight, ignore_index, partial)
    return partial.sum()


@jit(parallel=True)
def _weight_of_blocks(target, weight, ignore_index, partial):
    for block in prange(partial.size):
        labels = target[block * _BLOCK : (block + 1) * _BLOCK]
        total = 0.0
        for i in range(labels.size):
            if labels[i] != ignore_index:
                total += weight[labels[i]]
        partial[block] = total


@jit(parallel=True, fastmath={"contract"})
def _softmax_rows(scores, target, weight, ignore_index, inv_norm, partial, dscores):
    """Compute loss and gradient of scores (N, C), example by example along the classes."""
    N, C = scores.shape
    for n in prange(N):
        row, out = scores[n], dscores[n]
        label = target[n]
        if label == ignore_index:
            out[:] = 0
            partial[n] = 0
            continue
        largest = row[0]
        for c in range(C):
            v = row[c]
            largest = v if v > largest else largest
        _exponentials_of_row(row, largest, out)
        total = sum_of(out)
        partial[n] = weight[label] * (log(total) - (row[label] - largest))
        gradient = row.dtype.type(weight[label] * inv_norm)
        factor = gradient / total
        zero, negligible = row.dtype.type(0), row.dtype.type(NEGLIGIBLE)
        for c in range(C):
            out[c] = zero if out[c] < negligible else out[c] * factor
        out[label] -= gradient


@jit(fastmath={"contract"})
def _exponentials_of_row(row, largest, out):
    for c in range(row.size):
        out[c] = exp(row[c] - largest)


@jit(parallel=True, fastmath={"contract"})
def _softmax_pixels(scores, target, weight, ignore_index, inv_norm, partial, dscores):
    """Compute loss and gradient of maps (N, C, pixels), in blocks of pixels along the pixels of each class."""
    N, C, L = scores.shape
    blocks = partial.shape[1]
    for task in prange(N * blocks):
        n, block = task // blocks, task % blocks
        start, stop = block * _PIXELS, min((block + 1) * _PIXELS, L)
        labels = target[n, start:stop]
        largest = scores[n, 0, start:stop].copy()
        for c in range(1, C):
            _keep_largest(scores[n, c, start:stop], largest)
        total = np.zeros(stop - start, scores.dtype)
        for c in range(C):
            _exponentials(scores[n, c, start:stop], largest, dscores[n, c, start:stop], total)

        log_total = np.empty(stop - start, scores.dtype)
        _logarithms(total, log_total)
        loss = 0.0
        factor = np.zeros(stop - start, scores.dtype)  # from exponentials to gradients; 0 where ignored
        for i in range(stop - start):
            label = labels[i]
            if label != ignore_index:
                loss += weight[label] * (log_total[i] - (scores[n, label, start + i] - largest[i]))
                factor[i] = weight[label] * inv_norm / total[i]
        partial[n, block] = loss

        for c in range(C):
            _gradients_from_exponentials(dscores[n, c, start:stop], factor)
        for i in range(stop - start):
            label = labels[i]
            if label != ignore_index:
                dscores[n, label, start + i] -= weight[label] * inv_norm


@jit
def _keep_largest(values, largest):
    for i in range(values.size):
        largest[i] = values[i] if values[i] > largest[i] else largest[i]


@jit(fastmath={"contract"})
def _exponentials(values, largest, out, total):
    for i in range(values.size):
        e = exp(values[i] - largest[i])
        out[i] = e
        total[i] += e


@jit
def _scale(values, factor):
    for i in range(values.size):
        values[i] *= factor[i]


@jit(fastmath={"contract"})
def _logarithms(total, result):
    for i in range(total.size):
        result[i] = log(total[i])


@jit
def _gradients_from_exponentials(values, factor):
    zero, negligible = values.dtype.type(0), values.dtype.type(NEGLIGIBLE)
    for i in range(values.size):
        scaled = (zero if values[i] < negligible else values[i]) * factor[i]
        values[i] = zero if factor[i] == zero else scaled  # also if an ignored value is NaN


# ---- losses that are sums over single numbers ----


def _loss_and_gradient(kernel, x, target, reduction, *options):
    """Call a kernel that writes the gradient and the sums of blocks; return the loss and the gradient."""
    dx = np.empty_like(x)
    partial = np.empty(_number_of_blocks(x.size, _BLOCK))
    norm = max(x.size, 1) if reduction == "mean" else 1
    options = tuple(x.dtype.type(option) for option in (*options, 1 / norm))
    kernel(x.reshape(-1), target.reshape(-1), *options, dx.reshape(-1), partial)
    return x.dtype.type(partial.sum() / norm), dx


def binary_cross_entropy_with_logits(x, target, reduction):
    return _loss_and_gradient(_binary_cross_entropy, x, target, reduction)


@jit(parallel=True)
def _binary_cross_entropy(x, target, inv_norm, dx, partial):
    for block in prange(partial.size):
        run = slice(block * _BLOCK, (block + 1) * _BLOCK)
        losses = np.empty_like(x[run])
        _binary_cross_entropy_of_block(x[run], target[run], inv_norm, losses, dx[run])
        partial[block] = sum_of(losses)


@jit(fastmath={"contract"})
def _binary_cross_entropy_of_block(logits, targets, inv_norm, losses, gradient):
    zero, one, negligible = logits.dtype.type(0), logits.dtype.type(1), logits.dtype.type(NEGLIGIBLE)
    for i in range(logits.size):
        logit, t = logits[i], targets[i]
        small = exp(-abs(logit))
        losses[i] = (zero if logit < zero else logit) - logit * t + log1p(small)
        small = zero if small < negligible else small
        probability = (small if logit < zero else one) / (one + small)
        gradient[i] = (probability - t) * inv_norm


def smooth_l1_loss(x, target, beta, reduction):
    return _loss_and_gradient(_smooth_l1, x, target, reduction, beta)


@jit(parallel=True)
def _smooth_l1(x, target, beta, inv_norm, dx, partial):
    for block in prange(partial.size):
        run = slice(block * _BLOCK, (block + 1) * _BLOCK)
        losses = np.empty_like(x[run])
        _smooth_l1_of_block(x[run], target[run], beta, inv_norm, losses, dx[run])
        partial[block] = sum_of(losses)


@jit(fastmath={"contract"})
def _smooth_l1_of_block(values, targets, beta, inv_norm, losses, gradient):
    zero, half = values.dtype.type(0), values.dtype.type(0.5)
    inv_beta = values.dtype.type(1) / beta if beta > 0 else zero
    for i in range(values.size):
        difference = values[i] - targets[i]
        distance = abs(difference)
        near = distance < beta
        losses[i] = half * difference * difference * inv_beta if near else distance - half * beta
        slope = inv_norm if difference > zero else -inv_norm
        slope = difference * inv_norm if (difference == zero) | (difference != difference) else slope
        gradient[i] = difference * inv_beta * inv_norm if near else slope


def mse_loss(x, target, reduction):
    return _loss_and_gradient(_squares, x, target, reduction)


@jit(parallel=True)
def _squares(x, target, inv_norm, dx, partial):
    for block in prange(partial.size):
        run = slice(block * _BLOCK, (block + 1) * _BLOCK)
        losses = np.empty_like(x[run])
        _squares_of_block(x[run], target[run], inv_norm, losses, dx[run])
        partial[block] = sum_of(losses)


@jit(fastmath={"contract"})
def _squares_of_block(values, targets, inv_norm, losses, gradient):
    for i in range(values.size):
        difference = values[i] - targets[i]
        losses[i] = difference * difference
        gradient[i] = (difference + difference) * inv_norm


def hinge_loss(scores, target, margin, reduction):
    return _loss_and_gradient(_hinge, scores, target, reduction, margin)


@jit(parallel=True)
def _hinge(scores, target, margin, inv_norm, dscores, partial):
    for block in prange(partial.size):
        run = slice(block * _BLOCK, (block + 1) * _BLOCK)
        losses = np.empty_like(scores[run])
        _hinge_of_block(scores[run], target[run], margin, inv_norm, losses, dscores[run])
        partial[block] = sum_of(losses)


@jit(fastmath={"contract"})
def _hinge_of_block(values, targets, margin, inv_norm, losses, gradient):
    zero = values.dtype.type(0)
    for i in range(values.size):
        shortfall = margin - targets[i] * values[i]
        met = shortfall <= zero
        losses[i] = zero if met else shortfall
        gradient[i] = zero if met else -targets[i] * inv_norm
