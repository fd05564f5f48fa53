"""The dataset that is made of plain records: boxes, masks, joints and label maps of each, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from minivision.data import IGNORE, BrokenFileError, in_memory
from minivision.data import images as image_files
from minivision.data.records import ImageRecord, ObjectRecord, Recorded
from minivision.data.rle import encode

SQUARE = np.zeros((20, 30), bool)
SQUARE[5:15, 10:20] = True
TRIANGLE = np.array([(20, 2), (28, 2), (28, 10)], float)


def dataset(tmp_path, *objects, names=("cat", "dog"), joints=(), size=(20, 30), **keywords):
    path = tmp_path / "a.png"
    Image.new("RGB", (30, 20)).save(path)
    record = ImageRecord(path, size, objects, source=tmp_path / "notes.txt", relative=keywords.pop("relative", False))
    return Recorded([record], names, joints, source=tmp_path, **keywords)


def test_boxes_masks_and_crowds(tmp_path):
    found = dataset(
        tmp_path,
        ObjectRecord("dog", (9, 4, 21, 16), mask=SQUARE),
        ObjectRecord("cat", mask=encode(SQUARE)),
        ObjectRecord("cat", polygons=(TRIANGLE, TRIANGLE - (20, 0)), crowd=True),
    )
    assert found.classes == ("background", "cat", "dog") and found.has_masks and found.count_objects() == 3
    _, instances, label_map, _ = found[0]
    assert instances.boxes.tolist() == [[9, 4, 21, 16], [10, 5, 20, 15], [0, 2, 28, 10]]
    assert instances.labels.tolist() == [2, 1, 1] and instances.crowd.tolist() == [False, False, True]
    np.testing.assert_array_equal(instances.masks[0], SQUARE)
    np.testing.assert_array_equal(instances.masks[1], SQUARE)
    assert instances.masks[2, 3, 27] and instances.masks[2, 3, 6] and not instances.masks[2, 9, 21]
    assert (label_map == IGNORE).sum() == (instances.masks[2] & ~SQUARE).sum()
    assert in_memory(found)[0].instances.masks.sum() == instances.masks.sum()


def test_masks_of_some_objects_are_not_used(tmp_path):
    with pytest.warns(UserWarning, match="1 of 2 annotations have no segmentation"):
        found = dataset(tmp_path, ObjectRecord("cat", (1, 1, 5, 5)), ObjectRecord("cat", mask=SQUARE))
    assert not found.has_masks and found[0].instances.masks is None and (found[0].label_map == IGNORE).all()


def test_joints_and_the_box_around_them(tmp_path):
    joints = np.array([(4, 5, 2), (10, 12, 1), (7, 7, 0)])
    found = dataset(tmp_path, ObjectRecord("cat", keypoints=joints), ObjectRecord("dog", (0, 0, 9, 9)), joints="abc")
    instances = found[0].instances
    assert instances.boxes.tolist() == [[4, 5, 10, 12], [0, 0, 9, 9]]
    assert instances.keypoints.tolist() == [[[4, 5, 2], [10, 12, 1], [0, 0, 0]], [[0, 0, 0]] * 3]


def test_shares_of_the_image_are_pixels_when_its_size_is_known_and_not_before(tmp_path, monkeypatch):
    opened = []
    original = image_files._opened.__enter__
    monkeypatch.setattr(image_files._opened, "__enter__", lambda self: opened.append(self.path) or original(self))
    each = ObjectRecord(
        "cat", polygons=(np.array([(0.5, 0.25), (1.5, 0.25), (1, 0.75)]),), keypoints=np.array([[0.5, 0.5, 2]])
    )
    found = dataset(tmp_path, each, joints=["nose"], size=None, relative=True)
    assert not opened
    assert found.image_sizes() == [(20, 30)] and len(opened) == 1
    instances = found[0].instances
    assert instances.boxes.tolist() == [[15, 5, 30, 15]] and instances.keypoints.tolist() == [[[15, 10, 2]]]
    assert instances.masks[0, 6, 29] and not instances.masks[0, 6, 14]


def test_boxes_without_area_are_dropped_and_objects_that_are_nowhere(tmp_path):
    with pytest.warns(UserWarning, match="dropped 4 boxes without width or height"):
        found = dataset(
            tmp_path, ObjectRecord("cat", (5, 5, 5, 9)), ObjectRecord("cat", (40, 5, 50, 9)), ObjectRecord("cat"),
            ObjectRecord("cat", polygons=(TRIANGLE[:2],)), ObjectRecord("dog", (-5, 1, 50, 9)),
        )  # fmt: skip
    assert found[0].instances.boxes.tolist() == [[0, 1, 30, 9]] and found.count_objects() == 1


def test_a_mask_without_pixels_is_nowhere(tmp_path):
    with pytest.warns(UserWarning, match="dropped 2 boxes"):
        assert dataset(
            tmp_path, ObjectRecord("cat", mask=SQUARE & False), ObjectRecord("cat", mask=encode(SQUARE & False))
        ).has_masks


@pytest.mark.parametrize(("each", "reason"), [
    (ObjectRecord("cow", (1, 1, 5, 5)), "has the class 'cow', not listed"),
    (ObjectRecord("background", (1, 1, 5, 5)), "has the class 'background'"),
    (ObjectRecord("cat", (1, 1, float("nan"), 5)), "coordinate that is not finite"),
    (ObjectRecord("cat", (1, 1, float("inf"), 5)), "coordinate that is not finite"),
    (ObjectRecord("cat", (1, 1, 1e300, 5)), "far too large"),
    (ObjectRecord("cat", polygons=(TRIANGLE * np.nan,)), "coordinate that is not finite"),
    (ObjectRecord("cat", keypoints=np.zeros((2, 3))), "has 2 joints, not 0"),
    (ObjectRecord("cat", mask={"size": [20, 30], "counts": [2**62, 2**62, 2**62, 2**62, 600]}), "add up to 600"),
    (ObjectRecord("cat", mask={"size": [20, 30], "counts": [-1, 601]}), "must be 0 or more"),
    (ObjectRecord("cat", mask={"size": [1 << 40, 1 << 40], "counts": []}), "size should be"),
    (ObjectRecord("cat", mask={"size": [20, 30], "counts": "\x00"}), "not compressed run lengths"),
])  # fmt: skip
def test_what_cannot_be_is_refused_with_file_and_object(tmp_path, each, reason):
    good = ObjectRecord("cat", (1, 1, 5, 5))
    with pytest.raises(BrokenFileError, match=f"notes.txt: .*object 2 of a.png.*{reason}"):
        dataset(tmp_path, good, each)
    with pytest.warns(UserWarning, match="skipped 1 broken file, 0 images are left: notes.txt"):
        assert len(dataset(tmp_path, good, each, skip_broken=True)) == 0


@pytest.mark.parametrize(("each", "reason"), [
    (ObjectRecord("cat", (1, 1, 5, 5), mask=SQUARE.T), r"its size is \[30, 20\], that of the image \[20, 30\]"),
    (ObjectRecord("cat", (1, 1, 5, 5), mask={"size": [2, 3], "counts": [6]}), r"its size is \[2, 3\]"),
    (ObjectRecord("cat", polygons=(TRIANGLE + 1e6,), box=(1, 1, 5, 5)), "far outside the 20x30 image"),
])  # fmt: skip
def test_a_mask_that_does_not_fit_is_refused_when_it_is_read(tmp_path, each, reason):
    with pytest.raises(BrokenFileError, match=f"notes.txt: mask of a cat in a.png: .*{reason}"):
        dataset(tmp_path, each)[0]


def test_images_that_are_not_there(tmp_path):
    records = [ImageRecord(tmp_path / f"{name}.png", (20, 30)) for name in "ab"]
    with pytest.raises(FileNotFoundError, match="none of the 2 images is there, such as .*a.png"):
        Recorded(records, ["cat"], source=tmp_path)
    dataset(tmp_path)
    with pytest.raises(BrokenFileError, match="b.png: there is no such file"):
        Recorded(records, ["cat"], source=tmp_path)[1]
    with pytest.warns(UserWarning, match="skipped 1 broken file, 1 images are left"):
        Recorded(records, ["cat"], source=tmp_path, skip_broken=True)


def test_an_image_of_another_size_is_refused_when_it_is_read(tmp_path):
    with pytest.raises(BrokenFileError, match="a.png: it is 20x30 .height x width., but its annotations say 40x60"):
        dataset(tmp_path, size=(40, 60))[0]
