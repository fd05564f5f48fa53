"""Operations that make training targets and losses: compared with PyTorch and slow loops; argument checks."""

import copy
import types

import numpy as np
import pytest

import minivision
from minivision import ops
from minivision.checks import check_operation
from minivision.checks.cases import cases_of
from minivision.core.registry import operations
from minivision.data.instances import Instances
from minivision.detection import (
    BACKGROUND,
    IGNORED,
    anchor_grid,
    anchor_targets,
    encode_yolo,
    ignore_in_crowds,
    mask_loss,
    match,
    match_instances,
    rpn_loss,
    yolo_loss,
    yolo_targets,
)
from minivision.models.parts.rpn import RegionProposalNetwork

NAMES = (
    "anchor_grid", "match", "anchor_targets", "rpn_loss", "encode_yolo", "decode_yolo", "yolo_targets", "yolo_loss",
    "mask_loss", "candidate_boxes", "select_proposals",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_differences_and_inputs_stay_as_they_are(name):
    report = check_operation(name, "reference")
    assert report.passed, str(report)
    assert (report.gradients is not None) == name.endswith("_loss")
    op = operations()[name]
    for arguments, keywords in cases_of(op, np.random.default_rng(4)):
        before = copy.deepcopy(arguments)
        for value in arguments:
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
        op.reference(*op.normalize(*arguments, **keywords)[: op.positional], **keywords)
        for value, old in zip(arguments, before, strict=True):
            np.testing.assert_array_equal(value, old)


def test_anchors_are_made_anew_for_another_backend(rng):
    rpn = RegionProposalNetwork(3, stride=8, sizes=(10,), ratios=(1,), rng=rng)
    ours = rpn.anchors((2, 2))
    module = types.ModuleType("theirs")

    def theirs(map_size, stride, sizes, ratios, *, offset=0.0, dtype=np.float32):
        return anchor_grid.reference(map_size, stride, sizes, ratios, offset=offset, dtype=dtype) + 1

    theirs.__module__, module.anchor_grid = "theirs", theirs
    minivision.register_backend("theirs", module)
    with minivision.backend("theirs"):
        np.testing.assert_array_equal(rpn.anchors((2, 2)), ours + 1)
    assert rpn.anchors((2, 2)) is ours


def test_targets_are_the_matches_and_the_way_to_each_object(rng):
    truth = Instances([[3, 2, 24, 20], [25, 10, 45, 31], [0, 0, 9, 9]], [1, 2, 1])
    anchors = anchor_grid((4, 6), 8, (10, 20), (0.5, 1, 2), offset=0.5)
    matches, deltas = anchor_targets(anchors, truth.boxes)
    np.testing.assert_array_equal(matches, match_instances(anchors, truth, fg_iou_thresh=0.7, bg_iou_thresh=0.3))
    found = matches >= 0
    assert {BACKGROUND, IGNORED, 0, 1, 2} <= set(matches.tolist())
    np.testing.assert_allclose(ops.decode_boxes(deltas, anchors)[found], truth.boxes[matches[found]], atol=1e-4)
    assert not deltas[~found].any() and deltas.dtype == np.float32


def test_only_background_in_a_crowd_is_ignored():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 30], [2, 2, 8, 8], [4, 0, 14, 10]], np.float32)
    crowd = np.array([[0, 0, 10, 10]], np.float32)
    matches = np.array([BACKGROUND, BACKGROUND, 3, BACKGROUND])
    np.testing.assert_array_equal(ignore_in_crowds(matches, boxes, crowd), [IGNORED, BACKGROUND, 3, IGNORED])
    np.testing.assert_array_equal(ignore_in_crowds(matches, boxes, crowd[:0]), matches)
    np.testing.assert_array_equal(matches, [BACKGROUND, BACKGROUND, 3, BACKGROUND])  # not written to


def test_losses_and_gradients_of_proposals_are_pytorchs(rng):
    torch = pytest.importorskip("torch")
    from torch.nn import functional as F

    logits, deltas = rng.standard_normal((2, 9)), rng.standard_normal((2, 9, 4))
    positive, negative, targets = np.array([3, 11]), np.array([0, 9, 17]), rng.standard_normal((2, 4))
    loss, object_loss, box_loss, dlogits, ddeltas = rpn_loss(logits, deltas, positive, negative, targets, beta=0.5)
    x, d = (torch.from_numpy(each).requires_grad_() for each in (logits, deltas))
    drawn, truth = np.concatenate([positive, negative]), torch.tensor([1.0, 1, 0, 0, 0], dtype=torch.float64)
    objects = F.binary_cross_entropy_with_logits(x.reshape(-1)[drawn], truth)
    wanted = torch.from_numpy(targets)
    boxes = F.smooth_l1_loss(d.reshape(-1, 4)[positive], wanted, beta=0.5, reduction="sum") / 5
    (objects + boxes).backward()
    assert (object_loss, box_loss) == pytest.approx((objects.item(), boxes.item()), abs=1e-12)
    assert loss == object_loss + box_loss
    np.testing.assert_allclose(dlogits, x.grad.numpy(), atol=1e-12)
    np.testing.assert_allclose(ddeltas, d.grad.numpy(), atol=1e-12)


