"""Proposals are transformed with their image, and collated into batches."""

import numpy as np
import pytest

from minivision.data import (
    Scenes,
    WithProposals,
    collate,
    crop,
    flip_horizontal,
    flip_vertical,
    resize,
    transpose,
)
from minivision.training.batches import Batches


@pytest.fixture
def scenes():
    scenes = Scenes("easy", "train", objects=(2, 4)).draw(6)
    return WithProposals(scenes, [sample.instances.boxes + np.float32(0.25) for sample in scenes])


@pytest.mark.parametrize("move", [flip_horizontal, flip_vertical, transpose])
def test_a_mirror_moves_proposals_like_boxes(move, scenes):
    sample = scenes[0]._replace(proposals=scenes[0].instances.boxes)
    moved = move(sample, scenes.keypoint_flip)
    np.testing.assert_array_equal(moved.proposals, moved.instances.boxes)
    assert (moved.proposals != sample.proposals).any()


def test_resizing_scales_proposals():
    sample = Scenes("easy", "train")[0]
    sample = sample._replace(proposals=np.array([[10, 20, 30, 60]], np.float32))
    np.testing.assert_allclose(resize(sample, (64, 256)).proposals, [[20, 10, 60, 30]])


def test_a_crop_clips_proposals_and_drops_those_outside():
    sample = Scenes("easy", "train")[0]
    sample = sample._replace(proposals=np.array([[10, 20, 30, 60], [0, 0, 12, 9], [70, 70, 90, 80]], np.float32))
    np.testing.assert_array_equal(crop(sample, 12, 10, 40, 30).proposals, [[0, 10, 18, 30]])


def test_samples_without_proposals_stay_without():
    sample = Scenes("easy", "train")[0]
    moved = (flip_vertical(sample, Scenes("easy").keypoint_flip), crop(sample, 5, 5, 20, 20), resize(sample, (64, 64)))
    assert all(each.proposals is None for each in moved)


def test_batches_contain_the_proposals_of_their_images(scenes):
    batch = Batches(scenes, 4, seed=0, flips=("horizontal",))[0]
    assert len(batch.proposals) == 4
    for proposals, instances in zip(batch.proposals, batch.instances, strict=True):
        np.testing.assert_allclose(np.abs(proposals - instances.boxes), 0.25)
    assert collate([scenes[1]]).proposals[0] is scenes[1].proposals


def test_another_number_of_lists_than_images_is_refused(scenes):
    with pytest.raises(ValueError, match="expected those of 6 images, got those of 5"):
        WithProposals(scenes.dataset, scenes.proposals[:5])


def test_a_dataset_with_proposals_is_otherwise_the_same(scenes):
    for name in ("classes", "keypoint_names", "has_boxes", "has_masks", "has_label_maps"):
        assert getattr(scenes, name) == getattr(scenes.dataset, name)
    assert len(scenes) == 6 and scenes.image_sizes() == scenes.dataset.image_sizes()
