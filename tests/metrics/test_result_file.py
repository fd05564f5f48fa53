"""Results in a file: the same numbers as pycocotools' on the same two files, and errors that say what is wrong."""

import contextlib
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minivision.data import BrokenFileError, DataSpec
from minivision.data.ground_truth import CocoTruth, open_truth
from minivision.data.result_file import read_results
from minivision.metrics.result_file import evaluate_results

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))
from results_of_others import SIZE, make_results, make_truth  # noqa: E402

KINDS = {"bbox": "boxes", "segmentation": "masks", "keypoints": "keypoints"}  # key of results -> of metrics
IOU_TYPES = {"bbox": "bbox", "segmentation": "segm", "keypoints": "keypoints"}


def write(folder, truth, results):
    (folder / "annotations").mkdir(exist_ok=True)
    (folder / "annotations" / "instances_val.json").write_text(json.dumps(truth))
    (folder / "results.json").write_text(json.dumps(results))
    return folder / "results.json"


def evaluate(folder, truth, results):
    path = write(folder, truth, results)
    return evaluate_results(CocoTruth(folder, "val"), read_results(path))


def pycocotools_stats(folder, kind):
    api = pytest.importorskip("pycocotools.coco", reason="pycocotools is the oracle")
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = api.COCO(str(folder / "annotations" / "instances_val.json"))
        run = COCOeval(truth, truth.loadRes(str(folder / "results.json")), IOU_TYPES[kind])
        run.evaluate(), run.accumulate(), run.summarize()
    stats = np.where(run.stats == -1, np.nan, run.stats)
    return np.delete(stats, [6, 7]) if kind == "keypoints" else stats  # the recall at .50 and .75


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "kinds", [["bbox"], ["segmentation"], ["keypoints"], ["bbox", "segmentation"], ["bbox", "keypoints"]]
)
def test_all_numbers_are_those_of_pycocotools(tmp_path, kinds, seed):
    rng = np.random.default_rng(seed)
    truth = make_truth(rng)
    metrics = evaluate(tmp_path, truth, make_results(truth, rng, kinds))
    assert metrics["images"] == 12
    for kind in kinds:
        part = metrics if kind == "bbox" else metrics[KINDS[kind]]
        own = [part[name] for name in part if name.startswith("A")]
        np.testing.assert_allclose(own, pycocotools_stats(tmp_path, kind), rtol=0, atol=1e-9)
        assert 0 < part["AP"] < 1
    assert ("AP" in metrics) == ("bbox" in kinds)


def test_a_file_without_results_is_a_detector_that_finds_nothing(tmp_path):
    metrics = evaluate(tmp_path, make_truth(np.random.default_rng(0)), [])
    assert metrics["AP"] == metrics["masks"]["AP"] == metrics["keypoints"]["AP"] == 0


GOOD = {"image_id": 100, "category_id": 7, "score": 0.5, "bbox": [1, 2, 3, 4]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"image_id": 4711},
            "result 1: the ground truth has no image 4711; image_id is one of the ids of the images in",
        ),
        ({"category_id": 99}, "result 1: the ground truth has no category 99; it has 3, 7, 20"),
        ({"image_id": None}, "result 1: image_id should be a number or a text, got None"),
        ({"score": None}, "result 1: the score should be a number, by which detections are ranked; got None"),
        ({"score": float("nan")}, "result 1: the score should be a number"),
        ({"bbox": [1, 2, 3]}, r"result 1: bbox should be x, y, width, height in pixels, got \[1, 2, 3\]"),
        ({"bbox": [1, 2, -3, 4]}, "result 1: bbox should be x, y, width, height"),
        ({"bbox": None}, "result 1: it has none of bbox, segmentation, keypoints"),
        ({"bbox": None, "keypoints": [1, 2, 2] * 17}, "result 1: it has no bbox, as the results before it"),
    ],
)
def test_a_wrong_entry_is_an_error_that_says_where_it_stands(tmp_path, change, message):
    truth = make_truth(np.random.default_rng(0))
    with pytest.raises(BrokenFileError, match=message):
        evaluate(tmp_path, truth, [GOOD, {**GOOD, **change}])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"annotations": [GOOD]}, "these are annotations; results are a list"),
        ({"a": 1}, r"results are a list of detections \[\{...\}, ...\], got an object"),
        ([GOOD, 5], "result 1: expected an object {...}, got 5"),
        ([{key: GOOD[key] for key in GOOD if key != "score"}], "result 0: the score .* got none"),
    ],
)
def test_what_is_no_list_of_results_is_an_error(tmp_path, content, message):
    with pytest.raises(BrokenFileError, match=message):
        read_results(write(tmp_path, {}, content))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"segmentation": {"size": [10, 20], "counts": [200]}},
            "result 0: its mask is 10x20 .* but its image is 160x200",
        ),
        ({"segmentation": {"size": [10, 20], "counts": [3]}}, "result 0: segmentation: run lengths .* add up to 200"),
        ({"segmentation": [[1, 2, 3, 4]]}, "result 0: segmentation: a polygon needs"),
        ({"segmentation": 5}, "result 0: segmentation should be polygons or run lengths, got 5"),
        ({"keypoints": [1, 2, 2]}, "result 0: it has 1 joints, and the ground truth 17"),
        ({"keypoints": [1, "2", 2]}, "result 0: keypoints should be a list of numbers"),
    ],
)
def test_masks_and_joints_that_do_not_fit_are_an_error(tmp_path, values, message):
    truth = make_truth(np.random.default_rng(0))
    result = {key: GOOD[key] for key in ("image_id", "category_id", "score")} | values
    with pytest.raises(BrokenFileError, match=message):
        evaluate(tmp_path, truth, [result])


