"""Predictions as COCO's results: pycocotools reads the same boxes, masks and joints."""

import json

import numpy as np
import pytest

from minivision.data import BrokenFileError
from minivision.data.coco_results import coco_ids, coco_results
from minivision.data.instances import Instances


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
    assert first["image_id"] == second["image_id"] == 42
    assert (first["category_id"], second["category_id"]) == (90, 7)
    assert first["bbox"] == [1.5, 2, 18.5, 16.25] and first["score"] == 0.75
    for result, mask in zip((first, second), instances.masks, strict=True):
        np.testing.assert_array_equal(mask_api.decode(result["segmentation"]).astype(bool), mask)
    assert "keypoints" not in first  # it has no joints
    assert second["keypoints"] == [10, 8, 2, 0, 0, 2, 29.5, 19.5, 2]  # indices of pixels; ours are points


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
    assert coco_ids(path, ("background", "star", "disc")) == ({"a.png": 9, "b.png": 3}, [2, 5])
    with pytest.raises(BrokenFileError, match="no category 'ring'; it has disc, star"):
        coco_ids(path, ("background", "ring"))
    for text in ("[]", "{", json.dumps({"images": [{}], "categories": []})):
        path.write_text(text)
        with pytest.raises(BrokenFileError, match="not a file of COCO annotations"):
            coco_ids(path, ("background",))
