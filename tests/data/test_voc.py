"""Reading PASCAL VOC's format: small datasets are written and read again."""

import numpy as np
import pytest
from PIL import Image

from minivision.data import IGNORE, BrokenFileError, in_memory, open_dataset

OBJECT = (
    "<object><name>{}</name><difficult>{}</difficult><bndbox><xmin>{}</xmin><ymin>{}</ymin>"
    "<xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"
)
A = [("dog", 0, 1, 1, 30, 20), ("cat", 1, 11, 6, 20, 15)]  # the first is the whole image
B = [("ant", 0, 2, 3, 4, 5)]


def write(root, splits):
    for folder in ("ImageSets/Main", "Annotations", "JPEGImages"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for split, images in splits.items():
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text("".join(f"{name}\n" for name in images))
        for name, objects in images.items():
            text = "".join(OBJECT.format(*each) for each in objects)
            (root / "Annotations" / f"{name}.xml").write_text(f"<annotation>{text}</annotation>")
            Image.new("RGB", (30, 20), (9, 9, 9)).save(root / "JPEGImages" / f"{name}.jpg")
    return f"voc:{root}"


def test_boxes_start_at_zero_and_classes_agree_over_splits(tmp_path):
    spec = write(tmp_path, {"train": {"a": A}, "val": {"b": B}})
    train, val = open_dataset(spec, split="train"), open_dataset(spec, split="val")
    assert train.classes == val.classes == ("background", "ant", "cat", "dog")
    image, instances, label_map, _ = train[0]
    assert image.shape == (20, 30, 3)
    assert instances.boxes.tolist() == [[0, 0, 30, 20], [10, 5, 20, 15]]
    assert instances.labels.tolist() == [3, 2] and instances.crowd.tolist() == [False, True]
    assert instances.masks is None and not train.has_masks and not train.has_label_maps
    assert (label_map == IGNORE).all()
    assert train.image_sizes() == [(20, 30)]
    assert in_memory(train)[0].instances.labels.tolist() == [3, 2]


def test_label_maps_and_masks_are_read_if_there_are_any(tmp_path):
    degenerate = ("cat", 0, 5, 5, 4, 9)
    spec = write(tmp_path, {"train": {"a": [A[0], degenerate, A[1]]}, "val": {"b": B}})
    classes, numbers = np.zeros((20, 30), np.uint8), np.zeros((20, 30), np.uint8)
    classes[:4], numbers[:4] = 3, 1
    classes[5:15, 10:20], numbers[5:15, 10:20] = 2, 3
    classes[4], numbers[4] = 255, 255
    for folder, values in (("SegmentationClass", classes), ("SegmentationObject", numbers)):
        (tmp_path / folder).mkdir()
        Image.fromarray(values).save(tmp_path / folder / "a.png")
    with pytest.warns(UserWarning, match="dropped 1 box"):
        train = open_dataset(spec, split="train")
    assert train.has_masks and train.has_label_maps
    np.testing.assert_array_equal(train[0].label_map, classes)
    # the third object of the file is the second that is left
    np.testing.assert_array_equal(train[0].instances.masks, [numbers == 1, numbers == 3])
    assert not open_dataset(spec, split="val").has_label_maps

    classes[0, 0] = 9
    Image.fromarray(classes).save(tmp_path / "SegmentationClass" / "a.png")
    (tmp_path / "classes.txt").write_text("background\nant\ncat\ndog\n")
    with (
        pytest.warns(UserWarning),
        pytest.raises(BrokenFileError, match="label 9, but there are only 3 classes"),
    ):
        open_dataset(spec, split="train")[0]


def test_boxes_are_clipped_to_the_image(tmp_path):
    spec = write(tmp_path, {"train": {"a": [("cat", 0, -3, 2, 99, 99)]}})
    assert open_dataset(spec, split="train")[0].instances.boxes.tolist() == [[0, 1, 30, 20]]


def test_a_given_list_of_classes_is_used_and_checked(tmp_path):
    spec = write(tmp_path, {"train": {"a": A}})
    (tmp_path / "classes.txt").write_text("zebra\ndog\ncat\n")
    dataset = open_dataset(spec, split="train")
    assert dataset.classes == ("background", "zebra", "dog", "cat")
    assert dataset[0].instances.labels.tolist() == [2, 3]
    (tmp_path / "classes.txt").write_text("dog\n")
    with pytest.raises(ValueError, match="lacks names that the annotations have: cat"):
        open_dataset(spec, split="train")


def test_missing_parts_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="ImageSets/Main"):
        open_dataset(f"voc:{tmp_path}", split="train")
    spec = write(tmp_path, {"train": {"a": A}, "val": {"b": B}})
    with pytest.raises(FileNotFoundError, match="splits that are there: train, val"):
        open_dataset(spec, split="test")
    (tmp_path / "JPEGImages").rename(tmp_path / "Images")
    with pytest.raises(FileNotFoundError, match="no folder 'JPEGImages'"):
        open_dataset(spec, split="train")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<annotation><object>", "no element found"),
        ("<annotation>" + OBJECT.format("background", 0, 1, 1, 2, 3) + "</annotation>", "rename the class"),
        ("<annotation><size><width>31</width><height>20</height></size></annotation>", "its annotation says 20x31"),
        ("<annotation><object/></annotation>", "has no name"),
        (
            "<annotation><object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax></bndbox>"
            "</object></annotation>",
            "no ymax",
        ),
        ("<annotation>" + OBJECT.format("cat", 0, "one", 1, 2, 3) + "</annotation>", "one"),
    ],
)
def test_a_broken_annotation_is_named_or_left_out(tmp_path, text, message):
    spec = write(tmp_path, {"train": {"a": A, "b": B}})
    (tmp_path / "Annotations" / "a.xml").write_text(text)
    with pytest.raises(BrokenFileError, match=f"a.(xml|jpg).*{message}"):
        open_dataset(spec, split="train")
    with pytest.warns(UserWarning, match="skipped 1 broken file, 1 images are left: a"):
        assert len(open_dataset(spec, split="train", skip_broken=True)) == 1


