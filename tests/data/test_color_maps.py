"""Label maps in colors: those that Datumaro wrote, the arrangements of folders, tables and maps that are wrong."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minivision.data import BrokenFileError, open_dataset
from minivision.data.color_table import read_color_table
from minivision.data.formats.color_maps import ColorMaps, recognize

EXPORT = Path(__file__).parent / "exports" / "camvid"
SKY, ROAD, VOID = (128, 128, 128), (128, 64, 128), (0, 0, 0)
DICT = "name, r, g, b\nSky,128,128,128\nRoad,128,64,128\nVoid,0,0,0\n"


def color_map(*colors):
    """Return a label map of 3 x 2 pixels for each color, side by side."""
    return np.concatenate([np.full((2, 3, 3), color, np.uint8) for color in colors], axis=1)


def write(root, images, labels, *names, end="", colors=(SKY, ROAD, VOID), table="class_dict.csv", text=DICT):
    for folder in (images, labels):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.new("RGB", (3 * len(colors), 2)).save(root / images / f"{name}.png")
        Image.fromarray(color_map(*colors)).save(root / labels / f"{name}{end}.png")
    (root / table).write_text(text)
    return root


def test_camvid_as_datumaro_writes_it():
    assert recognize(EXPORT).splits == ("train", "val")
    dataset = ColorMaps(EXPORT, "train")
    assert dataset.classes == ("background", "Sky", "Road") and len(dataset) == 2
    assert not dataset.has_boxes and dataset.has_label_maps
    for number, sample in enumerate(dataset):
        expected = np.full((24, 40), 1)
        expected[6:18, 10:30] = 2
        expected[:, 30 + number :] = 255  # Void
        assert (sample.label_map == expected).all()
        assert sample.image[0, 0].tolist() == [30 + 40 * number, 60, 90]


ARRANGEMENTS = {
    "the name of the split in front": ("train/images", "train/labels", ""),
    "the name of the split behind": ("images/train", "masks/train", "_mask"),
    "labels beside": ("train", "train_labels", "_L"),
    "annot": ("train", "trainannot", ""),
    "no splits": ("images", "masks", "_label"),
    "CVAT's masks": ("JPEGImages", "SegmentationClass", ""),
    "CamVid's own": ("701_StillsRaw_full", "LabeledApproved_full", "_L"),
}


@pytest.mark.parametrize("what", ARRANGEMENTS)
def test_arrangements_of_folders(tmp_path, what):
    images, labels, end = ARRANGEMENTS[what]
    write(tmp_path, images, labels, "a", "b", "c", "d", end=end)
    found, divided = recognize(tmp_path), "train" in images
    assert found.splits == (("train",) if divided else ())
    dataset = open_dataset(tmp_path, split="train" if divided else "all")
    assert type(dataset) is ColorMaps and len(dataset) == 4
    assert dataset[0].label_map[0].tolist() == [1] * 3 + [2] * 3 + [255] * 3
    with pytest.raises(FileNotFoundError, match="those that are there: train|split must be"):
        ColorMaps(tmp_path, "test")


def test_lists_of_names_divide_what_lies_together(tmp_path):
    write(tmp_path, "JPEGImages", "SegmentationClass", "a", "b", "c")
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\nc\n")
    (lists / "val.txt").write_text("b\n")
    assert recognize(tmp_path).splits == ("train", "val")
    assert [len(ColorMaps(tmp_path, split)) for split in ("train", "val", "all")] == [2, 1, 3]


TABLES = {
    "label_colors.txt": "# colors\n128 128 128\tSky\n128\t64\t128\tRoad side\n0 0 0 background\n",
    "class_dict.csv": "Name,R,G,B\nSky,128,128,128\nRoad side,128,64,128\nbackground,0,0,0\n\n",
    "labelmap.txt": "# label:color_rgb:parts:actions\nbackground:0,0,0::\nSky:128,128,128::\nRoad side:128,64,128::\n",
}


@pytest.mark.parametrize("name", TABLES)
def test_tables(tmp_path, name):
    write(tmp_path, "images", "labels", "a", table=name, text=TABLES[name])
    table = read_color_table(tmp_path)
    assert table.classes == ("background", "Sky", "Road side")
    assert ColorMaps(tmp_path, "val")[0].label_map[0].tolist() == [1] * 3 + [2] * 3 + [0] * 3


def test_gray_maps_have_the_numbers_of_lines(tmp_path):
    write(tmp_path, "images", "labels", "a", colors=((0, 0, 0), (1, 1, 1), (2, 2, 2)))
    assert ColorMaps(tmp_path, "val")[0].label_map[0].tolist() == [1] * 3 + [2] * 3 + [255] * 3
    write(tmp_path, "images", "labels", "a", colors=((0, 0, 0), (1, 1, 1), (3, 3, 3)))
    with pytest.raises(BrokenFileError, match=r"color \(1, 1, 1\) belongs to no class; list it in class_dict.csv"):
        ColorMaps(tmp_path, "val")[0]


def test_a_palette_is_read_by_its_colors(tmp_path):
    write(tmp_path, "images", "labels", "a")
    image = Image.fromarray(np.repeat(np.uint8([[7, 3, 0]]), 3, axis=1).repeat(2, axis=0), "P")
    palette = np.zeros((256, 3), np.uint8)
    palette[7], palette[3] = ROAD, SKY
    image.putpalette(palette.ravel().tolist())
    image.save(tmp_path / "labels" / "a.png")
    assert ColorMaps(tmp_path, "val")[0].label_map[0].tolist() == [2] * 3 + [1] * 3 + [255] * 3


def test_a_color_that_is_not_listed(tmp_path):
    write(tmp_path, "images", "labels", "a", "b")
    write(tmp_path, "images", "labels", "a", colors=(SKY, (64, 128, 128), VOID))
    with pytest.raises(BrokenFileError, match=r"a.png.*color \(64, 128, 128\).*not listed: 6; are they mixed"):
        ColorMaps(tmp_path, "all")[0]
    with pytest.warns(UserWarning, match="skipped 1 broken file"):
        assert len(ColorMaps(tmp_path, "all", skip_broken=True)) == 1
    (tmp_path / "labels" / "b.png").unlink()
    with pytest.raises(BrokenFileError, match="label map b.png is not in"):
        ColorMaps(tmp_path, "all")


WRONG = {
    "no header": ("class_dict.csv", "Sky,1,2,3\n", "columns name, r, g and b"),
    "nothing": ("class_dict.csv", "", "columns name"),
    "no class": ("label_colors.txt", "# nothing\n", "lists no class with its color"),
    "a short line": ("class_dict.csv", "name,r,g,b\nSky,1,2\n", "color of 'Sky' should be three integers"),
    "too large": ("class_dict.csv", "name,r,g,b\nSky,1,2,256\n", "color of 'Sky' should be from 0 to 255"),
    "no number": ("label_colors.txt", "1 2 nan Sky\n", "color of 'Sky' should be three integers"),
    "no name": ("label_colors.txt", "1 2 3\n", "red green blue name"),
    "one color twice": ("label_colors.txt", "1 2 3 Sky\n1 2 3 Road\n", r"color \(1, 2, 3\).*'Road'"),
    "one name twice": ("label_colors.txt", "1 2 3 Sky\n1 2 4 Sky\n", "same name, 'Sky'"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_tables(tmp_path, what):
    name, text, message = WRONG[what]
    write(tmp_path, "images", "labels", "a", table=name, text=text)
    assert recognize(tmp_path).evidence == name
    with pytest.raises(BrokenFileError, match=message) as caught:
        ColorMaps(tmp_path, "val")
    assert caught.value.path == tmp_path / name


def test_folders_without_table_or_maps(tmp_path):
    write(tmp_path / "a", "images", "labels", "a", table="other.txt")
    assert recognize(tmp_path / "a") is None
    with pytest.raises(FileNotFoundError, match="no table of the colors"):
        ColorMaps(tmp_path / "a", "val")
    write(tmp_path / "b", "pictures", "labels", "a")
    assert recognize(tmp_path / "b") is None
    with pytest.raises(FileNotFoundError, match="no folders of images and of label maps"):
        ColorMaps(tmp_path / "b", "val")
