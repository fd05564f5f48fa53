"""Small datasets in COCO's format for the tests."""

import json

import numpy as np
from PIL import Image

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


def rewrite(root, data):
    """Replace the annotations and leave the images."""
    (root / "annotations" / "instances_train.json").write_text(json.dumps(data))
