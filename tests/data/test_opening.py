"""Opening a dataset decodes no image."""

import json

import numpy as np
import pytest
from PIL import Image, ImageFile

from minivision.data import open_dataset


@pytest.fixture
def folder(tmp_path):
    for name in ("annotations", "val", "JPEGImages", "Annotations", "ImageSets/Main"):
        (tmp_path / name).mkdir(parents=True)
    box = "<bndbox><xmin>2</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
    content = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "cat"}]}
    for k in range(3):
        pixels = np.random.default_rng(k).integers(0, 255, (20, 30, 3), np.uint8)
        for path in (tmp_path / "val" / f"{k}.jpg", tmp_path / "JPEGImages" / f"{k}.jpg"):
            Image.fromarray(pixels).save(path)
        text = f"<annotation><object><name>cat</name>{box}</object></annotation>"
        (tmp_path / "Annotations" / f"{k}.xml").write_text(text)
        content["images"].append({"id": k, "file_name": f"{k}.jpg", "height": 20, "width": 30})
        content["annotations"].append({"id": k, "image_id": k, "category_id": 1, "bbox": [1, 1, 8, 8]})
    (tmp_path / "annotations" / "instances_val.json").write_text(json.dumps(content))
    (tmp_path / "ImageSets" / "Main" / "val.txt").write_text("0\n1\n2\n")
    return tmp_path


@pytest.mark.parametrize("kind", ["coco", "voc"])
def test_no_pixel_is_read_before_a_sample_is(kind, folder, monkeypatch):
    decoded = []
    load = ImageFile.ImageFile.load
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: decoded.append(image.filename) or load(image))
    dataset = open_dataset(f"{kind}:{folder}", split="val")
    assert dataset.image_sizes() == [(20, 30)] * 3 and decoded == []
    assert dataset[1].image.shape == (20, 30, 3) and len(set(decoded)) == 1
