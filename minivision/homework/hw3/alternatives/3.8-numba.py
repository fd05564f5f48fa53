import numba
import numpy as np


def yolo_loss(outputs, target, weight, B):
    parts, doutputs = np.zeros(4), np.empty_like(outputs)
    depth = outputs.shape[-1]
    arrays = (array.reshape(-1, depth) for array in (outputs, target, weight, doutputs))
    _sum(*arrays, B, max(len(outputs), 1), parts)
    parts = parts.astype(outputs.dtype)
    return parts.sum(), *parts, doutputs


@numba.njit
def _sum(outputs, target, weight, doutputs, B, N, parts):
    cells, depth = outputs.shape
    for cell in range(cells):
        for k in range(depth):
            error = outputs[cell, k] - target[cell, k]
            if k >= 5 * B:
                part = 3
            elif k % 5 < 4:
                part = 0
            elif weight[cell, k - 4] > 0:
                part = 1
            else:
                part = 2
            parts[part] += weight[cell, k] * error * error / N
            doutputs[cell, k] = 2 * weight[cell, k] * error / N
