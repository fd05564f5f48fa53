"""The region proposal network: compared with the same network in PyTorch, its samples, its proposals."""

import types

import numpy as np
import pytest

import minivision
from minivision import ops
from minivision.data.instances import Instances
from minivision.models.parts.rpn import RegionProposalNetwork, RPNOutputs, at_least_as_good

MAP, SIZE = (4, 6), (32, 48)
SIZES, RATIOS = (10, 20), (0.5, 1, 2)
K = 4 * 6 * 6


def small(rng, *, dtype=np.float64, **options):
    """Return a network on 3 channels in which no gradient is zero at the beginning."""
    rpn = RegionProposalNetwork(3, stride=8, sizes=SIZES, ratios=RATIOS, rng=np.random.default_rng(1), **options)
    for parameter in rpn.parameters():
        parameter.value += 0.2 * rng.standard_normal(parameter.value.shape).astype(np.float32)
    return rpn.astype(dtype)


@pytest.fixture
def truth():
    return [Instances([[3, 2, 24, 20], [25, 10, 45, 31]], [1, 2]), Instances([[20, 4, 30, 14]], [3])]


def test_losses_and_every_gradient_are_those_of_the_same_network_in_pytorch(rng, truth):
    torch = pytest.importorskip("torch")
    from torch.nn import functional as F

    from minivision.bench.torch_equivalent import layer_converter

    rpn, features = small(rng, batch_size_per_image=30), rng.standard_normal((2, 3, *MAP))
    outputs = rpn(features, training=True)
    samples = rpn.sample(outputs.anchors, truth)
    losses, gradients = rpn.losses(outputs, samples)
    dfeatures = rpn.backward(gradients)
    assert rpn.leftovers() == [] and len(samples.positive) >= 3

    pairs = []
    shared, objectness, deltas = map(layer_converter(pairs), (rpn.shared, rpn.objectness, rpn.deltas))
    maps = torch.from_numpy(features).requires_grad_()

    def in_the_order_of_anchors(outputs, numbers):  # torchvision's permute_and_flatten, and the images after each other
        return outputs.reshape(2, 6, numbers, *MAP).permute(0, 3, 4, 1, 2).reshape(2 * K, numbers)

    hidden = shared(maps)
    logits = in_the_order_of_anchors(objectness(hidden), 1)[:, 0]
    boxes = in_the_order_of_anchors(deltas(hidden), 4)
    drawn = np.concatenate([samples.positive, samples.negative])
    target = torch.from_numpy((np.arange(len(drawn)) < len(samples.positive)).astype(float))
    object_loss = F.binary_cross_entropy_with_logits(logits[drawn], target)
    targets = torch.from_numpy(samples.deltas.astype(float))
    box_loss = F.smooth_l1_loss(boxes[samples.positive], targets, beta=1 / 9, reduction="sum") / len(drawn)
    (object_loss + box_loss).backward()

    assert losses["rpn_objectness"] == pytest.approx(object_loss.item(), abs=1e-8)
    assert losses["rpn_box"] == pytest.approx(box_loss.item(), abs=1e-8)
    np.testing.assert_allclose(dfeatures, maps.grad.numpy(), atol=1e-8)
    assert abs(dfeatures).max() > 1e-3 and len(pairs) == len(rpn.parameters())
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), atol=1e-8, err_msg=ours.name)


