"""Fast R-CNN trains on your operations."""

import numpy as np
import pytest

from minivision.data import Batch
from minivision.data.instances import Instances
from minivision.detection import selective_search
from minivision.models import make_model
from minivision.training import SGD


def boxes(*rows):
    """Return boxes (K, 4), one for each row of four numbers."""
    return np.array(rows, dtype=np.float64).reshape(len(rows), 4)


# ---- 2.10: Fast R-CNN -----------------------------------------------------------------------------------------------


CLASSES = ("background", "red", "blue")


def little_scenes(rng):
    """Return a batch of two images with a red and a blue box each, and their proposals by selective search."""
    images = rng.integers(90, 110, (2, 32, 48, 3)).astype(np.uint8)
    objects = []
    for image in images:
        x, y = rng.integers(0, 8, 2)
        both = np.array([[x, y, x + 16, y + 14], [x + 22, y + 8, x + 38, y + 22]])
        for (x1, y1, x2, y2), color in zip(both, ([200, 30, 30], [30, 30, 200]), strict=True):
            image[y1:y2, x1:x2] = color
        objects.append(Instances(both, [1, 2]))
    proposals = [selective_search(image, "single") for image in images]
    return Batch(images, objects, np.zeros((2, 32, 48), np.uint8), proposals)


@pytest.mark.task("2.10")
def test_fast_rcnn_learns_two_boxes(student):
    for name in ("box_iou", "encode_boxes", "nms", "roi_pool", "roi_pool_backward", "group_regions"):
        assert name in student.functions, f"the file has no function {name}"
    rng = np.random.default_rng(0)
    with student.backend():
        batch = little_scenes(rng)
        assert all(len(boxes) > 2 for boxes in batch.proposals), "selective search returns almost no proposals"
        options = {"widths": (4, 6), "depths": (0, 0), "hidden": 12, "batch_size_per_image": 12}
        model = make_model("fast-rcnn", CLASSES, rng=rng, **options)
        optimizer, losses = SGD(model, momentum=0.9), []
        for _ in range(8):
            losses.append(sum(model.step(batch).values()))
            largest = max(np.abs(parameter.grad).max() for parameter in model.backbone.parameters())
            assert largest > 0, (
                "no gradient reaches the features\n  → does roi_pool_backward return zeros? Then the layers before the "
                "pooling do not learn."
            )
            optimizer.step(0.05)
    shown = ", ".join(f"{loss:.3f}" for loss in losses)
    assert np.isfinite(losses).all(), f"the loss is not finite: {shown}"
    assert losses[-1] < 0.8 * losses[0], (
        f"the loss should decrease, and is {shown}: do all tests of the earlier tasks pass?"
    )
