import numpy as np

from minivision import ops


def encode_yolo(boxes, labels, S, B, C, *, size=(1, 1), dtype=np.float32):
    tensor = np.zeros((*S, 5 * B + C), dtype)
    if len(boxes) == 0:
        return tensor
    x, y, w, h = (ops.box_convert(boxes, "xyxy", "cxcywh") / np.array([size[1], size[0]] * 2, float)).T
    places = np.stack([y * S[0], x * S[1]], axis=1)
    cells = np.minimum(np.floor(places).astype(int), np.array(S) - 1)
    inside = places - cells
    taken = np.zeros(S, int)
    for k in sorted(range(len(boxes)), key=lambda k: -w[k] * h[k]):
        cell = tuple(cells[k])
        if taken[cell] < B:
            tensor[cell][5 * taken[cell] :][:5] = inside[k, 1], inside[k, 0], w[k], h[k], 1
            tensor[cell][5 * B + labels[k] - 1] += 1
            taken[cell] += 1
    tensor[..., 5 * B :] /= np.where(taken, taken, 1)[..., None]
    return tensor
