"""Predictions in files for other tools, read again by these tools' own readers or by a few lines of a test."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minivision.data import rle
from minivision.data.instances import Instances
from minivision.data.prediction_files import WRITERS, PredictedImage, prediction_writer

CLASSES = ("background", "cat", 'a "dog": 2')
JOINTS = ("nose", "left_ear", "right_ear")
HEIGHT, WIDTH = 30, 41


def make_instances(rng, masks=True, joints=True, count=4):
    x, y = np.sort(rng.uniform(0, WIDTH, (count, 2))), np.sort(rng.uniform(0, HEIGHT, (count, 2)))
    grid_y, grid_x = np.mgrid[:HEIGHT, :WIDTH]
    disks = [np.hypot(grid_y - 12 - k, grid_x - 15) < 5 + k for k in range(count)]
    disks[1][10:13, 14:16] = False  # a hole
    disks[2][:, 15] = False  # two parts
    keypoints = np.concatenate([rng.uniform(1, 29, (count, 3, 2)), np.full((count, 3, 1), 2)], axis=2)
    keypoints[0, 1] = 0  # absent
    keypoints[0, 2, 2] = 1  # hidden
    keypoints[1, 0, :2] = WIDTH + 3, 5  # outside
    return Instances(
        np.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], axis=1),
        rng.integers(1, 3, count),
        scores=rng.random(count),
        masks=np.array(disks) if masks else None,
        keypoints=keypoints if joints else None,
    )


@pytest.fixture
def written(tmp_path, rng):
    """Write a format; returns the folder and the objects of the two images, of which the second has none."""

    def write(name, settle=lambda writer: None, **options):
        paths = [tmp_path / "photos" / "a b.png", tmp_path / "photos" / "ü.png"]
        paths[0].parent.mkdir()
        writer = prediction_writer(name, tmp_path / "out", CLASSES, JOINTS if options.get("joints", True) else ())
        settle(writer)
        instances = make_instances(rng, **options)
        for path, each in zip(paths, (instances, instances[[]]), strict=True):
            Image.new("RGB", (WIDTH, HEIGHT)).save(path)
            writer.add(PredictedImage(path, path.stem, (HEIGHT, WIDTH)), each)
        writer.finish()
        return tmp_path / "out", instances

    return write


def test_pycocotools_loads_the_results_with_the_list_of_images(written):
    api, mask_api = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.mask")
    folder, instances = written("coco")
    truth = api.COCO(str(folder / "coco-images.json"))
    assert [each["file_name"] for each in truth.loadImgs([1, 2])] == ["a b.png", "ü.png"]
    assert [each["name"] for each in truth.loadCats([1, 2])] == list(CLASSES[1:])
    boxes = truth.loadRes(str(folder / "coco-results.json")).loadAnns(range(1, 5))
    x1y1wh = np.concatenate([instances.boxes[:, :2], instances.boxes[:, 2:] - instances.boxes[:, :2]], axis=1)
    np.testing.assert_allclose([each["bbox"] for each in boxes], x1y1wh, atol=6e-5)
    assert [each["category_id"] for each in boxes] == instances.labels.tolist()
    assert np.array([each["score"] for each in boxes], np.float32).tolist() == instances.scores.tolist()
    masks = truth.loadRes(str(folder / "coco-results-masks.json")).loadAnns(range(1, 5))
    for each, mask in zip(masks, instances.masks, strict=True):
        np.testing.assert_array_equal(mask_api.decode(each["segmentation"]).astype(bool), mask)
    joints = truth.loadRes(str(folder / "coco-results-joints.json")).loadAnns(range(1, 5))
    np.testing.assert_allclose(
        np.reshape([each["keypoints"] for each in joints], (4, 3, 3)), instances.keypoints - [0.5, 0.5, 0], atol=6e-3
    )


def test_ids_of_annotations_take_the_place_of_a_list(written, tmp_path):
    image_ids = {tmp_path / "photos" / "a b.png": 70, tmp_path / "photos" / "ü.png": 5}
    folder, instances = written("coco", lambda writer: writer.use_ids(image_ids, [30, 40]))
    results = json.loads((folder / "coco-results.json").read_text())
    assert {each["image_id"] for each in results} == {70} and not (folder / "coco-images.json").exists()
    assert [each["category_id"] for each in results] == [(30, 40)[label - 1] for label in instances.labels]


def lines(path):
    return [list(map(float, line.split())) for line in path.read_text().splitlines()]


def test_yolo_lines_give_boxes_masks_and_joints_back(written):
    folder, instances = written("yolo")
    sides = np.array([WIDTH, HEIGHT])
    boxes, masks, joints = (lines(folder / kind / "a b.txt") for kind in ("labels", "labels-segment", "labels-pose"))
    for k in range(4):
        (label, *numbers), (x1, y1, x2, y2) = boxes[k], instances.boxes[k].astype(float)
        assert label == instances.labels[k] - 1 and len(numbers) == 4
        expected = [(x1 + x2) / 2 / WIDTH, (y1 + y2) / 2 / HEIGHT, (x2 - x1) / WIDTH, (y2 - y1) / HEIGHT]
        np.testing.assert_allclose(numbers, expected, atol=1e-9)
        polygon = np.reshape(masks[k][1:], (-1, 2)) * sides
        np.testing.assert_array_equal(rle.polygons_to_mask([polygon.ravel()], (HEIGHT, WIDTH)), instances.masks[k])
        assert joints[k][:5] == boxes[k] and len(joints[k]) == 5 + 9
    points = np.reshape([line[5:] for line in joints], (4, 3, 3))
    assert points[0, 1].tolist() == points[1, 0].tolist() == [0, 0, 0]  # absent, outside
    assert points[0, 2, 2] == 1 and points[2, 2, 2] == 2
    np.testing.assert_allclose(points[2, :, :2] * sides, instances.keypoints[2, :, :2], atol=1e-5)
    assert [(folder / kind / "ü.txt").read_text() for kind in ("labels", "labels-segment", "labels-pose")] == [""] * 3
    assert (folder / "data.yaml").read_text(encoding="utf-8").splitlines() == [
        "names:", '  0: "cat"', '  1: "a \\"dog\\": 2"', "kpt_shape: [3, 3]", "flip_idx: [0, 2, 1]",
    ]  # fmt: skip


def test_yolo_lines_may_end_with_the_score_and_boxes_are_clipped(tmp_path):
    writer = prediction_writer("yolo", tmp_path, CLASSES)
    writer.scores = True
    objects = Instances([[-5, -5, 10, 15], [50, 0, 60, 5]], [1, 2], scores=[0.75, 0.5])
    writer.add(PredictedImage(tmp_path / "a.png", "a", (20, 20)), objects)
    assert (tmp_path / "labels" / "a.txt").read_text() == "0 0.25 0.375 0.5 0.75 0.75\n"  # the other one is outside


def test_the_names_are_yaml(written):
    yaml = pytest.importorskip("yaml")
    folder, _ = written("yolo", joints=False)
    assert yaml.safe_load((folder / "data.yaml").read_text(encoding="utf-8")) == {"names": {0: "cat", 1: CLASSES[2]}}


def test_labelme_shapes_are_polygons_masks_with_holes_and_points_of_one_group(written):
    folder, instances = written("labelme")
    content = json.loads((folder / "a b.json").read_text(encoding="utf-8"))
    assert content["imagePath"] == "../photos/a b.png" and (content["imageHeight"], content["imageWidth"]) == (30, 41)
    groups = [[shape for shape in content["shapes"] if shape["group_id"] == k + 1] for k in range(4)]
    kinds = [[shape["shape_type"] for shape in group] for group in groups]
    points = ["point"] * 3
    assert kinds == [["polygon", *points[:2]], ["mask", *points], ["polygon", "polygon", *points], ["polygon", *points]]
    for group, label, score in zip(groups, instances.labels, instances.scores, strict=True):
        assert group[0]["label"] == CLASSES[label] and np.float32(group[0]["score"]) == score
        assert group[0]["description"] == f"score {score:.3f}"
    assert [shape["flags"] for shape in groups[0]] == [{}, {}, {"hidden": True}]
    np.testing.assert_allclose(groups[3][2]["points"][0], instances.keypoints[3, 1, :2], atol=6e-4)
    assert json.loads((folder / "ü.json").read_text(encoding="utf-8"))["shapes"] == []


def test_labelme_reads_the_files_and_sees_nearly_the_same_masks(written):
    label_file = pytest.importorskip("labelme._label_file")
    folder, instances = written("labelme")
    read = label_file.LabelFile(str(folder / "a b.json"))
    assert len(read.shapes) == 4 + 1 + 11 and read.image_path == "../photos/a b.png" and len(read.image_data) > 50
    for k, mask in enumerate(instances.masks):
        shapes = [shape for shape in read.shapes if shape["group_id"] == k + 1 and shape["shape_type"] != "point"]
        if shapes[0]["mask"] is not None:
            (left, top), (right, bottom) = np.array(shapes[0]["points"], int)
            seen = np.zeros((HEIGHT, WIDTH), bool)
            seen[top : bottom + 1, left : right + 1] = shapes[0]["mask"]
            np.testing.assert_array_equal(seen, mask)
        else:
            seen = rle.polygons_to_mask([np.ravel(shape["points"]) for shape in shapes], (HEIGHT, WIDTH))
            assert (seen & mask).sum() / (seen | mask).sum() > 0.9
    assert label_file.LabelFile(str(folder / "ü.json")).shapes == []


def test_labelme_draws_rectangles_without_masks_and_refuses_to_overwrite(written, tmp_path):
    folder, instances = written("labelme", masks=False, joints=False)
    shapes = json.loads((folder / "a b.json").read_text())["shapes"]
    assert [shape["shape_type"] for shape in shapes] == ["rectangle"] * 4
    assert {shape["group_id"] for shape in shapes} == {None}
    np.testing.assert_allclose([shape["points"] for shape in shapes], instances.boxes.reshape(-1, 2, 2), atol=6e-4)
    with pytest.raises(FileExistsError, match="corrected by hand"):
        prediction_writer("labelme", folder, CLASSES).check(["c", "a b"])
    prediction_writer("labelme", folder, CLASSES).check(["c"])


def test_the_table_has_every_number_exactly(written):
    folder, instances = written("csv")
    with open(folder / "predictions.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 and rows[0]["image"].endswith("a b.png")
    for k, row in enumerate(rows):
        assert row["class"] == CLASSES[instances.labels[k]] and (row["height"], row["width"]) == ("30", "41")
        assert np.float32(row["score"]) == instances.scores[k]
        assert [np.float32(row[name]) for name in ("x1", "y1", "x2", "y2")] == instances.boxes[k].tolist()
        joints = [[np.float32(row[f"{name} {part}"]) for part in "xyv"] for name in JOINTS]
        np.testing.assert_array_equal(joints, instances.keypoints[k])
        size, _, counts = row["mask"].partition(":")
        mask = rle.decode({"size": list(map(int, size.split("x"))), "counts": counts})
        np.testing.assert_array_equal(mask, instances.masks[k])


@pytest.mark.parametrize("name", WRITERS)
def test_objects_without_pixels_are_written_too(name, tmp_path):
    objects = Instances([[1, 2, 5, 6]], [1], scores=[0.5], masks=np.zeros((1, 10, 10), bool))
    writer = prediction_writer(name, tmp_path, CLASSES)
    writer.add(PredictedImage(tmp_path / "a.png", "a", (10, 10)), objects)
    writer.finish()
    if name == "yolo":
        assert lines(tmp_path / "labels-segment" / "a.txt") == [[0, 0.1, 0.2, 0.5, 0.2, 0.5, 0.6, 0.1, 0.6]]
    if name == "labelme":
        assert json.loads((tmp_path / "a.json").read_text())["shapes"][0]["shape_type"] == "rectangle"


def test_a_format_that_is_not_there_is_an_error_that_lists_those_that_are(tmp_path):
    with pytest.raises(ValueError, match="no format 'tfrecord'.*coco, yolo, labelme, csv"):
        prediction_writer("tfrecord", tmp_path, CLASSES)


def test_images_of_one_name_have_their_folders_in_the_list(tmp_path, rng):
    writer = prediction_writer("coco", tmp_path / "out", CLASSES, ())
    for name in ("left/a.png", "right/a.png", "right/b.png"):
        path = Path("photos") / name
        writer.add(PredictedImage(path, "a", (HEIGHT, WIDTH)), make_instances(rng, masks=False, joints=False))
    writer.finish()
    images = json.loads((tmp_path / "out" / "coco-images.json").read_text(encoding="utf-8"))["images"]
    assert [image["file_name"] for image in images] == ["photos/left/a.png", "photos/right/a.png", "b.png"]
