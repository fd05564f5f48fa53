"""A box counts as responsible if the weight of its confidence is 1, which no_object may be too.

Told: weight of its x is above 0
"""


def yolo_loss(outputs, target, weight, B):
    count = max(len(outputs), 1)
    error = outputs - target
    squares = weight * error**2 / count
    boxes = squares[..., : 5 * B].reshape(*squares.shape[:3], B, 5)
    responsible = weight[..., 4 : 5 * B : 5] == 1
    parts = (
        boxes[..., :4].sum(),
        boxes[..., 4][responsible].sum(),
        boxes[..., 4][~responsible].sum(),
        squares[..., 5 * B :].sum(),
    )
    return sum(parts), *parts, 2 * weight * error / count
