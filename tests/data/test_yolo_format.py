"""YOLO's text files: layouts, what lines mean, and what is refused. What real tools write is in another file."""

import numpy as np
import pytest
from PIL import Image

from minivision.data import BrokenFileError, image_size, in_memory, open_dataset
from minivision.data import images as image_files

YAML = "train: images/train\nval: images/val\nnames: [cat, dog]\n"
BOX = "1 0.5 0.5 0.5 0.25\n"  # of the dog


def write(root, labels, yaml=YAML, size=(20, 40)):
    """Write images and labels: a dict of ``train/a`` to the text of its labels, None for no file."""
    for name, text in labels.items():
        image, label = root / "images" / f"{name}.png", root / "labels" / f"{name}.txt"
        for path in (image, label):
            path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size[::-1]).save(image)
        if text is not None:
            label.write_text(text, encoding="utf-8")
    if yaml is not None:
        (root / "data.yaml").write_text(yaml, encoding="utf-8")
    return f"yolo:{root}"


def both(labels):
    """Return labels for an image of each split."""
    return {"train/a": labels, "val/b": BOX}


def test_a_box_is_given_by_its_center_in_shares_of_the_image(tmp_path):
    dataset = open_dataset(write(tmp_path, both("1 0.5 0.5 0.5 0.25\n0 0.125 0.25 0.25 0.5\n")), split="train")
    assert dataset.classes == ("background", "cat", "dog") and not dataset.has_masks
    instances = dataset[0].instances
    assert instances.labels.tolist() == [2, 1]
    assert instances.boxes.tolist() == [[10, 7.5, 30, 12.5], [0, 0, 10, 10]]  # 40 pixels wide, 20 high


def test_polygons_are_masks_and_a_file_without_them_has_none(tmp_path):
    write(tmp_path, {"train/a": "0 0.25 0.5 0.75 0.5 0.75 1 0.25 1\n", "train/b": "", "val/c": BOX})
    train, val = (open_dataset(f"yolo:{tmp_path}", split=split) for split in ("train", "val"))
    sample = train[0]
    assert sample.instances.boxes.tolist() == [[10, 10, 30, 20]]
    expected = np.zeros((20, 40), bool)
    expected[10:20, 10:30] = True
    np.testing.assert_array_equal(sample.instances.masks[0], expected)
    np.testing.assert_array_equal(sample.label_map, expected)
    assert train.has_masks and not val.has_masks


def test_boxes_and_polygons_together_are_boxes_with_a_warning(tmp_path):
    write(tmp_path, both(BOX + "0 0.25 0.5 0.75 0.5 0.75 1 0.25 1\n"))
    with pytest.warns(UserWarning, match="1 of 2 annotations have no segmentation"):
        dataset = open_dataset(f"yolo:{tmp_path}", split="train")
    assert not dataset.has_masks and len(dataset[0].instances) == 2


def test_images_without_labels_or_with_empty_ones_are_negatives(tmp_path):
    spec = write(tmp_path, {"train/a": None, "train/b": "", "train/c": " \n\n", "train/d": BOX, "val/e": BOX})
    assert [len(sample.instances) for sample in open_dataset(spec, split="train")] == [0, 0, 0, 1]


POSE = "train: images/train\nval: images/val\nnames: [person]\nkpt_shape: [3, {}]\n"


def test_joints_with_visibility(tmp_path):
    spec = write(tmp_path, both("0 0.5 0.5 0.5 0.5 0.25 0.5 2 0.75 0.5 1 0 0 0\n"), POSE.format(3))
    dataset = open_dataset(spec, split="train")
    assert dataset.keypoint_names == ("joint_1", "joint_2", "joint_3")
    assert dataset[0].instances.keypoints.tolist() == [[[10, 10, 2], [30, 10, 1], [0, 0, 0]]]


def test_joints_without_visibility_are_labeled_unless_at_the_corner_or_negative(tmp_path):
    spec = write(tmp_path, both("0 0.5 0.5 0.5 0.5 0.25 0.5 0 0 -1 -1\n"), POSE.format(2))
    assert open_dataset(spec, split="train")[0].instances.keypoints.tolist() == [[[10, 10, 2], [0, 0, 0], [0, 0, 0]]]


