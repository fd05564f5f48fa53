"""YOLO: its loss compared with the same network in PyTorch, what it refuses, and that it learns."""

import functools

import crowded
import numpy as np
import pytest

from minivision.data import Batch
from minivision.data.instances import Instances
from minivision.models.yolo import YOLO

small = functools.partial(crowded.small, YOLO)
SIDE = 64
CROWDED = Instances(
    # two in a cell, of different classes; three in another; one alone; one over the image's border
    [[2, 3, 30, 24], [4, 2, 22, 30], [33, 34, 50, 58], [35, 30, 52, 60], [38, 40, 46, 48], [50, 2, 63, 9],
     [40, 10, 64, 32]],
    [1, 3, 2, 2, 1, 3, 1],
)  # fmt: skip


@pytest.fixture
def batch(rng):
    return crowded.batch_with(CROWDED, rng)


@pytest.mark.parametrize("options", [{}, {"boxes": 1}, {"boxes": 3, "stride": 8}, {"stride": 32}])
def test_all_losses_and_every_gradient_are_those_of_the_same_network_in_pytorch(options, batch):
    torch = pytest.importorskip("torch")
    from torch_single_shots import YOLOReference

    model = small(**options)
    reference = YOLOReference(model)
    losses = model.step(batch)
    assert model.leftovers() == []
    expected = reference.losses(reference(torch.from_numpy(model.normalize(batch.images))), batch)
    sum(expected.values()).backward()
    assert losses.keys() == expected.keys()
    for name, loss in losses.items():
        assert loss == pytest.approx(expected[name].item(), abs=1e-8), name
        assert loss > 0.01, name
    assert len(reference.pairs) == len(model.parameters())
    for ours, theirs in reference.pairs:
        np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), atol=1e-8, err_msg=ours.name)


def test_an_object_in_a_crowd_is_learned_and_its_empty_neighbors_are_not():
    model = small()
    both = Instances([[0, 0, SIDE, SIDE], [20, 20, 28, 30]], [1, 2], crowd=np.array([True, False]))
    outputs = np.full((1, 4, 4, 13), 0.5)
    target, weight = model.targets(outputs, Batch(np.zeros((1, SIDE, SIDE, 3), np.uint8), [both], None))
    assert sorted(weight[0, 1, 1, :10:5]) == [0, 5] and sorted(weight[0, 1, 1, 4:10:5]) == [0.5, 1]
    assert target[0, 1, 1, 10:].tolist() == [0, 1, 0]
    weight[0, 1, 1] = 0
    assert not weight.any()
