"""Write ``supervision/``, ``ultralytics/``, ``globox/``, ``pylabel/``, ``datumaro/`` and ``detection.json``.

``pip install supervision==0.31.2 ultralytics==8.4.190 globox==2.9.0 pylabel==0.1.55 datumaro==1.13.12``, then ``python
regenerate_detection.py``. Each tool gets the objects of `OBJECTS` in a way of its own, and writes the formats that it
has; ``detection.json`` has the objects for the tests.
"""

import contextlib
import json
import shutil
import tempfile
from pathlib import Path

import datumaro
import globox
import numpy as np
import pylabel.importer
import supervision
from pictures import HEIGHT, WIDTH, picture, save_picture
from ultralytics.data.converter import convert_coco

FOLDER = Path(__file__).parent
NAMES = ["zebra", "apple", "traffic light"]  # not in the order of the alphabet
# The corners of each object in whole pixels; its box is their extent.
RECTANGLE, TRIANGLE = [(20, 2), (30, 2), (30, 12), (20, 12)], [(5, 3), (33, 3), (19, 21)]
OBJECTS = {
    "street.png": [("zebra", [(4, 3), (16, 3), (16, 20), (4, 20)]), ("apple", RECTANGLE)],
    "two words.png": [("traffic light", [(1, 1), (39, 1), (39, 23), (1, 23)])],
    "empty.png": [],
    "park.png": [
        ("zebra", [(10, 5), (12, 5), (12, 22), (10, 22)]),
        ("zebra", [(30, 14), (38, 14), (38, 22), (30, 22)]),
    ],
    "field.png": [("apple", TRIANGLE)],
}
SPLITS = {"train": ["street.png", "two words.png", "empty.png"], "val": ["park.png", "field.png"]}
JOINTS = ["nose", "left_eye", "right_eye"]
PEOPLE = {  # box, and x, y, visibility of the joints
    "street.png": [
        ((4, 2, 20, 22), [(12, 4, 2), (14, 6, 1), (0, 0, 0)]),
        ((22, 4, 36, 20), [(28, 8, 2), (30, 9, 2), (26, 9, 2)]),
    ],
    "two words.png": [((2, 2, 38, 22), [(0, 0, 0), (20, 10, 2), (18, 10, 2)])],
}


def extent(corners):
    """Return ``x1, y1, x2, y2`` of corners."""
    (x1, y1), (x2, y2) = np.min(corners, axis=0).tolist(), np.max(corners, axis=0).tolist()
    return x1, y1, x2, y2


def save_pictures(folder, names=tuple(OBJECTS)):
    for name in names:
        save_picture(folder / name, list(OBJECTS).index(name))


def coco(names, people=False):
    """Return COCO's JSON of some images."""
    images = [{"id": k, "file_name": name, "width": WIDTH, "height": HEIGHT} for k, name in enumerate(names, start=1)]
    annotations = []
    for image in images:
        for each in (PEOPLE if people else OBJECTS)[image["file_name"]]:
            x1, y1, x2, y2 = each[0] if people else extent(each[1])
            entry = {"id": len(annotations) + 1, "image_id": image["id"], "iscrowd": 0, "area": (x2 - x1) * (y2 - y1)}
            entry |= {"category_id": 1 if people else NAMES.index(each[0]) + 1, "bbox": [x1, y1, x2 - x1, y2 - y1]}
            if people:
                entry["keypoints"] = [number for joint in each[1] for number in joint]
            else:
                entry["segmentation"] = [[number for corner in each[1] for number in corner]]
            annotations.append(entry)
    categories = [{"id": k, "name": name} for k, name in enumerate(["person"] if people else NAMES, start=1)]
    return {"images": images, "annotations": annotations, "categories": categories}


def write_supervision(root):
    with tempfile.TemporaryDirectory() as folder:
        save_pictures(Path(folder))
        for split, names in SPLITS.items():
            annotations = {}
            for name in names:
                objects = OBJECTS[name]
                path = str(Path(folder, name))
                boxes = np.array([extent(corners) for _, corners in objects], float).reshape(-1, 4)
                labels = np.array([NAMES.index(label) for label, _ in objects], int)
                masks = [supervision.polygon_to_mask(np.array(corners), (WIDTH, HEIGHT)) for _, corners in objects]
                masks = np.array(masks, bool).reshape(-1, HEIGHT, WIDTH)
                annotations[path] = {
                    "boxes": supervision.Detections(xyxy=boxes, class_id=labels),
                    "masks": supervision.Detections(xyxy=boxes, class_id=labels, mask=masks),
                }
            for kind in ("boxes", "masks"):
                data = supervision.DetectionDataset(
                    classes=NAMES, images=list(annotations), annotations={p: a[kind] for p, a in annotations.items()}
                )
                yolo = root / f"yolo-{kind}"
                data.as_yolo(str(yolo / split / "images"), str(yolo / split / "labels"), str(yolo / "data.yaml"))
                coco_file = root / f"coco-{kind}" / split / "_annotations.coco.json"
                data.as_coco(str(coco_file.parent), str(coco_file))
            voc = root / "voc" / split
            data.as_pascal_voc(str(voc), str(voc))