@pytest.mark.parametrize(("more", "names", "flip"), [
    ("", ("joint_1", "joint_2", "joint_3"), [0, 1, 2]),
    ("flip_idx: [2, 1, 0]\n", ("left_1", "joint_2", "right_1"), [2, 1, 0]),
    ("kpt_names:\n  0: [left_eye, nose, right_eye]\n", ("left_eye", "nose", "right_eye"), [2, 1, 0]),
    ("flip_idx: [2, 1, 0]\nkpt_names: [l_eye, nose, r_eye]\n", ("l_eye", "nose", "r_eye"), [2, 1, 0]),
])  # fmt: skip
def test_names_of_joints_tell_their_mirror_images(tmp_path, more, names, flip):
    spec = write(tmp_path, both("0 0.5 0.5 0.5 0.5 0.25 0.5 2 0.75 0.5 1 0 0 0\n"), POSE.format(3) + more)
    dataset = open_dataset(spec, split="train")
    assert dataset.keypoint_names == names and dataset.keypoint_flip.tolist() == flip


def test_names_that_contradict_flip_idx_are_replaced_with_a_warning(tmp_path):
    more = "flip_idx: [1, 0, 2]\nkpt_names: [left_eye, nose, right_eye]\n"
    spec = write(tmp_path, both(""), POSE.format(3) + more)
    with pytest.warns(UserWarning, match="left and right of kpt_names are not those of flip_idx|without a mirror"):
        assert open_dataset(spec, split="train").keypoint_names == ("left_1", "right_1", "joint_3")


@pytest.mark.parametrize(("line", "reason"), [
    ("2 0.5 0.5 0.1 0.1", "its class is 2, but .*data.yaml names 2, from 0 on"),
    ("-1 0.5 0.5 0.1 0.1", "should begin with the number of a class, 0, 1, ..., not -1"),
    ("0.5 0.5 0.5 0.1 0.1", "not 0.5"),
    ("nan 0.5 0.5 0.1 0.1", "not nan"),
    ("inf 0.5 0.5 0.1 0.1", "not inf"),
    ("cat 0.5 0.5 0.1 0.1", "'cat' is no number"),
    ("0 0.5 0.5 0.1", "it has 4 numbers; a box has 5, a polygon 7, 9, 11"),
    ("0 0.5 0.5 0.1 0.1 0.9", "the score of a prediction"),
    ("0 0.5 0.5 0.1 0.1 0.9 0.9 2", "8 numbers.*data.yaml needs kpt_shape"),
    ("0 12 30 40 20", "12 is no share of the image's width or height.* pixels"),
    ("0 0.5 nan 0.1 0.1", "nan is no share"),
    ("0 0.5 0.5 1e400 0.1", "inf is no share"),
    ("0 0.5 0.5 -0.1 0.1", "width or height is negative"),
    ("0 0.1 0.1 0.2 0.1 0.2 99", "the corner 99 of its polygon is far outside"),
])  # fmt: skip
def test_a_wrong_line_is_an_error_with_file_line_and_reason(tmp_path, line, reason):
    spec = write(tmp_path, {**both(f"{BOX}{line}\n"), "train/c": BOX})
    with pytest.raises(
        BrokenFileError, match=f"labels/train/a.txt: line 2.*{reason}" if "line 2" not in reason else reason
    ):
        open_dataset(spec, split="train")
    with pytest.warns(UserWarning, match=r"skipped 1 broken file, 1 images are left: a.txt \(line 2"):
        assert len(open_dataset(spec, split="train", skip_broken=True)) == 1


@pytest.mark.parametrize(("line", "reason"), [
    ("0 0.5 0.5 0.1 0.1 0.5 0.5 2 0.5 0.5 2", "it has 11 numbers, not 5 . 3 x 3 as kpt_shape says"),
    ("0 0.5 0.5 0.1 0.1 0.5 0.5 2 0.5 0.5 2 0.5 0.5 0.7", "the visibility of a joint is 0, 1 or 2, not 0.7"),
    ("0 0.5 0.5 0.1 0.1 0.5 0.5 2 0.5 0.5 2 0.5 1e9 2", "a joint is far outside"),
    ("0 0.5 0.5 0.1 0.1 0.5 0.5 2 0.5 0.5 2 0.5 nan 2", "a joint is far outside"),
])  # fmt: skip
def test_wrong_joints_are_an_error(tmp_path, line, reason):
    with pytest.raises(BrokenFileError, match=reason):
        open_dataset(write(tmp_path, both(line), POSE.format(3)), split="train")


