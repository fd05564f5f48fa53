"""Files that real tools wrote, each with the same objects in its own way; see `exports/regenerate_detection.py`."""

import json
from pathlib import Path

import numpy as np
import pytest

from minivision.data import open_dataset

EXPORTS = Path(__file__).parent / "exports"
TRUTH = json.loads((EXPORTS / "detection.json").read_text(encoding="utf-8"))
NAMES = {"globox/yolo": ["class_0", "class_1", "class_2"]}  # which has no names
UNDIVIDED = ("globox/yolo", "globox/voc", "globox/coco", "pylabel/voc")
BOXES = (
    "supervision/yolo-boxes", "supervision/yolo-masks", "supervision/coco-boxes", "supervision/coco-masks",
    "ultralytics/boxes", "ultralytics/segments", "pylabel/yolo", "datumaro/yolo", "datumaro/yolo_ultralytics",
    "datumaro/coco", "globox/yolo", "globox/coco",
)  # fmt: skip
# VOC's boxes have the numbers of their first and last pixels. Tools write 0 to 3, 1 to 4 or 0 to 4 for four pixels.
ROUGH_BOXES = ("globox/voc", "pylabel/voc", "supervision/voc")
MASKS = ("supervision/yolo-masks", "supervision/coco-masks", "ultralytics/segments")
SIZE = (24, 40)


def objects_by_name(folder, split):
    """Return names of classes and boxes by the color of the image, which tells its name."""
    dataset = open_dataset(f"auto:{EXPORTS / folder}", split=split)
    numbers = {sample_number(sample): sample.instances for sample in dataset}
    assert dataset.image_sizes() == [SIZE] * len(dataset)
    return dataset, {list(TRUTH["objects"])[number]: instances for number, instances in numbers.items()}


def sample_number(sample):
    return (int(sample.image[0, 0, 0]) - 30) // 40


def expected(name):
    objects = TRUTH["objects"][name]
    boxes = [[*np.min(corners, axis=0), *np.max(corners, axis=0)] for _, corners in objects]
    return [label for label, _ in objects], np.array(boxes, float).reshape(-1, 4)


@pytest.mark.parametrize("folder", [*BOXES, *ROUGH_BOXES])
def test_classes_and_boxes_are_those_that_the_tool_was_given(folder):
    parts = {"all": list(TRUTH["objects"])} if folder in UNDIVIDED else TRUTH["splits"]
    for split, names in parts.items():
        dataset, found = objects_by_name(folder, split)
        assert sorted(found) == sorted(names)
        translated = dict(zip(NAMES.get(folder, TRUTH["names"]), TRUTH["names"], strict=True))
        assert set(dataset.classes[1:]) == set(translated)
        for name in names:
            labels, boxes = expected(name)
            assert [translated[dataset.classes[label]] for label in found[name].labels] == labels
            tolerance = 1.0 if folder in ROUGH_BOXES else 0.003  # pixels: four decimals of 40 pixels
            np.testing.assert_allclose(found[name].boxes, boxes, atol=tolerance)


@pytest.mark.parametrize("folder", MASKS)
def test_masks_are_the_polygons_that_the_tool_was_given(folder):
    for split, names in TRUTH["splits"].items():
        dataset, found = objects_by_name(folder, split)
        assert dataset.has_masks and dataset.has_label_maps
        for name in names:
            assert found[name].masks.shape == (len(TRUTH["objects"][name]), *SIZE)
            for mask, (_, corners) in zip(found[name].masks, TRUTH["objects"][name], strict=True):
                assert abs(int(mask.sum()) - area(corners)) <= 0.12 * area(corners) + 8
                x, y = np.mean(corners, axis=0).astype(int)
                assert mask[y, x]


def area(corners):
    """Return the area of a polygon by the shoelace formula."""
    x, y = np.array(corners, float).T
    return 0.5 * abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))


def test_joints_and_their_sides_are_those_that_the_tool_was_given():
    dataset, found = objects_by_name("ultralytics/pose", "all")
    assert dataset.keypoint_names == ("joint_1", "left_1", "right_1") and dataset.keypoint_flip.tolist() == [0, 2, 1]
    assert sorted(found) == sorted(TRUTH["people"])
    for name, people in TRUTH["people"].items():
        np.testing.assert_allclose(found[name].boxes, [box for box, _ in people], atol=1e-3)
        np.testing.assert_allclose(found[name].keypoints, [joints for _, joints in people], atol=1e-3)


@pytest.mark.parametrize(("folder", "kind", "splits"), [
    ("supervision/yolo-boxes", "yolo", ("train", "val")),
    ("supervision/voc", "voc", ("train", "val")),
    ("supervision/coco-boxes", "coco", ("train", "val")),
    ("ultralytics/pose", "yolo", ()),
    ("globox/yolo", "yolo", ()),
    ("globox/voc", "voc", ()),
    ("globox/coco", "coco", ()),
    ("datumaro/yolo", "yolo", ("train", "val")),
    ("datumaro/coco", "coco", ("train", "val")),
    ("datumaro/voc", "voc", ("train", "val")),
])  # fmt: skip
def test_each_is_recognized_as_one_format_alone(folder, kind, splits):
    from minivision.data.recognition import recognize

    assert [(each.kind, each.splits) for each in recognize(EXPORTS / folder).found] == [(kind, splits)]
