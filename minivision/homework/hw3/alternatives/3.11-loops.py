"""One example after the other."""

import numpy as np

from minivision import ops


def two_heads_forward(x, labels, targets, w, w_class, w_box, *, box_weight=1.0):
    count, loss, results = len(x), 0.0, []
    for features, label, target in zip(x, labels, targets, strict=True):
        hidden = np.array([max(row @ features, 0) for row in w])
        p = np.exp(ops.linear(hidden[None], w_class)[0])
        p /= p.sum()
        error = np.array([row @ hidden for row in w_box]) - target
        loss += -np.log(p[label]) / count + box_weight * (error @ error) / (4 * count)
        p[label] -= 1
        results.append((hidden, p / count, box_weight * error / (2 * count)))
    return loss, *map(np.stack, zip(*results, strict=True))


def two_heads_backward(dscores, dboxes, x, hidden, w, w_class, w_box):
    gradients = [np.zeros_like(each) for each in (x, w, w_class, w_box)]
    dx, dw, dw_class, dw_box = gradients
    for n in range(len(x)):
        dw_class += np.outer(dscores[n], hidden[n])
        dw_box += np.outer(dboxes[n], hidden[n])
        for m in np.flatnonzero(hidden[n] > 0):
            slope = dscores[n] @ w_class[:, m] + dboxes[n] @ w_box[:, m]
            dw[m] += slope * x[n]
            dx[n] += slope * w[m]
    return tuple(gradients)
