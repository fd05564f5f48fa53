"""Reading COCO's format: what an annotation file says of its images."""

import json

import numpy as np
import pytest
from coco_files import CROWD, POLYGON, SQUARE, annotation, content, rewrite, write
from PIL import Image

from minivision.data import IGNORE, BrokenFileError, in_memory, open_dataset
from minivision.data.rle import encode


def test_boxes_masks_labels_and_crowds(tmp_path):
    dataset = open_dataset(write(tmp_path, content()), split="train")
    assert dataset.classes == ("background", "cat", "dog")  # by category id, not by place
    assert dataset.image_sizes() == [(20, 30), (16, 12)]
    image, instances, label_map, _ = dataset[0]
    assert image.shape == (20, 30, 3) and (image == 70).all()
    assert instances.labels.tolist() == [2, 1, 1]
    assert instances.crowd.tolist() == [False, True, False]
    assert instances.boxes.tolist() == [[10, 5, 20, 15], [0, 0, 15, 10], [20, 2, 28, 8]]
    np.testing.assert_array_equal(instances.masks[0], SQUARE)
    np.testing.assert_array_equal(instances.masks[1], CROWD)
    assert instances.masks[2, 2:8, 20:28].all() and instances.masks[2].sum() == 48
    expected = np.where(CROWD, IGNORE, 0)
    expected[SQUARE] = 2  # an object in a crowd is known
    expected[instances.masks[2]] = 1
    np.testing.assert_array_equal(label_map, expected)


def test_an_image_without_objects_is_a_sample(tmp_path):
    image, instances, label_map, _ = open_dataset(write(tmp_path, content()), split="train")[1]
    assert len(instances) == 0 and instances.masks.shape == (0, 16, 12)
    assert not label_map.any() and image.shape == (16, 12, 3)
    assert len(in_memory(open_dataset(f"coco:{tmp_path}", split="train"))[1].instances) == 0


def test_where_objects_overlap_the_label_map_shows_the_smaller_one(tmp_path):
    data = content()
    small = np.zeros((20, 30), bool)
    small[7:9, 12:14] = True
    data["annotations"] = [
        annotation(1, 70, 4, [12, 7, 2, 2], encode(small)),
        annotation(2, 70, 18, [10, 5, 10, 10], encode(SQUARE)),
    ]
    label_map = open_dataset(write(tmp_path, data), split="train")[0].label_map
    assert (label_map[small] == 1).all() and (label_map[SQUARE & ~small] == 2).all()


def test_boxes_are_clipped_and_empty_ones_are_counted_in_a_warning(tmp_path):
    data = content()
    boxes = [[-5, -5, 10, 10], [25, 15, 50, 50], [3, 3, 0, 5], [40, 3, 5, 5], [3, 3, 5, -2]]
    data["annotations"] = [annotation(i, 70, 4, box) for i, box in enumerate(boxes)]
    spec = write(tmp_path, data)
    with pytest.warns(UserWarning, match="dropped 3 boxes|largely outside their images: 2") as warned:
        dataset = open_dataset(spec, split="train")
    assert sum("dropped" in str(each.message) for each in warned) == 1
    assert dataset[0].instances.boxes.tolist() == [[0, 0, 5, 5], [25, 15, 30, 20]]


def test_joints_are_points_in_their_pixels(tmp_path):
    data = content()
    data["categories"][1]["keypoints"] = ["nose", "left_ear", "right_ear"]
    data["annotations"] = [
        annotation(1, 70, 4, [1, 1, 5, 5], keypoints=[3, 4, 2, 5, 6, 1, 0, 0, 0]),
        annotation(2, 70, 18, [1, 1, 5, 5]),
    ]
    dataset = open_dataset(write(tmp_path, data, kind="person_keypoints"), split="train")
    assert dataset.keypoint_names == ("nose", "left_ear", "right_ear")
    assert dataset.keypoint_flip.tolist() == [0, 2, 1]
    keypoints = dataset[0].instances.keypoints
    assert keypoints[0].tolist() == [[3.5, 4.5, 2], [5.5, 6.5, 1], [0, 0, 0]]
    assert not keypoints[1].any()


def test_joints_of_two_categories_are_read_only_if_they_are_the_same(tmp_path):
    data = content()
    data["annotations"] = [annotation(1, 70, 4, [1, 1, 5, 5], keypoints=[3, 4, 2])]
    for each in data["categories"]:
        each["keypoints"] = ["nose"]
    assert open_dataset(write(tmp_path, data), split="train").keypoint_names == ("nose",)
    data["categories"][0]["keypoints"] = ["beak", "tail"]
    with pytest.warns(UserWarning, match="categories 4, 18 have different joints"):
        dataset = open_dataset(write(tmp_path, data), split="train")
    assert dataset.keypoint_names == () and dataset[0].instances.keypoints is None


