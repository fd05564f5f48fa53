"""Write ``labelme/`` with labelme's own writer: ``pip install labelme==6.3.1``, ``python regenerate_labelme.py``.

The class map next to each file, ``expected/NAME.png``, is labelme's own reading of its shapes.
"""

import shutil
from pathlib import Path

import numpy as np
from labelme import utils
from labelme._label_file import LabelFile, _load_shape_json_obj
from pictures import HEIGHT, WIDTH, picture, save_picture, stairs
from PIL import Image

FOLDER = Path(__file__).parent / "labelme"
NAMES = {"cat": 1, "dog": 2, "tree": 3}


def shape(label, kind, points, group=None, mask=None, **flags):
    """Return a shape as labelme's window hands it to its writer."""
    text = None if mask is None else utils.img_arr_to_b64(mask.astype(np.uint8))
    return {
        "label": label,
        "points": points,
        "group_id": group,
        "description": "",
        "shape_type": kind,
        "flags": flags,
        "mask": text,
    }


SHAPES = {
    "shapes/one": [
        shape("cat", "polygon", [[2.0, 2.0], [12.0, 2.0], [12.0, 10.5], [2.0, 10.5]], occluded=True),
        shape("dog", "polygon", [[20.0, 2.0], [26.0, 2.0], [26.0, 8.0], [20.0, 8.0]], group=1),
        shape("dog", "polygon", [[30.0, 2.0], [36.0, 2.0], [36.0, 8.0], [30.0, 8.0]], group=1),
        shape("tree", "circle", [[20.0, 16.0], [24.0, 19.0]]),
        shape("cat", "oriented_rectangle", [[32.0, 12.0], [36.0, 16.0], [32.0, 20.0], [28.0, 16.0]]),
    ],
    "shapes/two words": [
        shape("tree", "mask", [[5.0, 4.0], [13.0, 9.0]], mask=stairs()[4:10, 5:14]),
        shape("dog", "polygon", [[20.0, 4.0], [30.0, 4.0], [25.0, 20.0]]),
    ],
    "boxes/three": [shape("dog", "rectangle", [[30.0, 20.0], [10.25, 5.5]])],
    "boxes/four": [
        shape("cat", "rectangle", [[1.0, 2.0], [5.0, 8.0]]),
        shape("cat", "point", [[7.0, 7.0]]),
        shape("cat", "line", [[7.0, 7.0], [9.0, 9.0]]),
        shape("cat", "linestrip", [[7.0, 7.0], [9.0, 9.0], [9.0, 12.0]]),
    ],
    "shapes/empty": [],
}


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    for number, (name, shapes) in enumerate(SHAPES.items()):
        path = FOLDER / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        data, image_path = None, f"{path.stem}.png"
        if path.stem == "two words":  # the picture is in the file alone
            save_picture(path.with_suffix(".png"), number)
            data, image_path = path.with_suffix(".png").read_bytes(), "..\\pictures\\two words.png"
            path.with_suffix(".png").unlink()
        else:
            save_picture(path.with_suffix(".png"), number)
        LabelFile().save(str(path), shapes, image_path, HEIGHT, WIDTH, image_data=data, flags={"checked": True})
        areas = [
            _load_shape_json_obj(each) for each in shapes if each["shape_type"] not in ("point", "line", "linestrip")
        ]
        classes, _ = utils.shapes_to_label(picture(number).shape, areas, NAMES)
        expected = FOLDER / "expected" / f"{path.stem}.png"
        expected.parent.mkdir(exist_ok=True)
        Image.fromarray(classes.astype(np.uint8)).save(expected)


if __name__ == "__main__":
    main()
