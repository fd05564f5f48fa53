"""Write ``cityscapes/`` with the scripts of Cityscapes: ``pip install cityscapesscripts==2.3.0``.

``python regenerate_cityscapes.py``. Polygons are drawn by its own programs: label, instance and training label images.
"""

import json
import shutil
from pathlib import Path

from cityscapesscripts.preparation.json2instanceImg import json2instanceImg
from cityscapesscripts.preparation.json2labelImg import json2labelImg
from pictures import HEIGHT, WIDTH, save_picture

FOLDER = Path(__file__).parent / "cityscapes"


def square(x1, y1, x2, y2):
    """Return the corners of a rectangle whose last pixels are x2 and y2."""
    return [[x1, y1], [x2, y1], [x2, y2], [x1, y2]]


EVERYTHING = square(0, 0, WIDTH - 1, HEIGHT - 1)
SCENES = {
    "train/aachen/aachen_000000_000019": [
        ("road", EVERYTHING),
        ("sky", square(0, 0, 39, 5)),
        ("car", square(2, 8, 11, 15)),
        ("car", square(8, 12, 17, 19)),  # over the first one
        ("person", square(20, 8, 23, 19)),
        ("persongroup", square(26, 8, 33, 11)),
        ("caravan", square(30, 14, 37, 19)),  # not evaluated
        ("license plate", square(3, 13, 5, 14)),
        ("out of roi", square(0, 22, 39, 23)),
    ],
    "val/bremen/bremen_000001_000019": [("road", EVERYTHING), ("bicycle", square(10, 6, 29, 17))],
}


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    for number, (name, objects) in enumerate(SCENES.items()):
        save_picture(FOLDER / "leftImg8bit" / f"{name}_leftImg8bit.png", number)
        stem = FOLDER / "gtFine" / f"{name}_gtFine"
        stem.parent.mkdir(parents=True)
        shapes = [{"label": label, "polygon": polygon} for label, polygon in objects]
        path = Path(f"{stem}_polygons.json")
        path.write_text(
            json.dumps({"imgHeight": HEIGHT, "imgWidth": WIDTH, "objects": shapes}) + "\n", encoding="utf-8"
        )
        json2labelImg(str(path), f"{stem}_labelIds.png")
        json2labelImg(str(path), f"{stem}_labelTrainIds.png", "trainIds")
        json2instanceImg(str(path), f"{stem}_instanceIds.png")


if __name__ == "__main__":
    main()
