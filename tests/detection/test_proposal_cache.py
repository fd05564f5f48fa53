"""Proposals of whole datasets, kept on disk, and of folders of images."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from minivision.data import BrokenFileError, Scenes
from minivision.detection import propose_dataset, selective_search
from minivision.detection.proposals import proposal_files
from minivision.detection.proposals.dataset_proposals import BoxLists, images_digest
from minivision.detection.proposals.proposal_files import load_proposals, propose_files
from minivision.executors import InProcess


@pytest.fixture
def scenes():
    return Scenes("easy", "val", size=64).draw(5)


@pytest.fixture
def no_search(monkeypatch):
    """Call it, and from then on a search is an error."""

    def forbid():
        def search(*_):
            raise AssertionError("searched again")

        monkeypatch.setattr("minivision.detection.proposals.dataset_proposals.selective_search", search)
        monkeypatch.setattr("minivision.detection.proposals.proposal_files.selective_search", search)

    return forbid


def test_a_dataset_is_searched_once_and_read_from_the_cache_then(scenes, tmp_path, no_search):
    first = propose_dataset(scenes, "single", folder=tmp_path)
    no_search()
    again = propose_dataset(Scenes("easy", "val", size=64).draw(5), "single", folder=tmp_path)
    assert len(first) == len(again) == 5
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
        assert one.dtype == np.float32 and not one.flags.writeable and not other.flags.writeable
    assert len(list(tmp_path.iterdir())) == 1


def test_they_are_those_of_a_search_by_hand(scenes, tmp_path):
    for sample, boxes in zip(scenes, propose_dataset(scenes, "fast", folder=tmp_path), strict=True):
        np.testing.assert_array_equal(boxes, selective_search(sample.image, "fast"), strict=True)


def test_other_images_another_order_and_another_mode_are_not_taken_for_the_same(scenes, tmp_path):
    propose_dataset(scenes, "single", folder=tmp_path)
    propose_dataset(Scenes("easy", "val", size=64).draw([0, 1, 2, 4, 3]), "single", folder=tmp_path)
    propose_dataset(scenes, "fast", folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    assert images_digest(scenes) != images_digest(Scenes("easy", "val", size=64).draw(4))


def test_a_damaged_cache_is_made_anew_with_a_warning(scenes, tmp_path):
    expected = propose_dataset(scenes, "single", folder=tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.warns(UserWarning, match="making it again"):
        again = propose_dataset(scenes, "single", folder=tmp_path)
    for one, other in zip(expected, again, strict=True):
        np.testing.assert_array_equal(one, other)
    propose_dataset(scenes, "single", folder=tmp_path)  # no warning: it is whole again


@pytest.mark.parametrize(
    "changes", [{"counts": np.ones(2)}, {"counts": np.array([3, -1])}, {"boxes": np.zeros((2, 4))}]
)
def test_columns_of_another_dtype_are_no_lists_of_boxes(tmp_path, changes):
    columns = {"boxes": np.zeros((2, 4), np.float32), "counts": np.array([1, 1])}
    np.savez(tmp_path / "boxes.npz", **{**columns, **changes})
    with pytest.raises(BrokenFileError, match="its counts are"):
        BoxLists.load(tmp_path / "boxes.npz")
    np.save(tmp_path / "boxes.npy", np.zeros(3))
    with pytest.raises(BrokenFileError, match="boxes.npy"):
        BoxLists.load(tmp_path / "boxes.npy")


def test_lists_of_boxes_come_back_as_they_were_saved_empty_ones_too(tmp_path, rng):
    for counts in ((3, 0, 2), (0,), ()):
        boxes = [rng.uniform(0, 9, (count, 4)).astype(np.float32) for count in counts]
        BoxLists(boxes).save(tmp_path / "boxes.npz")
        again = BoxLists.load(tmp_path / "boxes.npz").boxes
        assert [len(each) for each in again] == list(counts)
        for one, other in zip(boxes, again, strict=True):
            np.testing.assert_array_equal(one, other, strict=True)


def test_an_unknown_mode_is_named_before_anything_is_read(tmp_path):
    with pytest.raises(ValueError, match="mode: expected 'single', 'fast', 'quality', got 'best'"):
        propose_dataset(None, "best")
    with pytest.raises(ValueError, match="mode: expected"):
        propose_files([], tmp_path / "out", "best")


# ---- folders ----


@pytest.fixture
def pictures(tmp_path, scenes):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for k, sample in enumerate(scenes):
        Image.fromarray(sample.image).save(folder / f"{k}.png")
    return sorted(folder.iterdir())


class Here(InProcess):
    """Does the work at once, and counts."""

    done = 0

    def map_unordered(self, function, pieces):
        for outcome in super().map_unordered(function, pieces):
            self.done += 1
            yield outcome


def test_the_files_hold_what_a_search_finds(pictures, scenes, tmp_path):
    out = tmp_path / "out"
    assert propose_files(pictures, out, executor=Here()) == (5, [])
    for path, sample in zip(pictures, scenes, strict=True):
        np.testing.assert_array_equal(load_proposals(out / f"{path.name}.npz"), selective_search(sample.image))
        with np.load(out / f"{path.name}.npz") as file:
            assert file["size"].tolist() == [64, 64] and file["mode"] == "fast"


def test_spawned_processes_do_it_and_a_broken_image_does_not_stop_them(pictures, scenes, tmp_path):
    pictures[1].write_bytes(pictures[1].read_bytes()[:500])
    made, failed = propose_files([*pictures[:3], tmp_path / "none.png"], tmp_path / "out", "single", jobs=2)
    assert made == 2
    reasons = {path.name: reason for path, reason in failed}
    assert reasons.keys() == {"1.png", "none.png"} and f"cannot use {pictures[1]}" in reasons["1.png"]
    assert "there is no such file" in reasons["none.png"]
    np.testing.assert_array_equal(
        load_proposals(tmp_path / "out" / "2.png.npz"), selective_search(scenes[2].image, "single")
    )
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["0.png.npz", "2.png.npz"]


def test_what_is_there_is_not_made_again_but_what_is_missing_damaged_or_older_is(pictures, tmp_path):
    out = tmp_path / "out"
    propose_files(pictures, out, "single", executor=Here())
    (out / "0.png.npz").unlink()
    (out / "1.png.npz").write_bytes(b"cut short")
    later = (out / "2.png.npz").stat().st_mtime + 10
    os.utime(pictures[2], (later, later))
    (out / "3.png.npz.partial").write_bytes(b"of a run that was killed")
    executor = Here()
    assert propose_files(pictures, out, "single", executor=executor) == (3, [])
    assert executor.done == 3


def test_a_run_that_was_stopped_leaves_whole_files_only(pictures, tmp_path, monkeypatch):
    def stopped(image, mode):
        if len(list((tmp_path / "out").glob("*.npz"))) == 2:
            raise KeyboardInterrupt
        return np.zeros((1, 4), np.float32)

    monkeypatch.setattr(proposal_files, "selective_search", stopped)
    with pytest.raises(KeyboardInterrupt):
        propose_files(pictures, tmp_path / "out", executor=Here())
    names = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert names == ["0.png.npz", "1.png.npz"]
    for name in names:
        assert load_proposals(tmp_path / "out" / name).shape == (1, 4)


def test_proposals_of_another_mode_are_not_mixed_in(pictures, tmp_path, no_search):
    propose_files(pictures[:1], tmp_path / "out", "single", executor=Here())
    no_search()
    with pytest.raises(ValueError, match="0.png.npz contains proposals of mode 'single', not 'fast'; choose another"):
        propose_files(pictures[:1], tmp_path / "out", "fast", executor=Here())


def test_two_images_of_one_name_are_refused(pictures, tmp_path):
    (tmp_path / "other").mkdir()
    shutil.copy(pictures[0], tmp_path / "other" / "0.png")
    with pytest.raises(ValueError, match="two images are called 0.png"):
        propose_files([pictures[0], tmp_path / "other" / "0.png"], tmp_path / "out", executor=Here())
