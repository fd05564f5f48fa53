import math

import numpy as np


def mask_loss(logits, labels, masks):
    M, C, rows, columns = logits.shape
    total, dlogits = 0.0, np.zeros_like(logits)
    for m in range(M):
        for i in range(rows):
            for j in range(columns):
                x, t = float(logits[m, labels[m] - 1, i, j]), float(masks[m, i, j])
                total += max(x, 0) - x * t + math.log1p(math.exp(-abs(x)))
                p = 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
                dlogits[m, labels[m] - 1, i, j] = (p - t) / masks.size
    return total / max(masks.size, 1), dlogits