def test_annotations_without_segmentation_give_boxes_without_masks(tmp_path):
    data = content()
    for each in data["annotations"]:
        each["segmentation"] = []
    dataset = open_dataset(write(tmp_path, data), split="train")
    assert not dataset.has_masks and not dataset.has_label_maps
    assert dataset[0].instances.masks is None
    assert (dataset[0].label_map == IGNORE).all()
    data["annotations"][0]["segmentation"] = POLYGON
    write(tmp_path, data)
    with pytest.warns(UserWarning, match="2 of 3 annotations have no segmentation"):
        assert not open_dataset(f"coco:{tmp_path}", split="train").has_masks


def test_a_split_with_a_year_is_found_and_a_wrong_split_is_an_error_that_lists_the_splits(tmp_path):
    spec = write(tmp_path, content(), split="train2017")
    assert len(open_dataset(spec, split="train")) == 2
    with pytest.raises(FileNotFoundError, match="instances_val.json; splits that are there: train2017"):
        open_dataset(spec, split="val")


def test_missing_parts_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder 'annotations'"):
        open_dataset(f"coco:{tmp_path}", split="train")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        open_dataset(f"coco:{tmp_path}/nowhere", split="train")
    with pytest.raises(ValueError, match="'coco:FOLDER'"):
        open_dataset("cocoa", split="train")
    spec = write(tmp_path, content())
    (tmp_path / "train").rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError, match="images of split 'train'"):
        open_dataset(spec, split="train")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data.pop("categories"), "no list 'categories'"),
        (lambda data: data["annotations"][0].update(image_id=5), "annotation 1 is for image 5"),
        (lambda data: data["annotations"][0].update(category_id=5), "annotation 1 is of category 5"),
        (lambda data: data["annotations"][0].pop("bbox"), "annotation 1 has no bbox"),
    ],
)
def test_an_inconsistent_file_is_an_error_that_names_the_annotation(tmp_path, damage, message):
    data = content()
    damage(data)
    with pytest.raises(BrokenFileError, match=message):
        open_dataset(write(tmp_path, data), split="train")


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ({"size": [20, 30], "counts": [3]}, "add up to 600"),
        ({"size": [30, 20], "counts": [600]}, r"its size is \[30, 20\]"),
        ([[1, 2, 3, 4, 1e6, 5]], "1e\\+06, far outside the 20x30 image"),
        ({"size": [20, 30], "counts": [2**62, 2**62, 2**62, 2**62, 600]}, "add up to"),
        ({"size": [20, 30], "counts": [10**30]}, "at most 64 bits"),
        ({"size": [20.5, 30], "counts": [600]}, "its size is"),
        ({"size": [20, 30], "counts": "oops!"}, "run lengths"),
    ],
)
def test_a_damaged_mask_names_its_annotation(tmp_path, segmentation, message):
    data = content()
    data["annotations"][2]["segmentation"] = segmentation
    dataset = open_dataset(write(tmp_path, data), split="train")
    with pytest.raises(BrokenFileError, match=f"annotation 3: .*{message}"):
        dataset[0]


def test_broken_images_are_an_error_or_left_out(tmp_path):
    spec = write(tmp_path, content())
    path = tmp_path / "train" / "a.png"
    path.write_bytes(path.read_bytes()[:60])
    dataset = open_dataset(spec, split="train")
    with pytest.raises(BrokenFileError, match="a.png"):
        dataset[0]
    with pytest.warns(UserWarning, match="skipped 1 broken file, 1 images are left: a.png"):
        dataset = open_dataset(spec, split="train", skip_broken=True)
    assert len(dataset) == len(dataset.image_sizes()) == 1 and dataset[0].image.shape == (16, 12, 3)
    path.unlink()
    with pytest.warns(UserWarning, match="no such file"):
        assert len(open_dataset(spec, split="train", skip_broken=True)) == 1


def test_areas_are_read_if_all_annotations_have_one(tmp_path):
    annotated = content()
    for number, each in enumerate(annotated["annotations"]):
        each["area"] = 100.25 + number
    dataset = open_dataset(write(tmp_path, annotated), split="train")
    for kept in (dataset, in_memory(dataset)):
        areas = np.concatenate([sample.instances.area for sample in kept])
        assert areas.dtype == np.float64
        assert sorted(areas) == [100.25 + number for number in range(len(areas))]
    for wrong in (None, "100", -1, float("nan")):
        annotated["annotations"][0]["area"] = wrong
        with pytest.warns(UserWarning, match="without an area that is a number: 1 of 3"):
            dataset = open_dataset(write(tmp_path, annotated), split="train")
        assert dataset[0].instances.area is None and in_memory(dataset)[0].instances.area is None


