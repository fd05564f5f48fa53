"""XML files of VOC's format without its lists of images, as labelImg, makesense and Roboflow arrange them."""

import pytest
from PIL import Image

from minivision.data import BrokenFileError, open_dataset


def xml(file_name, *objects, size="<size><width>30</width><height>20</height><depth>3</depth></size>"):
    boxes = "".join(
        f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin>"
        f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
        for name, difficult, (x1, y1, x2, y2) in objects
    )
    return (
        f'<?xml version="1.0"?>\n<annotation verified="yes"><filename>{file_name}</filename>{size}{boxes}</annotation>'
    )


CAT, DOG = ("cat", 0, (3, 4, 12, 15)), ("dog", 1, (1, 2, 30, 20))


def put(root, files, images, size=(30, 20)):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    for number, name in enumerate(images):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (number, 0, 0)).save(root / name)
    return f"auto:{root}"


@pytest.mark.parametrize(("file", "image", "inside"), [
    ("a.xml", "a.png", "a.png"),
    ("a.xml", "a.JPG", "photo.jpg"),  # renamed
    ("Annotations/a.xml", "JPEGImages/a.png", "a.png"),
    ("Annotations/a.xml", "images/a.png", "a"),
    ("labels/a.xml", "images/a.png", ""),
    ("xml/b.xml", "pictures/a.png", "C:\\\\photos\\\\a.png"),
    ("a.xml", "a.png", "../../../../etc/passwd"),
])  # fmt: skip
def test_the_image_of_a_file_is_found_by_name_and_inside_the_folder_alone(tmp_path, file, image, inside):
    dataset = open_dataset(put(tmp_path, {file: xml(inside, CAT, DOG)}, [image]), split="all")
    assert dataset.classes == ("background", "cat", "dog") and not dataset.has_masks
    assert dataset.image_sizes() == [(20, 30)]
    instances = dataset[0].instances
    assert instances.boxes.tolist() == [[2, 3, 12, 15], [0, 1, 30, 20]]  # VOC counts from 1, the last pixel included
    assert instances.labels.tolist() == [1, 2] and instances.crowd.tolist() == [False, True]


def test_folders_with_the_names_of_splits_are_these(tmp_path):
    files = {f"{split}/{k}.xml": xml(f"{k}.png", CAT) for split, k in (("train", 0), ("train", 1), ("valid", 0))}
    spec = put(
        tmp_path, {**files, "test/9.xml": xml("9.png", DOG)}, [*(name[:-3] + "png" for name in files), "test/9.png"]
    )
    assert [len(open_dataset(spec, split=split)) for split in ("train", "val", "valid", "test")] == [2, 1, 1, 1]
    assert open_dataset(spec, split="train").classes == ("background", "cat", "dog")  # of all splits
    assert open_dataset(spec, split="val")[0].image[0, 0, 0] == 2  # of two images 0.png, the one beside the file
    with pytest.raises(FileNotFoundError, match="no folder 'minival'; splits that are there: train, val, test"):
        open_dataset(spec, split="minival")


def test_without_such_folders_images_are_divided_by_their_names(tmp_path):
    spec = put(tmp_path, {f"{k}.xml": xml(f"{k}.png", CAT) for k in range(20)}, [f"{k}.png" for k in range(20)])
    train, val = (open_dataset(spec, split=split) for split in ("train", "val"))
    assert len(train) + len(val) == 20 and 1 <= len(val) < 10


def test_classes_txt_gives_the_order_of_the_classes(tmp_path):
    spec = put(tmp_path, {"a.xml": xml("a.png", CAT), "classes.txt": "dog\ncat\n"}, ["a.png"])
    assert open_dataset(spec, split="all").classes == ("background", "dog", "cat")


def test_pixels_that_are_counted_from_0_and_files_without_a_size(tmp_path):
    spec = put(tmp_path, {"a.xml": xml("a.png", ("cat", 0, (0, 5, 9, 8)), size="")}, ["a.png"])
    with pytest.warns(UserWarning, match="pixels are counted from 0"):
        dataset = open_dataset(spec, split="all")
    assert dataset[0].instances.boxes.tolist() == [[0, 5, 9, 8]] and dataset.image_sizes() == [(20, 30)]


def test_images_without_a_file_are_left_out_with_a_warning(tmp_path):
    spec = put(tmp_path, {"a.xml": xml("a.png")}, ["a.png", "b.png"])
    with pytest.warns(UserWarning, match="left out 1 images without an XML file: b.png"):
        assert len(open_dataset(spec, split="all")) == 1


@pytest.mark.parametrize(("content", "reason"), [
    (xml("b.png", ("cat", 0, (1, 2, "nan", 5))), "not finite"),
    (xml("b.png", ("cat", 0, (1, 2, "1e30", 5))), "far too large"),
    (xml("b.png", ("cat", 0, (1, 2, "far", 5))), "could not convert|number"),
    (xml("b.png", ("", 0, (1, 2, 3, 5))), "an object has no name"),
    (xml("b.png", ("background", 0, (1, 2, 3, 5))), "which means no object"),
    (xml("b.png")[:-5], "not XML"),
    ('<!DOCTYPE a [<!ENTITY x "y">]>' + xml("b.png", CAT).partition("\n")[2], "declares XML entities"),
    (xml("c.png", CAT).replace("b.xml", ""), "its image 'c.png' is not there"),
])  # fmt: skip
def test_a_wrong_file_is_named_and_can_be_skipped(tmp_path, content, reason):
    name = "c.xml" if "c.png" in content else "b.xml"
    spec = put(tmp_path, {"a.xml": xml("a.png", CAT), name: content}, ["a.png", "b.png"])
    with pytest.raises(BrokenFileError, match=f"{name}: .*({reason})"):
        open_dataset(spec, split="all")
    with pytest.warns(UserWarning, match="skipped 1 broken file"):
        assert len(open_dataset(spec, split="all", skip_broken=True)) == 1


def test_an_image_of_another_size_than_its_file_says_is_an_error(tmp_path):
    dataset = open_dataset(put(tmp_path, {"a.xml": xml("a.png", CAT)}, ["a.png"], size=(60, 40)), split="all")
    with pytest.raises(BrokenFileError, match="a.png: it is 40x60 .* but its annotations say 20x30"):
        dataset[0]


def test_other_xml_files_are_none(tmp_path):
    spec = put(tmp_path, {"a.xml": "<!-- 1 -->\n" + xml("a.png", CAT).partition("\n")[2]}, ["a.png"])
    for name, text in {
        "b": "<annotations/>",
        "c": "<a><annotation/></a>",
        "d": "<!-- -->" * 600,
        "e": " " * 9999,
    }.items():
        (tmp_path / f"{name}.xml").write_text(text)
    assert len(open_dataset(spec, split="all")) == 1


def test_where_no_file_can_be_used_the_reason_is_told_also_without_broken_ones(tmp_path):
    spec = put(tmp_path, {"a.xml": xml("a.png", CAT), "b.xml": xml("b.png", CAT)}, [])
    with pytest.raises(BrokenFileError, match="a.xml: its image 'a.png' is not there"):
        open_dataset(spec, split="train", skip_broken=True)
