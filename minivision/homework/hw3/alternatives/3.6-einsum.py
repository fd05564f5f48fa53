import numpy as np

from minivision import ops


def decode_yolo(tensor, B, *, size=(1, 1)):
    *batch, rows, columns, depth = tensor.shape
    K, C = rows * columns * B, depth - 5 * B
    said = tensor[..., : 5 * B].reshape(*batch, rows, columns, B, 5)
    i, j = np.indices((rows, columns))
    corner = np.stack([j, i, 0 * i, 0 * i], axis=-1)[:, :, None].astype(tensor.dtype)
    unit = np.array([size[1] / columns, size[0] / rows, size[1], size[0]], tensor.dtype)
    boxes = ops.box_convert(((said[..., :4] + corner) * unit).reshape(*batch, K, 4), "cxcywh", "xyxy")
    scores = np.einsum("...b,...c->...bc", said[..., 4], tensor[..., 5 * B :])
    return boxes, scores.reshape(*batch, K, C)
