"""YOLO: its loss beside the same network in PyTorch, what it refuses, and that it learns."""

import numpy as np
import pytest

from minivision.data import Batch
from minivision.instances import Instances
from minivision.models.yolo import YOLO

CLASSES = ("background", "disc", "square", "star")
SIDE = 64
CROWDED = Instances(
    # two in a cell, of different classes; three in another; one alone; one over the image's border
    [[2, 3, 30, 24], [4, 2, 22, 30], [33, 34, 50, 58], [35, 30, 52, 60], [38, 40, 46, 48], [50, 2, 63, 9],
     [40, 10, 64, 32]],
    [1, 3, 2, 2, 1, 3, 1],
)  # fmt: skip


@pytest.fixture
def batch(rng):
    images = np.repeat(np.repeat(rng.integers(0, 256, (3, 8, 8, 3), dtype=np.uint8), 8, 1), 8, 2)
    with_crowd = Instances([[8, 30, 60, 62], [10, 10, 30, 22]], [1, 2], crowd=np.array([True, False]))
    return Batch(images, [CROWDED, Instances.empty(), with_crowd], None)


def small(dtype=np.float64, **options):
    """Return a small model that is not as it began: its boxes differ from one another."""
    rng = np.random.default_rng(3)
    model = YOLO(CLASSES, width=8, rng=rng, **options)
    for parameter in model.parameters():
        parameter.value += 0.1 * rng.standard_normal(parameter.value.shape).astype(np.float32)
    return model.astype(dtype)


@pytest.mark.parametrize("options", [{}, {"boxes": 1}, {"boxes": 3, "stride": 8}, {"stride": 32}])
def test_all_losses_and_every_gradient_are_those_of_the_same_network_in_pytorch(options, batch):
    torch = pytest.importorskip("torch")
    from torch_single_shots import YOLOTwin

    model = small(**options)
    twin = YOLOTwin(model)
    losses = model.step(batch)
    assert model.leftovers() == []
    expected = twin.losses(twin(torch.from_numpy(model.normalize(batch.images))), batch)
    sum(expected.values()).backward()
    assert losses.keys() == expected.keys()
    for name, loss in losses.items():
        assert loss == pytest.approx(expected[name].item(), abs=1e-8), name
        assert loss > 0.01, name
    assert len(twin.pairs) == len(model.parameters())
    for ours, its in twin.pairs:
        np.testing.assert_allclose(ours.grad, its.grad.numpy(), atol=1e-8, err_msg=ours.name)