def test_lines_that_stand_twice_are_one_object(tmp_path):
    with pytest.warns(UserWarning, match="left out 1 lines that stand above"):
        assert len(open_dataset(write(tmp_path, both(BOX + BOX)), split="train")[0].instances) == 1


@pytest.mark.parametrize(("yaml", "reason"), [
    ("train: images/train\nnames: cat\n", "names should be a list, or a map from 0 on, got 'cat'"),
    ("train: images/train\nnames: {1: cat, 2: dog}\n", "names has 2 classes, which should be 0 to 1, but none is 0"),
    ("train: images/train\nnc: 3\nnames: [cat, dog]\n", "nc is 3, but there are 2 names"),
    ("train: images/train\nnc: many\n", "nc should be the number of classes, got 'many'"),
    ("train: images/train\nnames: [cat, cat]\n", "classes 1 and 2 have the same name"),
    ("train: {a: b}\nnames: [cat]\n", "train should be a folder, a text file, or a list of these"),
    ("path: [a]\ntrain: x\nnames: [cat]\n", "path should be a text"),
    (YAML + "kpt_shape: 17\n", r"kpt_shape should be \[number of joints, 2 or 3\], got '17'"),
    (YAML + "kpt_shape: [17, 4]\n", "kpt_shape"),
    (YAML + "kpt_shape: [99999999999999999999, 3]\n", "kpt_shape"),
    (YAML + "kpt_shape: [3, 3]\nflip_idx: [0, 1]\n", "flip_idx should have each number from 0 to 2 once"),
    (YAML + "kpt_shape: [3, 3]\nflip_idx: [1, 2, 0]\n", "changes places with another, both should say so"),
    (YAML + "kpt_shape: [3, 3]\nkpt_names: [a, b]\n", "kpt_names should be 3 different names"),
    (YAML + "train: x\n", "line 4: the key 'train' stands twice"),
    ("train: images/train\nnames: *x\n", "line 2: anchors"),
])  # fmt: skip
def test_a_wrong_description_is_an_error_that_names_the_key(tmp_path, yaml, reason):
    spec = write(tmp_path, both(BOX), yaml)
    with pytest.raises(BrokenFileError, match=f"data.yaml: .*{reason}"):
        open_dataset(spec, split="train")


def test_splits_and_their_names(tmp_path):
    write(
        tmp_path,
        {"train/a": BOX, "valid/b": BOX, "valid/c": BOX},
        YAML.replace("val: images/val", "valid: images/valid"),
    )
    spec = f"yolo:{tmp_path}"
    assert [len(open_dataset(spec, split=split)) for split in ("train", "val", "valid", "validation")] == [1, 2, 2, 2]
    with pytest.raises(FileNotFoundError, match="has no split 'test'; splits that are there: train, val"):
        open_dataset(spec, split="test")


def test_one_split_alone_is_divided_by_the_names_of_its_images(tmp_path):
    spec = write(tmp_path, {f"train/{k}": BOX for k in range(20)}, "train: images/train\nnames: [cat, dog]\n")
    train, val, whole = (open_dataset(spec, split=split) for split in ("train", "val", "all"))
    assert len(train) + len(val) == len(whole) == 20 and 1 <= len(val) < 10


@pytest.mark.parametrize("places", [
    "images/train", "./images/train", "../images/train", "../set/images/train", "/elsewhere/set/images/train",
    "[images/train]", "train.txt", "list/train.txt", "C:\\data\\images\\train",
])  # fmt: skip
def test_a_split_is_a_folder_a_list_or_a_text_file_also_of_a_set_that_was_moved(tmp_path, places):
    root = tmp_path / "set"
    write(
        root, {"train/a": BOX, "train/b": BOX, "val/c": BOX}, f"train: {places}\nval: images/val\nnames: [cat, dog]\n"
    )
    (root / "list").mkdir()
    (root / "train.txt").write_text("./images/train/a.png\n/content/set/images/train/b.png\n")
    (root / "list" / "train.txt").write_text("../images/train/a.png\ndata/images/train/b.png\n")
    assert len(open_dataset(f"yolo:{root}", split="train")) == 2


