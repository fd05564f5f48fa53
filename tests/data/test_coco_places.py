"""COCO's format: where files and images lie, and which split they belong to."""

import json

import pytest
from coco_files import annotation, content, write
from PIL import Image

from minivision.data import BrokenFileError, open_dataset


@pytest.mark.parametrize("places", [
    ("set.json", "images/"), ("set.json", "data/"), ("set.json", "JPEGImages/"), ("set.json", ""),
])  # fmt: skip
def test_one_file_for_all_splits_is_divided_and_its_images_are_found(tmp_path, places):
    file, folder = places
    (tmp_path / folder).mkdir(exist_ok=True)
    names = [f"{number}.png" for number in range(6)]
    images = [{"id": n, "file_name": name, "height": 4, "width": 5} for n, name in enumerate(names)]
    (tmp_path / file).write_text(json.dumps({**content(), "images": images, "annotations": []}))
    for name in names:
        Image.new("RGB", (5, 4)).save(tmp_path / folder / name)
    for spec in (f"coco:{tmp_path}", f"coco:{tmp_path / file}"):
        assert [len(open_dataset(spec, split=split)) for split in ("train", "val", "all")] == [5, 1, 6]
        assert open_dataset(spec, split="val")[0].image.shape == (4, 5, 3)
    with pytest.raises(FileNotFoundError, match="split must be 'train', 'val' or 'all'"):
        open_dataset(f"coco:{tmp_path}", split="test")


def test_a_split_called_default_is_all_splits_unless_others_are_there(tmp_path):
    spec = write(tmp_path, content(), split="default")
    assert len(open_dataset(spec, split="default")) == 2
    assert open_dataset(spec, split="val").image_sizes() == [(16, 12)]
    assert open_dataset(spec, split="train").image_sizes() == [(20, 30)]
    write(tmp_path, content(), split="test")
    with pytest.raises(FileNotFoundError, match="splits that are there: default, test"):
        open_dataset(spec, split="train")


def test_the_folders_of_roboflow_are_read(tmp_path):
    for split in ("train", "valid"):
        write(tmp_path, content(), split=split)
        (tmp_path / "annotations" / f"instances_{split}.json").rename(tmp_path / split / "_annotations.coco.json")
    (tmp_path / "annotations").rmdir()
    assert (
        len(open_dataset(f"coco:{tmp_path}", split="val")) == len(open_dataset(f"coco:{tmp_path}", split="train")) == 2
    )
    with pytest.raises(FileNotFoundError, match="splits that are there: train, valid"):
        open_dataset(f"coco:{tmp_path}", split="test")


@pytest.mark.parametrize(
    "name", ["../../upload/1/a.png", "/etc/a.png", "..\\upload\\a.png", "train/a.png", "C:\\x\\a.png"]
)
def test_a_file_name_is_found_in_the_folders_of_the_dataset_and_never_elsewhere(tmp_path, name):
    data = content()
    spec = write(tmp_path / "set", data)
    (tmp_path / "upload" / "1").mkdir(parents=True)
    Image.new("RGB", (30, 20)).save(tmp_path / "upload" / "1" / "a.png")
    data["images"][0]["file_name"] = name
    (tmp_path / "set" / "annotations" / "instances_train.json").write_text(json.dumps(data))
    assert (open_dataset(spec, split="train")[0].image == 70).all()  # of the image in the folder
    (tmp_path / "set" / "train" / "a.png").unlink()
    with pytest.raises(BrokenFileError, match="there is no such file"):
        open_dataset(spec, split="train")[0]


def test_joints_in_a_file_of_their_own_are_told_and_opened_by_its_name(tmp_path):
    spec = write(tmp_path, content())
    joints = content()
    joints["categories"][1]["keypoints"] = ["nose"]
    write(tmp_path, joints, kind="person_keypoints")
    with pytest.warns(UserWarning, match="opened by the split 'person_keypoints_train'"):
        assert not open_dataset(spec, split="train").keypoint_names
    assert open_dataset(spec, split="person_keypoints_train").keypoint_names == ("nose",)


def set_of(name, number):
    """Return COCO's JSON of one image."""
    image = {"id": 1, "file_name": name, "height": number, "width": 9}
    return {
        "images": [image],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [annotation(1, 1, 1, [0, 0, 4, 2])],
    }


@pytest.mark.parametrize(("files", "images"), [
    (("train.json", "val.json"), ("train", "val")),
    (("annotations/train.json", "annotations/valid.json"), ("images/train", "images/valid")),
    (("annotations/training_2024.json", "annotations/validation_2024.json"), ("images", "images")),
    (("train/annotations.json", "val/annotations.json"), ("train", "val/images")),
    (("train/labels.json", "valid/labels.json"), ("train/data", "valid/data")),
])  # fmt: skip
def test_files_of_other_names_tell_their_splits_by_their_names_or_folders(tmp_path, files, images):
    for number, (file, folder) in enumerate(zip(files, images, strict=True), start=5):
        for path in (tmp_path / file, tmp_path / folder / "x"):
            path.parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(json.dumps(set_of(f"{number}.png", number)))
        Image.new("RGB", (9, number)).save(tmp_path / folder / f"{number}.png")
    for spec in (f"coco:{tmp_path}", f"auto:{tmp_path}"):
        assert [open_dataset(spec, split=split)[0].image.shape[0] for split in ("train", "val", "valid")] == [5, 6, 6]
    with pytest.raises(FileNotFoundError, match="splits that are there: train, val$"):
        open_dataset(f"coco:{tmp_path}", split="test")


def test_one_file_is_divided_by_folders_in_the_names_of_its_images(tmp_path):
    names = ["train/0.png", "set\\valid\\1.png", "train/2.png"]
    images = [{"id": n, "file_name": name, "height": 4, "width": 5} for n, name in enumerate(names)]
    (tmp_path / "result.json").write_text(json.dumps({**content(), "images": images, "annotations": []}))
    for name in ("train/0.png", "valid/1.png", "train/2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (5, 4)).save(tmp_path / name)
    assert [len(open_dataset(f"auto:{tmp_path}", split=split)) for split in ("train", "val", "all")] == [2, 1, 3]
    with pytest.raises(FileNotFoundError, match="no images in a folder 'test'; splits that are there: train, val"):
        open_dataset(f"auto:{tmp_path}", split="test")


def test_a_large_file_is_recognized_by_its_beginning_and_end(tmp_path, monkeypatch):
    from minivision.data import coco_layout

    monkeypatch.setattr(coco_layout, "LARGE", 1000)
    monkeypatch.setattr(coco_layout, "_PEEK", 100)
    path = tmp_path / "many.json"
    path.write_text(json.dumps({"images": [0] * 400, "annotations": [0] * 400, "categories": []}))
    assert coco_layout.is_coco_file(path)
    path.write_text(json.dumps({"images": [0] * 800}))
    assert not coco_layout.is_coco_file(path)
