"""Datasets in memory: samples are unchanged, also after saving and loading."""

import os
import tracemalloc

import numpy as np
import pytest

from minivision.data import (
    BrokenFileError,
    Dataset,
    Facts,
    InMemory,
    Resized,
    Sample,
    WithProposals,
    hold_in_memory,
    in_memory,
)
from minivision.data.cache import load_or_make
from minivision.data.instances import Instances


class Various(Dataset):
    """Images of different sizes with no, few, and many overlapping objects."""

    classes = ("background", "cat", "dog")
    keypoint_names = ("nose", "tail")
    sizes = ((5, 7), (4, 4), (6, 3), (5, 7))

    def __init__(self, masks=True):
        self.has_masks = masks

    def __len__(self):
        return len(self.sizes)

    def image_sizes(self):
        return list(self.sizes)

    def _sample(self, index):
        rng = np.random.default_rng(index)
        size, count = self.sizes[index], (3, 0, 300, 1)[index]
        instances = Instances(
            rng.random((count, 4)),
            rng.integers(1, 3, count),
            masks=rng.random((count, *size)) < 0.2 if self.has_masks else None,
            keypoints=rng.random((count, 2, 3)),
            crowd=rng.random(count) < 0.5,
            area=rng.random(count),
        )
        return Sample(rng.integers(0, 256, (*size, 3), np.uint8), instances, rng.integers(0, 3, size, np.uint8))


def same(a, b):
    assert len(a) == len(b)
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.label_map, other.label_map)
        for name in ("boxes", "labels", "masks", "keypoints", "crowd", "area"):
            value, expected = getattr(one.instances, name), getattr(other.instances, name)
            np.testing.assert_array_equal(value, expected, err_msg=name)
            assert (value is None) == (expected is None)


@pytest.mark.parametrize("masks", [True, False])
@pytest.mark.parametrize("threads", [1, 3])
def test_samples_come_back_unchanged_also_from_the_file(tmp_path, masks, threads):
    dataset = Various(masks)
    kept = in_memory(dataset, threads=threads)
    kept.save(tmp_path / "kept.npz")
    for copy in (kept, InMemory.load(tmp_path / "kept.npz")):
        same(copy, dataset)
        assert copy.classes == dataset.classes and copy.keypoint_names == dataset.keypoint_names
        assert copy.has_masks == masks and copy.image_sizes() == list(dataset.sizes)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.npz"]


def test_a_dataset_without_samples_can_be_saved(tmp_path):
    empty = Various()
    empty.sizes = ()
    in_memory(empty).save(tmp_path / "a.npz")
    assert len(InMemory.load(tmp_path / "a.npz")) == 0


def test_arrays_in_memory_are_read_only():
    kept = in_memory(Various())
    with pytest.raises(ValueError, match="read-only"):
        kept[0].image[0, 0] = 0
    with pytest.raises(ValueError, match="read-only"):
        kept[0].instances.boxes[0] = 0


def test_a_dataset_in_memory_is_returned_unchanged():
    kept = in_memory(Various())
    assert in_memory(kept) is kept
    assert in_memory(kept, size=(8, 8))[2].image.shape == (8, 8, 3)


