"""SSD: its loss compared with the same network in PyTorch, its hard negatives."""

import functools

import crowded
import numpy as np
import pytest
from crowded import CLASSES

from minivision import ops
from minivision.core.labels import IGNORE_INDEX
from minivision.data import Scenes
from minivision.data.instances import Instances
from minivision.models.ssd import SSD, hardest_negatives

small = functools.partial(crowded.small, SSD)
CROWDED = Instances(
    # several upon one another, others at the border
    [[2.1, 3.4, 30.3, 24.2], [4.2, 3.1, 29.4, 25.3], [3.3, 4.4, 30.1, 25.2], [33.1, 34.3, 50.2, 58.4],
     [50.3, 2.2, 63, 9.1], [60.1, 10.3, 64, 32.2]],
    [1, 3, 2, 1, 3, 1],
)  # fmt: skip


@pytest.fixture
def batch(rng):
    return crowded.batch_with(CROWDED, rng)


@pytest.mark.parametrize("maps", [2, 3])
def test_all_losses_and_every_gradient_are_those_of_the_same_network_in_pytorch(maps, batch):
    torch = pytest.importorskip("torch")
    from torch_single_shots import SSDReference

    model = small(maps=maps)
    reference = SSDReference(model)
    losses = model.step(batch)
    assert model.leftovers() == []
    expected = reference.losses(reference(torch.from_numpy(model.normalize(batch.images))), batch)
    sum(expected.values()).backward()
    assert losses.keys() == expected.keys()
    for name, loss in losses.items():
        assert loss == pytest.approx(expected[name].item(), abs=1e-8), name
        assert loss > 0.001, name
    assert len(reference.pairs) == len(model.parameters())
    for ours, theirs in reference.pairs:
        np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), atol=1e-8, err_msg=ours.name)


def test_the_three_hardest_background_boxes_are_trained_on_for_each_positive_box():
    labels = np.array([[0, 2, 0, 0, 0, IGNORE_INDEX, 0, 0], [0] * 8, [0, 0, 1, 1, 3, 3, 1, 1]])
    scores = np.zeros((3, 8, 4))
    scores[..., 0] = [[5, -9, 4, 3, 6, -9, 2, 7], [1] * 8, [1] * 8]  # of the background: low is hard
    expected = np.zeros((3, 8), bool)
    expected[0, [2, 3, 6]] = True
    expected[2, [0, 1]] = True  # there are no more
    np.testing.assert_array_equal(hardest_negatives(scores, labels), expected)


def test_deltas_lead_from_each_default_box_to_its_object(batch):
    model = small()
    labels, deltas = model.targets(batch, np.float64)
    boxes, _ = model.decode(np.concatenate([deltas, np.zeros((*deltas.shape[:2], 4))], axis=2), (64, 64))
    for n, instances in enumerate(batch.instances):
        found = boxes[n, labels[n] > 0]
        overlap = ops.box_iou(found, instances.boxes[~instances.crowd].astype(float))
        assert (overlap.max(axis=1, initial=0) > 0.9999).all() and (len(found) > 0) == (len(instances) > 0)
        if len(found):
            objects = overlap.argmax(axis=1)
            np.testing.assert_array_equal(np.unique(objects), np.arange((~instances.crowd).sum()))  # none is left out
            np.testing.assert_array_equal(labels[n, labels[n] > 0], instances.labels[~instances.crowd][objects])


def test_the_layout_follows_the_size_of_the_image():
    model = SSD(CLASSES)
    layout = model.layout((128, 96))
    assert layout.map_sizes == ((32, 24), (16, 12), (8, 6)) and layout.steps == (4, 8, 16)
    outputs = model.forward(np.zeros((1, 3, 128, 96), np.float32))
    assert outputs.shape == (1, len(model.default_boxes((128, 96))), 4 + len(CLASSES))


def test_sizes_go_from_the_small_to_the_large_objects_of_the_training_set(caplog):
    caplog.set_level("INFO", "minivision")
    scenes = Scenes("easy", "val").draw(20)
    model = SSD(CLASSES)
    model.prepare(scenes)
    sides = np.sqrt(np.concatenate([ops.box_area(sample.instances.boxes) for sample in scenes]))
    assert model.sizes[0] == pytest.approx(np.quantile(sides, 0.05), rel=1e-5)
    assert model.sizes[-1] == pytest.approx(np.quantile(sides, 0.95), rel=1e-5)
    np.testing.assert_allclose(np.diff(model.sizes, 2), 0, atol=1e-4)
    assert "Default boxes of" in caplog.text