def test_missing_and_broken_images_are_left_out(tmp_path):
    spec = write(tmp_path, {"train": {"a": A, "b": B, "c": B}})
    (tmp_path / "JPEGImages" / "a.jpg").unlink()
    data = (tmp_path / "JPEGImages" / "b.jpg").read_bytes()
    (tmp_path / "JPEGImages" / "b.jpg").write_bytes(data[: len(data) - 80])
    with pytest.raises(BrokenFileError, match="a.jpg: there is no such file"):
        open_dataset(spec, split="train")
    with pytest.warns(UserWarning, match="skipped 2 broken files, 1 images are left: .*a.jpg.*b.jpg"):
        dataset = open_dataset(spec, split="train", skip_broken=True)
    assert len(dataset) == 1 and dataset[0].instances.labels.tolist() == [1]


def test_images_without_annotation_are_left_out_with_a_warning(tmp_path):
    spec = write(tmp_path, {"train": {"a": A, "b": B, "c": B}})
    for name in "bc":
        (tmp_path / "Annotations" / f"{name}.xml").unlink()
    with pytest.warns(UserWarning, match="left out 2 images without an XML file: b, c"):
        assert len(open_dataset(spec, split="train")) == 1
    (tmp_path / "Annotations" / "a.xml").unlink()
    with pytest.raises(BrokenFileError, match="none of the 3 images of the split has an XML file"):
        open_dataset(spec, split="train")


BOX = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox>"


@pytest.mark.parametrize("attack", ["billion laughs", "quadratic", "external file", "external parameter"])
def test_a_malicious_annotation_can_neither_expand_entities_nor_read_files(tmp_path, attack):
    (tmp_path / "secret.txt").write_text("cat")
    secret = (tmp_path / "secret.txt").as_uri()
    laughs = '<!ENTITY l0 "ha">' + "".join(f'<!ENTITY l{k} "{f"&l{k - 1};" * 10}">' for k in range(1, 10))
    declarations, text = {
        "billion laughs": (laughs, "&l9;"),
        "quadratic": (f'<!ENTITY long "{"ha" * 50_000}">', "&long;" * 5_000),
        "external file": (f'<!ENTITY x SYSTEM "{secret}">', "&x;"),
        "external parameter": (f'<!ENTITY % x SYSTEM "{secret}"> %x;', "cat"),
    }[attack]
    spec = write(tmp_path, {"train": {"a": A, "b": B}})
    (tmp_path / "Annotations" / "a.xml").write_text(
        f"<!DOCTYPE annotation [{declarations}]><annotation><object><name>{text}</name>{BOX}</object></annotation>"
    )
    with pytest.raises(BrokenFileError, match="a.xml: it declares XML entities.*remove its DOCTYPE"):
        open_dataset(spec, split="train")
    with pytest.warns(UserWarning, match="skipped 1 broken file, 1 images are left: a.xml"):
        assert len(open_dataset(spec, split="train", skip_broken=True)) == 1


