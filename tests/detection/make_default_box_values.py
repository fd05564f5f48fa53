"""Write torchvision's default boxes to data/default_boxes.npz, for the tests of detection.

torchvision is asked once, in an environment of its own (``pip install torch torchvision numpy``), and its answers are
kept:

    python tests/detection/make_default_box_values.py

Only its Python code is asked: no compiled operation takes part. The file in the repository: torchvision 0.29.2.
"""

import json
import pathlib

import numpy as np
import torch
import torchvision
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.image_list import ImageList

FILE = pathlib.Path(__file__).parent / "data" / "default_boxes.npz"

LAYOUTS = {  # side of the image, map sizes, steps, sizes, ratios
    "SSD300": (
        300,
        (38, 19, 10, 5, 3, 1),
        (8, 16, 32, 64, 100, 300),
        (30, 60, 111, 162, 213, 264, 315),
        ((2,), (2, 3), (2, 3), (2, 3), (2,), (2,)),
    ),
    "oblong": (96, ((3, 4), (1, 2)), (32, 64), (20, 45, 90), ((2,), (1.5, 3))),
}
KEPT = 1500  # boxes that are stored of a layout: every so manyth


def main():
    arrays, index = {}, {"version": torchvision.__version__, "layouts": {}}
    for name, (side, map_sizes, steps, sizes, ratios) in LAYOUTS.items():
        generator = DefaultBoxGenerator(
            [list(each) for each in ratios], scales=[size / side for size in sizes], steps=list(steps), clip=False
        )
        maps = [torch.zeros(1, 1, *(size if isinstance(size, tuple) else (size, size))) for size in map_sizes]
        (boxes,) = generator(ImageList(torch.zeros(1, 3, side, side), [(side, side)]), maps)
        every = -(-len(boxes) // KEPT)
        arrays[name] = boxes.numpy()[::every]
        layout = {"map_sizes": map_sizes, "steps": steps, "sizes": sizes, "ratios": ratios}
        index["layouts"][name] = {"layout": layout, "count": len(boxes), "every": every}
    FILE.parent.mkdir(exist_ok=True)
    np.savez_compressed(FILE, index=np.array(json.dumps(index)), **arrays)
    print(f"{FILE}: {', '.join(arrays)}, {FILE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
