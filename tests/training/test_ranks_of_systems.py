"""Every system trains the same on several ranks as on one: in float64, to 1e-10."""

import copy

import numpy as np
import pytest
from thread_ranks import on_ranks

from minivision.core.labels import IGNORE
from minivision.core.ranks import current_ranks
from minivision.data import Dataset, Scenes
from minivision.data.instances import Instances
from minivision.layers.normalization import BatchNorm2d
from minivision.layers.watching import named_layers
from minivision.models import make_model, system_class, systems
from minivision.tasks import get_task
from minivision.training import Settings
from minivision.training.batches import Batches
from minivision.training.step import make_optimizer, take_step

SIZE, BATCH, STEPS, RATE = 64, 4, 3, 1e-3
SMALL = {
    "encoder-decoder": {"widths": (4, 6), "depths": (1, 1)},
    "full-resolution": {"width": 4, "blocks": 2},
    "sliding-window": {"convolutions": ((6, 3, 2), (8, 3, 2), (10, 4, 1)), "background_weight": 0.3},
    "ssd": {"maps": 2, "width": 8},
    "yolo": {"width": 8},
    "yolov2": {"width": 8},
}
OBJECT = {"widths": (4, 6), "depths": (0, 1), "hidden": 8}
REGIONS = {**OBJECT, "batch_size_per_image": 12}


class Uneven(Dataset):
    """Images with unequal numbers of labeled pixels, labeled joints and proposals, some without any of these."""

    def __init__(self, dataset, rng):
        self.dataset, self.facts = dataset, dataset.facts
        corners = np.sort(rng.uniform(0, SIZE, (len(dataset), 30, 2, 2)), axis=2).reshape(len(dataset), 30, 4)
        self.proposals = corners.astype(np.float32)

    def __len__(self):
        return len(self.dataset)

    def image_sizes(self):
        return self.dataset.image_sizes()

    def _sample(self, index):
        sample = self.dataset[index]
        instances, label_map = sample.instances, sample.label_map.copy()
        label_map[: 8 * index] = IGNORE
        if instances.keypoints is not None:
            keypoints = instances.keypoints.copy()
            keypoints[:, : 2 * index] = 0
            instances = instances.replace(keypoints=keypoints)
        return sample._replace(instances=instances, label_map=label_map, proposals=self.proposals[index, : 6 * index])


def prepared(name):
    """Return a small float64 model of a system, with a dataset that it is prepared for."""
    rng = np.random.default_rng(7)
    scene = system_class(name).scene_options
    options = {"objects": (1, 4), **scene}
    scenes = Uneven(Scenes("easy", "train", size=SIZE, **options).draw(6), rng)
    model = make_model(name, scenes.classes, rng=rng, **SMALL.get(name, OBJECT if "objects" in scene else REGIONS))
    if name not in ("rcnn", "fast-rcnn"):  # which would replace the proposals
        model.prepare(scenes)
    if name == "faster-rcnn":
        model.rpn.batch_size_per_image = 10_000  # all anchors but those between object and background
    if name == "mask-rcnn":
        assert model.keypoint_branch is not None
        model.mask_branch.batch_size_per_image = 2
    return model.astype(np.float64), scenes


def trained(model, dataset, settings):
    """Return the model's state and the losses of a few steps, on the ranks of this thread."""
    model = copy.deepcopy(model)
    for _, layer in named_layers(model):
        if isinstance(layer, BatchNorm2d):
            layer.synchronized = settings.sync_batch_norm
    batches = Batches(
        dataset,
        BATCH,
        flips=("horizontal",),
        augment=("colors",),
        instances=get_task(model.task).uses_instances,
    )
    assert len(batches[0].images) == BATCH // current_ranks().size
    optimizer = make_optimizer(model, settings)
    losses = [take_step(model, optimizer, batches, step, RATE, settings) for step in range(STEPS)]
    return model.state(), losses


@pytest.mark.parametrize("name", systems())
def test_two_ranks_train_like_one(name):
    model, dataset = prepared(name)
    settings = Settings(sync_batch_norm=True, clip=5.0).complete()
    expected, losses = trained(model, dataset, settings)
    results = on_ranks(2, lambda ranks: trained(model, dataset, settings))
    for state, of_ranks in results:
        assert state.keys() == expected.keys()
        for array in state:
            np.testing.assert_allclose(state[array], expected[array], rtol=0, atol=1e-10, err_msg=array)
        for (ours, norm), (theirs, expected_norm) in zip(of_ranks, losses, strict=True):
            assert ours.keys() == theirs.keys() and norm == pytest.approx(expected_norm, rel=1e-10)
            assert ours == pytest.approx(theirs, rel=1e-10, abs=1e-12)
    start = model.state()
    assert all((expected[p.name] != start[p.name]).any() for p in model.parameters() if p.name.endswith("w"))


class Empty(Uneven):
    """Only the first image has objects or proposals."""

    def _sample(self, index):
        sample = super()._sample(1 if index == 0 else index)
        return sample if index == 0 else sample._replace(instances=Instances.empty(), proposals=self.proposals[0, :0])


@pytest.mark.parametrize("synchronized", [True, False])
def test_a_rank_without_regions_takes_part_in_r_cnn(synchronized):
    model, uneven = prepared("rcnn")
    dataset = Empty(uneven.dataset, np.random.default_rng(7))
    settings = Settings(sync_batch_norm=synchronized).complete()
    (state, losses), (other, _) = on_ranks(2, lambda ranks: trained(model, dataset, settings))
    assert all((state[name] == other[name]).all() for name in state)
    expected, theirs = trained(model, dataset, settings)  # the other rank has nothing that could be normalized apart
    assert [each["class"] for each, _ in losses] == pytest.approx([each["class"] for each, _ in theirs], rel=1e-10)
    assert any(each["class"] == 0 for each, _ in theirs) and any(each["class"] > 0 for each, _ in theirs)
    for name in state:
        if synchronized or "running" not in name:  # those of rank 0
            np.testing.assert_allclose(state[name], expected[name], rtol=0, atol=1e-10, err_msg=name)