def test_a_failed_save_leaves_no_file_and_keeps_the_old_one(tmp_path, monkeypatch):
    kept = in_memory(Various())
    kept.save(tmp_path / "a.npz")
    before = (tmp_path / "a.npz").read_bytes()

    def full(file, **arrays):
        file.write(b"some")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="disk full"):
        kept.save(tmp_path / "a.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]
    assert (tmp_path / "a.npz").read_bytes() == before


def test_a_damaged_file_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "a.npz"
    in_memory(Various()).save(path)
    data = path.read_bytes()
    for damaged in (b"", b"no archive", data[: len(data) // 2], data[:-40]):
        path.write_bytes(damaged)
        with pytest.raises(BrokenFileError, match="a.npz"):
            InMemory.load(path)
    with pytest.raises(BrokenFileError, match="b.npz"):
        InMemory.load(tmp_path / "b.npz")


@pytest.mark.parametrize(
    ("column", "damage", "message"),
    [
        ("sizes", lambda array: array.astype(float), "'sizes' has .* float64"),
        ("boxes", lambda array: array.astype(str), "'boxes' has .* dtype <U"),
        ("boxes", lambda array: array[:, :3], r"'boxes' has shape \(304, 3\)"),
        ("labels", lambda array: array.astype(np.uint8), "'labels' has .* uint8"),
        ("counts", lambda array: array - 1, "negative"),
        ("crowd", None, "missing .'crowd'."),
        ("format", lambda array: array.astype(str), "another version"),
        ("flags", lambda array: array[:2], "zip"),
    ],
)
def test_a_file_with_other_columns_is_an_error(tmp_path, column, damage, message):
    path = tmp_path / "a.npz"
    in_memory(Various()).save(path)
    with np.load(path) as file:
        columns = dict(file)
    array = columns.pop(column)
    np.savez(path, **columns, **({} if damage is None else {column: damage(array)}))
    with pytest.raises(BrokenFileError, match=message):
        InMemory.load(path)


def test_a_single_array_is_no_dataset(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(3))
    with pytest.raises(BrokenFileError, match="a.npy"):
        InMemory.load(tmp_path / "a.npy")


def test_what_a_killed_process_left_in_the_cache_is_removed(tmp_path):
    old, new = tmp_path / "a.npz.1.partial", tmp_path / "a.npz.2.partial"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    load_or_make("b", {}, lambda: in_memory(Various()), tmp_path)
    assert not old.exists() and new.exists()  # another process may be writing the new one


class Crowded(Dataset):
    """Images with many masks."""

    classes = ("background", "cat")

    def __len__(self):
        return 24

    def image_sizes(self):
        return [(64, 64)] * len(self)

    def _sample(self, index):
        masks = np.zeros((64, 64, 64), bool)
        masks[np.arange(64), np.arange(64)] = True  # a row each
        instances = Instances(np.ones((64, 4)), np.ones(64, int), masks=masks)
        return Sample(np.zeros((64, 64, 3), np.uint8), instances, np.zeros((64, 64), np.uint8))


@pytest.mark.parametrize("threads", [1, 2])
def test_reading_holds_the_masks_of_few_images_at_once(threads):
    in_memory(Crowded(), threads=threads)  # imports
    tracemalloc.start()
    kept = in_memory(Crowded(), threads=threads)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    size = sum(array.nbytes for array in kept._columns.values())
    assert peak < 2 * size + 3 * threads * 64 * 64 * 64  # all masks would be 24 of these


def test_instance_maps_of_any_integers_are_kept():
    class Labeled(Crowded):
        def _sample(self, index):
            instances = super()._sample(index).instances
            numbered = np.repeat(np.arange(1, 65)[:, None], 64, axis=1)  # int64, as of skimage.measure.label
            return super()._sample(index)._replace(instances=instances.replace(instance_map=numbered))

    np.testing.assert_array_equal(in_memory(Labeled())[5].instances.masks, Crowded()[5].instances.masks)


def test_overlapping_objects_that_need_too_much_memory_are_not_held(monkeypatch, caplog):
    dataset = Various()
    pixels = sum(h * w for h, w in dataset.sizes)
    monkeypatch.setattr("minivision.data.memory.available_memory", lambda: 2 * 5 * pixels)
    with caplog.at_level("INFO", logger="minivision"):
        assert hold_in_memory(dataset) is dataset
    assert "is read when it is needed" in caplog.text


def test_columns_that_do_not_fit_are_an_error():
    columns = dict(in_memory(Various())._columns)
    columns["boxes"] = columns["boxes"][:-1]
    with pytest.raises(ValueError, match="'boxes' should have 304 entries, but has 303"):
        InMemory(columns, Facts())


@pytest.mark.parametrize("masks", [True, False])
def test_datasets_made_from_another_have_its_facts(masks):
    dataset = Various(masks)
    expected = Facts(Various.classes, Various.keypoint_names, has_masks=masks)
    made = in_memory(dataset), Resized(dataset, (4, 5)), WithProposals(dataset, [np.zeros((0, 4))] * 4)
    assert dataset.facts == expected and all(each.facts == expected for each in made)


def test_a_dataset_is_held_in_memory_once(caplog):
    with caplog.at_level("INFO", logger="minivision"):
        held = hold_in_memory(Various(), size=(6, 5))
        assert isinstance(held, InMemory) and held.image_sizes() == [(6, 5)] * 4
        assert hold_in_memory(held) is held and hold_in_memory(held, size=(6, 5)) is held
    assert [record.message[:27] for record in caplog.records] == ["Read 4 images into memory i"]


def test_a_large_dataset_is_not_held_in_memory_and_a_second_call_changes_nothing(monkeypatch):
    monkeypatch.setattr("minivision.data.memory.available_memory", lambda: 200)
    dataset = Various()
    assert hold_in_memory(dataset) is dataset
    resized = hold_in_memory(dataset, size=(6, 5))
    assert isinstance(resized, Resized) and resized[2].image.shape == (6, 5, 3)
    assert hold_in_memory(resized) is resized


class Dots(Dataset):
    """One image of a large object and of one that is a single pixel, which no resized image has."""

    classes, has_masks = ("background", "cat"), True

    def __len__(self):
        return 1

    def image_sizes(self):
        return [(8, 8)]

    def _sample(self, index):
        masks = np.zeros((2, 8, 8), bool)
        masks[0, 2:, 2:], masks[1, 1, 1] = True, True
        instances = Instances([[2, 2, 8, 8], [1, 1, 2, 2]], [1, 1], masks=masks)
        return Sample(np.zeros((8, 8, 3), np.uint8), instances, np.zeros((8, 8), np.uint8))


@pytest.mark.parametrize("make", [hold_in_memory, lambda dataset, **options: Resized(dataset, **options)])
def test_objects_whose_resized_mask_is_empty_are_dropped_or_kept(make):
    (left,) = make(Dots(), size=(2, 2))
    (whole,) = make(Dots(), size=(2, 2), keep_all=True)
    assert left.instances.masks.sum(axis=(1, 2)).tolist() == [4]
    assert whole.instances.masks.sum(axis=(1, 2)).tolist() == [4, 0]
    assert whole.instances.boxes[1].tolist() == [0.25, 0.25, 0.5, 0.5]


def test_the_share_of_the_memory_decides_and_memory_that_nobody_knows_is_assumed(monkeypatch):
    needed = 5 * sum(height * width for height, width in Various.sizes)
    monkeypatch.setattr("minivision.data.memory.available_memory", lambda: 4 * needed)
    dataset = Various(masks=False)
    assert isinstance(hold_in_memory(dataset, memory_share=0.25), InMemory)
    assert hold_in_memory(dataset, memory_share=0.24) is hold_in_memory(dataset, memory_share=0) is dataset
    monkeypatch.setattr("minivision.data.memory.available_memory", lambda: None)
    assert isinstance(hold_in_memory(dataset), InMemory) and hold_in_memory(dataset, memory_share=0) is dataset
    with pytest.raises(ValueError, match="memory_share: expected a share from 0 to 1, got 2"):
        hold_in_memory(dataset, memory_share=2)