def test_a_doctype_without_entities_is_accepted_and_not_downloaded(tmp_path):
    spec = write(tmp_path, {"train": {"a": A}})
    path = tmp_path / "Annotations" / "a.xml"
    path.write_text('<!DOCTYPE annotation SYSTEM "http://localhost:9/voc.dtd">' + path.read_text())
    assert len(open_dataset(spec, split="train")[0].instances) == 2


@pytest.mark.parametrize("encoding", ["klingon", "big5"])
def test_an_encoding_that_cannot_be_read_is_a_broken_file(tmp_path, encoding):
    spec = write(tmp_path, {"train": {"a": A}})
    (tmp_path / "Annotations" / "a.xml").write_text(f'<?xml version="1.0" encoding="{encoding}"?><annotation/>')
    with pytest.raises(BrokenFileError, match="a.xml: not XML: .*encoding"):
        open_dataset(spec, split="train")


def test_objects_without_a_box_are_left_out_and_counted(tmp_path):
    spec = write(tmp_path, {"train": {"a": A, "b": B}})
    path = tmp_path / "Annotations" / "a.xml"
    path.write_text(path.read_text().replace("<annotation>", "<annotation><object><name>dog</name></object>"))
    with pytest.warns(UserWarning, match="left out 1 objects without bndbox"):
        assert open_dataset(spec, split="train")[0].instances.labels.tolist() == [3, 2]


def test_a_box_that_begins_at_zero_shows_that_pixels_are_counted_from_zero(tmp_path):
    spec = write(tmp_path, {"train": {"a": [("dog", 0, 0, 1, 30, 20), ("cat", 0, 10, 5, 20, 15)]}, "val": {"b": B}})
    with pytest.warns(UserWarning, match="1 of 3 boxes begin at 0"):
        train = open_dataset(spec, split="train")
    assert train[0].instances.boxes.tolist() == [[0, 1, 30, 20], [10, 5, 20, 15]]
    with pytest.warns(UserWarning, match="1 of 3"):  # all splits alike
        assert open_dataset(spec, split="val")[0].instances.boxes.tolist() == [[2, 3, 4, 5]]


def test_names_have_spaces_folders_and_suffixes_in_any_case_and_flags_are_no_part_of_them(tmp_path):
    names = ["blood cell (1)", "blood cell", "sub/two 1"]
    for part in ("Annotations/sub", "JPEGImages/sub"):
        (tmp_path / part).mkdir(parents=True)
    spec = write(tmp_path, {"train": {name: A for name in names}})
    for number, name in enumerate(names):
        (tmp_path / "Annotations" / f"{name}.xml").rename(tmp_path / "Annotations" / f"{name}.XML")
        (tmp_path / "JPEGImages" / f"{name}.jpg").unlink()
        Image.new("RGB", (30, 20), (60 * number, 0, 0)).save(tmp_path / "JPEGImages" / f"{name}.Jpeg", quality=100)
    (tmp_path / "ImageSets" / "Main" / "cat_train.txt").write_text("".join(f"{name}  -1\n" for name in names[:2]))
    for split, count in (("train", 3), ("cat_train", 2)):
        dataset = open_dataset(spec, split=split)
        assert [round(int(sample.image.max()) / 60) for sample in dataset] == list(range(count))
    (tmp_path / "ImageSets" / "Main" / "twice.txt").write_text("blood cell\nblood cell\n")
    with pytest.warns(UserWarning, match="left out 1 lines that name an image once more"):
        assert len(open_dataset(spec, split="twice")) == 1


def test_hidden_files_are_no_data(tmp_path):
    spec = write(tmp_path, {"train": {"a": A}})
    for path in ("Annotations/._a.xml", "JPEGImages/._a.jpg", "ImageSets/Main/._train.txt"):
        (tmp_path / path).write_bytes(b"\x00\x05\x16\x07")
    assert len(open_dataset(spec, split="train")) == 1


