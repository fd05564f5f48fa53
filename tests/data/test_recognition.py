"""Recognizing the format of a folder: which one is taken, the line that says so, and the error where there is none."""

import json
import logging
from pathlib import Path

import pytest
from PIL import Image

from minivision.cli.options import DATA_FORMS
from minivision.data import DataSpec, open_dataset
from minivision.data.formats import FORMATS
from minivision.data.recognition import UnknownFormatError, recognize

EXPORTS = Path(__file__).parent / "exports"
XML = (
    "<annotation><filename>a.png</filename><object><name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>4</xmax>"
    "<ymax>5</ymax></bndbox></object></annotation>"
)
COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": 8, "height": 6}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 1, 3, 4]}],
    "categories": [{"id": 1, "name": "cat"}],
}


def put(root, **files):
    """Write files: texts, JSON of dicts, or pictures of 8 x 6 pixels where the content is None."""
    for name, content in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            Image.new("L", (8, 6), 1).save(path)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return root


def kinds(root):
    return [found.kind for found in recognize(root).found]


def test_every_kind_is_named_in_the_help_and_no_kind_is_twice():
    assert all(form.kind in DATA_FORMS for form in FORMATS)
    assert len({form.kind for form in FORMATS}) == len(FORMATS)


def test_layouts_are_recognized(tmp_path):
    a = "a_dot_png"
    assert kinds(put(tmp_path / "1", a_dot_png=None, a_dot_xml=XML)) == ["voc"]
    assert kinds(put(tmp_path / "2", images__a_dot_png=None, labels__a_dot_png=None)) == ["folder"]
    assert kinds(put(tmp_path / "3", train__images__a_dot_png=None, train__labels__a_dot_png=None)) == ["folder"]
    assert kinds(put(tmp_path / "4", result_dot_json=COCO, images__a_dot_png=None)) == ["coco"]
    assert kinds(put(tmp_path / "5", a_dot_png=None, a_dot_txt="0 0.5 0.5 0.1 0.1")) == ["yolo"]
    assert kinds(put(tmp_path / "6", JPEGImages__a_dot_png=None, Annotations__a_dot_xml=XML)) == ["voc"]
    assert kinds(put(tmp_path / "7", any_dot_json=COCO, **{a: None})) == ["coco"]


def test_the_first_of_several_formats_is_taken_and_the_others_are_named(tmp_path, caplog):
    put(tmp_path, a_dot_png=None, a_dot_xml=XML, any_dot_json=COCO, a_dot_txt="0 0.5 0.5 0.1 0.1")
    assert kinds(tmp_path) == [form.kind for form in FORMATS if form.kind in ("voc", "coco", "yolo")]
    with caplog.at_level(logging.INFO, "minivision"):
        assert DataSpec.parse(f"auto:{tmp_path}").resolved() == DataSpec("voc", tmp_path)
    assert "is taken for voc (a.xml); if it is not, write coco:" in caplog.text and "or yolo:" in caplog.text


def test_what_was_opened_is_said_in_one_line(caplog):
    with caplog.at_level(logging.INFO, "minivision"):
        open_dataset(str(EXPORTS / "supervision" / "yolo-boxes"), split="val")
    (message,) = caplog.messages
    expected = "YOLO's text files (yolo:, by data.yaml), split val of train, val: 2 images, 3 objects, 3 classes"
    assert message == f"{EXPORTS / 'supervision' / 'yolo-boxes'}: {expected} (zebra, apple, traffic light)"


def test_a_folder_in_a_folder_stands_for_it(tmp_path):
    inner = tmp_path / "outer" / "more" / "inner"
    put(inner, images__train__a_dot_png=None, labels__train__a_dot_txt="0 0.5 0.5 0.1 0.1")
    (tmp_path / "outer" / "__MACOSX").mkdir()
    (tmp_path / "outer" / ".DS_Store").touch()
    assert recognize(tmp_path / "outer").root == inner
    assert DataSpec.parse(str(tmp_path / "outer")).resolved() == DataSpec("yolo", inner)


