"""Reading COCO's format: small datasets are written and read again."""

import json

import numpy as np
import pytest
from PIL import Image

from minivision.data import IGNORE, BrokenFileError, in_memory, open_dataset
from minivision.data.rle import encode

SQUARE = np.zeros((20, 30), bool)
SQUARE[5:15, 10:20] = True
CROWD = np.zeros((20, 30), bool)
CROWD[0:10, 0:15] = True
POLYGON = [[20, 2, 28, 2, 28, 8, 20, 8]]


def annotation(number, image, category, box, segmentation=None, **more):
    return {
        "id": number, "image_id": image, "category_id": category, "bbox": box,
        "segmentation": POLYGON if segmentation is None else segmentation, "iscrowd": 0, **more,
    }  # fmt: skip


def content():
    uncompressed = {"size": [20, 30], "counts": []}
    flat = CROWD.T.ravel()
    ends = np.concatenate([np.flatnonzero(np.diff(flat.astype(int))) + 1, [flat.size]])
    uncompressed["counts"] = [0, *np.diff(np.concatenate([[0], ends])).tolist()]
    return {
        "images": [
            {"id": 70, "file_name": "a.png", "height": 20, "width": 30},
            {"id": 3, "file_name": "b.png", "height": 16, "width": 12},
        ],
        "categories": [{"id": 18, "name": "dog"}, {"id": 4, "name": "cat"}],
        "annotations": [
            annotation(1, 70, 18, [10, 5, 10, 10], encode(SQUARE)),
            annotation(2, 70, 4, [0, 0, 15, 10], uncompressed, iscrowd=1),
            annotation(3, 70, 4, [20, 2, 8, 6]),
        ],
    }


def write(root, data, split="train", kind="instances"):
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    (root / split).mkdir(exist_ok=True)
    (root / "annotations" / f"{kind}_{split}.json").write_text(json.dumps(data))
    for image in data["images"]:
        pixels = np.full((image["height"], image["width"], 3), image["id"], np.uint8)
        Image.fromarray(pixels).save(root / split / image["file_name"])
    return f"coco:{root}"


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
    with pytest.warns(UserWarning, match="dropped 3 boxes") as warned:
        dataset = open_dataset(spec, split="train")
    assert len(warned) == 1
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
        ([[1, 2, 3, 4]], "three corners"),
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
        dataset = open_dataset(write(tmp_path, annotated), split="train")
        assert dataset[0].instances.area is None and in_memory(dataset)[0].instances.area is None