def write_ultralytics(root):
    """``convert_coco`` writes the labels alone; ``data.yaml`` and the images are put beside them, as its guide says."""
    for name, options in {"boxes": {}, "segments": {"use_segments": True}, "pose": {"use_keypoints": True}}.items():
        people = name == "pose"
        splits = {"train": ["street.png", "two words.png"]} if people else SPLITS
        with tempfile.TemporaryDirectory() as folder:
            for split, names in splits.items():
                Path(folder, f"instances_{split}.json").write_text(json.dumps(coco(names, people)))
            convert_coco(folder, str(root / name), cls91to80=False, **options)
        for split, names in splits.items():
            save_pictures(root / name / "images" / split, names)
        lines = ["path: . # dataset root", "train: images/train"]
        lines += (
            ["kpt_shape: [3, 3]", "flip_idx: [0, 2, 1]", "names:", "  0: person"] if people else ["val: images/val"]
        )
        lines += [] if people else ["names:", *(f"  {k}: {name}" for k, name in enumerate(NAMES))]
        (root / name / "data.yaml").write_text("\n".join(lines) + "\n")


def write_globox(root):
    annotations = globox.AnnotationSet()
    for name, objects in OBJECTS.items():
        boxes = []
        for label, corners in objects:
            x1, y1, x2, y2 = extent(corners)
            boxes.append(globox.BoundingBox(label=label, xmin=x1, ymin=y1, xmax=x2, ymax=y2))
        annotations.add(globox.Annotation(name, (WIDTH, HEIGHT), boxes))
    numbers = {name: k for k, name in enumerate(NAMES)}
    for kind in ("yolo", "voc", "coco"):
        save_pictures(root / kind / "images")
    (root / "yolo" / "labels").mkdir()
    (root / "voc" / "Annotations").mkdir()
    annotations.save_yolo_v5(root / "yolo" / "labels", label_to_id=numbers)
    annotations.save_pascal_voc(root / "voc" / "Annotations")
    annotations.save_coco(root / "coco" / "annotations.json", auto_ids=True)


def write_pylabel(root):
    with tempfile.TemporaryDirectory() as folder:
        save_pictures(Path(folder))
        Path(folder, "set.json").write_text(json.dumps(coco(list(OBJECTS))))
        root.mkdir(parents=True)
        with contextlib.chdir(root):
            data = pylabel.importer.ImportCoco(str(Path(folder, "set.json")), path_to_images="", name="set")
            data.df["split"] = [next(s for s in SPLITS if name in SPLITS[s]) for name in data.df.img_filename]
            data.export.ExportToYoloV5("yolo/labels", copy_images=True, use_splits=True, cat_id_index=0)
            data = pylabel.importer.ImportCoco(str(Path(folder, "set.json")), path_to_images="", name="set")
            data.export.ExportToVoc("voc")
            save_pictures(Path("voc"))


def write_datumaro(root):
    items = []
    for split, names in SPLITS.items():
        for name in names:
            boxes = []
            for label, corners in OBJECTS[name]:
                x1, y1, x2, y2 = extent(corners)
                boxes.append(datumaro.Bbox(x1, y1, x2 - x1, y2 - y1, label=NAMES.index(label)))
            pixels = picture(list(OBJECTS).index(name))[..., ::-1].copy()  # Datumaro's are BGR
            media = datumaro.Image.from_numpy(pixels)
            items.append(datumaro.DatasetItem(Path(name).stem, subset=split, media=media, annotations=boxes))
    for kind in ("yolo", "yolo_ultralytics", "coco", "voc"):
        data = datumaro.Dataset.from_iterable(items, categories=NAMES, media_type=datumaro.Image)
        data.export(str(root / kind), kind, save_media=True, image_ext=".png")


def main():
    for write in (write_supervision, write_ultralytics, write_globox, write_pylabel, write_datumaro):
        root = FOLDER / write.__name__.removeprefix("write_")
        shutil.rmtree(root, ignore_errors=True)
        write(root)
    truth = {"names": NAMES, "splits": SPLITS, "objects": OBJECTS, "joints": JOINTS, "people": PEOPLE}
    (FOLDER / "detection.json").write_text(json.dumps(truth, indent=1) + "\n")


if __name__ == "__main__":
    main()