def test_areas_far_below_the_boxes_are_told(tmp_path):
    annotated = content()
    for each in annotated["annotations"]:
        each["area"] = 0  # as some tools write what they do not know
    with pytest.warns(UserWarning, match="areas below a hundredth of their boxes: 3 of 3"):
        open_dataset(write(tmp_path, annotated), split="train")


def test_polygons_without_area_are_left_out_and_other_spellings_of_one_are_read(tmp_path):
    corners = POLYGON[0]
    pairs = [corners[i : i + 2] for i in range(0, len(corners), 2)]
    data = content()
    data["annotations"] = [
        annotation(number, 70, 4, [20, 2, 8, 6], segmentation)
        for number, segmentation in enumerate([POLYGON, corners, pairs, [encode(SQUARE)], [[1, 2], *POLYGON]])
    ]
    with pytest.warns(UserWarning, match="left out 1 polygon of fewer than 3 corners"):
        masks = open_dataset(write(tmp_path, data), split="train")[0].instances.masks
    for mask in (masks[1], masks[2], masks[4]):
        np.testing.assert_array_equal(mask, masks[0])
    np.testing.assert_array_equal(masks[3], SQUARE)


def test_what_is_dropped_does_not_decide_about_masks_and_areas(tmp_path):
    data = content()
    for each in data["annotations"]:
        each["area"] = 10
    data["annotations"].append(annotation(9, 3, 4, [0, 0, 0, 0], []))
    with pytest.warns(UserWarning, match="dropped 1 box"):
        dataset = open_dataset(write(tmp_path, data), split="train")
    assert dataset.has_masks and dataset[0].instances.area is not None


ENTRIES = {
    "two images have the id 3": lambda data: data["images"][0].update(id=3),
    "two categories have the id 4": lambda data: data["categories"][0].update(id=4),
    "a category has the id None": lambda data: data["categories"][0].pop("id"),
    "the name of class 1 should be a text, got None": lambda data: data["categories"][1].update(name=None),
    "characters that cannot be printed": lambda data: data["categories"][1].update(name="cat\x1b[31m"),
    "entry 0 of 'categories' should be an object": lambda data: data["categories"].insert(0, "cat"),
    "keypoints of category 4 should be a list of names": lambda data: data["categories"][1].update(keypoints="nose"),
    "is of category 18, not listed as a class": lambda data: data["categories"][0].update(name="Background"),
}


@pytest.mark.parametrize("message", ENTRIES)
def test_what_concerns_all_images_is_an_error_at_opening(tmp_path, message):
    data = content()
    spec = write(tmp_path, data)
    ENTRIES[message](data)
    rewrite(tmp_path, data)
    with pytest.raises(BrokenFileError, match=message):
        open_dataset(spec, split="train")


ONE_IMAGE = {
    "image 70 has no file_name": lambda data: data["images"][0].pop("file_name"),
    "no file can have the file_name of image 70": lambda data: data["images"][0].update(file_name="a" * 300),
    "width of image 70 should be a number of pixels, got '30'": lambda data: data["images"][0].update(width="30"),
    "height of image 70": lambda data: data["images"][0].update(height=20.5),
    "annotation 1 has no bbox of four numbers": lambda data: data["annotations"][0].update(bbox=[1, 2, None, 4]),
    "annotation 1 has no bbox of four numbers, got .1, nan": lambda data: data["annotations"][0].update(
        bbox=[1, float("nan"), 3, 4]
    ),
    "annotation number 0 has no bbox": lambda data: [data["annotations"][0].pop(key) for key in ("id", "bbox")],
    "iscrowd of annotation 1 should be 0 or 1, got '0'": lambda data: data["annotations"][0].update(iscrowd="0"),
    "a polygon is a list of numbers": lambda data: data["annotations"][0].update(segmentation=[[1, 2, 3, 4, 5, None]]),
    "expected a list of polygons": lambda data: data["annotations"][0].update(segmentation=7),
    "run lengths need 'size' and 'counts'": lambda data: data["annotations"][0].update(segmentation={"size": 1}),
}


@pytest.mark.parametrize("message", ONE_IMAGE)
def test_what_concerns_one_image_is_an_error_or_leaves_that_image_out(tmp_path, message):
    data = content()
    spec = write(tmp_path, data)
    ONE_IMAGE[message](data)
    rewrite(tmp_path, data)
    with pytest.raises(BrokenFileError, match=message):
        open_dataset(spec, split="train")
    with pytest.warns(UserWarning, match=f"skipped 1 broken file, 1 images are left: .*{message}"):
        assert open_dataset(spec, split="train", skip_broken=True).image_sizes() == [(16, 12)]


