"""InMemory: what goes in comes out, also through the file."""

import numpy as np
import pytest

from minivision.data import BrokenFileError, Dataset, Facts, InMemory, Sample, in_memory
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


def test_a_dataset_without_samples_can_be_kept(tmp_path):
    empty = Various()
    empty.sizes = ()
    in_memory(empty).save(tmp_path / "a.npz")
    assert len(InMemory.load(tmp_path / "a.npz")) == 0


def test_what_is_kept_cannot_be_changed_by_accident():
    kept = in_memory(Various())
    with pytest.raises(ValueError, match="read-only"):
        kept[0].image[0, 0] = 0
    with pytest.raises(ValueError, match="read-only"):
        kept[0].instances.boxes[0] = 0


def test_keeping_what_is_kept_costs_nothing():
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


def test_columns_that_do_not_fit_are_an_error():
    columns = dict(in_memory(Various())._columns)
    columns["boxes"] = columns["boxes"][:-1]
    with pytest.raises(ValueError, match="'boxes' should have 304 entries, but has 303"):
        InMemory(columns, Facts())