LISTS = {
    "classes.txt": "\ufeffbackground\ndog\ncat\nant\n",
    "class_names.txt": "__ignore__\n_background_\ndog\ncat\nant\n",
    "labelmap.txt": "# label:color_rgb:parts:actions\nbackground:::\ndog:::\ncat:::\nant:::\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_the_order_of_the_classes_is_that_of_a_file(tmp_path, name):
    spec = write(tmp_path, {"train": {"a": A, "b": B}})
    (tmp_path / name).write_text(LISTS[name], encoding="utf-8")
    assert open_dataset(spec, split="train").classes == ("background", "dog", "cat", "ant")
    (tmp_path / name).write_text(LISTS[name].replace("cat", "dog"), encoding="utf-8")
    with pytest.raises(BrokenFileError, match="classes 1 and 2 have the same name, 'dog'"):
        open_dataset(spec, split="train")


def write_maps(root, classes, objects):
    for folder, pixels in (("SegmentationClass", classes), ("SegmentationObject", objects)):
        (root / folder).mkdir()
        Image.fromarray(pixels).save(root / folder / "a.PNG")


def test_label_maps_in_colors_are_read_by_the_list_of_colors_and_by_the_palette(tmp_path):
    spec = write(tmp_path, {"train": {"a": A}})
    colors = np.zeros((20, 30, 3), np.uint8)
    colors[5:15, 10:20] = (48, 112, 32)
    objects = np.zeros((20, 30, 3), np.uint8)
    objects[5:15, 10:20] = (0, 128, 0)  # 2 in VOC's palette
    write_maps(tmp_path, colors, objects)
    with pytest.warns(UserWarning, match=r"its color \(48, 112, 32\) belongs to no class.*no mask"):
        assert not open_dataset(spec, split="train").has_masks  # boxes can be used
    (tmp_path / "labelmap.txt").write_text("background:0,0,0::\ndog:1,2,3::\ncat:48,112,32::\n")
    train = open_dataset(spec, split="train")
    assert train.has_masks and train.has_label_maps
    np.testing.assert_array_equal(train[0].label_map, np.where(colors[..., 0] > 0, 2, 0))
    np.testing.assert_array_equal(train[0].instances.masks[1], colors[..., 0] > 0)


@pytest.mark.parametrize("white", [0, 255])
def test_label_maps_without_any_object_are_not_used(tmp_path, white):
    spec = write(tmp_path, {"train": {"a": A}, "val": {"b": []}})
    mask = np.zeros((20, 30), np.uint8)
    mask[5:15, 10:20] = white
    write_maps(tmp_path, mask, mask)
    with pytest.warns(
        UserWarning, match="Segmentation(Class|Object): the only values of its 1 label maps are 0"
    ) as told:
        train = open_dataset(spec, split="train")
    assert len(told) == 2 and not train.has_masks and not train.has_label_maps
    assert train[0].instances.labels.tolist() == [2, 1]  # boxes can be used


def test_masks_in_another_order_than_the_boxes_are_matched_by_position(tmp_path):
    spec = write(tmp_path, {"train": {"a": [("dog", 0, 1, 1, 5, 5), ("cat", 0, 11, 6, 20, 15)]}})
    numbers = np.zeros((20, 30), np.uint8)
    numbers[:5, :5], numbers[5:15, 10:20] = 2, 1
    write_maps(tmp_path, numbers, numbers)
    train = open_dataset(spec, split="train")
    with pytest.warns(UserWarning, match="numbered in another order"):
        masks = train[0].instances.masks
    np.testing.assert_array_equal(masks, [numbers == 2, numbers == 1])


def test_a_size_without_the_orientation_of_the_camera_leaves_the_picture_unturned(tmp_path):
    spec = write(tmp_path, {"train": {"a": A}})
    path = tmp_path / "Annotations" / "a.xml"
    size = "<annotation><size><width>{}</width><height>{}</height></size>"
    text, exif = path.read_text(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20)).save(tmp_path / "JPEGImages" / "a.jpg", exif=exif)
    for sides, shape in (((30, 20), (20, 30, 3)), ((20, 30), (30, 20, 3)), ((0, 0), (30, 20, 3))):
        path.write_text(text.replace("<annotation>", size.format(*sides)))
        assert open_dataset(spec, split="train")[0].image.shape == shape


def test_a_list_called_valid_is_for_validation(tmp_path):
    spec = write(tmp_path, {"train": {"a": A}, "valid": {"b": A}})
    assert len(open_dataset(spec, split="val")) == len(open_dataset(spec, split="valid")) == 1
