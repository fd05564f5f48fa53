"""Predictions as COCO's results: pycocotools reads the same boxes, masks and joints."""

import json

import numpy as np
import pytest

from minivision.data import BrokenFileError
from minivision.data.coco_results import coco_ids, coco_results, image_id_of
from minivision.data.instances import Instances
from minivision.data.rle import encode
from minivision.metrics import average_precision


@pytest.fixture
def instances(rng):
    keypoints = np.zeros((2, 3, 3))
    keypoints[1] = [[10.5, 8.5, 2], [0.5, 0.5, 2], [30, 20, 2]]
    return Instances(
        [[1.5, 2, 20, 18.25], [0, 0, 32, 24]], [2, 1], scores=[0.75, 0.5], masks=rng.random((2, 24, 32)) > 0.6,
        keypoints=keypoints,
    )  # fmt: skip


def test_pycocotools_reads_the_same_boxes_masks_and_joints(instances):
    mask_api = pytest.importorskip("pycocotools.mask")
    first, second = json.loads(json.dumps(coco_results(instances, 42, [7, 90])))
    assert first == {"image_id": 42, "category_id": 90, "bbox": [1.5, 2, 18.5, 16.25], "score": 0.75}
    assert second["category_id"] == 7
    for result, mask in zip(coco_results(instances, 42, [7, 90], "masks"), instances.masks, strict=True):
        assert "bbox" not in result  # pycocotools would take the area of the mask from it
        np.testing.assert_array_equal(mask_api.decode(result["segmentation"]).astype(bool), mask)
    (joints,) = coco_results(instances, 42, [7, 90], "joints")  # the first object has none
    assert joints["keypoints"] == [10, 8, 2, 0, 0, 2, 29.5, 19.5, 2]  # indices of pixels; ours are points


def test_pycocotools_rates_masks_by_their_area_not_by_their_boxes(tmp_path):
    coco_api, evaluation = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")
    thin = np.zeros((160, 160), bool)
    thin[np.arange(100), np.arange(100)] = True  # 100 pixels in a box of 10,000
    large = np.zeros((160, 160), bool)
    large[40:140, 40:140] = True
    truth = Instances([[40, 40, 140, 140]], [1], masks=large[None])
    prediction = Instances([[0, 0, 100, 100], [40, 40, 140, 140]], [1, 1], scores=[0.9, 0.8], masks=[thin, large])
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "bbox": [40, 40, 100, 100], "area": 10_000}
    content = {
        "images": [{"id": 1, "height": 160, "width": 160}], "categories": [{"id": 1, "name": "x"}],
        "annotations": [{**annotation, "segmentation": encode(large)}],
    }  # fmt: skip
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(content))
    coco = coco_api.COCO(str(path))
    results = coco.loadRes(json.loads(json.dumps(coco_results(prediction, 1, [1], "masks"))))
    run = evaluation.COCOeval(coco, results, "segm")
    run.evaluate(), run.accumulate(), run.summarize()
    own = average_precision([truth], [prediction], ("background", "x"), kind="mask").metrics
    assert run.stats[5] == pytest.approx(own["APl"]) == 1 and run.stats[0] == pytest.approx(own["AP"]) and own["AP"] < 1


def test_objects_without_masks_and_joints_give_boxes_only_and_no_objects_give_an_empty_list():
    (result,) = coco_results(Instances([[0, 0, 4, 5]], [1], scores=[1]), 1, [1])
    assert result == {"image_id": 1, "category_id": 1, "bbox": [0, 0, 4, 5], "score": 1}
    assert coco_results(Instances.empty(mask_size=(4, 4)), 1, [1]) == []


def test_objects_that_cannot_be_results_are_an_error(instances):
    with pytest.raises(ValueError, match="ranked by score, and these objects have none"):
        coco_results(instances.replace(scores=None), 1, [1, 2])
    with pytest.raises(ValueError, match="label 2 has no category: there are 1"):
        coco_results(instances, 1, [1])


def test_ids_are_those_of_the_annotations(tmp_path):
    path = tmp_path / "instances_val.json"
    categories = [{"id": 5, "name": "disc"}, {"id": 2, "name": "star"}]
    content = {
        "images": [{"id": 9, "file_name": "val/a.png"}, {"id": 3, "file_name": "b.png"}],
        "categories": categories,
    }
    path.write_text(json.dumps(content))
    assert coco_ids(path, ("background", "star", "disc")) == ({"val/a.png": 9, "b.png": 3}, [2, 5])
    with pytest.raises(BrokenFileError, match="no category 'ring'; it has star, disc"):
        coco_ids(path, ("background", "ring"))
    for text in ("[]", "{", json.dumps({"images": [{}], "categories": []})):
        path.write_text(text)
        with pytest.raises(BrokenFileError, match="no list 'images'|not JSON|has the id None"):
            coco_ids(path, ("background",))


def test_an_image_has_the_id_of_the_longest_name_that_its_path_ends_with(tmp_path):
    ids = {"left/0001.png": 1, "right/0001.png": 2, "0002.png": 3}
    for path, expected in {
        "a/left/0001.png": 1,
        "right/0001.png": 2,
        "x/0002.png": 3,
        "0001.png": None,
        "3.png": None,
    }.items():
        assert image_id_of(path, ids) == expected


def test_case_and_backslashes_do_not_matter_where_the_system_ignores_them(monkeypatch):
    ids = {"left\\0001.png": 1, "right/0001.png": 2}
    assert image_id_of("a/left/0001.png", ids) == 1 and image_id_of("a/LEFT/0001.png", ids) is None
    monkeypatch.setattr("os.path.normcase", lambda path: str(path).replace("/", "\\").lower())  # as on Windows
    assert image_id_of("a/LEFT/0001.PNG", ids) == 1


def test_digits_that_decide_about_rank_and_overlap_are_kept():
    scores = np.array([0.5, 0.5 + 2**-24, 1e-7], np.float32)
    boxes = np.array([[0.125, 0, 10.0625, 3.3333]] * 3, np.float32)
    results = json.loads(json.dumps(coco_results(Instances(boxes, [1, 1, 1], scores), 1, [1])))
    np.testing.assert_array_equal(np.array([each["score"] for each in results], np.float32), scores)
    np.testing.assert_allclose(results[0]["bbox"], [0.125, 0, 9.9375, 3.3333], atol=1e-4, rtol=0)


def test_of_two_categories_with_one_name_the_one_that_is_used_is_meant(tmp_path):
    path = tmp_path / "instances_val.json"
    entry = {"id": 1, "image_id": 9, "category_id": 5, "bbox": [0, 0, 1, 1]}
    content = {
        "images": [{"id": 9, "file_name": "a.png"}], "annotations": [entry],
        "categories": [{"id": 0, "name": "disc"}, {"id": 5, "name": "disc"}],
    }  # fmt: skip
    path.write_text(json.dumps(content))
    with pytest.warns(UserWarning, match="all called 'disc'"):
        assert coco_ids(path, ("background", "disc"))[1] == [5]
    content["annotations"].append({**entry, "id": 2, "category_id": 0})
    path.write_text(json.dumps(content))
    with pytest.warns(UserWarning), pytest.raises(BrokenFileError, match="0 and 5 are both called 'disc'"):
        coco_ids(path, ("background", "disc"))
