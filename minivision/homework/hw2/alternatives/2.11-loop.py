"""Counters instead of arrays, and the best precision from the end."""

# box_iou is the one of the solution, at whose end this stands.
# ruff: noqa: F821


def average_precision_of_class(boxes, scores, images, objects, object_images, *, iou_threshold=0.5):
    order = sorted(range(len(scores)), key=lambda k: scores[k], reverse=True)
    taken, curve, right = set(), [], 0
    for rank, k in enumerate(order, 1):
        best, best_overlap = None, iou_threshold
        for g in range(len(objects)):
            if object_images[g] == images[k] and g not in taken:
                overlap = box_iou(boxes[k][None], objects[g][None])[0, 0]
                if overlap >= best_overlap:
                    best, best_overlap = g, overlap
        if best is not None:
            taken.add(best)
            right += 1
        curve.append((right / len(objects), right / rank))
    total = 0.0
    for step in range(101):
        total += max((precision for recall, precision in curve if recall >= step / 100), default=0.0)
    return total / 101