def test_half_the_samples_are_positive_and_their_deltas_lead_to_objects_of_their_image(rng, truth):
    rpn = small(rng, batch_size_per_image=8)
    anchors = rpn.anchors(MAP)
    samples = rpn.sample(anchors, [*truth, Instances.empty()])
    np.testing.assert_array_equal(np.bincount(np.r_[samples.positive, samples.negative] // K), [8, 8, 8])
    positives = np.bincount(samples.positive // K, minlength=3)
    assert 1 <= positives[0] <= 4 and 1 <= positives[1] <= 4 and positives[2] == 0
    found = ops.decode_boxes(samples.deltas, anchors[samples.positive % K])
    for image, box in zip(samples.positive // K, found, strict=True):
        assert abs(truth[image].boxes - box).max(axis=1).min() < 1e-4


def test_anchors_in_a_crowd_are_not_sampled(rng):
    crowd = Instances([[0, 0, 48, 16]], [1], crowd=np.array([True]))
    rpn = small(rng, batch_size_per_image=1000)
    samples = rpn.sample(rpn.anchors(MAP), [crowd])
    anchors = rpn.anchors(MAP)[samples.negative]
    assert len(samples.positive) == 0 and 0 < len(anchors) < K
    assert not ((anchors[:, 1] >= 0) & (anchors[:, 3] <= 16) & (anchors[:, 0] >= 0) & (anchors[:, 2] <= 48)).any()


def test_candidates_are_the_best_anchors_moved_clipped_and_in_order(rng):
    rpn = small(rng)
    anchors = rpn.anchors(MAP)
    logits, deltas = rng.standard_normal((2, K)), np.zeros((2, K, 4))
    logits[1, 77] = 9
    deltas[1, 77] = [0.5, 0, 0, np.log(2)]
    logits[0, 3], deltas[0, 3, 0] = 9, 50  # moved far off the image: dropped
    (boxes, scores), (others, other_scores) = rpn.candidates(
        RPNOutputs(logits, deltas, anchors), SIZE, max_candidates=20
    )
    assert len(boxes) == 19 and len(others) == 20
    np.testing.assert_array_equal(scores, np.sort(logits[0])[::-1][1:20])
    np.testing.assert_allclose(boxes, ops.clip_boxes_to_image(anchors, SIZE)[np.argsort(-logits[0])[1:20]], atol=1e-5)
    x1, y1, x2, y2 = anchors[77]
    expected = [x1 + (x2 - x1) / 2, y1 - (y2 - y1) / 2, x2 + (x2 - x1) / 2, y2 + (y2 - y1) / 2]
    np.testing.assert_allclose(others[0], np.clip(expected, 0, [48, 32, 48, 32]), atol=1e-4)


def test_proposals_have_a_low_iou_with_each_other_and_their_number_is_limited(rng):
    rpn = small(rng)
    outputs = RPNOutputs(rng.standard_normal((2, K)), 0.3 * rng.standard_normal((2, K, 4)), rpn.anchors(MAP))
    for (boxes, _), kept in zip(
        rpn.candidates(outputs, SIZE, max_candidates=100),
        rpn.propose(outputs, SIZE, pre_nms_top_n=100, post_nms_top_n=1000),
        strict=True,
    ):
        assert 10 < len(kept) < len(boxes)
        np.testing.assert_array_equal(kept[0], boxes[0])
        overlaps = ops.box_iou(kept, kept)
        assert (overlaps[~np.eye(len(kept), dtype=bool)] <= 0.7).all()
    assert [len(each) for each in rpn.propose(outputs, SIZE, pre_nms_top_n=100, post_nms_top_n=5)] == [5, 5]


def test_the_best_that_a_gpu_would_send_have_the_same_proposals(rng, monkeypatch):
    """From a GPU only the best of each image are copied: here that path runs on arrays of the host."""
    rpn, limits = small(rng), {"pre_nms_top_n": 40, "post_nms_top_n": 9}
    outputs = RPNOutputs(np.round(rng.standard_normal((2, K))), rng.normal(0, 0.5, (2, K, 4)), rpn.anchors(MAP))
    expected = rpn.stages(outputs, SIZE, **limits), rpn.propose(outputs, SIZE, **limits)
    monkeypatch.setattr("minivision.models.parts.rpn.is_on_gpu", lambda array: True)
    found = rpn.stages(outputs, SIZE, **limits), rpn.propose(outputs, SIZE, **limits)
    for ours, right in zip(found[0], expected[0], strict=True):
        for (name, boxes), (same, others) in zip(ours, right, strict=True):
            assert name == same and boxes.tobytes() == others.tobytes()
    for ours, right in zip(found[1], expected[1], strict=True):
        assert len(ours) == 9 and ours.tobytes() == right.tobytes()


@pytest.mark.parametrize("most", [0, 1, 7, 40, 41])
@pytest.mark.parametrize("bad", [(), (np.nan,), (np.inf, -np.inf), (np.nan,) * 39])
def test_the_best_are_found_without_sorting_all(rng, most, bad):
    logits = rng.integers(-3, 4, 40).astype(np.float32)  # many are equal
    logits[rng.permutation(40)[: len(bad)]] = bad
    rows = at_least_as_good(logits, most)
    best = rows[np.argsort(-logits[rows], kind="stable")][:most]
    np.testing.assert_array_equal(best, np.argsort(-logits, kind="stable")[:most])
    assert bad or len(rows) < 40 or most > 7


def test_a_detector_proposes_on_the_functions_of_a_backend(rng):
    """Such as a student's: the network's own proposals are the operation."""
    rpn, module = small(rng), types.ModuleType("theirs")

    def select_proposals(logits, deltas, anchors, size, *, pre_nms_top_n, post_nms_top_n, iou_threshold, min_size):
        return anchors[:post_nms_top_n]

    select_proposals.__module__ = "theirs"
    module.select_proposals = select_proposals
    minivision.register_backend("theirs", module)
    try:
        with minivision.backend("theirs"):
            outputs = RPNOutputs(np.zeros((2, K)), np.zeros((2, K, 4)), rpn.anchors(MAP))
            for found in rpn.propose(outputs, SIZE, pre_nms_top_n=9, post_nms_top_n=3):
                np.testing.assert_array_equal(found, outputs.anchors[:3])
    finally:
        minivision.unregister_backend("theirs")


def test_boxes_that_are_not_finite_are_not_proposed(rng):
    rpn = small(rng)
    outputs = RPNOutputs(np.zeros((1, K)), np.full((1, K, 4), np.nan), rpn.anchors(MAP))
    assert rpn.propose(outputs, SIZE, pre_nms_top_n=10, post_nms_top_n=10)[0].shape == (0, 4)


def test_anchors_are_centered_on_the_pixels_of_their_feature(rng):
    rpn = small(rng)
    anchors = rpn.anchors(MAP).reshape(*MAP, 6, 4)
    np.testing.assert_allclose((anchors[..., :2] + anchors[..., 2:])[2, 3] / 2, np.tile([28, 20], (6, 1)))
    assert rpn.anchors(MAP) is rpn.anchors(MAP)  # made once
    rpn.sizes = (11, 22)
    assert rpn.anchors(MAP)[0, 2] != anchors[0, 0, 0, 2]  # and anew for other sizes
