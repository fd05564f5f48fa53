import numpy as np


def decode_yolo(tensor, B, *, size=(1, 1)):
    *batch, rows, columns, depth = tensor.shape
    C = depth - 5 * B
    images = tensor.reshape(int(np.prod(batch)), rows, columns, depth)
    boxes = np.zeros((len(images), rows, columns, B, 4), tensor.dtype)
    scores = np.zeros((len(images), rows, columns, B, C), tensor.dtype)
    for n in range(len(images)):
        for i in range(rows):
            for j in range(columns):
                cell = images[n, i, j]
                for b in range(B):
                    x, y, w, h, confidence = cell[5 * b : 5 * b + 5]
                    x, y, w, h = (x + j) / columns * size[1], (y + i) / rows * size[0], w * size[1], h * size[0]
                    boxes[n, i, j, b] = x - w / 2, y - h / 2, x + w / 2, y + h / 2
                    scores[n, i, j, b] = confidence * cell[5 * B :]
    return boxes.reshape(*batch, rows * columns * B, 4), scores.reshape(*batch, rows * columns * B, C)
