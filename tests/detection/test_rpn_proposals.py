"""Proposals of a region proposal network: the same steps in PyTorch, and each order of steps that would be wrong."""

import numpy as np
import pytest

from minivision.detection import anchor_grid, candidate_boxes, select_proposals

SIZE = (90, 125)


def outputs(rng, dtype=np.float32):
    """Return logits, some of them equal, deltas and anchors of a map; many boxes reach out of the image."""
    anchors = anchor_grid((12, 16), 8, (10, 24, 60), (0.5, 1, 2), dtype=dtype)
    logits = np.round(rng.standard_normal(len(anchors)), 2).astype(dtype)
    return logits, rng.normal(0, 0.6, anchors.shape).astype(dtype), anchors


def in_pytorch(torch, logits, deltas, anchors, *, pre, post, min_size, iou_threshold):
    """Return candidates, their scores and proposals, with PyTorch's own sort, clamp and broadcasting."""
    logits, deltas, anchors = map(torch.from_numpy, (logits, deltas, anchors))
    scores, order = torch.sort(logits, descending=True, stable=True)
    scores, deltas, anchors = scores[:pre], deltas[order[:pre]], anchors[order[:pre]]
    sizes = anchors[:, 2:] - anchors[:, :2]
    centers = anchors[:, :2] + 0.5 * sizes + deltas[:, :2] * sizes
    sizes = sizes * torch.exp(deltas[:, 2:].clamp(max=np.log(1000 / 16)))
    boxes = torch.cat([centers - 0.5 * sizes, centers + 0.5 * sizes], dim=1)
    boxes = torch.stack([boxes[:, k].clamp(0, SIZE[1 - k % 2]) for k in range(4)], dim=1)
    stays = (boxes[:, 2] - boxes[:, 0] >= min_size) & (boxes[:, 3] - boxes[:, 1] >= min_size)
    boxes, scores = boxes[stays], scores[stays]
    corners = torch.minimum(boxes[:, None, 2:], boxes[:, 2:]) - torch.maximum(boxes[:, None, :2], boxes[:, :2])
    both = corners.clamp(min=0).prod(dim=2)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
    overlaps = both / (areas[:, None] + areas - both)
    kept = []
    for k in range(len(boxes)):
        if (overlaps[k, kept] <= iou_threshold).all():
            kept.append(k)
    return boxes.numpy(), scores.numpy(), boxes[kept[:post]].numpy()


@pytest.mark.parametrize(("pre", "post"), [(400, 1000), (400, 20), (10**6, 50)])
@pytest.mark.parametrize(("min_size", "iou_threshold"), [(1.0, 0.7), (9.0, 0.4)])
def test_candidates_and_proposals_are_those_of_the_same_steps_in_pytorch(rng, pre, post, min_size, iou_threshold):
    torch = pytest.importorskip("torch")
    arrays = outputs(rng, np.float64)
    boxes, scores, right = in_pytorch(
        torch, *arrays, pre=pre, post=post, min_size=min_size, iou_threshold=iou_threshold
    )
    ours, logits = candidate_boxes(*arrays, SIZE, pre_nms_top_n=pre, min_size=min_size)
    assert 50 < len(boxes) < min(pre, len(arrays[0]))  # some were dropped
    np.testing.assert_allclose(ours, boxes, atol=1e-9)
    np.testing.assert_array_equal(logits, scores)
    limits = {"pre_nms_top_n": pre, "post_nms_top_n": post, "min_size": min_size, "iou_threshold": iou_threshold}
    np.testing.assert_allclose(select_proposals(*arrays, SIZE, **limits), right, atol=1e-9)
    assert 10 < len(right) < len(boxes)


def test_results_have_the_dtype_of_the_outputs_and_no_box_is_a_result_too(rng):
    logits, deltas, anchors = outputs(rng)
    limits = {"pre_nms_top_n": 50, "post_nms_top_n": 9}
    assert select_proposals(logits, deltas, anchors, SIZE, **limits).dtype == np.float32
    for shifted in (anchors + 1000, anchors * np.nan):
        boxes, scores = candidate_boxes(logits, deltas, shifted, SIZE, pre_nms_top_n=50)
        assert boxes.shape == (0, 4) and scores.shape == (0,)
        assert select_proposals(logits, deltas, shifted, SIZE, **limits).shape == (0, 4)
    for zero in ("pre_nms_top_n", "post_nms_top_n"):
        assert select_proposals(logits, deltas, anchors, SIZE, **limits | {zero: 0}).shape == (0, 4)


LOGITS, BOXES, LIMITS = np.zeros(3), np.ones((3, 4)), {"pre_nms_top_n": 5, "post_nms_top_n": 5}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"logits": LOGITS[None]}, r"logits: expected shape \(K\)"),
        ({"deltas": BOXES[:2]}, r"deltas: expected shape \(3, 4\)"),
        ({"anchors": BOXES[None]}, r"anchors: expected shape \(3, 4\)"),
        ({"size": (4,)}, "size: expected"),
        ({"pre_nms_top_n": -1}, "pre_nms_top_n: expected"),
        ({"post_nms_top_n": 1.5}, "post_nms_top_n: expected"),
        ({"iou_threshold": 1.5}, r"iou_threshold: expected an IoU in 0 .. 1, got 1.5"),
        ({"min_size": np.nan}, "min_size: "),
        ({"logits": LOGITS * np.nan, "anchors": BOXES * [0, 0, 9, 9]}, "scores: got NaN"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(change, message):
    arguments = {"logits": LOGITS, "deltas": BOXES, "anchors": BOXES, "size": (9, 9), **LIMITS}
    with pytest.raises((ValueError, TypeError), match=message):
        select_proposals(**arguments | change)