def test_results_that_the_ground_truth_has_not_are_refused_or_named(tmp_path, caplog):
    truth = make_truth(np.random.default_rng(0))
    for annotation in truth["annotations"]:
        del annotation["segmentation"]
    results = make_results(make_truth(np.random.default_rng(0)), np.random.default_rng(1), ["bbox", "segmentation"])
    assert "masks" not in evaluate(tmp_path, truth, results) and "has no masks" in caplog.text
    for result in results:
        del result["bbox"]
    with pytest.raises(ValueError, match="has masks only, and the ground truth has none"):
        evaluate(tmp_path, truth, results)


@pytest.fixture
def voc(tmp_path):
    """VOC's layout with two images that have one object each, in two folders."""
    root = tmp_path / "voc"
    for folder in ("ImageSets/Main", "JPEGImages/left", "JPEGImages/right", "Annotations/left", "Annotations/right"):
        (root / folder).mkdir(parents=True)
    (root / "ImageSets" / "Main" / "val.txt").write_text("left/0001\nright/0001\nright/0002\n")
    box = "<bndbox><xmin>11</xmin><ymin>21</ymin><xmax>40</xmax><ymax>60</ymax></bndbox>"
    for name in ("left/0001", "right/0001", "right/0002"):
        Image.new("RGB", SIZE[::-1]).save(root / "JPEGImages" / f"{name}.jpg")
        text = f"<annotation><object><name>cat</name>{box}</object></annotation>"
        (root / "Annotations" / f"{name}.xml").write_text(text)
    return root


def test_images_of_other_formats_go_by_their_names_and_categories_by_name_or_number(voc, tmp_path):
    box = {"score": 0.5, "bbox": [10, 20, 30, 40]}
    results = [
        {"image_id": "left/0001.jpg", "category_id": "cat", **box},
        {"image_id": "right/0001", "category_id": 1, **box},
        {"image_id": "0002.jpg", "category_id": "cat", **box},
    ]
    path = tmp_path / "results.json"

    def rate():
        path.write_text(json.dumps(results))
        return evaluate_results(open_truth(DataSpec.parse(f"voc:{voc}"), "val"), read_results(path))

    assert rate()["AP"] == 1
    results[0]["image_id"] = "0001.jpg"  # of two images
    with pytest.raises(BrokenFileError, match="no image '0001.jpg'; image_id is one of the names of its image files"):
        rate()
    results[0] |= {"image_id": "left/0001", "category_id": "dog"}
    with pytest.raises(BrokenFileError, match="no category 'dog'; it has 1, cat"):
        rate()


def test_one_file_for_all_splits_is_divided_as_when_it_is_opened(tmp_path):
    truth = make_truth(np.random.default_rng(0))
    (tmp_path / "all.json").write_text(json.dumps(truth))
    for entry in truth["images"]:
        Image.new("RGB", SIZE[::-1]).save(tmp_path / entry["file_name"])
    spec = DataSpec.parse(f"coco:{tmp_path / 'all.json'}")
    results = make_results(truth, np.random.default_rng(1), ["bbox"])
    (tmp_path / "results.json").write_text(json.dumps(results))
    sizes = [
        evaluate_results(open_truth(spec, split), read_results(tmp_path / "results.json"))["images"]
        for split in ("val", "train", "all")
    ]
    assert sizes[0] and sizes[1] and sizes[0] + sizes[1] == sizes[2] == 12


def test_drawn_scenes_go_by_number(tmp_path):
    truth = open_truth(DataSpec.parse("scenes"), "val", level="easy")
    first = next(iter(truth)).instances
    x1, y1, x2, y2 = first.boxes[0].tolist()
    result = {"image_id": 1, "category_id": int(first.labels[0]), "score": 0.5, "bbox": [x1, y1, x2 - x1, y2 - y1]}
    results = read_results(write(tmp_path, {}, [{**result, "image_id": 0}]))
    with pytest.raises(BrokenFileError, match=f"the numbers of its images, 1 to {len(truth)}"):
        evaluate_results(truth, results)


def test_results_of_a_broken_image_are_left_out_with_it(tmp_path):
    truth = make_truth(np.random.default_rng(0))
    truth["annotations"][0]["bbox"] = "none"
    broken = truth["annotations"][0]["image_id"]
    path = write(tmp_path, truth, [{**GOOD, "image_id": broken}])
    with pytest.raises(BrokenFileError, match="annotation 1 has no bbox"):
        CocoTruth(tmp_path, "val")
    metrics = evaluate_results(CocoTruth(tmp_path, "val", skip_broken=True), read_results(path))
    assert metrics["images"] == 11 and metrics["AP"] == 0
