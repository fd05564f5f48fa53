"""YOLOv2: its loss compared with the same network in PyTorch, with every option on and off."""

import functools

import crowded
import numpy as np
import pytest
from crowded import CLASSES

from minivision.data import Batch, Dataset, Sample
from minivision.data.instances import Instances
from minivision.models.yolov2 import YOLOv2

small = functools.partial(crowded.small, YOLOv2)
CROWDED = Instances(
    # four of about one size with centers in one cell of 8 x 8 pixels, and some others
    [[2, 3, 30, 24], [4, 3, 29, 25], [3, 4, 30, 25], [2, 2, 29, 26], [33, 34, 50, 58], [50, 2, 63, 9],
     [60, 10, 64, 32]],
    [1, 3, 2, 2, 1, 3, 1],
)  # fmt: skip
SWITCHES = {
    "all that is new": {},
    "boxes from nothing": {"anchors": "none", "sigmoid_offsets": False, "passthrough": False, "stride": 16},
    "anchors, free offsets": {"anchors": "hand-picked", "sigmoid_offsets": False, "stride": 16, "count": 2},
    "no passthrough": {"passthrough": False, "count": 4},
}


@pytest.fixture
def batch(rng):
    return crowded.batch_with(CROWDED, rng)


@pytest.mark.parametrize("switches", SWITCHES)
def test_all_losses_and_every_gradient_are_those_of_the_same_network_in_pytorch(switches, batch):
    torch = pytest.importorskip("torch")
    from torch_single_shots import YOLOv2Reference

    model = small(**SWITCHES[switches])
    reference = YOLOv2Reference(model)
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


class Sized(Dataset):
    """Two images whose objects have the given widths and heights."""

    classes = CLASSES

    def __init__(self, sizes):
        boxes = np.concatenate([np.ones_like(sizes), 1 + np.array(sizes)], axis=1)
        self.instances = Instances(boxes, np.ones(len(boxes), int))
        crowd = np.zeros(len(boxes) + 1, bool)
        crowd[-1] = True
        self.crowded = Instances(np.concatenate([boxes, [[0, 0, 90, 99]]]), np.ones(len(boxes) + 1, int), crowd=crowd)

    def __len__(self):
        return 2

    def _sample(self, index):
        image = np.zeros((100, 120, 3), np.uint8)
        return Sample(image, (self.instances, self.crowded)[index], image[..., 0])


def test_the_anchors_are_those_of_the_training_set_as_the_option_says(caplog):
    caplog.set_level("INFO", "minivision")
    sizes = [[10, 12]] * 4 + [[30, 20]] * 4 + [[60, 80]] * 4
    expected = {"k-means": sizes[::4], "none": None, "hand-picked": None}
    for anchors, wanted in expected.items():
        model = small(np.float32, anchors=anchors)
        model.prepare(Sized(sizes))
        if wanted:
            np.testing.assert_allclose(model.anchors, wanted, rtol=1e-6)
        assert "k-means 1.000" in caplog.text
        squares = (model.anchors[:, 0] == model.anchors[:, 1]).all()
        assert squares == (anchors == "hand-picked")
        assert (len(np.unique(model.anchors, axis=0)) == 1) == (anchors == "none")
        other = small(np.float32, anchors=anchors)
        other.load_state(model.state())
        np.testing.assert_array_equal(other.anchors, model.anchors)


def test_with_sigmoid_offsets_a_box_stays_in_its_cell_whatever_the_network_predicts(rng):
    outputs = 50 * rng.standard_normal((2, 3, 4, 3, 8))
    model = small()
    boxes = model.boxes(outputs)
    assert np.isfinite(boxes).all()
    centers = (boxes[..., :2] + boxes[..., 2:]) / 2 / model.stride
    y, x = np.mgrid[:3, :4][..., None]
    for value, cell in ((centers[..., 0], x), (centers[..., 1], y)):
        assert (value >= cell - 1e-6).all() and (value <= cell + 1 + 1e-6).all()
    free = small(sigmoid_offsets=False).boxes(outputs)
    assert (np.abs((free[..., 0] + free[..., 2]) / 2 / model.stride - x - 0.5) > 1).any()


def test_without_offsets_the_boxes_are_the_anchors_around_the_middle_of_each_cell():
    for sigmoid_offsets in (True, False):
        model = small(sigmoid_offsets=sigmoid_offsets)
        boxes, scores = model.decode(np.zeros((1, 2, 3, 3, 8)), (16, 24))
        middles = np.array([[4, 4], [12, 4], [20, 4], [4, 12], [12, 12], [20, 12]])[:, None]
        half = model.anchors / 2
        np.testing.assert_allclose(boxes[0].reshape(6, 3, 4)[..., :2], middles - half, rtol=1e-6)
        np.testing.assert_allclose(boxes[0].reshape(6, 3, 4)[..., 2:], middles + half, rtol=1e-6)
        np.testing.assert_allclose(scores, np.full((1, 18, 3), 0.5 / 3))


def test_a_box_of_high_iou_that_is_not_responsible_is_not_background():
    model = small()
    model.anchors[...] = [[20, 20], [22, 22], [60, 60]]
    middle = Instances([[26, 18, 46, 38]], [2])  # 20 x 20 around the middle of the cell in row 3, column 4
    boxes = model.boxes(np.zeros((1, 8, 8, 3, 8)))
    at, true, labels, counts = model.targets(boxes, Batch(np.zeros((1, 64, 64, 3), np.uint8), [middle], None))
    assert [int(index[0]) for index in at] == [0, 3, 4, 0] and labels.tolist() == [2]
    np.testing.assert_array_equal(true, middle.boxes)
    assert counts[0, 3, 4].tolist() == [5, 0, 1]  # responsible, as good (IoU .83), much too large
    counts[0, 3, 4] = 1
    assert (counts == 1).all()  # 8 pixels away the IoU is .43
