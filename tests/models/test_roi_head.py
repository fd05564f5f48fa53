"""The second stage of Fast and Faster R-CNN: compared with the same network in PyTorch, its targets, its detections."""

import numpy as np
import pytest

from minivision import ops
from minivision.data.instances import Instances
from minivision.layers import RoIAlign, RoIPool
from minivision.models.parts.roi_head import BOX_WEIGHTS, RoIHead, RoISamples, rois_of

SIZE = (48, 64)


def small(rng, *, dtype=np.float64, **options):
    """Return a head on 5 channels for 3 classes, in which no gradient is zero at the beginning."""
    head = RoIHead(5, 4, stride=8, hidden=12, rng=np.random.default_rng(1), **options)
    for parameter in head.parameters():
        parameter.value += 0.2 * rng.standard_normal(parameter.value.shape).astype(np.float32)
    return head.astype(dtype)


def some_boxes(rng, count):
    corners = np.stack([rng.uniform(0, SIZE[1] - 20, count), rng.uniform(0, SIZE[0] - 20, count)], axis=1)
    return np.concatenate([corners, corners + rng.uniform(4, 20, (count, 2))], axis=1).astype(np.float32)


@pytest.fixture
def samples(rng):
    labels = np.array([1, 3, 0, 0, 2, 1, 0])
    deltas = rng.normal(0, 1.5, (7, 4)) * (labels > 0)[:, None]
    return RoISamples(rois_of([some_boxes(rng, 4), some_boxes(rng, 3)]), labels, deltas, labels - 1)


@pytest.mark.parametrize("pooling", ["align", "pool"])
def test_losses_and_every_gradient_are_those_of_the_same_head_in_pytorch(pooling, rng, samples):
    torch = pytest.importorskip("torch")
    import torch_regions
    from torch.nn import functional as F

    from minivision.bench.torch_equivalent import layer_converter

    head, features = small(rng, pooling=pooling), rng.standard_normal((2, 5, 6, 8))
    losses, gradients = head.losses(head.forward(features, samples.rois, training=True), samples)
    dfeatures = head.backward(gradients)
    assert head.leftovers() == []

    pairs = []
    convert = layer_converter(pairs)
    body, score_layer, delta_layer = map(convert, (head.body, head.scores, head.deltas))
    pool = torch_regions.roi_align if pooling == "align" else torch_regions.roi_pool
    maps = torch.from_numpy(features).requires_grad_()
    hidden = body(pool(maps, torch.from_numpy(samples.rois.astype(float)), 7, 1 / 8))
    labels, found = torch.from_numpy(samples.labels), np.flatnonzero(samples.labels)
    class_loss = F.cross_entropy(score_layer(hidden), labels)
    own = delta_layer(hidden).reshape(7, 3, 4)[found, samples.labels[found] - 1]
    box_loss = F.smooth_l1_loss(own, torch.from_numpy(samples.deltas[found]), reduction="sum") / 7
    (class_loss + box_loss).backward()

    assert losses["class"] == pytest.approx(class_loss.item(), abs=1e-8)
    assert losses["box"] == pytest.approx(box_loss.item(), abs=1e-8)
    np.testing.assert_allclose(dfeatures, maps.grad.numpy(), atol=1e-8)
    assert abs(dfeatures).max() > 1e-3 and len(pairs) == len(head.parameters())
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), atol=1e-8, err_msg=ours.name)


def test_gradients_of_regions_in_the_same_place_and_of_both_images_add_up(rng):
    features, box = rng.standard_normal((2, 2, 6, 8)), [8.0, 8, 40, 40]
    for layer in (RoIAlign(3, spatial_scale=1 / 8), RoIPool(3, spatial_scale=1 / 8)):
        gradients = []
        for rois in ([[1, *box]], [[1, *box], [1, *box], [0, *box]]):
            y = layer.forward(features, np.array(rois), training=True)
            assert y.shape == (len(rois), 2, 3, 3)
            gradients.append(layer.backward(np.ones_like(y)))
        once, thrice = gradients
        np.testing.assert_allclose(thrice[1], 2 * once[1])
        assert abs(once[0]).max() == 0 and thrice[0].sum() == pytest.approx(once[1].sum())


