"""Ground truth and results in COCO's format with objects of all sizes, crowds, ties of scores, masks and joints."""

import numpy as np

from minivision.data.rle import decompress, encode
from minivision.metrics.keypoints import COCO_JOINTS

SIZE = (160, 200)  # height, width


def ellipse(box):
    x, y, w, h = box
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    return ((columns - x - w / 2) / (w / 2)) ** 2 + ((rows - y - h / 2) / (h / 2)) ** 2 < 1


def draw_joints(box, rng):
    x, y, w, h = box
    points = np.round(rng.uniform([x, y], [x + w, y + h], (17, 2)), 2)
    return np.concatenate([points, rng.integers(0, 3, (17, 1))], axis=1)


def make_truth(rng, images=12):
    """Return a dict in COCO's format; ids of images and categories have gaps and are not in order."""
    content = {"images": [], "annotations": [], "categories": []}
    for number, name in ((7, "person"), (3, "ball"), (20, "none of these")):
        content["categories"].append({"id": number, "name": name, "keypoints": list(COCO_JOINTS), "skeleton": []})
    for k in rng.permutation(images):
        entry = {"id": int(100 - 3 * k), "file_name": f"{k}.png", "height": SIZE[0], "width": SIZE[1]}
        content["images"].append(entry)
        for _ in range(rng.integers(0, 6)):
            w, h = rng.choice([8, 20, 32, 60, 110]), rng.choice([8, 20, 32, 60, 110])
            box = [int(rng.integers(0, SIZE[1] - w)), int(rng.integers(0, SIZE[0] - h)), int(w), int(h)]
            mask, crowd = ellipse(box), bool(rng.random() < 0.15)
            segmentation = encode(mask)
            if crowd:  # COCO's own files have lists here
                segmentation["counts"] = decompress(segmentation["counts"]).tolist()
            elif rng.random() < 0.5:
                x, y, w, h = box
                segmentation = [[x + w / 2, y, x + w, y + h / 2, x + w / 2, y + h, x, y + h / 2]]
            joints = draw_joints(box, rng) * (rng.random() < 0.8)
            content["annotations"].append(
                {
                    "id": len(content["annotations"]) + 1, "image_id": entry["id"], "bbox": box, "iscrowd": int(crowd),
                    "category_id": int(rng.choice([7, 3])), "area": float(mask.sum()), "segmentation": segmentation,
                    "keypoints": joints.ravel().tolist(), "num_keypoints": int((joints[:, 2] > 0).sum()),
                }
            )  # fmt: skip
    return content


def make_results(truth, rng, kinds):
    """Return results near the objects and elsewhere, with `kinds` of "bbox", "segmentation", "keypoints"."""
    results = []
    for annotation in truth["annotations"]:
        for _ in range(rng.integers(0, 4)):
            move = rng.normal(0, 3, 4) * (rng.random() < 0.8)
            x, y, w, h = np.round(np.array(annotation["bbox"]) + move, 3)
            box = [x, y, max(w, 1.0), max(h, 1.0)]
            joints = np.reshape(annotation["keypoints"], (17, 3)) + np.append(rng.normal(0, 4, 2), 0)
            values = {"bbox": box, "segmentation": encode(ellipse(box)), "keypoints": joints.ravel().tolist()}
            if "bbox" in kinds and rng.random() < 0.3:  # pycocotools reads polygons of results with boxes only
                values["segmentation"] = [[x, y, x + w, y, x + w, y + h, x, y + h]]
            results.append(
                {
                    "image_id": annotation["image_id"],
                    "category_id": annotation["category_id"] if rng.random() < 0.9 else 20,
                    "score": float(rng.choice([0.5, 0.25, rng.random(), 0.5 + 1e-12])),  # the last is 0.5 in float32
                    **{kind: values[kind] for kind in kinds},
                }
            )
    return results