def test_the_loss_of_masks_is_pytorchs_for_the_right_maps_alone(rng):
    torch = pytest.importorskip("torch")

    logits, labels, masks = rng.standard_normal((5, 3, 4, 4)), np.array([1, 3, 2, 2, 1]), rng.random((5, 4, 4))
    loss, dlogits = mask_loss(logits, labels, masks)
    x = torch.from_numpy(logits).requires_grad_()
    own = x[torch.arange(5), torch.from_numpy(labels - 1)]
    expected = torch.nn.functional.binary_cross_entropy_with_logits(own, torch.from_numpy(masks))
    expected.backward()
    assert loss == pytest.approx(expected.item(), abs=1e-12)
    np.testing.assert_allclose(dlogits, x.grad.numpy(), atol=1e-12)


@pytest.mark.parametrize("B", [1, 2, 3])
def test_each_object_has_one_responsible_box_and_a_perfect_answer_costs_nothing(rng, B):
    boxes = np.concatenate([corner := 0.6 * rng.random((9, 2)), corner + 0.1 + 0.3 * rng.random((9, 2))], axis=1)
    truth = encode_yolo(boxes, rng.integers(1, 4, 9), (2, 3), B, 3, dtype=np.float64)[None]
    outputs = rng.random(truth.shape)
    target, weight = yolo_targets(outputs, truth, B)
    objects = truth[..., 4 : 5 * B : 5] > 0
    responsible = weight[..., 0 : 5 * B : 5] > 0
    np.testing.assert_array_equal(responsible.sum(axis=-1), objects.sum(axis=-1))
    sizes, roots = truth[..., 2 : 5 * B : 5], target[..., 2 : 5 * B : 5]
    np.testing.assert_allclose(np.sort(sizes, axis=-1), np.sort(roots**2, axis=-1), atol=1e-12)
    loss, *parts, doutputs = yolo_loss(outputs, target, weight, B)
    assert loss == pytest.approx(sum(parts)) and min(parts) > 0
    perfect = np.where(weight > 0, target, outputs)
    assert yolo_loss(perfect, target, weight, B)[0] == 0
    again, _ = yolo_targets(perfect, truth, B)  # who is right is responsible, with an overlap of 1
    np.testing.assert_allclose(again[..., 4 : 5 * B : 5], responsible, atol=1e-12)
    assert not (doutputs[weight == 0]).any()


LOGITS, DELTAS, NONE = np.zeros((2, 3)), np.zeros((2, 3, 4)), np.zeros(0, int)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: match(np.array([[np.nan]]), fg_iou_thresh=0.7, bg_iou_thresh=0.3), "iou: it has values that are NaN"),
        (lambda: anchor_targets(np.zeros((2, 3)), np.zeros((0, 4))), r"anchors: expected shape \(K, 4\)"),
        (
            lambda: anchor_targets(np.zeros((2, 4)), np.zeros((1, 4)), fg_iou_thresh=0.2),
            "0 <= bg_iou_thresh <= fg_iou_thresh",
        ),
        (lambda: anchor_targets(np.full((1, 4), np.nan), np.zeros((1, 4))), "anchors: expected finite"),
        (lambda: rpn_loss(LOGITS, DELTAS[:1], NONE, NONE, np.zeros((0, 4))), r"deltas: expected shape \(2, 3, 4\)"),
        (lambda: rpn_loss(LOGITS, DELTAS, np.array([6]), NONE, np.zeros((1, 4))), "number n . K . k"),
        (lambda: rpn_loss(LOGITS, DELTAS, np.array([2]), np.array([2]), np.zeros((1, 4))), "there twice"),
        (lambda: rpn_loss(LOGITS, DELTAS, np.array([2]), NONE, np.zeros((0, 4))), "targets: expected shape"),
        (lambda: rpn_loss(LOGITS, DELTAS, NONE, NONE, np.zeros((0, 4)), beta=-1), "beta: expected"),
        (lambda: yolo_targets(np.zeros((1, 2, 2, 8)), np.zeros((2, 2, 2, 8)), 1), "truth: expected shape"),
        (lambda: yolo_targets(np.zeros((1, 2, 2, 10)), np.zeros((1, 2, 2, 10)), 2), r"expected 5 B \+ C numbers"),
        (lambda: yolo_loss(np.zeros((2, 2, 8)), np.zeros((2, 2, 8)), np.zeros((2, 2, 8)), 1), "outputs: expected"),
        (lambda: mask_loss(np.zeros((1, 2, 4, 4)), [3], np.zeros((1, 4, 4))), "classes from 1 to 2, got 3"),
        (lambda: mask_loss(np.zeros((1, 2, 4, 4)), [0], np.zeros((1, 4, 4))), "the background has no mask"),
        (lambda: mask_loss(np.zeros((1, 2, 4, 4)), [1], np.zeros((1, 3, 4))), "masks: expected shape"),
        (lambda: encode_yolo([[0, 0, 1, 1]], [1], 2, 1, 1, size=(0, 5)), "size: expected height and width"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