def test_a_quarter_of_the_sample_is_positive_with_the_right_objects_and_deltas(rng):
    objects = np.array([[4, 4, 24, 24], [30, 10, 60, 40]], np.float32)
    truth = Instances(objects, [3, 1])
    near = np.repeat(objects, 20, axis=0) + rng.uniform(-1, 1, (40, 4)).astype(np.float32)
    far = np.tile(np.float32([[0, 40, 8, 48]]), (60, 1))
    head = small(rng, batch_size_per_image=32)
    samples = head.sample([np.concatenate([near, far]), far], [truth, Instances.empty()])
    assert samples.rois.shape == (64, 5) and samples.rois.dtype == np.float32
    np.testing.assert_array_equal(np.bincount(samples.rois[:, 0].astype(int)), [32, 32])
    found = np.flatnonzero(samples.labels)
    assert len(found) == 8 and (samples.rois[found, 0] == 0).all()
    np.testing.assert_array_equal(samples.labels[found], np.array([3, 1])[samples.objects[found]])
    back = ops.decode_boxes(samples.deltas, samples.rois[:, 1:], weights=BOX_WEIGHTS)
    np.testing.assert_allclose(back[found], objects[samples.objects[found]], atol=1e-4)
    assert (samples.objects[samples.labels == 0] == -1).all() and (samples.deltas[samples.labels == 0] == 0).all()


def test_true_boxes_are_proposals_too_but_not_crowds_and_not_empty_ones(rng):
    boxes = [[4, 4, 24, 24], [30, 10, 60, 40], [10, 10, 10, 30]]
    truth = Instances(boxes, [3, 1, 2], crowd=np.array([False, True, False]))
    inside = np.tile(np.float32([[35, 15, 45, 25]]), (3, 1))  # of the crowd
    samples = small(rng).sample([inside], [truth])
    np.testing.assert_array_equal(samples.rois, [[0, 4, 4, 24, 24]])
    assert samples.labels.tolist() == [3] and abs(samples.deltas).max() < 1e-6


def test_no_proposals_and_no_objects_are_no_loss_and_no_gradient(rng):
    head = small(rng)
    samples = head.sample([np.zeros((0, 4), np.float32)] * 2, [Instances.empty()] * 2)
    losses, gradients = head.losses(head.forward(np.ones((2, 5, 6, 8)), samples.rois, training=True), samples)
    assert losses == {"class": 0, "box": 0}
    dfeatures = head.backward(gradients)
    assert dfeatures.shape == (2, 5, 6, 8) and (dfeatures == 0).all()
    assert [len(found) for found in head.detect(head.forward(dfeatures, samples.rois), samples.rois, 2, SIZE)] == [0, 0]


def test_detections_belong_to_their_image_and_follow_from_scores_and_deltas(rng):
    head = small(rng)
    rois = rois_of([np.float32([[0, 0, 20, 20], [1, 1, 20, 20]]), np.float32([[30, 10, 50, 30]])])
    scores = np.log(np.array([[0.1, 0.1, 0.7, 0.1], [0.3, 0.02, 0.5, 0.18], [0.02, 0.02, 0.02, 0.94]]))
    deltas = np.zeros((3, 3, 4))
    deltas[2, 2] = [5, 0, 0, 5 * np.log(1.5)]  # half a width to the right, half as high again
    first, second = head.detect((scores, deltas), rois, 2, SIZE)
    np.testing.assert_array_equal(first.labels, [2, 3, 1])  # of class 2 the better box only
    np.testing.assert_allclose(first.scores, [0.7, 0.18, 0.1], rtol=1e-5)
    np.testing.assert_array_equal(second.labels, [3])
    np.testing.assert_allclose(second.boxes, [[40, 5, 60, 35]], atol=1e-4)


def test_an_unknown_pooling_is_named():
    with pytest.raises(ValueError, match="pooling: expected one of align, pool, got 'warp'"):
        RoIHead(5, 4, stride=8, pooling="warp")