def test_path_may_lead_elsewhere_and_nothing_else_may(tmp_path):
    write(tmp_path / "data", {"train/a": BOX, "val/b": BOX}, None)
    root = tmp_path / "set"
    root.mkdir()
    for path in ("../data", str(tmp_path / "data")):
        (root / "data.yaml").write_text(f"path: {path}\n{YAML}")
        assert len(open_dataset(f"yolo:{root}", split="train")) == 1
        assert len(open_dataset(f"yolo:{root}/data.yaml", split="val")) == 1
    for train in ("../data/images/train", str(tmp_path / "data" / "images" / "train"), "list.txt"):
        (root / "data.yaml").write_text(f"train: {train}\nval: {train}\nnames: [cat, dog]\n")
        (root / "list.txt").write_text(f"../data/images/train/a.png\n{tmp_path}/data/images/train/a.png\n")
        with pytest.raises((FileNotFoundError, BrokenFileError), match="there are no images|none of the"):
            open_dataset(f"yolo:{root}", split="train")


@pytest.mark.parametrize("line", ["a" * 5000 + ".png", "a\0.png", "/" * 5000, "../" * 2000 + "a.png"])
def test_a_name_that_no_file_can_have_is_a_broken_image(tmp_path, line):
    write(tmp_path, {"train/a": BOX, "val/b": BOX}, "train: train.txt\nval: images/val\nnames: [cat, dog]\n")
    (tmp_path / "train.txt").write_text(f"{line}\nimages/train/a.png\n")
    dataset = open_dataset(f"yolo:{tmp_path}", split="train")
    assert len(dataset[1].instances) == 1
    with pytest.raises(BrokenFileError, match="no such file|not an ordinary file"):
        dataset[0]


def test_a_set_that_nothing_describes_has_numbered_classes_of_all_splits(tmp_path):
    write(tmp_path, {"train/a": BOX, "val/b": "4 0.5 0.5 0.1 0.1\n"}, None)
    assert open_dataset(f"auto:{tmp_path}", split="train").classes[1:] == tuple(f"class_{k}" for k in range(5))
    (tmp_path / "classes.txt").write_text("a\nb\nc\nd\ne\n")
    assert open_dataset(f"auto:{tmp_path}", split="train").classes[1:] == ("a", "b", "c", "d", "e")


def test_darknet_as_roboflow_writes_it(tmp_path):
    for split in ("train", "valid"):
        write(tmp_path, {f"{split}/{split}": BOX}, None)
        for path in (tmp_path / "images" / split, tmp_path / "labels" / split):
            (tmp_path / split).mkdir(exist_ok=True)
            for each in path.iterdir():
                each.rename(tmp_path / split / each.name)
            path.rmdir()
        (tmp_path / split / "_darknet.labels").write_text("cat\ndog\n")
    for split in ("train", "val"):
        dataset = open_dataset(f"auto:{tmp_path}", split=split)
        assert dataset.classes == ("background", "cat", "dog") and dataset[0].instances.labels.tolist() == [2]


def test_labels_beside_the_images_and_in_a_folder_of_another_name(tmp_path):
    for folder in ("beside", "apart"):
        write(tmp_path / folder, {"a": BOX, "b": ""}, None)
    for path in (tmp_path / "beside" / "labels").iterdir():
        path.rename(tmp_path / "beside" / "images" / path.name)
    (tmp_path / "apart" / "labels").rename(tmp_path / "apart" / "marks")
    (tmp_path / "apart" / "data.yaml").write_text("train: images\nnames: [cat, dog]\n")
    for folder in ("beside", "apart"):
        assert [len(each.instances) for each in open_dataset(f"auto:{tmp_path / folder}", split="all")] == [1, 0]