@pytest.mark.parametrize("beside", [False, True])
def test_lists_of_images_count_where_a_folder_above_them_is_given(tmp_path, beside):
    put(tmp_path / "kit" / "VOC2007", JPEGImages__a_dot_png=None, Annotations__a_dot_xml=XML)
    put(tmp_path / "kit" / "VOC2007", ImageSets__Main__train_dot_txt="a", ImageSets__Main__val_dot_txt="a")
    if not beside:
        root, found = recognize(tmp_path / "kit")
        assert root == tmp_path / "kit" / "VOC2007" and found[0].splits == ("train", "val")
    else:
        (tmp_path / "kit" / "notes").mkdir()
        with pytest.raises(UnknownFormatError, match=r"holds several datasets; name one of them: .*VOC2007 \(voc\)$"):
            recognize(tmp_path / "kit")
    with pytest.raises(FileNotFoundError, match="holds a set with ImageSets/Main, .* voc:.*VOC2007"):
        open_dataset(f"voc:{tmp_path / 'kit'}", split="train")


def test_a_description_counts_where_a_folder_above_it_is_given(tmp_path):
    label = "1 0.5 0.5 0.1 0.1"
    put(tmp_path / "out" / "set", train__a_dot_png=None, train__a_dot_txt=label, val__b_dot_png=None)
    put(tmp_path / "out" / "set", val__b_dot_txt=label, data_dot_yaml="train: train\nval: val\nnames: [cat, dog]")
    dataset = open_dataset(str(tmp_path / "out"), split="train")
    assert dataset.classes == ("background", "cat", "dog") and len(dataset) == 1


def test_a_folder_with_the_name_of_a_split_is_a_part_of_a_set(tmp_path):
    put(tmp_path / "set", train___annotations_dot_coco_dot_json=COCO, train__a_dot_png=None)
    assert recognize(tmp_path / "set").root == tmp_path / "set"


def test_several_sets_in_a_folder_are_listed(tmp_path):
    put(tmp_path / "one", images__train__a_dot_png=None, labels__train__a_dot_txt="0 0.5 0.5 0.1 0.1")
    put(tmp_path / "two", annotations__instances_train_dot_json=COCO, train__a_dot_png=None)
    put(tmp_path / "three", notes_dot_txt="words")
    expected = r"holds several datasets; name one of them: .*one \(yolo\), .*two \(coco\)$"
    with pytest.raises(UnknownFormatError, match=expected):
        recognize(tmp_path)


def test_a_folder_of_no_format_is_told_what_was_looked_for(tmp_path):
    put(tmp_path, a_dot_png=None, b_dot_png=None, notes_dot_txt="0 words", list_dot_json=[1, 2])
    with pytest.raises(UnknownFormatError, match="has 2 images and 2 JSON, XML.* is of no format") as caught:
        open_dataset(f"auto:{tmp_path}", split="train")
    assert all(form.looks_for in str(caught.value) for form in FORMATS)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        recognize(tmp_path / "nowhere")


@pytest.mark.parametrize(("name", "content"), [
    ("deep.json", "[" * 100_000), ("deep.xml", "<annotation>" + "<a>" * 10_000), ("zero.xml", ""), ("zero.json", ""),
    ("bomb.xml", '<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx">]><annotation>&x;</annotation>'), ("list.json", "[[[]]]"),
    ("data.yaml", "names: *x"), ("data.yaml", "\0"), ("data.yaml", "a: ["), ("obj.data", "train = "),
    ("a.txt", "\0 \0"), ("a.txt", "nan nan nan nan nan"), ("a.txt", "1e999 1 1 1 1"), ("a.txt", "9" * 999 + " 1 1 1 1"),
    ("labels/a.png", "x"), ("annotations/instances_train.json", "{"), ("ImageSets/Main/train.txt", ""),
    ("a.json", '{"images": 1}'),
])  # fmt: skip
def test_no_file_makes_recognition_fail_in_another_way(tmp_path, name, content):
    put(tmp_path, a_dot_png=None, images__a_dot_png=None)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(content)
    for form in FORMATS:
        form.recognize(tmp_path)
        form.recognize(tmp_path / name)
        with pytest.raises((ValueError, FileNotFoundError)):
            form.open(tmp_path, "test")


def test_folders_that_may_not_be_read_and_pipes_are_passed_by(tmp_path):
    import os

    put(tmp_path, a_dot_png=None)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.json")
        os.mkfifo(tmp_path / "pipe.xml")
        os.mkfifo(tmp_path / "data.yaml")
        os.mkfifo(tmp_path / "a.txt")
    with pytest.raises(UnknownFormatError):
        recognize(tmp_path)
