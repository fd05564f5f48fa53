"""Real datasets, if there are any: `MINIVISION_DATA` is a folder with nuclei (COCO) and bccd (VOC)."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from minivision.data import IGNORE, in_memory, open_dataset
from minivision.data.images import image_size
from minivision.data.inspection import inspect_dataset

ROOT = Path(os.environ.get("MINIVISION_DATA", "."))

pytestmark = pytest.mark.skipif(
    "MINIVISION_DATA" not in os.environ, reason="MINIVISION_DATA is not set: a folder with nuclei/ and bccd/"
)


@pytest.mark.parametrize("split", ["train", "val"])
def test_every_mask_of_nuclei_equals_pycocotools(split):
    coco = pytest.importorskip("pycocotools.mask")
    dataset = open_dataset(f"coco:{ROOT / 'nuclei'}", split=split)
    data = json.loads((ROOT / "nuclei" / "annotations" / f"instances_{split}.json").read_text())
    kept = in_memory(dataset)
    assert len(kept) == len(data["images"]) > 0
    for image, sample in zip(data["images"], kept, strict=True):
        theirs = [each for each in data["annotations"] if each["image_id"] == image["id"]]
        masks = coco.decode([each["segmentation"] for each in theirs]).transpose(2, 0, 1)
        np.testing.assert_array_equal(sample.instances.masks, masks)
        boxes = np.array([each["bbox"] for each in theirs])
        np.testing.assert_array_equal(sample.instances.boxes[:, 2:] - sample.instances.boxes[:, :2], boxes[:, 2:])
        np.testing.assert_array_equal(sample.label_map, masks.any(axis=0))
        assert sample.image.shape == (image["height"], image["width"], 3)


@pytest.mark.parametrize("split", ["train", "val"])
def test_all_of_bccd_is_read(split):
    dataset = open_dataset(f"voc:{ROOT / 'bccd'}", split=split)
    assert dataset.classes == ("background", "Platelets", "RBC", "WBC")
    assert not dataset.has_masks
    for index, sample in enumerate(dataset):
        height, width = dataset.image_sizes()[index]
        assert sample.image.shape == (height, width, 3) and (sample.label_map == IGNORE).all()
        boxes = sample.instances.boxes
        assert len(boxes) and (boxes >= 0).all() and (boxes[:, 2] <= width).all() and (boxes[:, 3] <= height).all()
        assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert image_size(next((ROOT / "bccd" / "JPEGImages").iterdir())) == (480, 640)


def test_the_check_finds_the_two_clicks_in_bccd_and_no_fault_in_nuclei():
    problems = inspect_dataset(f"voc:{ROOT / 'bccd'}").problems
    assert [(each.kind, each.split, Path(each.file).stem) for each in problems] == [
        ("thin-box", "train", "BloodImage_00343"), ("thin-box", "val", "BloodImage_00338"),
    ]  # fmt: skip
    counts = inspect_dataset(f"coco:{ROOT / 'nuclei'}").counts
    assert counts["error"] == counts["warning"] == 0
