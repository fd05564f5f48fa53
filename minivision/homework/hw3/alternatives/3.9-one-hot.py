import numpy as np


def mask_loss(logits, labels, masks):
    chosen = (np.arange(1, logits.shape[1] + 1) == labels[:, None]).astype(logits.dtype)  # (M, C)
    x = np.einsum("mcij,mc->mij", logits, chosen)
    count = max(x.size, 1)
    loss = (np.logaddexp(0, x) - masks * x).sum() / count
    dx = (0.5 * (1 + np.tanh(x / 2)) - masks) / count
    return loss, np.einsum("mij,mc->mcij", dx, chosen)
