import numpy as np

from minivision.detection import paired_iou


def yolo_targets(outputs, truth, B, *, coordinates=5.0, no_object=0.5):
    N, rows, columns, depth = outputs.shape
    said = outputs[..., : 5 * B].reshape(N, rows, columns, B, 5)
    true = truth[..., : 5 * B].reshape(N, rows, columns, B, 5)
    unit = np.array([1 / columns, 1 / rows], outputs.dtype)

    def corners(centers, sizes):
        return np.concatenate([centers * unit - sizes / 2, centers * unit + sizes / 2], axis=-1)

    said_corners, true_corners = corners(said[..., :2], said[..., 2:4] ** 2), corners(true[..., :2], true[..., 2:4])
    boxes, counts = np.zeros_like(said), np.zeros_like(said)
    counts[..., 4] = no_object
    taken = np.zeros((N, rows, columns, B), bool)
    for t in range(B):
        there = true[..., t, 4] > 0
        iou = paired_iou(said_corners, true_corners[..., t : t + 1, :])
        chosen = np.arange(B) == np.where(taken, -1, iou).argmax(axis=-1)[..., None]
        chosen &= there[..., None]
        wanted = np.concatenate([true[..., t, :2], np.sqrt(true[..., t, 2:4])], axis=-1)
        boxes[..., :4] = np.where(chosen[..., None], wanted[..., None, :], boxes[..., :4])
        boxes[..., 4] = np.where(chosen, iou, boxes[..., 4])
        counts[chosen] = [coordinates, coordinates, coordinates, coordinates, 1]
        taken |= chosen
    full = truth[..., 4:5] > 0
    flat = (N, rows, columns, 5 * B)
    target = np.concatenate([boxes.reshape(flat), np.where(full, truth[..., 5 * B :], 0)], axis=-1)
    classes = np.broadcast_to(full, (N, rows, columns, depth - 5 * B))
    return target.astype(outputs.dtype), np.concatenate([counts.reshape(flat), classes], axis=-1).astype(outputs.dtype)