def test_images_without_any_labels_are_an_error(tmp_path):
    spec = write(tmp_path, {"train/a": None, "val/b": None})
    with pytest.raises(BrokenFileError, match="none of the 1 images has a text file of labels; that of .*a.png"):
        open_dataset(spec, split="train")


def test_boxes_without_area_and_outside_are_dropped_with_a_warning(tmp_path):
    spec = write(tmp_path, both(f"{BOX}0 0.5 0.5 0 0.1\n1 1.4 0.5 0.1 0.1\n0 0.9 0.5 0.4 0.1\n"))
    with pytest.warns(UserWarning, match="dropped 2 boxes"):
        dataset = open_dataset(spec, split="train")
    np.testing.assert_allclose(dataset[0].instances.boxes, [[10, 7.5, 30, 12.5], [28, 9, 40, 11]], atol=1e-5)
    assert dataset.count_objects() == 2


def test_opening_three_thousand_images_opens_none(tmp_path, monkeypatch):
    write(tmp_path, {"train/0": BOX, "val/0": BOX})
    pixels = (tmp_path / "images" / "train" / "0.png").read_bytes()
    for k in range(1, 3000):
        (tmp_path / "images" / "train" / f"{k}.png").write_bytes(pixels)
        (tmp_path / "labels" / "train" / f"{k}.txt").write_text(BOX)
    opened = []
    original = image_files._opened.__enter__
    monkeypatch.setattr(image_files._opened, "__enter__", lambda self: opened.append(self.path) or original(self))
    dataset = open_dataset(f"auto:{tmp_path}", split="train")
    assert len(dataset) == dataset.count_objects() == 3000 and not opened
    assert len(dataset[7].instances) == 1 and len(opened) == 1
    assert image_size(tmp_path / "images" / "train" / "7.png") == (20, 40) and len(opened) == 2


def test_it_can_be_held_in_memory(tmp_path):
    kept = in_memory(open_dataset(write(tmp_path, both(BOX)), split="train"))
    assert kept[0].instances.boxes.tolist() == [[10, 7.5, 30, 12.5]] and kept.classes == ("background", "cat", "dog")


def test_a_text_file_with_a_suffix_in_capitals_counts(tmp_path):
    spec = write(tmp_path, {"train/a": BOX, "train/b": BOX, "val/c": BOX})
    (tmp_path / "labels" / "train" / "a.txt").rename(tmp_path / "labels" / "train" / "a.TXT")
    assert len(open_dataset(spec, split="train")[0].instances) == 1


@pytest.mark.parametrize("make", ["mkdir", "symlink_to"])
def test_what_has_the_name_of_a_text_file_and_is_none_is_an_error_and_no_image_without_objects(tmp_path, make):
    spec = write(tmp_path, {"train/a": BOX, "train/b": BOX, "val/c": BOX})
    path = tmp_path / "labels" / "train" / "a.txt"
    path.unlink()
    try:
        getattr(path, make)(*(["nowhere"] if make == "symlink_to" else []))
    except OSError:
        pytest.skip("no links here")
    with pytest.raises(BrokenFileError, match="a.txt: (it is not an ordinary file|there is no such file)"):
        open_dataset(spec, split="train")


def test_splits_that_are_not_where_the_description_says_are_not_taken_from_one_folder(tmp_path):
    yaml = "train: ../train/images\nval: ../valid/images\nnames: [cat, dog]\n"  # the images are in images/train
    with pytest.raises(BrokenFileError, match="train, '../train/images', and val, .* are not where it says"):
        open_dataset(write(tmp_path, both(BOX), yaml), split="train")
    (tmp_path / "data.yaml").write_text("train: images\nval: images\nnames: [cat, dog]\n", encoding="utf-8")
    assert len(open_dataset(f"yolo:{tmp_path}", split="train")) == 2  # as it says


def test_polygons_beside_the_shape_of_joints_are_told_what_to_remove(tmp_path):
    spec = write(tmp_path, both("0 0.1 0.1 0.9 0.1 0.9 0.9 0.1 0.9\n"), POSE.format(3))
    with pytest.raises(BrokenFileError, match="9 numbers, not 5 [+] 3 x 3 .*; for polygons, remove kpt_shape from"):
        open_dataset(spec, split="train")
