"""Write ``cvat/``, ``camvid/``, ``cityscapes/`` and ``open_images/`` with Datumaro's exporters.

``pip install datumaro==1.13.12``, ``python regenerate_datumaro.py``. CVAT's own server writes its format with the same
elements; Datumaro has no skeletons, so none are here.
"""

import shutil
from pathlib import Path

import datumaro
import numpy as np
from datumaro.components.annotation import RotatedBbox
from pictures import HEIGHT, WIDTH, picture, stairs

FOLDER = Path(__file__).parent
NAMES = ["zebra", "apple", "traffic light"]  # not in the order of the alphabet


def box(x1, y1, x2, y2, label, **attributes):
    return datumaro.Bbox(x1, y1, x2 - x1, y2 - y1, label=label, attributes=attributes)


def objects(number):
    """Return the annotations of an image."""
    if number == 0:
        return [
            box(3.25, 4.5, 13, 16, 0, occluded=True),
            datumaro.Polygon([20, 2, 30, 2, 25, 12], label=1, group=2),
            datumaro.Polygon([31, 2, 36, 2, 36, 8, 31, 8], label=1, group=2),
            RotatedBbox(20, 16, 12, 4, 30, label=2),
            datumaro.PolyLine([1, 1, 5, 5], label=0),
            datumaro.Points([7, 7], label=0),
            datumaro.Label(1),
        ]
    if number == 1:
        return [datumaro.Mask(stairs(), label=2), datumaro.Polygon([20, 4, 30, 4, 25, 20], label=0)]
    return []


def item(number, subset, annotations, name=None):
    media = datumaro.Image.from_numpy(picture(number)[..., ::-1].copy())  # Datumaro's are BGR
    return datumaro.DatasetItem(name or f"{subset} {number}", subset=subset, media=media, annotations=annotations)


def write(name, kind, items, categories, **options):
    shutil.rmtree(FOLDER / name, ignore_errors=True)
    dataset = datumaro.Dataset.from_iterable(items, categories=categories, media_type=datumaro.Image)
    dataset.export(str(FOLDER / name), kind, save_media=True, image_ext=".png", **options)


def index_masks(index_map):
    """Return a mask annotation for each value of a map of classes."""
    return [datumaro.Mask(index_map == value, label=int(value)) for value in np.unique(index_map)]


def class_map(number, values):
    index_map = np.full((HEIGHT, WIDTH), values[0], np.uint8)
    index_map[6:18, 10:30] = values[1]
    index_map[:, 30 + number :] = values[2]
    return index_map


def main():
    subsets = ["train", "train", "val"]
    write("cvat", "cvat", [item(k, subset, objects(k)) for k, subset in enumerate(subsets)], NAMES)

    labels = datumaro.LabelCategories.from_iterable(["Void", "Sky", "Road"])
    colors = datumaro.MaskCategories({0: (0, 0, 0), 1: (128, 128, 128), 2: (128, 64, 128)})
    categories = {datumaro.AnnotationType.label: labels, datumaro.AnnotationType.mask: colors}
    items = [item(k, subset, index_masks(class_map(k, (1, 2, 0))), f"{k}") for k, subset in enumerate(subsets)]
    write("camvid", "camvid", items, categories, label_map="source", apply_colormap=True)

    boxes = [
        [box(4, 6, 14, 18, 0, occluded=True), box(0, 0, 40, 12, 1, is_group_of=True)],
        [box(10, 6, 30, 18, 2)],
        [],
    ]
    items = [item(k, subset, boxes[k], f"{k:016x}") for k, subset in enumerate(subsets)]
    write("open_images", "open_images", items, NAMES)


if __name__ == "__main__":
    main()