def test_one_file_under_two_ids_is_told(tmp_path):
    data = content()
    data["images"][1].update(file_name="a.png", height=20, width=30)
    with pytest.warns(UserWarning, match="listed more than once: 1, such as 'a.png'"):
        assert len(open_dataset(write(tmp_path, data), split="train")) == 2


STRAY = {
    "entry 2 of 'images' should be an object .*, got 'b.png'": lambda data: data["images"].append("b.png"),
    "image 2 of the list has the id None": lambda data: data["images"].append({"file_name": "c.png"}),
    "entry 3 of 'annotations' should be an object": lambda data: data["annotations"].append(None),
    "annotation 9 is for image 5, not listed": lambda data: data["annotations"].append({"id": 9, "image_id": 5}),
    "annotation 9 is for image .3., not listed": lambda data: data["annotations"].append({"id": 9, "image_id": [3]}),
}


@pytest.mark.parametrize("message", STRAY)
def test_entries_of_no_image_are_an_error_or_left_out(tmp_path, message):
    data = content()
    spec = write(tmp_path, data)
    STRAY[message](data)
    rewrite(tmp_path, data)
    with pytest.raises(BrokenFileError, match=message):
        open_dataset(spec, split="train")
    with pytest.warns(UserWarning, match=f"2 images are left: .*{message}"):
        dataset = open_dataset(spec, split="train", skip_broken=True)
    assert len(dataset) == 2 and len(dataset[0].instances) == 3


def test_sizes_that_are_not_known_come_from_the_file_and_whole_numbers_may_be_floats(tmp_path):
    data = content()
    spec = write(tmp_path, data)
    data["images"][0].update(height=None, width=0)
    data["images"][1].update(height=16.0, width=12.0)
    rewrite(tmp_path, data)
    assert open_dataset(spec, split="train").image_sizes() == [(20, 30), (16, 12)]


def test_categories_of_one_name_are_one_class(tmp_path):
    data = content()
    data["categories"][0]["name"] = "cat"
    with pytest.warns(UserWarning, match="categories 4 and 18 are all called 'cat'"):
        dataset = open_dataset(write(tmp_path, data), split="train")
    assert dataset.classes == ("background", "cat") and dataset[0].instances.labels.tolist() == [1, 1, 1]


def test_a_set_of_crowds_alone_is_told(tmp_path):
    data = content()
    for each in data["annotations"]:
        each["iscrowd"] = 1
    with pytest.warns(UserWarning, match="3 of 3 objects are crowds"):
        open_dataset(write(tmp_path, data), split="train")


def test_boxes_on_a_photograph_that_its_camera_turned_turn_it(tmp_path):
    spec = write(tmp_path, content())
    image, exif = Image.new("RGB", (30, 20)), Image.Exif()
    exif[0x0112] = 6  # turned by a quarter: 30 high, 20 wide
    image.save(tmp_path / "train" / "a.png", exif=exif)
    data = content()
    data["annotations"] = [annotation(1, 70, 4, [2, 10, 10, 18], [])]  # reaches to y = 28
    rewrite(tmp_path, data)
    sample = open_dataset(spec, split="train")[0]
    assert sample.image.shape == (30, 20, 3) and sample.instances.boxes.tolist() == [[2, 10, 12, 28]]


@pytest.mark.parametrize("segmentation", [POLYGON, encode(SQUARE)])
def test_masks_outside_their_boxes_are_told(tmp_path, segmentation):
    data = content()
    data["annotations"][2].update(bbox=[0, 0, 5, 5], segmentation=segmentation)
    with pytest.warns(UserWarning, match="masks outside their own boxes: 1"):
        open_dataset(write(tmp_path, data), split="train")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path, encoding):
    spec = write(tmp_path, content())
    path = tmp_path / "annotations" / "instances_train.json"
    path.write_text(path.read_text(), encoding=encoding)
    assert len(open_dataset(spec, split="train")) == 2
    path.write_bytes(json.dumps({**content(), "info": "größe"}, ensure_ascii=False).encode("latin-1"))
    with pytest.raises(BrokenFileError, match="not UTF-8 text .* save it as UTF-8"):
        open_dataset(spec, split="train")


def test_a_file_that_is_nested_too_deeply_is_broken(tmp_path):
    spec = write(tmp_path, content())
    (tmp_path / "annotations" / "instances_train.json").write_text("[" * 100_000)
    with pytest.raises(BrokenFileError, match="not JSON"):
        open_dataset(spec, split="train")
